"""Agents: the rows of the tree. Which state may follow which is a law of the database."""

from collections.abc import Sequence
from sqlite3 import Connection

from abathur_tui.domain.errors import LeaseLost, NotFound
from abathur_tui.domain.leases import Lease
from abathur_tui.storage.records import clean
from abathur_tui.storage.sql import named

_SQL = named("agents")


def spawn(c: Connection, lease: Lease, definition: str, parent_agent: int | None, now: float) -> int:
    """A new agent for the lease's task, SPAWNING. Raises LeaseLost."""
    values = {"parent": parent_agent, "definition": definition, "now": now, "task": lease.task, "epoch": lease.epoch, "engine": lease.engine}
    made = c.execute(_SQL["spawn"], values)
    if made.rowcount == 0 or made.lastrowid is None:
        raise LeaseLost(f"t{lease.task} is not held by this worker any more.")
    return made.lastrowid


def spawn_all(c: Connection, leases: Sequence[tuple[Lease, str]], now: float) -> list[int]:
    """New agents, one for each lease's task and of the definition beside it, IDLE: ready to be given them. Raises LeaseLost."""
    if not leases:
        return []
    values = [
        {"parent": None, "definition": definition, "now": now, "task": lease.task, "epoch": lease.epoch, "engine": lease.engine}
        for lease, definition in leases
    ]
    if c.executemany(_SQL["spawn"], values).rowcount != len(leases):
        raise LeaseLost("A task is not held by this worker any more.")
    (last,) = c.execute(_SQL["last_id"]).fetchone()
    made = list(range(last - len(leases) + 1, last + 1))
    set_states(c, made, "IDLE", now)
    return made


def set_states(c: Connection, agents: Sequence[int], state: str, now: float) -> None:
    """Change the state of each."""
    c.executemany(_SQL["set_state"], [{"agent": agent, "state": state, "reason": state.lower(), "now": now} for agent in agents])


def set_state(c: Connection, agent: int, state: str, now: float, *, reason: str = "") -> None:
    """Change an agent's state; the one that it has already is no change. It keeps the task that it worked at last.

    Raises NotFound, and (as the law's refusal, at the database's boundary) ChangeRefused.
    """
    values = {"agent": agent, "state": state, "reason": clean(reason) or state.lower(), "now": now}
    if c.execute(_SQL["set_state"], values).rowcount == 0 and c.execute(_SQL["exists"], (agent,)).fetchone() is None:
        raise NotFound(f"There is no agent a{agent}.")


def activity(c: Connection, agent: int, text: str, turn: int, now: float) -> None:
    """What it does now, and in which turn."""
    c.execute(_SQL["activity"], (clean(text), turn, agent))


def assign(c: Connection, lease: Lease, agent: int, now: float) -> None:
    """Give an idle (or just spawned) agent the lease's task: it is BUSY. Raises LeaseLost; ChangeRefused as `set_state` does."""
    values = {"agent": agent, "now": now, "task": lease.task, "epoch": lease.epoch, "engine": lease.engine}
    c.execute(_SQL["ready"], values)
    if c.execute(_SQL["assign"], values).rowcount == 0:
        raise LeaseLost(f"t{lease.task} is not held by this worker any more.")
    c.execute(_SQL["of_attempt"], values)
