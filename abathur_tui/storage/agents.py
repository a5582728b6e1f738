"""Agents: the rows of the tree. Which state may follow which is a law of the database."""

from dataclasses import dataclass
from sqlite3 import Connection

from abathur_tui.domain.leases import Lease


@dataclass(frozen=True, slots=True)
class IdleAgent:
    """An agent that could take a task."""

    id: int
    definition: str
    since: float


def spawn(c: Connection, lease: Lease, definition: str, parent_agent: int | None, now: float) -> int:
    """A new agent for the lease's task, SPAWNING."""
    raise NotImplementedError


def set_state(c: Connection, agent: int, state: str, now: float, *, reason: str = "") -> None:
    """Change an agent's state. Leaving BUSY takes its task from it. Raises ChangeRefused where the law does not allow it, NotFound."""
    raise NotImplementedError


def activity(c: Connection, agent: int, text: str, turn: int, now: float) -> None:
    """What it does now, and in which turn."""
    raise NotImplementedError


def assign(c: Connection, lease: Lease, agent: int, now: float) -> None:
    """Give an idle (or just spawned) agent the lease's task: it is BUSY."""
    raise NotImplementedError


def idle(c: Connection, engine: str) -> list[IdleAgent]:
    """The engine's idle agents, the longest idle first."""
    raise NotImplementedError
