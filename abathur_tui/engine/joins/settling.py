"""Who is right where members contradict each other."""

from collections.abc import Sequence
from dataclasses import dataclass

from abathur_tui.domain.data import JsonValue
from abathur_tui.domain.joins import Conflict, Stand
from abathur_tui.domain.leases import Input
from abathur_tui.domain.plan import ConflictRule
from abathur_tui.engine.joins.members import named

_LONGEST_KEPT = 4000
"""Characters of a text that are kept of each side of a conflict."""


@dataclass(frozen=True, slots=True)
class Option:
    """One of the values that contradict each other, and who states it."""

    value: JsonValue
    members: tuple[Input, ...]


@dataclass(frozen=True, slots=True)
class OpenConflict:
    """A contradiction that is to be settled."""

    kind: str
    where: str
    options: tuple[Option, ...]

    def decision(self, choice: "Choice") -> "Decision":
        """What stands in the result where that option was chosen."""
        return Decision(self.options[choice.option].value, choice.reason)

    def settled(self, decision: "Decision", rule: str) -> Conflict:
        """How it is kept."""
        return Conflict(self.kind, self.where, self._stands(), rule, _kept(decision.value), decision.reason)

    def unsettled(self) -> Conflict:
        """How it is kept where no value was chosen."""
        return Conflict(self.kind, self.where, self._stands())

    def _stands(self) -> tuple[Stand, ...]:
        return tuple(Stand(_kept(option.value), tuple(member.task for member in option.members)) for option in self.options)


@dataclass(frozen=True, slots=True)
class Choice:
    """An option that was chosen, by its place, and why."""

    option: int
    reason: str


@dataclass(frozen=True, slots=True)
class Decision:
    """The value that stands in the result, and why: mostly one that members state."""

    value: JsonValue
    reason: str


def _kept(value: JsonValue) -> JsonValue:
    """The value as it is kept beside the result, which has all of it."""
    return f"{value[:_LONGEST_KEPT]} […]" if isinstance(value, str) and len(value) > _LONGEST_KEPT else value


def by_rule(rule: ConflictRule, options: Sequence[Option], order: Sequence[Input]) -> Choice:
    """The option that is right by a rule that needs no judge. `order`: all members, in the plan's order."""
    place = {member.task: number for number, member in enumerate(order)}
    if rule is ConflictRule.NEWEST:
        option, member = max(_stated(options), key=lambda stated: (stated[1].era, stated[1].finished_at or 0.0, -place.get(stated[1].task, 0)))
        return Choice(option, f"{named(member.task)} was done last")
    if rule is ConflictRule.MAJORITY:
        return majority(options, place)
    return _first(options, range(len(options)), place)


def majority(options: Sequence[Option], place: dict[int, int]) -> Choice:
    """The option that most members state; of equals, the one with the member of the highest priority, then with the first one."""
    most = max(len(option.members) for option in options)
    whole = sum(len(option.members) for option in options)
    leading = [number for number, option in enumerate(options) if len(option.members) == most]
    if len(leading) == 1:
        return Choice(leading[0], f"{most} of {whole} say so")
    choice = _first(options, leading, place)
    return Choice(choice.option, f"{most} of {whole} for each of {len(leading)}, and {choice.reason}")


def _first(options: Sequence[Option], among: Sequence[int], place: dict[int, int]) -> Choice:
    stated = [(option, member) for option, member in _stated(options) if option in among]
    option, member = min(stated, key=lambda one: (-one[1].priority, place.get(one[1].task, 0)))
    higher = all(other.priority < member.priority for number, other in stated if number != option)
    return Choice(option, f"{named(member.task)} has the highest priority" if higher else f"{named(member.task)} comes first")


def _stated(options: Sequence[Option]) -> list[tuple[int, Input]]:
    return [(number, member) for number, option in enumerate(options) for member in option.members]
