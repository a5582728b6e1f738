"""Engines: their rows and beats. The locks that say which one lives and which one is active are in `locks`."""

from dataclasses import dataclass
from sqlite3 import Connection

from abathur_tui.storage.locks import (
    HeldLock,
    Holder,
    Trouble,
    active_engine,
    active_engine_process,
    active_holder,
    announce_attended,
    attended_process,
    engine_alive,
    forget,
    forget_attended,
    has_ended_in_order,
    hold_attended_lock,
    hold_engine_lock,
    hold_life_lock,
    living_engines,
    restarting_since,
    take_away,
    trouble_of,
)
from abathur_tui.storage.sql import named

__all__ = [
    "EngineRow",
    "HeldLock",
    "Holder",
    "Trouble",
    "active_engine",
    "active_engine_process",
    "active_holder",
    "announce_attended",
    "attended_process",
    "beat",
    "end",
    "engine_alive",
    "forget",
    "forget_attended",
    "has_ended_in_order",
    "hold_attended_lock",
    "hold_engine_lock",
    "hold_life_lock",
    "living_engines",
    "register",
    "restarting_since",
    "row",
    "take_away",
    "trouble_of",
    "unended",
]

_SQL = named("engines")


@dataclass(frozen=True, slots=True)
class EngineRow:
    """An engine, as it is kept. Times are Unix seconds."""

    id: str
    """A new UUID at every start."""
    pid: int
    host: str
    since: float
    beat: int = 0
    """A counter that its beat thread raises."""
    busy: int = 0
    """Agents that hold a slot."""
    limit: int = 0
    """Slots in all."""
    ended_at: float | None = None


def register(c: Connection, engine: EngineRow, now: float) -> None:
    """An engine starts."""
    c.execute(_SQL["register"], (engine.id, engine.pid, engine.host, engine.since, engine.beat, now, engine.busy, engine.limit))


def beat(c: Connection, engine: str, busy: int, limit: int, now: float) -> None:
    """It lives; agents busy of the limit."""
    c.execute(_SQL["beat"], {"id": engine, "busy": busy, "slots": limit, "now": now})


def end(c: Connection, engine: str, now: float) -> None:
    """It has ended in order, or was found dead and its tasks were put back."""
    c.execute(_SQL["end"], {"id": engine, "now": now})


def unended(c: Connection) -> list[EngineRow]:
    """The engines that have not ended in order, the newest first: they live, or died."""
    return [EngineRow(*row) for row in c.execute(_SQL["unended"])]


def row(c: Connection, engine: str) -> EngineRow | None:
    """An engine's row."""
    found = c.execute(_SQL["row"], (engine,)).fetchone()
    return None if found is None else EngineRow(*found)
