"""What the joins of an execution say of its result: how good it is, and who contributed what."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field

from abathur_tui.domain.joins import Conflict, JoinReport, Quality
from abathur_tui.domain.plan import ConflictRule, JoinStrategy, Kind
from abathur_tui.domain.status import Status
from abathur_tui.domain.tasks import FellBack, Task
from abathur_tui.project.answers import task_name

_PLAIN = frozenset({JoinStrategy.CONCATENATE, JoinStrategy.LEAD})
"""Joins of which there is nothing to tell beyond their members."""
_NAMED = 3
JUDGE = "judge"


def questions(tasks: Sequence[Task]) -> frozenset[int]:
    """The tasks by which joins and checks of results ask judges and writers: part of their work, no members."""
    asking = {task.id: task for task in tasks if task.kind is not Kind.LOOP}
    return frozenset(task.id for task in tasks if (asks := asking.get(task.parent or 0)) is not None and _asked_by(task, asks))


def _asked_by(task: Task, parent: Task) -> bool:
    if not made_while_running(task, parent):
        return False
    return parent.kind is Kind.JOIN or (task.template is None and task.agent == JUDGE)


def made_while_running(task: Task, parent: Task) -> bool:
    """Whether its parent made it, instead of the plan that both are of.

    What a plan makes is all of one moment. Which of two moments is later says nothing: the clock may have been set back in between.
    """
    if parent.started_at is None or task.id < parent.id:
        return False
    return task.created_at != parent.created_at or task.created_at == parent.started_at


@dataclass(frozen=True, slots=True)
class Left:
    """What an execution's tasks left beside their results, by task."""

    reports: Mapping[int, JoinReport] = field(default_factory=dict)
    qualities: Mapping[int, Quality] = field(default_factory=dict)
    fallbacks: Mapping[int, FellBack] = field(default_factory=dict)
    worked: Mapping[int, float] = field(default_factory=dict)
    """The seconds of those that were begun more than once."""


NOTHING = Left()


def quality(root: int, left: Left) -> Quality | None:
    """How good the result is: as a judge scored it, or the member that is it; of several one after the other the mean. None where nobody did."""
    if root in left.qualities:
        return left.qualities[root]
    report = left.reports.get(root)
    used = [one.task for one in report.contributions if one.used] if report is not None else []
    if report is None or report.strategy not in _PLAIN or not used:
        return None
    parts = [quality(task, left) for task in used]
    known = [part for part in parts if part is not None]
    if len(known) < len(parts):
        return None
    return Quality(
        _mean(known, lambda part: part.score), tuple(one for part in known for one in part.criteria), _mean(known, lambda part: part.confidence)
    )


def _mean(parts: Sequence[Quality], figure: Callable[[Quality], float | None]) -> float | None:
    """None where one of them has none."""
    given = [value for part in parts if (value := figure(part)) is not None]
    return sum(given) / len(given) if len(given) == len(parts) else None


def contributions(tasks: Sequence[Task], root: int, reports: Mapping[int, JoinReport]) -> dict[int, str]:
    """What each task added, in a few words: as the join says of which it is a member, else where its result went."""
    notes: dict[int, list[str]] = {task.id: [] for task in tasks}
    for report in reports.values():
        for one in report.contributions:
            notes.setdefault(one.task, []).append(one.note)
    taken: dict[int, list[str]] = {}
    for task in tasks:
        for other in task.depends_on:
            if task.kind is not Kind.JOIN:
                taken.setdefault(other, []).append(str(task_name(task.id)))
    for task in tasks:
        if task.id == root and task.kind is not Kind.JOIN and task.status is Status.COMPLETED:
            notes[task.id].insert(0, "the result")
        if not notes[task.id] and task.id in taken:
            others = taken[task.id]
            more = f" and {len(others) - _NAMED} more" if len(others) > _NAMED else ""
            notes[task.id].append(f"given to {', '.join(others[:_NAMED])}{more}")
    return {task: "; ".join(said) for task, said in notes.items() if said}


def sentences_of(reports: Mapping[int, JoinReport]) -> list[str]:
    """What a summary says of the joins."""
    said: list[str] = []
    for join, report in sorted(reports.items()):
        if report.strategy not in _PLAIN:
            said.append(f"{task_name(join)} ({report.strategy}): {report.account}.")
    conflicts = [conflict for _, report in sorted(reports.items()) for conflict in report.conflicts]
    if conflicts:
        named = ", ".join(f"{conflict.where} ({_how(conflict)})" for conflict in conflicts[:_NAMED])
        more = f" and {len(conflicts) - _NAMED} more" if len(conflicts) > _NAMED else ""
        said.append(f"{'One contradiction' if len(conflicts) == 1 else f'{len(conflicts)} contradictions'}: {named}{more}.")
    return said


def _how(conflict: Conflict) -> str:
    by = "a person" if conflict.rule == ConflictRule.ASK else conflict.rule
    return f"settled by {by}" if by else "not settled"
