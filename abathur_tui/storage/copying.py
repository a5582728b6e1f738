"""A copy of the whole database, by SQLite's backup interface, checked before it gets its name."""

import os
import sqlite3
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from sqlite3 import Connection

from abathur_tui.domain.errors import ArgumentInvalid, DatabaseDamaged, Detail, ProjectNotWritable
from abathur_tui.storage.checking import check_connection, damage
from abathur_tui.storage.connection import connect, set_pragma
from abathur_tui.storage.drafts import draft, naming
from abathur_tui.storage.files import sync


def back_up_to(c: Connection, target: Path) -> list[str]:
    """Copy an open database into one file that needs no log, for this user only; what is there is never overwritten.

    Gives what the check of rows finds in the copy, and so in the database: it is kept all the same, since it may be the best that there is.
    Raises ArgumentInvalid where `target` is there, DatabaseDamaged where SQLite finds the copy damaged, sqlite3.Error or OSError.
    """
    with new_file(target) as unnamed:
        copy = sqlite3.connect(unnamed, isolation_level=None)
        try:
            c.backup(copy)
            set_pragma(copy, "journal_mode", "delete", "delete")
        finally:
            copy.close()
        checked = connect(unnamed, read_only=True)
        try:
            damaged = damage(checked)
            problems = [] if damaged else check_connection(checked, log_known=False)
        finally:
            checked.close()
        if damaged:
            raise DatabaseDamaged(
                "The copy is damaged, so it was not kept: " + damaged[0],
                hint="See `abathur db check`; `abathur db recover` saves what can be saved of a damaged database.",
                details=[Detail(problem) for problem in damaged],
            )
    return problems


@contextmanager
def new_file(target: Path) -> Iterator[Path]:
    """A draft, which becomes `target` at the end, on disk, unless something goes wrong or somebody was faster.

    Raises ArgumentInvalid where `target` is there or its folder is not, ProjectNotWritable, or OSError.
    """
    refuse_taken(target)
    if not target.parent.is_dir():
        raise ArgumentInvalid(f"There is no folder {target.parent}.", hint="Make it, or name a file in another one.")
    if not os.access(target.parent, os.W_OK | os.X_OK):
        raise ProjectNotWritable(
            f"{target} cannot be written: its folder is read-only for this user.", hint="Make the folder writable, or name a file in another one."
        )
    with draft(target) as unnamed:
        yield unnamed
        with naming(target):
            sync(unnamed)
            try:
                os.link(unnamed, target)
            except FileExistsError:
                refuse_taken(target)
                raise
            except OSError:
                # Some file systems have no hard links.
                refuse_taken(target)
                unnamed.rename(target)
            sync(target.parent)


def take_place(new: Path, path: Path, kept: Path) -> None:
    """Put the closed database `new` where `path` is, on disk; what was there, and its log, is then under the name `kept`. Raises OSError.

    Whenever this ends, there is a database at `path`: without one, the next program would begin an empty one. And where `kept` and `path` are the
    same file (see `set_aside`), the log that belongs to it is beside `kept`.
    """
    sync(new)
    names = [(path.with_name(path.name + ending), kept.with_name(kept.name + ending)) for ending in ("-wal", "-shm", "")]
    for old, aside in names:
        try:
            os.link(old, aside)
        except (FileNotFoundError, FileExistsError):
            continue  # there is none, or it was set aside before
        except OSError:
            # Some file systems have no hard links.
            old.rename(aside)
    for old, _ in names[:-1]:
        old.unlink(missing_ok=True)  # a log is never beside another file than its own
    os.replace(new, path)
    sync(path.parent)


def set_aside(path: Path, pattern: str) -> Path | None:
    """The name, of those that match, under which a `take_place` that was killed has already kept the database of `path`."""
    for kept in path.parent.glob(pattern):
        with suppress(OSError):
            if kept.samefile(path):
                return kept
    return None


def refuse_taken(target: Path) -> None:
    """Raise ArgumentInvalid where `target` is there already."""
    if os.path.lexists(target):
        raise ArgumentInvalid(f"{target} is there already.", hint="Name a file that is not there: nothing is overwritten.")
