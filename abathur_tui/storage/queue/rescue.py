"""What nobody else does: dead engines' tasks go back, due tasks become ready, expired ones fail."""

from sqlite3 import Connection


def recover(c: Connection, engine: str, now: float) -> list[int]:
    """Put a dead engine's running tasks back into the queue (or, after five crashes that they caused, among the dead) and end its agents.

    What its workers left unfinished is folded: open turns become partial ones, tool calls that were begun are unknown. Gives the tasks.
    """
    raise NotImplementedError


def due(c: Connection, now: float) -> float | None:
    """Make what is due ready, fail what has expired, free lanes whose hold is over; gives the next such moment, None where there is none."""
    raise NotImplementedError
