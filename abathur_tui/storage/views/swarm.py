"""The whole at a glance: counts, agents, loops, today's figures."""

from dataclasses import dataclass
from sqlite3 import Connection

from abathur_tui.domain.journal import LoopSeries
from abathur_tui.domain.status import Status
from abathur_tui.domain.tasks import Agent
from abathur_tui.storage.engines import EngineRow


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


def counts(c: Connection) -> dict[Status, int]:
    """Tasks per status; every status is there."""
    raise NotImplementedError


def totals_today(c: Connection, now: float) -> tuple[int, float | None]:
    """Tokens and cost (US dollars, None where a price is not known) since midnight, local time."""
    raise NotImplementedError


def agents(c: Connection, limit: int = 500) -> list[Agent]:
    """Agents that have not ended, then those that ended last; parents before their children within each."""
    raise NotImplementedError


def loops(c: Connection, limit: int = 50) -> list[LoopSeries]:
    """Loops with their passes, running ones first, then the newest."""
    raise NotImplementedError


def engine_rows(c: Connection) -> list[EngineRow]:
    """Engines that have not ended in order, the newest first."""
    raise NotImplementedError


def status(c: Connection, now: float) -> Totals:
    """All of it in one snapshot."""
    raise NotImplementedError
