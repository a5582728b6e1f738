"""What follows from an end or a comeback further away than one edge: level by level, with plain statements, however long the chain."""

import json
from collections.abc import Sequence
from sqlite3 import Connection

from abathur_tui.storage.sql import named

_SQL = named("settling")


def fail_the_doomed(c: Connection, now: float) -> None:
    """Fail all that wait for nothing any more and whose needs are broken, then those that need them, and so on.

    One step away (edges met or broken, dependents pending) is the schema's trigger's work.
    """
    if c.execute(_SQL["any_doomed"]).fetchone() is None:
        return
    while c.execute(_SQL["fail_the_doomed"], {"now": now}).rowcount > 0:
        pass


def revive_dependents(c: Connection, ids: Sequence[int], now: float) -> None:
    """Let all wait again that failed only because of these tasks, then those that failed because of them, and so on."""
    level = list(ids)
    while level:
        level = [id for (id,) in c.execute(_SQL["revive"], {"ids": json.dumps(level), "now": now}).fetchall()]
