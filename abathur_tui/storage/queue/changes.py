"""What people ask of tasks: each id on its own, unknown ids and refused changes reported with it."""

from collections.abc import Sequence
from sqlite3 import Connection

from abathur_tui.domain.leases import Changed


def cancel(c: Connection, ids: Sequence[int], actor: str, reason: str, now: float) -> list[Changed]:
    """Cancel tasks with what is inside them (a root: its whole execution).

    What does not run is cancelled at once. What runs under a living engine gets a request and is still RUNNING in the answer;
    without one it ends at once.
    """
    raise NotImplementedError


def retry(c: Connection, ids: Sequence[int], actor: str, now: float) -> list[Changed]:
    """Put failed, dead and cancelled tasks back, with those that stand in their way, and revive the dependents that failed because of them."""
    raise NotImplementedError


def pause(c: Connection, ids: Sequence[int], actor: str, now: float) -> list[Changed]:
    """Stop tasks, with what is inside them, until they are resumed; a running one by a request to its worker."""
    raise NotImplementedError


def resume(c: Connection, ids: Sequence[int], actor: str, now: float) -> list[Changed]:
    """Let paused tasks, with what is inside them, go on."""
    raise NotImplementedError


def reprioritize(c: Connection, ids: Sequence[int], actor: str, now: float, priority: int) -> list[Changed]:
    """Give tasks that have not ended, with what is inside them, another priority (0 to 10)."""
    raise NotImplementedError
