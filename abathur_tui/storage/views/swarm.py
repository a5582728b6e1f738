"""The whole at a glance: counts, agents, loops, today's figures."""

import time
from dataclasses import dataclass
from sqlite3 import Connection

from abathur_tui.domain.errors import NotFound
from abathur_tui.domain.leases import Hold
from abathur_tui.domain.status import Status
from abathur_tui.domain.tasks import Agent
from abathur_tui.storage.engines import EngineRow, unended
from abathur_tui.storage.questions import asking
from abathur_tui.storage.queue.holding import held
from abathur_tui.storage.sql import named
from abathur_tui.storage.swarm import limit

_SQL = named("views")


@dataclass(frozen=True, slots=True)
class Totals:
    """What the project is at, in one read."""

    counts: dict[Status, int]
    """Every status."""
    engines: tuple[EngineRow, ...]
    """Those that have not ended in order, the newest first."""
    tokens_today: int
    cost_today_usd: float | None
    """None where a price of today is not known."""
    agents_busy: int
    hold: Hold | None
    """Why nothing is claimed; None where claiming goes on."""
    agents_limit: int | None
    """How many may work at once, as somebody has asked for; None where the settings say."""
    asking: int = 0
    """Tasks that wait for a person's answer."""


def counts(c: Connection) -> dict[Status, int]:
    """Tasks per status; every status is there."""
    found = dict(c.execute(_SQL["counts"]).fetchall())
    return {status: found.get(status.value, 0) for status in Status}


def totals_today(c: Connection, now: float) -> tuple[int, float | None]:
    """Tokens and cost (US dollars, None where a price is not known) since midnight, local time."""
    tokens, cost, unpriced = c.execute(_SQL["usage_of_day"], (time.strftime("%Y-%m-%d", time.localtime(now)),)).fetchone()
    return tokens, None if unpriced else cost


def agents(c: Connection, limit: int = 500, *, ended: bool = True) -> list[Agent]:
    """Agents that have not ended, then (where `ended`) the newest of those that have; parents before their children among the first."""
    alive = [Agent(*row) for row in c.execute(_SQL["agents_alive"], (limit,))]
    if not ended:
        return alive
    return alive + [Agent(*row) for row in c.execute(_SQL["agents_ended"], (limit - len(alive),))]


def agent(c: Connection, id: int) -> Agent:
    """An agent. Raises NotFound."""
    found = c.execute(_SQL["agent"], (id,)).fetchone()
    if found is None:
        raise NotFound(f"There is no agent a{id}.")
    return Agent(*found)


def agent_states(c: Connection) -> dict[str, int]:
    """How many agents are in which state, those that have ended left out."""
    return dict(c.execute(_SQL["agent_states"]).fetchall())


def status(c: Connection, now: float) -> Totals:
    """All of it in one snapshot."""
    tokens, cost = totals_today(c, now)
    busy = busy_agents(c)
    return Totals(counts(c), tuple(unended(c)), tokens, cost, busy, held(c), limit(c), asking(c)[0])


def busy_agents(c: Connection) -> int:
    """How many agents work now."""
    (busy,) = c.execute(_SQL["agents_busy"]).fetchone()
    return int(busy)
