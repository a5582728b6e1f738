"""What needs no queue: templates, the language, and the choice of a runtime."""

import os
from collections.abc import Mapping
from dataclasses import replace
from functools import cached_property
from pathlib import Path

from abathur_tui import language
from abathur_tui.domain.data import JsonObject
from abathur_tui.domain.errors import ArgumentInvalid, PriceUnknown
from abathur_tui.domain.execution import RuntimeChoice, RuntimeName, SubmitOptions
from abathur_tui.domain.permissions import Permissions
from abathur_tui.domain.plan import Plan
from abathur_tui.domain.templates import Template, TemplateUse
from abathur_tui.engine.keys import hand_over
from abathur_tui.library import FileRegistry
from abathur_tui.library.template_files import TemplateFiles
from abathur_tui.project.finding import Place
from abathur_tui.project.judging import refuse_unjudged
from abathur_tui.project.permissions import permissions_of
from abathur_tui.project.wish import Wish
from abathur_tui.runtimes import choose, has_price, keys_in
from abathur_tui.runtimes.models import full_name
from abathur_tui.settings import Loaded
from abathur_tui.tools import for_project


class Workbench:
    """A folder's templates under its settings; the folder need not be a project."""

    def __init__(self, place: Place | None, loaded: Loaded, *, environ: Mapping[str, str] = os.environ) -> None:
        """`loaded`: the settings that hold there."""
        self.folder = place.folder if place else None
        self.loaded = loaded
        self.settings = loaded.settings
        self._environ = environ

    def use(self, loaded: Loaded) -> None:
        """Go by these settings from now on."""
        self.loaded = loaded
        self.settings = loaded.settings
        self.registry.use(self.settings)
        known = self._context
        self._context = replace(language.PlanContext.of(self.settings, self.folder, self._environ), history=known.history, busy=known.busy)

    @cached_property
    def registry(self) -> FileRegistry:
        """Templates and agent definitions."""
        return FileRegistry(self.folder, self.settings, environ=self._environ)

    @cached_property
    def template_files(self) -> TemplateFiles:
        """Takes templates in, checks and removes them."""
        return TemplateFiles(self.registry, self.folder, environ=self._environ)

    def templates(self) -> tuple[Template, ...]:
        """All templates, every version."""
        return self.registry.templates()

    def remember(self, history: Mapping[tuple[str, str], TemplateUse], busy: int) -> None:
        """Make estimates of how templates have done, by name and version; so many agents work now."""
        self._context = replace(self._context, history=history, busy=busy)

    def plan(self, text: str, wish: Wish | None = None) -> Plan:
        """What ABYSSAL commands, or a prompt, expand to. Raises DocumentInvalid with every mistake."""
        common = (wish or Wish()).common
        if not language.is_document(text):
            return language.plan_prompt(text, self.registry, self._context, common=common)
        self._none_given(common)
        return self._with_texts(language.plan(text, self.registry, self._context))

    def permissions(self, plan: Plan) -> Permissions:
        """What a plan will use of the machine."""
        return permissions_of(plan, self.registry, for_project(self.folder or Path.cwd()))

    def plan_batch(self, text: str) -> list[Plan]:
        """The plans of a document, one for each group of statements that no name connects; of a prompt, its own. Raises as `plan` does."""
        if not language.is_document(text):
            return [self.plan(text)]
        return [self._with_texts(piece.plan) for piece in language.plan_pieces(text, self.registry, self._context)]

    def plan_prose(self, text: str) -> list[language.PlannedPiece]:
        """The plans of the commands in prose, in the same way, with the places of the commands. Raises as `plan` does."""
        pieces = language.plan_prose(text, self.registry, self._context)
        return [replace(piece, plan=self._with_texts(piece.plan)) for piece in pieces]

    def plan_template(self, name: str, parameters: JsonObject, wish: Wish | None = None, *, subject: str | None = None) -> Plan:
        """What a template (`NAME` or `NAME@version`) expands to with these parameters; `subject` fills its first one.

        Raises DocumentInvalid with every mistake.
        """
        common = (wish or Wish()).common
        return self._with_texts(language.plan_template(name, parameters, self.registry, self._context, subject=subject, common=common))

    @cached_property
    def _context(self) -> language.PlanContext:
        return language.PlanContext.of(self.settings, self.folder, self._environ)

    def keys(self) -> dict[str, str]:
        """The API keys of this environment, by fingerprint."""
        return keys_in(self._environ)

    def hand_over_keys(self, data: Path) -> bool:
        """Give them to the engine of the `.abathur` folder `data`; False where there is no key, or no engine that takes one."""
        keys = self.keys()
        return bool(keys) and hand_over(data, keys)

    def runtime(self, wish: Wish) -> RuntimeChoice:
        """What would answer. Raises NoRuntime with the ways out."""
        choice = choose(self.settings, self._environ, self.folder or Path.cwd(), requested=wish.runtime, model=wish.model)
        if choice.runtime is not RuntimeName.ANTHROPIC or choice.model is not None:
            return choice
        definitions = (self.registry.agent(name) for name in self.registry.agent_names())
        named = [(one.name, full_name(one.model, "")) for one in definitions if one is not None]
        return replace(choice, agent_models=tuple((name, model) for name, model in named if model))

    def options(self, plan: Plan, wish: Wish, *, actor: str) -> SubmitOptions:
        """What the queue is told with a plan. Raises NoRuntime, PriceUnknown where a budget cannot be held, NoJudge where nobody can judge."""
        queue = self.settings.queue
        runtime = self.runtime(wish)
        _refuse_unpriced(plan, runtime)
        refuse_unjudged(plan, runtime)
        return SubmitOptions(
            runtime=runtime,
            actor=actor,
            max_size=queue.max_size,
            task_timeout_seconds=queue.task_timeout_seconds,
            max_retries=queue.max_retries,
            after=wish.after,
            ignore_dependency_failure=wish.ignore_dependency_failure,
            not_before=wish.not_before,
            on_the_clock=wish.on_the_clock,
            templates=dict(plan.templates),
        )

    def _with_texts(self, plan: Plan) -> Plan:
        """The plan with the templates' texts as they are now, which may be changed before it is submitted, and the agents made for it."""
        texts: dict[str, str] = {}
        fallbacks = {(node.fallback.template, node.fallback.version) for node in plan.nodes if node.fallback is not None}
        for name, version in {(node.template, node.template_version) for node in plan.possible()} | fallbacks:
            template = self.registry.template(name, version) if name else None
            if template is not None:
                texts[f"{template.name}@{template.version}"] = template.text
        return replace(plan, templates=texts | language.made_agents(plan, self.registry))

    def _none_given(self, common: JsonObject) -> None:
        if common:
            given = ", ".join(f"--{name.replace('_', '-')}" for name in common)
            raise ArgumentInvalid(
                f"{given} cannot be given with ABYSSAL commands.", hint='Write it into the command: ABYSSAL[CODE]("x", priority=8).'
            )


def _refuse_unpriced(plan: Plan, runtime: RuntimeChoice) -> None:
    """Raises PriceUnknown where a loop has a budget and what does it has no known price."""
    for node in plan.possible():
        if node.loop is not None and node.loop.budget_usd is not None:
            choice = runtime if node.model is None else replace(runtime, model=node.model)
            if not has_price(choice):
                who = "the command runtime's turns" if runtime.runtime is RuntimeName.COMMAND else f"turns of {choice.model}"
                raise PriceUnknown(f"{node.name} has a budget of ${node.loop.budget_usd:.4g}, and nobody knows what {who} cost.")
