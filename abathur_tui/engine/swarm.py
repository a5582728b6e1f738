"""The agents of this engine: spawned for a task or, where one of the right definition is idle, given the task."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from sqlite3 import Connection

from abathur_tui.domain.leases import Lease
from abathur_tui.storage import agents


@dataclass(frozen=True, slots=True)
class Idle:
    """An agent without a task."""

    agent: int
    definition: str
    since: float
    tasks: int
    """How many it has worked at."""


@dataclass(frozen=True, slots=True)
class Lent:
    """Who may be given tasks by somebody else for a moment."""

    idle: list[Idle]
    """The least loaded first."""
    room: int
    """How many agents may be new before an idle one has to end for each."""


class Swarm:
    """Who is idle, and how many work. The rows are the truth for everybody else; this is the engine's own memory of them."""

    def __init__(self, idle_seconds: float) -> None:
        """Nobody yet. `idle_seconds`: how long an agent without a task stays."""
        self._idle: list[Idle] = []
        """In the order in which they have become idle."""
        self._idle_seconds = idle_seconds
        self._tasks: dict[int, int] = {}
        """By agent that lives: how many tasks it has had."""
        self._working = 0

    def use(self, idle_seconds: float) -> None:
        """An agent without a task stays so long, from now on."""
        self._idle_seconds = idle_seconds

    def take(self, definition: str | None) -> int | None:
        """An agent of this definition for a task, which works from now on: the least loaded idle one, in turn among equals; None: a new one.

        For a sub-agent, always a new one, there is no `definition`.
        """
        self._working += 1
        of_kind = [idle for idle in self._idle if idle.definition == definition]
        if not of_kind:
            return None
        chosen = min(of_kind, key=lambda idle: (idle.tasks, idle.since))
        self._idle.remove(chosen)
        return chosen.agent

    def lend(self, most: int, limit: int) -> Lent:
        """Idle agents for as many tasks that are about to be claimed, of `limit` in all; `bring_back` gets those that nobody needed."""
        room = limit - self._working - len(self._idle)
        lent = sorted(self._idle, key=lambda idle: (idle.tasks, idle.since))[:most]
        taken = {idle.agent for idle in lent}
        self._idle = [idle for idle in self._idle if idle.agent not in taken]
        return Lent(lent, room)

    def bring_back(self, idle: Iterable[Idle]) -> None:
        """What was lent and not needed is idle as before."""
        self._idle = sorted([*idle, *self._idle], key=lambda one: one.since)

    def began(self) -> None:
        """An agent that was lent, or a new one, works."""
        self._working += 1

    def spare(self, limit: int) -> int | None:
        """The longest idle agent, where a new one would be one too many; the caller ends it."""
        return self._forget(self._idle.pop(0)) if self._idle and self._working + len(self._idle) > limit else None

    def done(self) -> None:
        """One of those that `take` has counted works no more; whether it is idle, `give_back` says."""
        self._working -= 1

    def give_back(self, agent: int, definition: str, now: float) -> None:
        """The agent has no task any more."""
        tasks = self._tasks[agent] = self._tasks.get(agent, 0) + 1
        self._idle.append(Idle(agent, definition, now, tasks))

    def ended(self, agent: int) -> None:
        """It was ended at its task's end."""
        self._tasks.pop(agent, None)

    def next_end(self) -> float | None:
        """When the next idle agent has been idle for long enough (the clock of `give_back`)."""
        return self._idle[0].since + self._idle_seconds if self._idle else None

    def overdue(self, now: float) -> list[int]:
        """The agents that were idle for too long, which the caller ends now."""
        late = [idle for idle in self._idle if now - idle.since >= self._idle_seconds]
        self._idle = [idle for idle in self._idle if now - idle.since < self._idle_seconds]
        return [self._forget(idle) for idle in late]

    def beyond(self, limit: int) -> list[int]:
        """The longest idle agents, as far as more live than may work, which the caller ends now."""
        many = min(self._working + len(self._idle) - limit, len(self._idle))
        return [self._forget(self._idle.pop(0)) for _ in range(many)]

    def all_idle(self) -> list[int]:
        """All of them, which the caller ends now."""
        everybody, self._idle = self._idle, []
        return [self._forget(idle) for idle in everybody]

    def _forget(self, idle: Idle) -> int:
        self.ended(idle.agent)
        return idle.agent


def engage(c: Connection, lease: Lease, idle: int | None, definition: str, now: float, *, parent: int | None = None) -> int:
    """Give the lease's task to the idle agent, or to a new one; it is BUSY. `parent`: the agent that spawns it."""
    agent = agents.spawn(c, lease, definition, parent, now) if idle is None else idle
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


def dismiss_all(c: Connection, idle: Sequence[int], now: float) -> None:
    """End agents without a task."""
    agents.set_states(c, idle, "TERMINATING", now)
    agents.set_states(c, idle, "TERMINATED", now)
