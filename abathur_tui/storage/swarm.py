"""The swarm's own rows: how many agents somebody has asked for, and what was decided about new ones."""

from sqlite3 import Connection

from abathur_tui.domain.data import JsonObject, canonical
from abathur_tui.storage.sql import named

_SQL = named("swarm")


def limit(c: Connection) -> int | None:
    """How many agents may work at once, as somebody has asked for; None where the settings say."""
    (agents,) = c.execute(_SQL["limit"]).fetchone()
    return None if agents is None else int(agents)


def scale(c: Connection, agents: int, actor: str, now: float) -> None:
    """So many agents at once, in the engine that works and in those to come."""
    if c.execute(_SQL["scale"], {"agents": agents, "actor": actor, "now": now}).rowcount:
        c.execute(_SQL["scale_engines"], {"agents": agents})
        audit(c, "swarm.scaled", f"{agents} agents at once", {"agents": agents}, actor, now)


def audit(c: Connection, action: str, reason: str, detail: JsonObject, actor: str, now: float, *, engine: str | None = None) -> None:
    """Keep what was decided."""
    values = {"now": now, "actor": actor, "action": action, "engine": engine, "reason": reason, "detail": canonical(detail)}
    c.execute(_SQL["audit"], values)
