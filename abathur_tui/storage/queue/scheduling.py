"""Recurring tasks: each time that is due submits one execution, in the transaction that moves the schedule to its next time.

So no two engines make one twice. Times that passed while no engine lived make one together, and a time that comes while the execution
before has not begun makes none: a queue that stands still is not filled.
"""

import sqlite3
from collections.abc import Sequence
from sqlite3 import Connection
from typing import Any

from abathur_tui.domain.data import canonical
from abathur_tui.domain.errors import AbathurError, ArgumentInvalid, ChangeRefused, NotFound, RowUnreadable
from abathur_tui.domain.execution import SubmitOptions
from abathur_tui.domain.plan import Plan
from abathur_tui.domain.recurrence import Recurrence
from abathur_tui.domain.schedules import Schedule, Scheduled, ScheduleState
from abathur_tui.storage.encoding import decoded, encoded
from abathur_tui.storage.queue.submitting import refuse_circles, submit
from abathur_tui.storage.records import RECOVERY, clean
from abathur_tui.storage.sql import named

_SQL = named("schedules")

CORRECTION_SECONDS = 10_800.0
"""A clock that is set back by more than this was wrong; less is taken for a change of time, after which no time comes twice."""


def add_schedule(c: Connection, name: str, recurrence: Recurrence, plan: Plan, options: SubmitOptions, now: float) -> Scheduled:
    """Submit the plan at each time. Raises ArgumentInvalid where none ever comes, CyclicDependencies."""
    refuse_circles(plan)
    next_at = recurrence.after(now)
    if next_at is None:
        raise ArgumentInvalid(f"{recurrence.cron!r} never comes.", hint="Its days and months exclude each other.")
    values = {"name": clean(name), "cron": recurrence.cron, "timezone": recurrence.timezone, "next_at": next_at, "actor": options.actor, "now": now}
    id = c.execute(_SQL["add"], values | {"plan": encoded(plan), "options": encoded(options)}).lastrowid
    assert id is not None
    _audit(c, "made", id, options.actor, now, cron=recurrence.cron, timezone=recurrence.timezone)
    return Scheduled(id, next_at)


def submit_due(c: Connection, now: float) -> float | None:
    """Submit what is due; gives the next time of all, None where there is none."""
    for row in c.execute(_SQL["due"], {"now": now}).fetchall():
        _submit_one(c, row, now)
    return next_schedule(c)


def next_schedule(c: Connection) -> float | None:
    """When a schedule is due next; None where there is none."""
    (following,) = c.execute(_SQL["next"]).fetchone()
    return None if following is None else float(following)


def reckon_again(c: Connection, now: float) -> None:
    """The next time, from now, of those that were last due so far in the future that the clock must have been corrected since."""
    for id, cron, timezone in c.execute(_SQL["ahead"], {"then": now + CORRECTION_SECONDS}).fetchall():
        next_at, _ = _next(cron, timezone, now)
        c.execute(_SQL["move"], {"id": id, "next_at": next_at, "now": now})


def pause_schedules(c: Connection, ids: Sequence[int], actor: str, now: float) -> None:
    """Make nothing of these until they are resumed. Raises NotFound, ChangeRefused; then none is changed."""
    for id in ids:
        if _one(c, id)[1] is not None:
            raise ChangeRefused(f"s{id} is paused already.", hint=f"`abathur task schedule resume s{id}` lets it go on.")
        c.execute(_SQL["pause"], {"id": id, "now": now})
        _audit(c, "paused", id, actor, now)


def resume_schedules(c: Connection, ids: Sequence[int], actor: str, now: float) -> None:
    """Go on with the next time from now; those that passed meanwhile are left out. Raises NotFound, ChangeRefused; then none is changed."""
    for id in ids:
        recurrence, paused_at = _one(c, id)
        if paused_at is None:
            raise ChangeRefused(f"s{id} is not paused.", hint="`abathur task schedule list` says when it starts next.")
        next_at, error = _next(recurrence.cron.encode(), recurrence.timezone.encode(), now)
        if error:
            raise ChangeRefused(f"s{id} cannot go on: {error}.")
        c.execute(_SQL["resume"], {"id": id, "next_at": next_at})
        _audit(c, "resumed", id, actor, now)


def remove_schedules(c: Connection, ids: Sequence[int], actor: str, now: float) -> None:
    """Make nothing of these any more; what they have made stays. Raises NotFound; then none is changed."""
    for id in ids:
        _one(c, id)
        c.execute(_SQL["remove"], {"id": id, "now": now})
        _audit(c, "removed", id, actor, now)


def schedules(c: Connection) -> list[Schedule]:
    """All that were not removed, the oldest first."""
    return [_schedule(*row) for row in c.execute(_SQL["list"])]


def schedule_of(c: Connection, execution: int) -> int | None:
    """The schedule that made an execution; None where somebody submitted it."""
    found = c.execute(_SQL["of_execution"], (execution,)).fetchone()
    return None if found is None else found[0]


def _submit_one(c: Connection, row: Sequence[Any], now: float) -> None:
    """Whatever the row holds keeps neither the others from their times nor itself from being tried again."""
    id, cron, timezone, plan, options, last_execution = row
    next_at, error = _next(cron, timezone, now)
    values: dict[str, object] = {"id": id, "next_at": next_at, "error": error, "now": now}
    if last_execution is not None and not c.execute(_SQL["begun"], {"execution": last_execution}).fetchone()[0]:
        c.execute(_SQL["skip"], values)
        _audit(c, "skipped", id, "queue", now, reason=f"x{last_execution} has not begun")
        return
    c.execute("SAVEPOINT one_time")
    try:
        execution = submit(c, *_read(id, plan, options), now).execution
        c.execute(_SQL["execution"], {"id": id, "execution": execution})
        c.execute(_SQL["made"], values | {"execution": execution})
    except (AbathurError, sqlite3.IntegrityError) as refusal:
        c.execute("ROLLBACK TO one_time")
        known = refusal if isinstance(refusal, AbathurError) else RowUnreadable(f"s{id} cannot submit anything: {refusal}.")
        c.execute(_SQL["fail"], values | {"error": clean(known.message)})
        _audit(c, "refused", id, "queue", now, error=known.code, reason=clean(known.message))
    else:
        _audit(c, "due", id, "queue", now, execution=execution)
    finally:
        if c.in_transaction:  # SQLite has not rolled all of it back, as it does on a full disk
            c.execute("RELEASE one_time")


def _read(id: int, plan: bytes, options: bytes) -> tuple[Plan, SubmitOptions]:
    """What a schedule submits. Raises RowUnreadable."""
    try:
        read, wanted = decoded(Plan, plan.decode()), decoded(SubmitOptions, options.decode())
    except ValueError as error:
        raise RowUnreadable(f"What s{id} submits cannot be read: {error}.") from error
    if wanted.actor == RECOVERY:  # the law against it would take back the others' executions too
        raise RowUnreadable(f"What s{id} submits is said to be a recovery's: only a recovery writes as one.")
    return read, wanted


def _next(cron: bytes, timezone: bytes, now: float) -> tuple[float | None, str]:
    """The next time, or why there is none."""
    try:
        return Recurrence(cron.decode(), timezone.decode()).after(now), ""
    except ValueError as error:  # the zone is not known here (any more)
        return None, str(error)


def _one(c: Connection, id: int) -> tuple[Recurrence, float | None]:
    found = c.execute(_SQL["one"], (id,)).fetchone()
    if found is None:
        raise NotFound(f"There is no schedule s{id}.", hint="`abathur task schedule list` shows them.")
    cron, timezone, paused_at = found
    return Recurrence(cron, timezone), paused_at


def _schedule(id: int, name: str, cron: str, timezone: str, paused_at: float | None, next_at: float | None, *rest: Any) -> Schedule:
    state = ScheduleState.PAUSED if paused_at is not None else ScheduleState.ACTIVE if next_at is not None else ScheduleState.OVER
    last_at, last_execution, runs, skipped, error, actor, created_at = rest
    shown = next_at if state is ScheduleState.ACTIVE else None
    return Schedule(id, name, Recurrence(cron, timezone), state, shown, last_at, last_execution, runs, skipped, error, actor, created_at)


def _audit(
    c: Connection, what: str, id: int, actor: str, now: float, *, execution: int | None = None, error: str | None = None, **detail: str
) -> None:
    values = {"now": now, "actor": actor, "action": f"schedule.{what}", "execution": execution, "error": error}
    c.execute(_SQL["audit"], values | {"detail": canonical({"schedule": f"s{id}"} | detail)})
