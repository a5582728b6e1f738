"""What every kind of join works with: its members, its rule, and whom it can ask."""

from collections.abc import Sequence
from dataclasses import dataclass, replace

from abathur_tui.domain.data import JsonObject, JsonValue
from abathur_tui.domain.execution import RuntimeName
from abathur_tui.domain.joins import Conflict, Contribution, JoinReport, Quality
from abathur_tui.domain.leases import Input, Work
from abathur_tui.domain.plan import ConflictRule, JoinSpec
from abathur_tui.engine.asking import Question
from abathur_tui.engine.joins.asking import Asker
from abathur_tui.engine.joins.members import Present, listed, title
from abathur_tui.engine.joins.person import Person
from abathur_tui.engine.joins.questions import CHOICES, read_choices
from abathur_tui.engine.joins.settling import Choice, Decision, OpenConflict, Option, by_rule
from abathur_tui.engine.joins.structured import identity
from abathur_tui.engine.workshop import Workshop
from abathur_tui.library.fitting import cut
from abathur_tui.storage import views

JUDGE = "judge"
ORCHESTRATOR = "orchestrator"
_LONGEST_OPTION = 2000
"""Characters of a value that a judge is shown."""
_LONGEST_TASK = 4000
"""Characters of the members' own prompt that a judge is shown."""
_LONGEST_TOLD = 200
"""Characters of a value that the writer of a result is told."""


@dataclass(frozen=True, slots=True)
class Joined:
    """What a join has made."""

    text: str
    report: JoinReport


@dataclass(frozen=True, slots=True)
class Meeting:
    """A join at work."""

    shop: Workshop
    work: Work
    spec: JoinSpec
    present: Present
    asker: Asker
    person: Person

    @property
    def members(self) -> tuple[Input, ...]:
        """Those whose results count, in the plan's order."""
        return self.present.members

    def without(self, present: Present) -> "Meeting":
        """The same with those who are still there."""
        return replace(self, present=present)

    def only(self, members: tuple[Input, ...]) -> "Meeting":
        """The same, in which only these of its members are heard."""
        return replace(self, present=replace(self.present, members=members))

    def report(
        self, account: str, contributions: Sequence[Contribution], conflicts: Sequence[Conflict] = (), quality: Quality | None = None
    ) -> JoinReport:
        """The join's report, in which those who are missing are named as well."""
        present = self.present
        return JoinReport(self.spec.strategy, account, present.missing, (*contributions, *present.lost), tuple(conflicts), quality)

    async def has_judge(self) -> bool:
        """Whether the runtime can be asked for a judgement."""
        if self.work.runtime.runtime is not RuntimeName.LOCAL:
            return True  # what a server or a program can do shows when it is asked; opening it may need a key
        runtime = await self.shop.runtimes.open(self.work.runtime)
        return (await runtime.limits()).judges

    async def task_of(self, members: Sequence[Input]) -> str:
        """What these members were asked to do, where that was the same for all; else what the join is called."""
        if all(member.instances > 1 for member in members):
            detail = await self.shop.database.read(views.detail, members[0].task)
            return cut(detail.prompt, _LONGEST_TASK)
        return self.work.task.name

    async def choose(self, conflicts: Sequence[OpenConflict], rule: ConflictRule) -> list[Decision]:
        """What is right in each conflict, by the rule; a judge, or a person, decides all of them at once."""
        if not conflicts:
            return []
        if rule is ConflictRule.ASK:
            return await self.person.decide(conflicts)
        if rule is not ConflictRule.JUDGE:
            return [conflict.decision(by_rule(rule, conflict.options, self.work.inputs)) for conflict in conflicts]
        shown: list[JsonValue] = [{"where": conflict.where, "options": [_option(one) for one in conflict.options]} for conflict in conflicts]
        about = tuple(member.task for member in self.members)
        question = Question(f"Contradictions in {self.work.task.name}", JUDGE, CHOICES, {"conflicts": shown}, about)
        options = [len(conflict.options) for conflict in conflicts]
        chosen = await self.asker.ask_for(question, lambda text: read_choices(text, options))
        return [conflict.decision(Choice(one.option, one.reason)) for conflict, one in zip(conflicts, chosen, strict=True)]


def told(conflicts: Sequence[Conflict]) -> str:
    """The conflicts, for an agent that writes a result of all; empty where there are none."""
    return "\n".join(_line(conflict) for conflict in conflicts)


def _option(option: Option) -> JsonObject:
    return {"by": ", ".join(map(title, option.members)), "text": cut(_text(option.value), _LONGEST_OPTION)}


def _line(conflict: Conflict) -> str:
    stands = "; ".join(f"{_short(stand.value)} ({listed(stand.tasks)})" for stand in conflict.stands)
    return f"- {conflict.where}: {stands}" + (f". Decided: {_short(conflict.settled)}" if conflict.rule else "")


def _short(value: JsonValue) -> str:
    line = " ".join(_text(value).split())
    return line if len(line) <= _LONGEST_TOLD else line[: _LONGEST_TOLD - 1] + "…"


def _text(value: JsonValue) -> str:
    return value if isinstance(value, str) else identity(value)
