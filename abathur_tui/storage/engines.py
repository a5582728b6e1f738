"""Engines: their rows, their beats, and the locks that say which one lives and which one is active."""

from dataclasses import dataclass
from pathlib import Path
from sqlite3 import Connection


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


class HeldLock:
    """An OS lock on a file, held until `release` or the process's end."""

    def release(self) -> None:
        """Let go; the file stays."""
        raise NotImplementedError


def register(c: Connection, engine: EngineRow, now: float) -> None:
    """An engine starts."""
    raise NotImplementedError


def beat(c: Connection, engine: str, busy: int, limit: int, now: float) -> None:
    """It lives; agents busy of the limit."""
    raise NotImplementedError


def end(c: Connection, engine: str, now: float) -> None:
    """It has ended in order."""
    raise NotImplementedError


def unended(c: Connection) -> list[EngineRow]:
    """The engines that have not ended in order: they live, or died."""
    raise NotImplementedError


def row(c: Connection, engine: str) -> EngineRow | None:
    """An engine's row."""
    raise NotImplementedError


def hold_engine_lock(folder: Path, engine: str) -> HeldLock | None:
    """Become the project's active engine on this host; None where another one is. `folder` is the `.abathur` folder."""
    raise NotImplementedError


def hold_life_lock(folder: Path, engine: str) -> HeldLock:
    """Say that this engine lives, until its process ends."""
    raise NotImplementedError


def engine_alive(folder: Path, engine: str) -> bool:
    """Whether an engine on this host lives: its lock is held."""
    raise NotImplementedError


def active_engine(folder: Path) -> str | None:
    """The id of the engine that holds the engine lock; None where nobody does."""
    raise NotImplementedError
