"""Reading a database that need not be writable."""

import shutil
import sqlite3
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from sqlite3 import Connection

from abathur_tui.storage.connection import connect
from abathur_tui.storage.files import DATABASE


@dataclass(frozen=True, slots=True)
class Opener:
    """Opens a database for reading."""

    path: Path
    immutable: bool = False
    """Nobody can write it: SQLite looks neither for locks nor for a log, and says nothing of the latter."""
    read_only: bool = True

    def __call__(self) -> Connection:
        """A new connection. Raises sqlite3.Error."""
        return connect(self.path, read_only=self.read_only, immutable=self.immutable)


def readable(folder: Path) -> tuple[Opener, Path | None]:
    """What opens the database for reading: in place, as an immutable file, or (where a log without its index lies beside it) a copy of both.

    With a copy, the temporary folder that it is in, for the caller to remove. Raises sqlite3.Error or OSError.
    """
    path, log = folder / DATABASE, folder / f"{DATABASE}-wal"
    opened = Opener(path)
    try:
        opened().close()
    except sqlite3.OperationalError:
        if not (log.exists() and log.stat().st_size > 0):
            return Opener(path, immutable=True), None
        copy = Path(tempfile.mkdtemp(prefix="abathur-"))
        try:
            for file in (path, log):
                shutil.copyfile(file, copy / file.name)
        except OSError:
            shutil.rmtree(copy, ignore_errors=True)
            raise
        return Opener(copy / DATABASE, read_only=False), copy
    return opened, None


@contextmanager
def reading(folder: Path) -> Iterator[Opener]:
    """The same, for as long as it is used."""
    opened, copy = readable(folder)
    try:
        yield opened
    finally:
        if copy is not None:
            shutil.rmtree(copy, ignore_errors=True)
