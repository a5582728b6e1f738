"""What is asked of running tasks: rows that their workers read."""

from sqlite3 import Connection

from abathur_tui.domain.leases import Request


def open_for(c: Connection, engine: str) -> list[Request]:
    """The open requests to tasks that this engine runs, oldest first."""
    raise NotImplementedError


def close(c: Connection, request: int, outcome: str, now: float) -> None:
    """The worker has done, or refused, what was asked. Closing a closed one changes nothing."""
    raise NotImplementedError
