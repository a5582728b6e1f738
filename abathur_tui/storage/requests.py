"""What is asked of running tasks: rows that their workers read."""

from sqlite3 import Connection

from abathur_tui.domain.leases import Request
from abathur_tui.storage.records import object_as_far_as_readable
from abathur_tui.storage.sql import named

_SQL = named("requests")


def open_for(c: Connection, engine: str) -> list[Request]:
    """The open requests to tasks that this engine runs, oldest first."""
    return [
        Request(id, task, epoch, kind, actor, object_as_far_as_readable(payload), at)
        for id, task, epoch, kind, actor, payload, at in c.execute(_SQL["open_for"], (engine,))
    ]


def close(c: Connection, request: int, outcome: str, now: float) -> None:
    """The worker has done, or refused, what was asked. Closing a closed one changes nothing."""
    c.execute(_SQL["close"], (outcome, now, request))
