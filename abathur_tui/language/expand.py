"""Checked commands to nodes: nested commands, the templates' own nesting, and the edges between all of them.

A command becomes a step of its own with what is nested in it around it:

- `inputs`: what is nested comes first; the step needs it, and takes its results at the places where it was written;
- `parts`: what is nested comes after the step, and needs it; a join, which is what others see of the command, has the step as its lead
  and all of them as members. What stands in the command's subject comes first all the same: it is what the step is about.

A nested template whose `depends_on` names the step comes after it in either case.

A loop makes all of this anew in each pass: its node is the loop alone, and inside it stands what a pass is made of.

`parallel` makes several instances of the step, and a join of them in its place; what is nested is there once for all of them. A fork has no
step of its own: all of it is there several times. `join` is the rule of the instances, else of the parts or the fork, else of what the
command takes in, which a join makes one result of before the step is given it.
"""

from collections.abc import Sequence
from dataclasses import replace
from itertools import pairwise
from typing import cast

from abathur_tui.domain.errors import CyclicDependencies, OverLimit, SourceRefused
from abathur_tui.domain.plan import JoinStrategy, JoinWish, Kind, OnFailure
from abathur_tui.domain.templates import Nested, Nesting, Template, TemplateKind
from abathur_tui.language.check import find_template
from abathur_tui.language.context import PlanContext
from abathur_tui.language.drafts import Draft, Placed, Result, results_in
from abathur_tui.language.estimate import ENOUGH_RUNS
from abathur_tui.language.fallbacks import fallback_of
from abathur_tui.language.instances import join_instances
from abathur_tui.language.joining import names_a_command
from abathur_tui.language.loop_bodies import alone, brings_along, one_pass
from abathur_tui.language.loops import COMMAND_NAMES
from abathur_tui.language.mistakes import Mistakes
from abathur_tui.language.naming import inputs_name, instances_name, join_name, label, node_name
from abathur_tui.language.nesting import after_own_step, has_followers, in_order
from abathur_tui.language.parallelism import AUTO, fitting, waits
from abathur_tui.language.parameters import Binder
from abathur_tui.language.placeholders import TooLong, filled, handed_on
from abathur_tui.language.resolved import Bound, Given, Lost, ResolvedCommand, Supplied
from abathur_tui.language.steps import Full, Inherited, Step
from abathur_tui.language.success import CRITERIA, names_commands, wanted_of

MOST_EDGES_PER_NODE = 50
"""Edges that a plan may have, for each node that it may have."""


class Expander:
    """Expands the commands of one document."""

    def __init__(self, context: PlanContext, binder: Binder, mistakes: Mistakes) -> None:
        """Nothing is expanded yet."""
        self._context = context
        self._binder = binder
        self._mistakes = mistakes
        self._count = self._edges = 0
        self.faces: dict[str, Draft] = {}
        """What the names of the document stand for, as far as it has been expanded."""

    def expand(self, command: ResolvedCommand, parent: Draft | None, depth: int, inherited: Inherited) -> Draft:
        """The node that stands for the command, with all inside it. Raises Full."""
        if depth > self._context.max_depth:
            message = f"nested deeper than {self._context.max_depth} levels (templates' own nesting counts)"
            self._mistakes.add(OverLimit, command.place, message, "nest less, or raise language.max_depth")
            raise Full
        command = self._fitted(command)
        if command.template.kind is TemplateKind.FORK and command.options.parallel > 1:
            return self._replicas(command, parent, depth, inherited)
        if command.loop is not None and brings_along(command):
            return self._loop(command, parent, depth, inherited)
        step = self._step(command, parent, depth, inherited)
        subject = command.template.subject
        values: dict[str, Placed] = {}
        for name, value in command.parameters.items():
            values[name] = self._placed(value, step, about=subject is not None and name == subject.name)
        self._name(step, values)
        nested = self._nested(step, values)
        for own in step.own:
            own.parameters = values
        self._fall_back(step, values)
        self._link(step.own, [*results_in(values), *step.inputs, *self._gather(step)])
        self._order(step, nested)
        self._after(step)
        return step.face

    def _fitted(self, command: ResolvedCommand) -> ResolvedCommand:
        """The command with a number of instances, where the plan is to find it."""
        if command.options.parallel != AUTO:
            return command
        number, because = fitting(self._context, command.template.complexity, depends=waits(command))
        return replace(command, options=replace(command.options, parallel=number, parallel_because=because))

    # The step and its join

    def _step(self, command: ResolvedCommand, parent: Draft | None, depth: int, inherited: Inherited) -> Step:
        template, options = command.template, command.options
        passed_on = replace(
            inherited,
            priority=options.priority if options.priority is not None else inherited.priority,
            model=options.model or inherited.model,
            tags=tuple(dict.fromkeys((*inherited.tags, *options.tags))),
        )
        own: list[Draft] = []
        if template.kind is not TemplateKind.FORK:
            own = [self._own_step(command, depth, passed_on, instance) for instance in range(1, options.parallel + 1)]
        whole = not own or has_followers(command)
        result = own[0] if own else None
        if len(own) > 1:
            result = self._join(options.join or (None if whole else template.join), JoinStrategy.BEST, command, depth, passed_on)
            join_instances(result, own)
        face = result
        spent = options.parallel > 1
        wish = (None if spent else options.join) or template.join
        if whole:
            face = self._join(wish, JoinStrategy.LEAD if own else JoinStrategy.CONCATENATE, command, depth, passed_on)
            if result is not None:
                face.adopt(result)
                face.lead = result
                face.settles[result] = None
                face.required.append(result)
        assert face is not None
        if options.on_failure not in (None, OnFailure.FALLBACK):
            for failing in [face] if options.on_failure is OnFailure.SKIP else own or [face]:
                failing.on_failure = options.on_failure
        (result or face).parallel_because = options.parallel_because
        success = wanted_of(options, template)
        for checked in own or [face]:
            checked.success = success
        if parent is not None:
            parent.adopt(face)
        gathers = wish is not None and not whole and not spent
        gathering = self._join(wish, JoinStrategy.CONCATENATE, command, depth, passed_on) if gathers else None
        return Step(command, own, result, face, passed_on, gathering)

    def _own_step(self, command: ResolvedCommand, depth: int, inherited: Inherited, instance: int) -> Draft:
        template, options = command.template, command.options
        own = self._draft("", Kind.LOOP if command.loop else Kind.AGENT, depth, inherited, (template.name,))
        own.template, own.template_version, own.prompt = template.name, template.version, template.prompt
        own.agent = options.agent or template.agent
        own.timeout_seconds, own.expires_in_seconds = options.timeout_seconds, options.expires_in_seconds
        own.memory_bytes, own.cores = options.memory_bytes or template.memory_bytes, options.cores or template.cores
        own.retries = options.retries if options.retries is not None else template.retries
        own.loop = None if command.loop is None else command.loop.shared_by(options.parallel)
        own.instance, own.instances = instance, options.parallel
        own.complexity, own.estimated_seconds = template.complexity, template.estimated_seconds
        past = self._context.history.get((template.name, template.version))
        own.past = past if past is not None and past.completed >= ENOUGH_RUNS else None
        return own

    def _join(self, wish: JoinWish | None, usual: JoinStrategy, command: ResolvedCommand, depth: int, inherited: Inherited) -> Draft:
        """A join by this wish, with no members yet; `usual` is its strategy where the wish names none."""
        template, rule = command.template, wish or JoinWish()
        join = self._draft("", Kind.JOIN, depth, inherited, (template.name,))
        join.strategy, join.rule = rule.strategy or usual, rule
        of_template = self._context.success_threshold if template.success_threshold is None else template.success_threshold
        join.success_threshold = of_template if rule.success_threshold is None else rule.success_threshold
        join.timeout_seconds, join.retries = command.options.timeout_seconds, command.options.retries  # for whom it asks as well
        return join

    def _replicas(self, command: ResolvedCommand, parent: Draft | None, depth: int, inherited: Inherited) -> Draft:
        """Several instances of a fork, with all that is in it, and their join."""
        options = command.options
        join = self._join(options.join, JoinStrategy.BEST, command, depth, inherited)
        if parent is not None:
            parent.adopt(join)
        join.parallel_because = options.parallel_because
        single = replace(command, options=replace(options, parallel=1, join=None, parallel_because=""))
        for instance in range(1, options.parallel + 1):
            child = self.expand(single, join, depth + 1, inherited)
            join.settles[child] = None
            for draft in child.walk():
                if draft.instances == 1:
                    draft.instance, draft.instances = instance, options.parallel
            join.name = instances_name(join.strategy or JoinStrategy.BEST, label(child))
        return join

    def _loop(self, command: ResolvedCommand, parent: Draft | None, depth: int, inherited: Inherited) -> Draft:
        """A loop in whose passes there is more than its own step."""
        face = self.expand(alone(command), parent, depth, inherited)
        for loop in face.own_steps():
            loop.body = self.expand(one_pass(command, loop), loop, depth, inherited)  # as deep as without a loop
            for step in {loop.body, *loop.body.own_steps()}:
                step.success = None  # it is the loop's
                step.on_failure = OnFailure.RETRY if step.on_failure is OnFailure.SKIP else step.on_failure
            for draft in loop.body.walk():
                if draft.instances == 1:
                    draft.instance, draft.instances = loop.instance, loop.instances
        return face

    def _draft(self, name: str, kind: Kind, depth: int, inherited: Inherited, tags: Sequence[str]) -> Draft:
        self._count += 1
        if self._count > self._context.max_nodes:
            message = f"the document expands to more than {self._context.max_nodes:,} tasks"
            self._mistakes.add(OverLimit, (0, 1), message, "split it, or raise language.max_nodes")
            raise Full
        draft = Draft(name, kind, depth)
        draft.priority, draft.model = inherited.priority, inherited.model
        draft.tags = tuple(dict.fromkeys(("abyssal", *tags, *inherited.tags)))
        return draft

    def _name(self, step: Step, values: dict[str, Placed]) -> None:
        name = node_name(step.command.template, values)
        for own in step.own:
            own.name = name
        if step.result is not None and step.result.strategy is not None:
            step.result.name = instances_name(step.result.strategy, name)
        if step.face is not step.result:
            step.face.name = join_name(name)
        if step.gathering is not None and step.gathering.strategy is not None:
            step.gathering.name = inputs_name(step.gathering.strategy, name)

    # Written inside it

    def _placed(self, value: Given, step: Step, *, about: bool) -> Placed:
        """The value with the nodes of the commands in it. `about`: it is the command's subject, which comes first in any case."""
        match value:
            case Bound(name=name):
                face = self.faces.get(name)
                if face is not None and step.gathering is not None and not about:
                    step.gathered.append(face)
                    return label(face)
                return None if face is None else Result(face)
            case ResolvedCommand():
                template = step.command.template
                if step.gathering is not None and not about:
                    step.gathered.append(self._written(value, step, step.gathering))
                    return label(step.gathered[-1])
                child = self._written(value, step)
                if template.nesting is Nesting.PARTS and template.kind is not TemplateKind.FORK and not about:
                    step.followers.append(child)
                    return label(child)
                step.inputs.append(child)
                return Result(child)
            case list() as items:
                return [self._placed(item, step, about=about) for item in items]
            case dict() as pairs:
                return {key: self._placed(item, step, about=about) for key, item in pairs.items()}
            case Lost():
                return None
            case _:
                return value

    def _written(self, command: ResolvedCommand, step: Step, parent: Draft | None = None) -> Draft:
        """The node of a command that was written inside another one: no template has brought it along."""
        return self.expand(command, parent or step.face, step.face.depth + 1, replace(step.inherited, lineage=(), foreign=False))

    # Nested by the template

    def _nested(self, step: Step, values: dict[str, Placed]) -> list[Draft]:
        """Expands the templates inside the template; those that come after its step are followers."""
        template = step.command.template
        if not template.nested:
            return []
        order = in_order(template.nested)
        if order is None:
            message = f"the templates inside {template.name} depend on each other in a circle"
            self._mistakes.add(CyclicDependencies, step.command.place, message)
            return []
        inherited = self._inner(step)
        late = after_own_step(template)
        by_name: dict[str, Draft] = {}
        for nested in template.nested:
            child = self._nested_template(nested, step, values, inherited)
            if child is not None:
                by_name[nested.name] = child
                before = step.inputs if step.gathering is None else step.gathered
                (step.followers if nested.name in late else before).append(child)
                join = step.gathering or (step.face if nested.name in late or not step.own else None)
                if nested.required and join is not None:
                    join.required.append(child)
        for nested in order:
            if nested.name in by_name:
                self._come_after(by_name[nested.name], [by_name[other] for other in nested.depends_on if other in by_name])
        return [by_name[nested.name] for nested in order if nested.name in by_name]

    def _inner(self, step: Step) -> Inherited:
        """What the templates inside the command's template are given. Raises Full where they nest each other in a circle."""
        template, lineage = step.command.template, step.inherited.lineage
        me = f"{template.name}@{template.version}"
        if me in lineage:
            circle = " → ".join(name.partition("@")[0] for name in (*lineage[lineage.index(me) :], me))
            self._mistakes.add(CyclicDependencies, step.command.place, f"templates nest each other in a circle: {circle}")
            raise Full
        foreign = step.inherited.foreign or template.origin == "project"
        return replace(step.inherited, lineage=(*lineage, me), foreign=foreign)

    def _nested_template(self, nested: Nested, step: Step, values: dict[str, Placed], inherited: Inherited) -> Draft | None:
        place = step.command.place
        template = find_template(self._binder.registry, nested.template, nested.version, place, self._mistakes)
        if template is None:
            return None
        given: list[Supplied] = []
        waits: list[Draft] = []
        for name, value in nested.parameters.items():
            if name in COMMAND_NAMES and inherited.foreign and not handed_on(name, value):
                message = f"{step.command.template.name} is a template of the project, which may not name a command to run"
                self._mistakes.add(SourceRefused, place, message, "write the loop, with its measure, in the document")
                return None
            try:
                passed = filled(value, values, waits, self._context.max_bytes)
            except TooLong:
                self._mistakes.add(OverLimit, place, f"what {step.command.template.name} passes on to {nested.template} is too long")
                return None
            if name == CRITERIA and inherited.foreign and names_commands(passed):
                message = f"{step.command.template.name} is a template of the project, which may not name a command to run"
                self._mistakes.add(SourceRefused, place, message, f'write it in the document: {CRITERIA}=["$ …"]')
                return None
            if name == "join" and names_a_command(passed):
                message = f"{step.command.template.name} is a template, which may not name a command that joins results"
                self._mistakes.add(SourceRefused, place, message, "write the join, with its command, in the document")
                return None
            if passed is not None:
                given.append(Supplied(name, cast("Given", passed), place, place))
        given += [Supplied(name, cast("Given", values[name]), place, place) for name in _let_through(step.command, template, nested)]
        if nested.alone:
            template = replace(template, nested=())
        command = self._binder.bind(template, (), given, place, looped=nested.loop)
        if command is None:
            return None
        child = self.expand(command, step.gathering or step.face, step.face.depth + 1, inherited)
        self._come_after(child, waits)
        return child

    def _fall_back(self, step: Step, values: dict[str, Placed]) -> None:
        """What is done instead of the step when it has failed for good."""
        found = None if step.inherited.instead else fallback_of(step.command, values, self._binder, self._mistakes)
        if found is None:
            return
        inherited = replace(step.inherited, instead=True)
        several = None if found.several is None else self.expand(found.several, None, step.face.depth, inherited)
        for failing in step.own or [step.face]:
            failing.fallback, failing.instead = found.fallback, several

    # Order

    def _gather(self, step: Step) -> list[Draft]:
        """The join of what the step takes in, where there is one, with its members."""
        if step.gathering is None or not step.gathered:
            return []
        step.gathering.settles.update(dict.fromkeys(step.gathered))
        step.face.adopt(step.gathering)
        return [step.gathering]

    def _order(self, step: Step, nested: list[Draft]) -> None:
        """Followers wait for the step and are the join's members; `mode="sequential"` makes a chain of the children."""
        for follower in step.followers:
            step.face.settles[follower] = None
            if step.result is not None:
                self._come_after(follower, [step.result])
        if not step.own:
            step.face.settles.update(dict.fromkeys(step.inputs))
        if step.command.options.sequential:
            by_template = set(nested)
            for group in (step.inputs, step.gathered, step.followers):
                members = set(group)
                chain = [child for child in group if child not in by_template] + [child for child in nested if child in members]
                for before, child in pairwise(chain):
                    self._come_after(child, [before])

    def _after(self, step: Step) -> None:
        """What the command's `after` names comes before all of it."""
        others: list[Draft] = []
        written_here: set[Draft] = set()
        for one in step.command.options.after:
            if isinstance(one, Bound):
                others += [self.faces[one.name]] if one.name in self.faces else []
            else:
                others.append(self._written(one, step))
                written_here.update(others[-1].walk())
        self._link([draft for draft in step.face.first_steps() if draft not in written_here], others)

    def _come_after(self, draft: Draft, others: Sequence[Draft]) -> None:
        """All of it waits for the others."""
        if others:
            self._link(draft.first_steps(), others)

    def _link(self, drafts: Sequence[Draft], others: Sequence[Draft]) -> None:
        """Each of the drafts needs each of the others."""
        self._edges += len(drafts) * len(others)
        if self._edges > self._context.max_nodes * MOST_EDGES_PER_NODE:
            self._mistakes.add(OverLimit, (0, 1), "the document has too many dependencies", "split it, or raise language.max_nodes")
            raise Full
        for draft in drafts:
            draft.needs.update(dict.fromkeys(others))


def _let_through(fork: ResolvedCommand, nested: Template, how: Nested) -> list[str]:
    """The undeclared names that a fork was given: it has no prompt that they could reach, so they reach those of its members that take them."""
    if fork.template.kind is not TemplateKind.FORK or not nested.extra:
        return []
    declared = {parameter.name for parameter in (*fork.template.parameters, *nested.parameters)}
    return [name for name in fork.parameters if name not in declared and name not in how.parameters]
