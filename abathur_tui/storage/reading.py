"""Reading a database that need not be writable."""

import shutil
import sqlite3
import tempfile
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from functools import partial
from pathlib import Path
from sqlite3 import Connection

from abathur_tui.storage.connection import connect
from abathur_tui.storage.files import DATABASE


def readable(folder: Path) -> tuple[Callable[[], Connection], Path | None]:
    """What opens the database for reading: in place, as an immutable file, or (where a log without its index lies beside it) a copy of both.

    With a copy, the temporary folder that it is in, for the caller to remove. Raises sqlite3.Error or OSError.
    """
    path, log = folder / DATABASE, folder / f"{DATABASE}-wal"
    opened = partial(connect, path, read_only=True)
    try:
        opened().close()
    except sqlite3.OperationalError:
        if not (log.exists() and log.stat().st_size > 0):
            return partial(connect, path, read_only=True, immutable=True), None
        copy = Path(tempfile.mkdtemp(prefix="abathur-"))
        try:
            for file in (path, log):
                shutil.copyfile(file, copy / file.name)
        except OSError:
            shutil.rmtree(copy, ignore_errors=True)
            raise
        return partial(connect, copy / DATABASE), copy
    return opened, None


@contextmanager
def reading(folder: Path) -> Iterator[Callable[[], Connection]]:
    """The same, for as long as it is used."""
    opened, copy = readable(folder)
    try:
        yield opened
    finally:
        if copy is not None:
            shutil.rmtree(copy, ignore_errors=True)
