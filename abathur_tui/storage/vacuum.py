"""Giving the space of what was deleted back to the file system."""

from dataclasses import dataclass
from pathlib import Path
from sqlite3 import Connection

from abathur_tui.storage.checkpoint import Checkpointer
from abathur_tui.storage.connection import connect, scalar
from abathur_tui.storage.files import DATABASE
from abathur_tui.storage.locks import living_engines
from abathur_tui.storage.turnstile import Turnstile

PAGES_AT_ONCE = 500
"""Of one transaction: about 2 MB, so that nobody waits long."""


@dataclass(frozen=True, slots=True)
class Vacuumed:
    """What a vacuum did."""

    before_bytes: int
    after_bytes: int
    whole: bool
    """The file was written anew; else only its free pages were given back, because an engine is at work."""


def free_some(c: Connection, most: int = PAGES_AT_ONCE) -> int:
    """Give up to so many free pages back; how many are left. The file becomes smaller when its log is moved into it."""
    c.execute(f"PRAGMA incremental_vacuum({most})").fetchall()  # a page for each step: whoever does not read on frees one
    left = scalar(c, "PRAGMA freelist_count")
    assert isinstance(left, int)
    return left


def vacuum(folder: Path) -> Vacuumed:
    """Write the file anew without holes where no engine lives, else give its free pages back. Raises sqlite3.Error or OSError."""
    path = folder / DATABASE
    before = path.stat().st_size
    whole = not living_engines(folder)
    connection, turnstile, checkpointer = connect(path), Turnstile(folder), Checkpointer(folder)
    try:
        if whole:
            turnstile.enter()
            try:
                connection.execute("VACUUM")
            finally:
                turnstile.leave()
        else:
            while _step(connection, turnstile):
                pass
        checkpointer.checkpoint(connection, turnstile, restart=True)
    finally:
        checkpointer.close()
        turnstile.close()
        connection.close()
    return Vacuumed(before, path.stat().st_size, whole)


def _step(c: Connection, turnstile: Turnstile) -> bool:
    turnstile.enter()
    try:
        return free_some(c) > 0
    finally:
        turnstile.leave()
