"""Loops with their passes, for lists and charts."""

from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from sqlite3 import Connection
from typing import Any

from abathur_tui.domain.courses import best_pass, course_of
from abathur_tui.domain.errors import LoopTimedOut, NotFound, TargetNotReached
from abathur_tui.domain.journal import LoopSeries
from abathur_tui.domain.loops import Course, EndedBecause, LoopSpec, Pass
from abathur_tui.domain.status import ENDED, Status
from abathur_tui.storage.passes import looked_at, passes
from abathur_tui.storage.records import json_object, loop_from
from abathur_tui.storage.sql import named

_SQL = named("views")
_BY_ITS_PASSES = frozenset({EndedBecause.CONVERGED, EndedBecause.ITERATIONS, EndedBecause.NO_PROGRESS})
"""Ends before which the last pass was judged."""


@dataclass(slots=True)
class _Known:
    """What was made of a loop's passes at the last look."""

    rule: str
    round: int
    passes: tuple[Pass, ...]
    spec: LoopSpec
    best: int | None
    course: Course | None


@dataclass(slots=True)
class KnownLoops:
    """What a viewer has read of loops, so that it reads only what is new; for one reader at a time."""

    by_task: dict[int, _Known] = field(default_factory=dict)


def loops(c: Connection, limit: int = 50) -> list[LoopSeries]:
    """Loops with their passes: those that have not ended first, then the newest."""
    return [_series(row, _measured(row[4], row[-1], passes(c, row[1]))) for row in c.execute(_SQL["loops"], (limit,)).fetchall()]


def loops_seen(c: Connection, limit: int = 50, known: KnownLoops | None = None) -> list[LoopSeries]:
    """The same without what their passes wrote; of loops that are `known` from the look before only what is new is read."""
    seen = KnownLoops() if known is None else known
    found = [_series(row, _look(c, row, seen)) for row in c.execute(_SQL["loops"], (limit,)).fetchall()]
    shown = {series.task for series in found}
    for task in [task for task in seen.by_task if task not in shown]:
        del seen.by_task[task]
    return found


def loop(c: Connection, task: int, *, outputs: bool = True) -> LoopSeries:
    """The loop of a task. Raises NotFound."""
    found = c.execute(_SQL["loop_of_task"], (task,)).fetchone()
    if found is None:
        raise NotFound(f"t{task} is no loop.", hint="`abathur loop list` shows them.")
    series = _series(found, _measured(found[4], found[-1], passes(c, task) if outputs else looked_at(c, task)))
    (last,) = c.execute(_SQL["last_pass"], {"task": task, "ended": series.ended_because in _BY_ITS_PASSES}).fetchone()
    kept = len(series.passes)
    return replace(series, lost_pass=kept + 1) if (last or 0) > kept else series


def loop_task(c: Connection, loop: int) -> int:
    """The task of a loop id. Raises NotFound."""
    found = c.execute(_SQL["loop_task"], (loop,)).fetchone()
    if found is None:
        raise NotFound(f"There is no loop l{loop}.")
    return int(found[0])


def loop_of(c: Connection, task: int) -> int | None:
    """The loop id of a task; None where it is no loop."""
    found = c.execute(_SQL["loop_of"], (task,)).fetchone()
    return None if found is None else int(found[0])


def _look(c: Connection, row: tuple[Any, ...], seen: KnownLoops) -> _Known:
    """The loop's passes, of which only those after the last known one are read, as long as that one is as it was."""
    task, rule, round = row[1], row[4], row[-1]
    before = seen.by_task.get(task)
    if before is not None and before.rule == rule and before.round == round:
        last = before.passes[-1].number if before.passes else 1
        new = looked_at(c, task, last)
        if not before.passes or new[:1] == [before.passes[-1]]:
            added = new[1:] if before.passes else new
            if added:
                seen.by_task[task] = _measured(rule, round, [*before.passes, *added])
            return seen.by_task[task]
    seen.by_task[task] = _measured(rule, round, looked_at(c, task))
    return seen.by_task[task]


def _measured(rule: str, round: int, done: Sequence[Pass]) -> _Known:
    spec = loop_from(rule)
    assert spec is not None
    best = best_pass(spec.criterion, done)
    return _Known(rule, round, tuple(done), spec, None if best is None else best.number, course_of(spec.criterion, done))


def _series(row: tuple[Any, ...], known: _Known) -> LoopSeries:
    loop, task, execution, name, _, status_text, detail, code, message, started_at, finished_at, running_pass, _ = row
    status = Status(status_text)
    ended_because = _ended_because(status, code, json_object(detail).get("ended_because"))
    return LoopSeries(
        task=task,
        loop=loop,
        execution=execution,
        name=name,
        spec=known.spec,
        passes=known.passes,
        status=status,
        ended_because=ended_because,
        reason=message or _reason(ended_because, known),
        best=known.best,
        course=known.course,
        started_at=started_at,
        finished_at=finished_at,
        running_pass=running_pass,
    )


def _reason(ended_because: EndedBecause | None, known: _Known) -> str:
    """Why it ended, or goes on, where no error says it: the last pass's reason is none for a cancel."""
    if ended_because is EndedBecause.CANCELLED:
        return "It was cancelled" + (f"; the best is pass {known.best}." if known.best is not None else " in its first pass.")
    return known.passes[-1].reason if known.passes else ""


def _ended_because(status: Status, code: str | None, said: object) -> EndedBecause | None:
    """What its worker said when it ended the loop; else what its status and error say."""
    if status not in ENDED:
        return None
    if status is Status.CANCELLED:
        return EndedBecause.CANCELLED
    if isinstance(said, str):
        return EndedBecause(said)
    if status is Status.COMPLETED:
        return EndedBecause.CONVERGED
    by_code = {TargetNotReached.code: EndedBecause.ITERATIONS, LoopTimedOut.code: EndedBecause.TIMEOUT}
    return by_code.get(code or "", EndedBecause.FAILED)
