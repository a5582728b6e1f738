"""The one place where SQLite's and the system's errors become ours."""

import errno
import os
import re
import sqlite3
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from abathur_tui.domain.errors import (
    AbathurError,
    ChangeRefused,
    DatabaseBusy,
    DatabaseDamaged,
    DiskFailing,
    DiskFull,
    OutOfFiles,
    ProjectGone,
    ProjectNotWritable,
    RowUnreadable,
    Unexpected,
)
from abathur_tui.guard import is_stopped
from abathur_tui.storage.locks import writing_process
from abathur_tui.storage.turnstile import holder

_DAMAGED = frozenset({sqlite3.SQLITE_CORRUPT, sqlite3.SQLITE_NOTADB, sqlite3.SQLITE_FORMAT})
_REFUSED = frozenset({sqlite3.SQLITE_READONLY, sqlite3.SQLITE_PERM, sqlite3.SQLITE_AUTH})
_BUSY = frozenset({sqlite3.SQLITE_BUSY, sqlite3.SQLITE_LOCKED, sqlite3.SQLITE_PROTOCOL})
_FULL = frozenset({errno.ENOSPC, errno.EDQUOT, errno.EFBIG})
_OUT_OF_FILES = frozenset({errno.EMFILE, errno.ENFILE})
_IO = sqlite3.SQLITE_IOERR
_OTHER_SCHEMA = re.compile(r"no such table: |unsafe use of |cannot modify \w+ because it is a view")
"""How SQLite says that a table is missing, or that a view or trigger that somebody has added would run something that it must not."""
_NO_TEXT = "Could not decode to UTF-8"
"""How Python says that a text in a row is none."""
_LAW = "law: "
"""How the messages of the schema's own triggers begin."""


@contextmanager
def translated(folder: Path) -> Iterator[None]:
    """Inside it, `sqlite3.Error` and `OSError` are raised as AbathurError; `folder` is the `.abathur` folder that messages name."""
    try:
        yield
    except (sqlite3.Error, OSError) as error:
        raise as_ours(error, folder) from error


def as_ours(error: sqlite3.Error | OSError, folder: Path) -> AbathurError:
    """Our error for SQLite's or the system's."""
    if isinstance(error, OSError):
        return _of_system(error, folder)
    code = getattr(error, "sqlite_errorcode", None)
    primary = None if code is None else code & 0xFF
    if primary == sqlite3.SQLITE_FULL:
        return DiskFull(f"The disk that holds {folder} is full.")
    if primary in _DAMAGED:
        return DatabaseDamaged(f"{folder / 'abathur.db'} is damaged: {error}.")
    if primary in _BUSY:
        return DatabaseBusy(f"{folder / 'abathur.db'} is locked by another program{_who(folder)}")
    if primary in _REFUSED:
        return ProjectNotWritable(f"{folder} cannot be written: {error}.")
    if primary == sqlite3.SQLITE_CANTOPEN:
        return _of_opening(error, folder)
    if primary == sqlite3.SQLITE_CONSTRAINT and str(error).startswith(_LAW):
        return ChangeRefused(f"The database refuses it: {str(error).removeprefix(_LAW)}.")
    if primary == _IO:
        return _of_input_output(error, code, folder)
    if primary == sqlite3.SQLITE_ERROR and _OTHER_SCHEMA.match(str(error)):
        return DatabaseDamaged(
            f"{folder / 'abathur.db'} has another schema than its version says: {error}.", hint="`abathur db check` says what is missing or added."
        )
    return _of_all_else(error, folder)


def _of_all_else(error: sqlite3.Error, folder: Path) -> AbathurError:
    """That of a text is Python's own: SQLite takes it."""
    if str(error).startswith(_NO_TEXT):
        return RowUnreadable(f"A text in {folder / 'abathur.db'} is no UTF-8: {error!s:.200}.")
    return Unexpected(f"SQLite: {error}.")


def _who(folder: Path) -> str:
    """Who that is, as far as it is known: the end of the sentence."""
    writes, wrote = writing_process(folder), holder(folder)
    if writes is not None and writes != os.getpid():
        process, told = writes, f": process {writes}."
    elif wrote is not None and wrote != os.getpid():
        process, told = wrote, f". The last Abathur to write was process {wrote}."
    else:
        return "."
    return told + (f" It is stopped: `kill -CONT {process}` lets it go on, `kill -9 {process}` ends it." if is_stopped(process) else "")


def _of_input_output(error: sqlite3.Error, code: int | None, folder: Path) -> AbathurError:
    path = folder / "abathur.db"
    if not path.exists():
        if not folder.exists() or (folder / "write.lock").exists():
            return ProjectGone(f"{folder} is gone.")
        path = folder  # it is a copy's, which has no name yet
    if code in (sqlite3.SQLITE_IOERR_WRITE, sqlite3.SQLITE_IOERR_TRUNCATE, sqlite3.SQLITE_IOERR_SHMSIZE):
        # A file size limit and a quota arrive as a failed write.
        return DiskFull(f"{path} cannot be written: the disk, a quota or a file size limit is full ({error}).")
    if code == sqlite3.SQLITE_IOERR_SHORT_READ:
        return DatabaseDamaged(f"{path} is cut short: {error}.")
    return DiskFailing(f"{path} cannot be read or written: {error}.")


def _of_opening(error: sqlite3.Error, folder: Path) -> AbathurError:
    """SQLite does not say why it cannot open a file, so it is tried what could be the matter."""
    try:
        os.close(os.open(os.devnull, os.O_RDONLY | os.O_CLOEXEC))
    except OSError as other:
        if other.errno in _OUT_OF_FILES:
            return _of_system(other, folder)
    if (folder / "abathur.db").exists() and not os.access(folder / "abathur.db", os.R_OK):
        return ProjectNotWritable(f"{folder / 'abathur.db'} cannot be read: permission denied.")
    if (folder / "abathur.db").exists() and not os.access(folder, os.W_OK):
        return ProjectNotWritable(f"{folder} cannot be written: {error}.")
    return ProjectGone(f"{folder / 'abathur.db'} cannot be opened: {error}.")


def _of_system(error: OSError, folder: Path) -> AbathurError:
    if error.errno in _FULL:
        return DiskFull(f"The disk that holds {folder} is full: {error.strerror}.")
    if error.errno in _OUT_OF_FILES:
        return OutOfFiles(f"No more files can be opened: {(error.strerror or str(error)).lower()}.")
    if error.errno == errno.EIO:
        return DiskFailing(f"{error.filename or folder} cannot be read or written: {error.strerror}.")
    if error.errno == errno.ENOLCK:
        return DatabaseBusy(f"{error.filename or folder} cannot be locked: {(error.strerror or str(error)).lower()}.")
    if error.errno in (errno.EACCES, errno.EPERM, errno.EROFS):
        return ProjectNotWritable(f"{error.filename or folder} cannot be written: {error.strerror}.")
    if error.errno in (errno.EEXIST, errno.EISDIR, errno.ELOOP):
        what = (error.strerror or str(error)).lower()
        return ProjectNotWritable(f"{error.filename or folder} is not what belongs there: {what}.", hint="Move it away: it is made anew.")
    if error.errno in (errno.ENOENT, errno.ENOTDIR, errno.ESTALE):
        return ProjectGone(f"{error.filename or folder} is gone.")
    return Unexpected(f"{error.filename or folder}: {error.strerror or error}.")
