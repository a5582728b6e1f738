"""What nobody else does: dead engines' tasks go back, due tasks become ready, expired ones fail."""

from sqlite3 import Connection

from abathur_tui.domain.errors import LeaseLost
from abathur_tui.domain.leases import Lease
from abathur_tui.storage import engines
from abathur_tui.storage.eras import note_set_back
from abathur_tui.storage.questions import still_asks
from abathur_tui.storage.queue.asked import cancel_steps, follow_asked
from abathur_tui.storage.queue.claiming import free_lane
from abathur_tui.storage.queue.ending import leave_attempt
from abathur_tui.storage.queue.holding import free_what_is_over
from abathur_tui.storage.queue.scheduling import reckon_again, submit_due
from abathur_tui.storage.queue.settling import fail_the_doomed
from abathur_tui.storage.sql import named

_SQL = named("rescue")

MOST_CRASHES = 5
"""In a row, each without a finished step: then the task is dead, or its fallback is done instead."""


def recover(c: Connection, engine: str, now: float) -> list[int]:
    """Put a dead engine's running tasks back into the queue (or, after five crashes that they caused, among the dead) and end its agents.

    What its workers left unfinished is folded: open turns become partial ones, tool calls that were begun are unknown. Gives the tasks.
    """
    running = c.execute(_SQL["running"], (engine,)).fetchall()
    for id, epoch in running:
        _take_back(c, Lease(id, epoch, engine), "its engine died", now)
    _end_agents(c, engine, now)
    engines.end(c, engine, now)
    fail_the_doomed(c, now)
    return [id for id, _ in running]


def is_silent(c: Connection, engine: str, beat: int) -> bool:
    """Whether an engine has not beaten since `beat`; also shows that the database can be written."""
    row = engines.row(c, engine)
    return row is not None and row.ended_at is None and row.beat == beat


def supersede(c: Connection, engine: str, beat: int, now: float) -> bool:
    """Recover the tasks of an engine that lives but does nothing; False where it has beaten since `beat`, or has ended."""
    if not is_silent(c, engine, beat):
        return False
    recover(c, engine, now)
    return True


def crash(c: Connection, lease: Lease, now: float) -> None:
    """A worker that lives lets go of its task and cannot say more of it: it counts as one that has died. Raises LeaseLost."""
    if not _take_back(c, lease, "its worker broke", now):
        raise LeaseLost(f"t{lease.task} is not held by this worker any more.")
    fail_the_doomed(c, now)


def clock_set_back(c: Connection, now: float, by: float | None = None, since: float = 0.0) -> None:
    """The wall clock may stand before the time of earlier changes: then nothing waits longer than it was to, and the log goes on after them.

    What was to be at a moment that somebody named is at that moment of the clock, and recurring tasks are too: by less than three hours none of
    their times comes again, by more the clock counts as corrected (so does cron).
    `by`: how far it was set (less than nothing), in the last `since` seconds, where somebody has seen it.
    """
    note_set_back(c, now)
    if by is not None:
        seen = {"now": now, "by": by, "since": since}
        c.execute(_SQL["clock_set_back_by"], seen)
        c.execute(_SQL["lanes_set_back_by"], seen)
    c.execute(_SQL["clock_set_back"], {"now": now})
    c.execute(_SQL["lanes_set_back"], {"now": now})
    reckon_again(c, now)


def clock_set_forward(c: Connection, by: float, now: float) -> None:
    """The wall clock was set `by` so many seconds: nothing expires sooner for it.

    A wait may be shorter for it: trying something too early does less harm than waiting, where it was before that the clock was wrong.
    """
    c.execute(_SQL["clock_set_forward"], {"by": by, "before": now - by})


def due(c: Connection, now: float) -> float | None:
    """Make what is due ready, fail what has expired, free lanes whose hold is over, submit what recurs.

    Gives the next such moment, None where there is none.
    """
    c.execute(_SQL["due"], (now,))
    if c.execute(_SQL["expire"], {"now": now}).rowcount:
        fail_the_doomed(c, now)
    c.execute(_SQL["expired_elsewhere"], (now,))
    for (lane,) in c.execute(_SQL["lanes_due"], (now,)).fetchall():
        free_lane(c, lane, "queue", now)
    following = [free_what_is_over(c, now), submit_due(c, now), *c.execute(_SQL["next"]).fetchone()]
    return min((float(moment) for moment in following if moment is not None), default=None)


def _take_back(c: Connection, lease: Lease, reason: str, now: float) -> bool:
    """Interrupt a running task and put it where it goes from there; False where the lease does not hold."""
    values = {"id": lease.task, "epoch": lease.epoch, "engine": lease.engine, "reason": reason, "now": now, "most": MOST_CRASHES}
    if c.execute(_SQL["interrupt"], values).rowcount == 0:
        return False
    if c.execute(_SQL["bury"], values).rowcount:
        cancel_steps(c, lease.task, now)
    elif follow_asked(c, lease.task, now) is None:
        c.execute(_SQL["put_back"], values)
        still_asks(c, [lease.task])
    leave_attempt(c, lease.task, lease.epoch, "interrupted", now)
    return True


def _end_agents(c: Connection, engine: str, now: float) -> None:
    """Walk each to its end by the allowed changes of state."""
    for id, state in c.execute(_SQL["agents"], (engine,)).fetchall():
        for step in ("FAILED", "TERMINATING", "TERMINATED"):
            already = step == state or (state == "TERMINATING" and step == "FAILED")
            if not already:
                c.execute(_SQL["agent_state"], {"id": id, "state": step, "now": now})
