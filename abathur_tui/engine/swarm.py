"""The agents of this engine: spawned for a task or, where one of the right definition is idle, given the task."""

from dataclasses import dataclass
from sqlite3 import Connection

from abathur_tui.domain.leases import Lease
from abathur_tui.storage import agents

IDLE_SECONDS = 300.0
"""How long an agent without a task stays."""


@dataclass(frozen=True, slots=True)
class _Idle:
    agent: int
    definition: str
    since: float


class Swarm:
    """Who is idle. The rows are the truth for everybody else; this is the engine's own memory of them."""

    def __init__(self, idle_seconds: float) -> None:
        """Nobody yet."""
        self._idle: list[_Idle] = []
        self._idle_seconds = idle_seconds

    def take(self, definition: str) -> int | None:
        """An idle agent of this definition, the longest idle first; None where one must be spawned."""
        for index, idle in enumerate(self._idle):
            if idle.definition == definition:
                return self._idle.pop(index).agent
        return None

    def give_back(self, agent: int, definition: str, now: float) -> None:
        """The agent has no task any more."""
        self._idle.append(_Idle(agent, definition, now))

    def next_end(self) -> float | None:
        """When the next idle agent has been idle for long enough (the clock of `give_back`)."""
        return self._idle[0].since + self._idle_seconds if self._idle else None

    def overdue(self, now: float) -> list[int]:
        """The agents that were idle for too long, which the caller ends now."""
        late = [idle for idle in self._idle if now - idle.since >= self._idle_seconds]
        self._idle = [idle for idle in self._idle if now - idle.since < self._idle_seconds]
        return [idle.agent for idle in late]

    def all_idle(self) -> list[int]:
        """All of them, which the caller ends now."""
        everybody, self._idle = self._idle, []
        return [idle.agent for idle in everybody]


def engage(c: Connection, lease: Lease, idle: int | None, definition: str, now: float) -> int:
    """Give the lease's task to the idle agent, or to a new one; it is BUSY."""
    agent = agents.spawn(c, lease, definition, None, now) if idle is None else idle
    if idle is None:
        agents.set_state(c, agent, "IDLE", now)
    agents.assign(c, lease, agent, now)
    return agent


def dismiss(c: Connection, agent: int, now: float, *, failed: str = "") -> None:
    """End an agent; `failed` says why where it did not do as it should."""
    if failed:
        agents.set_state(c, agent, "FAILED", now, reason=failed)
    agents.set_state(c, agent, "TERMINATING", now)
    agents.set_state(c, agent, "TERMINATED", now)
