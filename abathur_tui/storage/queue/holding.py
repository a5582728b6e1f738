"""Reasons for which nothing at all is claimed: somebody has paused the queue, or it is a quiet time. What runs goes on."""

from sqlite3 import Connection

from abathur_tui.domain.data import canonical
from abathur_tui.domain.leases import Hold
from abathur_tui.domain.status import Why
from abathur_tui.storage.sql import named

_SQL = named("holding")


def hold_queue(c: Connection, actor: str, now: float, *, why: Why = Why.QUEUE, until: float | None = None) -> bool:
    """Let no claim take anything any more; False where it was so already."""
    if c.execute(_SQL["hold"], {"why": why.value, "until": until, "actor": actor, "now": now}).fetchone() is None:
        return False
    c.execute(_SQL["audit"], (now, actor, "queue.held", canonical({"why": why.value, "until": until})))
    return True


def free_queue(c: Connection, actor: str, now: float, *, why: Why = Why.QUEUE) -> bool:
    """That reason is over; False where it was not there."""
    if c.execute(_SQL["free"], (why.value,)).rowcount == 0:
        return False
    c.execute(_SQL["audit"], (now, actor, "queue.freed", canonical({"why": why.value})))
    return True


def held(c: Connection) -> Hold | None:
    """The reason for which nothing is claimed, a person's own pause first; None where claiming goes on."""
    found = c.execute(_SQL["held"]).fetchone()
    return None if found is None else Hold(Why(found[0]), *found[1:])


def free_what_is_over(c: Connection, now: float) -> float | None:
    """End holds whose time has come; gives when the next one's does."""
    for (why,) in c.execute(_SQL["over"], (now,)).fetchall():
        free_queue(c, "queue", now, why=Why(why))
    (following,) = c.execute(_SQL["next"]).fetchone()
    return None if following is None else float(following)
