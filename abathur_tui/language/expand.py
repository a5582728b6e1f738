"""Checked commands to nodes: nested commands, the templates' own nesting, and the edges between all of them.

A command becomes a step of its own with what is nested in it around it:

- `inputs`: what is nested comes first; the step needs it, and takes its results at the places where it was written;
- `parts`: what is nested comes after the step, and needs it; a join, which is what others see of the command, has the step as its lead
  and all of them as members. What stands in the command's subject comes first all the same: it is what the step is about.

A nested template whose `depends_on` names the step comes after it in either case.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from itertools import pairwise
from typing import cast

from abathur_tui.domain.errors import CyclicDependencies, NotYet, OverLimit, SourceRefused
from abathur_tui.domain.plan import JoinStrategy, Kind, OnFailure
from abathur_tui.domain.templates import Nested, Nesting, TemplateKind
from abathur_tui.language.check import find_template
from abathur_tui.language.context import PlanContext
from abathur_tui.language.drafts import Draft, Placed, Result
from abathur_tui.language.estimate import ENOUGH_RUNS
from abathur_tui.language.mistakes import Mistakes
from abathur_tui.language.naming import join_name, label, node_name
from abathur_tui.language.nesting import after_own_step, has_followers, in_order
from abathur_tui.language.parameters import Binder
from abathur_tui.language.placeholders import TooLong, filled
from abathur_tui.language.resolved import Bound, Given, Lost, ResolvedCommand, Supplied

MOST_EDGES_PER_NODE = 50
"""Edges that a plan may have, for each node that it may have."""


class Full(Exception):
    """The plan has too many nodes or edges, which has been noted: nothing more is expanded."""


@dataclass(frozen=True, slots=True)
class Inherited:
    """What a command passes on to what is nested in it."""

    priority: int = 5
    model: str | None = None
    tags: tuple[str, ...] = ()
    lineage: tuple[str, ...] = ()
    """Templates that brought each other along, from the outside in; commands written in the text begin a new line."""
    foreign: bool = False
    """One of those templates is a file of the project: a clone must not choose what runs on this machine."""


@dataclass(slots=True)
class _Step:
    """A command while its node is made."""

    command: ResolvedCommand
    own: Draft | None
    """None where the template has no step of its own (a fork)."""
    face: Draft
    """What others see of it: its step, or the join of it and its parts."""
    inherited: Inherited
    followers: list[Draft] = field(default_factory=list)
    """What comes after the step, or stands side by side in a fork."""
    inputs: list[Draft] = field(default_factory=list)


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
        step = self._step(command, parent, depth, inherited)
        subject = command.template.subject
        values: dict[str, Placed] = {}
        for name, value in command.parameters.items():
            values[name] = self._placed(value, step, about=subject is not None and name == subject.name)
        self._name(step, values)
        nested = self._nested(step, values)
        if step.own is not None:
            step.own.parameters = values
            self._link([step.own], [*results_in(values), *step.inputs])
        self._order(step, nested)
        self._after(step)
        return step.face

    # The step and its join

    def _step(self, command: ResolvedCommand, parent: Draft | None, depth: int, inherited: Inherited) -> _Step:
        template, options = command.template, command.options
        passed_on = replace(
            inherited,
            priority=options.priority if options.priority is not None else inherited.priority,
            model=options.model or inherited.model,
            tags=tuple(dict.fromkeys((*inherited.tags, *options.tags))),
        )
        own: Draft | None = None
        if template.kind is not TemplateKind.FORK:
            own = self._draft("", Kind.LOOP if command.loop else Kind.AGENT, depth, passed_on, (template.name,))
            own.template, own.template_version, own.prompt = template.name, template.version, template.prompt
            own.agent = options.agent or template.agent
            own.timeout_seconds, own.expires_in_seconds = options.timeout_seconds, options.expires_in_seconds
            own.retries = options.retries if options.retries is not None else template.retries
            own.loop = command.loop
            own.complexity, own.estimated_seconds = template.complexity, template.estimated_seconds
            past = self._context.history.get((template.name, template.version))
            own.past = past if past is not None and past.completed >= ENOUGH_RUNS else None
        face = own
        if own is None or has_followers(command):
            face = self._draft("", Kind.JOIN, depth, passed_on, (template.name,))
            face.strategy = options.join or template.join or (JoinStrategy.LEAD if own else JoinStrategy.CONCATENATE)
            face.success_threshold = self._context.success_threshold if template.success_threshold is None else template.success_threshold
            if own is not None:
                _adopt(face, own)
                face.lead = own
                face.settles[own] = None
                face.required.append(own)
        assert face is not None
        if options.on_failure is not None:
            failing = face if options.on_failure is OnFailure.SKIP else own or face
            failing.on_failure = options.on_failure
        if parent is not None:
            _adopt(parent, face)
        return _Step(command, own, face, passed_on)

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

    def _name(self, step: _Step, values: dict[str, Placed]) -> None:
        name = node_name(step.command.template, values)
        if step.own is not None:
            step.own.name = name
        if step.face is not step.own:
            step.face.name = join_name(name)

    # Written inside it

    def _placed(self, value: Given, step: _Step, *, about: bool) -> Placed:
        """The value with the nodes of the commands in it. `about`: it is the command's subject, which comes first in any case."""
        match value:
            case Bound(name=name):
                face = self.faces.get(name)
                return None if face is None else Result(face)
            case ResolvedCommand():
                child = self._written(value, step)
                template = step.command.template
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

    def _written(self, command: ResolvedCommand, step: _Step) -> Draft:
        """The node of a command that was written inside another one: no template has brought it along."""
        return self.expand(command, step.face, step.face.depth + 1, replace(step.inherited, lineage=(), foreign=False))

    # Nested by the template

    def _nested(self, step: _Step, values: dict[str, Placed]) -> list[Draft]:
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
                (step.followers if nested.name in late else step.inputs).append(child)
                if nested.required and (nested.name in late or step.own is None):
                    step.face.required.append(child)
        for nested in order:
            if nested.name in by_name:
                self._come_after(by_name[nested.name], [by_name[other] for other in nested.depends_on if other in by_name])
        return [by_name[nested.name] for nested in order if nested.name in by_name]

    def _inner(self, step: _Step) -> Inherited:
        """What the templates inside the command's template are given. Raises Full where they nest each other in a circle."""
        template, lineage = step.command.template, step.inherited.lineage
        me = f"{template.name}@{template.version}"
        if me in lineage:
            circle = " → ".join(name.partition("@")[0] for name in (*lineage[lineage.index(me) :], me))
            self._mistakes.add(CyclicDependencies, step.command.place, f"templates nest each other in a circle: {circle}")
            raise Full
        foreign = step.inherited.foreign or template.origin == "project"
        return Inherited(step.inherited.priority, step.inherited.model, step.inherited.tags, (*lineage, me), foreign)

    def _nested_template(self, nested: Nested, step: _Step, values: dict[str, Placed], inherited: Inherited) -> Draft | None:
        place = step.command.place
        template = find_template(self._binder.registry, nested.template, nested.version, place, self._mistakes)
        if template is None:
            return None
        given: list[Supplied] = []
        waits: list[Draft] = []
        for name, value in nested.parameters.items():
            if name == "measure" and inherited.foreign:
                message = f"{step.command.template.name} is a template of the project, which may not name a command to run"
                self._mistakes.add(SourceRefused, place, message, "write the loop, with its measure, in the document")
                return None
            try:
                passed = filled(value, values, waits, self._context.max_bytes)
            except TooLong:
                self._mistakes.add(OverLimit, place, f"what {step.command.template.name} passes on to {nested.template} is too long")
                return None
            if passed is not None:
                given.append(Supplied(name, cast("Given", passed), place, place))
        command = self._binder.bind(template, (), given, place)
        if command is None:
            return None
        child = self.expand(command, step.face, step.face.depth + 1, inherited)
        self._come_after(child, waits)
        return child

    # Order

    def _order(self, step: _Step, nested: list[Draft]) -> None:
        """Followers wait for the step and are the join's members; `mode="sequential"` makes a chain of the children."""
        for follower in step.followers:
            step.face.settles[follower] = None
            if step.own is not None:
                self._come_after(follower, [step.own])
        if step.own is None:
            step.face.settles.update(dict.fromkeys(step.inputs))
        if step.command.options.join is not None and step.face is step.own and step.inputs:
            message = f"this version cannot honour `join` over what {step.command.template.name} takes in: its own prompt joins it"
            self._mistakes.add(NotYet, step.command.place, message, "leave `join` out")
        if step.command.options.sequential:
            by_template = set(nested)
            for group in (step.inputs, step.followers):
                members = set(group)
                chain = [child for child in group if child not in by_template] + [child for child in nested if child in members]
                for before, child in pairwise(chain):
                    self._come_after(child, [before])

    def _after(self, step: _Step) -> None:
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


def results_in(values: Mapping[str, Placed]) -> list[Draft]:
    """The nodes whose results stand in the values, in written order."""
    found: list[Draft] = []
    rest: list[Placed] = list(values.values())[::-1]
    while rest:
        match rest.pop():
            case Result(draft=draft):
                found.append(draft)
            case list() as items:
                rest.extend(reversed(items))
            case dict() as pairs:
                rest.extend(reversed(pairs.values()))
            case _:
                pass
    return found


def _adopt(parent: Draft, child: Draft) -> None:
    child.parent = parent
    parent.children.append(child)
