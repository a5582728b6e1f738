"""Connections to SQLite, with every setting made and checked."""

import contextlib
import ctypes
import functools
import os
import sqlite3
import sys
from collections.abc import Callable, Iterator
from pathlib import Path
from sqlite3 import Connection
from urllib.parse import quote

from abathur_tui.domain.errors import AbathurError, DatabaseDamaged, Unexpected

APPLICATION_ID = 0x41425448
"""`ABTH`: what the file says that it is."""
BUSY_SECONDS = 5
LOG_BYTES = 2 * 1024 * 1024
"""The write-ahead log is moved into the file when it is larger, and cut back to this when it starts anew: so its size says when one is due."""

_ALWAYS = (
    ("foreign_keys", "on", 1),
    ("busy_timeout", str(BUSY_SECONDS * 1000), BUSY_SECONDS * 1000),
    ("trusted_schema", "off", 0),
    ("cell_size_check", "on", 1),
    ("recursive_triggers", "on", 1),
    ("synchronous", "full", 2),
    ("wal_autocheckpoint", "0", 0),
    ("journal_size_limit", str(LOG_BYTES), LOG_BYTES),
    ("temp_store", "memory", 2),
    ("cache_size", "-16000", -16000),
)
"""Setting, value, and what SQLite must answer when asked for it afterwards."""
_AS_FAR_AS_READABLE = functools.partial(str, encoding="utf-8", errors="replace")
"""For who only looks: what is no UTF-8 in a damaged text is replaced, so that it hides nothing else."""
_READERS_CACHE = ("-4000", -4000)
"""Less for connections that only read: SQLite empties their cache whenever somebody has committed, and there are several of them."""


def connect(path: Path, *, read_only: bool = False, immutable: bool = False) -> Connection:
    """A connection that any one thread at a time may use, in autocommit mode. The file must exist. Raises sqlite3.Error.

    `immutable`: nobody can write the file, and there is no log beside it (https://www.sqlite.org/uri.html).
    """
    mode = "mode=ro&immutable=1" if immutable else f"mode={'ro' if read_only else 'rw'}"
    connection = sqlite3.connect(
        f"file:{quote(os.fsencode(path))}?{mode}",
        uri=True,
        isolation_level=None,
        timeout=BUSY_SECONDS,
        cached_statements=512,
        check_same_thread=False,
    )
    try:
        for name, value, answer in _ALWAYS:
            set_pragma(connection, name, value, answer)
        if read_only:
            set_pragma(connection, "query_only", "on", 1)
            set_pragma(connection, "cache_size", *_READERS_CACHE)
            connection.text_factory = _AS_FAR_AS_READABLE
        _defend(connection, True)
        connection.create_function("casefold", 1, str.casefold, deterministic=True)
    except (sqlite3.Error, AbathurError):
        connection.close()
        raise
    return connection


@contextlib.contextmanager
def to_the_letter(connection: Connection) -> Iterator[None]:
    """For who works by what a reader reads: a text that is no UTF-8 is an error."""
    lenient, connection.text_factory = connection.text_factory, str
    try:
        yield
    finally:
        connection.text_factory = lenient


def refuse_unwritable(connection: Connection) -> None:
    """Raise sqlite3.OperationalError (SQLITE_READONLY) where a connection cannot write that was opened to do so.

    SQLite opens a file for reading only, and says nothing, when the system refuses anything else in that moment (`unixOpen`); it stays so, even if
    the disk has space again, for as long as the connection is open. Asking waits for nobody who is writing.
    """
    (patience,) = connection.execute("PRAGMA busy_timeout").fetchone()
    connection.execute("PRAGMA busy_timeout = 0")
    try:
        # Not BEGIN IMMEDIATE, which becomes a mere reader's there. This changes nothing, and so writes nothing.
        connection.execute("DELETE FROM meta WHERE key IS NULL")
    except sqlite3.OperationalError as error:
        if error.sqlite_errorcode & 0xFF != sqlite3.SQLITE_BUSY:
            raise
    finally:
        connection.execute(f"PRAGMA busy_timeout = {patience}")


@contextlib.contextmanager
def schema_as_rows(connection: Connection) -> Iterator[None]:
    """For a migration: tables' definitions may be changed in `sqlite_schema`."""
    _defend(connection, False)
    try:
        yield
    finally:
        _defend(connection, True)


def _defend(connection: Connection, defended: bool) -> None:
    """What is in the file cannot have its schema or its pages written as if they were rows (https://www.sqlite.org/security.html)."""
    if sys.version_info >= (3, 12):
        connection.setconfig(sqlite3.SQLITE_DBCONFIG_DEFENSIVE, defended)


def set_pragma(connection: Connection, name: str, value: str, answer: object) -> None:
    """Set a pragma and check that it is set. Raises Unexpected where SQLite does not do as it is told."""
    connection.execute(f"PRAGMA {name} = {value}")
    (got,) = connection.execute(f"PRAGMA {name}").fetchone()
    if got != answer:
        raise Unexpected(f"SQLite {sqlite3.sqlite_version} does not take {name} = {value} (it says {got}).")


def prepare_file(connection: Connection, path: Path) -> None:
    """Make a blank file ours, or check that it is: `auto_vacuum` before WAL mode, which it does not survive the other way round.

    Raises DatabaseDamaged where the file belongs to another program.
    """
    if is_blank(connection):
        set_pragma(connection, "auto_vacuum", "incremental", 2)
        set_pragma(connection, "application_id", str(APPLICATION_ID), APPLICATION_ID)
    refuse_foreign(connection, path)
    if scalar(connection, "PRAGMA journal_mode") != "wal":
        (mode,) = connection.execute("PRAGMA journal_mode = wal").fetchone()
        if mode != "wal":
            raise Unexpected(f"{path} cannot be put into WAL mode (it stays {mode}).")


def refuse_foreign(connection: Connection, path: Path) -> None:
    """Raise DatabaseDamaged where the file belongs to another program."""
    if not is_blank(connection) and scalar(connection, "PRAGMA application_id") != APPLICATION_ID:
        raise DatabaseDamaged(f"{path} is a database of another program.", hint="Move it away; nothing was changed.")


def is_blank(connection: Connection) -> bool:
    """Whether nothing is in the file yet: it has no page, or one only, where whoever was making it was killed."""
    return (scalar(connection, "PRAGMA application_id"), scalar(connection, "PRAGMA user_version")) == (0, 0) and not scalar(
        connection, "SELECT count(*) FROM sqlite_schema"
    )


def scalar(connection: Connection, statement: str) -> object:
    """The one value that a statement gives."""
    (value,) = connection.execute(statement).fetchone()
    return value


def in_transaction(connection: Connection, begin: str, body: Callable[[], None]) -> None:
    """Run `body` between `begin` and COMMIT; whatever it raises rolls back."""
    connection.execute(begin)
    try:
        body()
        connection.execute("COMMIT")
    except BaseException:
        roll_back(connection)
        raise


def roll_back(connection: Connection) -> None:
    """Roll back if there is anything left to: after "disk full" SQLite has already done it."""
    if connection.in_transaction:
        connection.execute("ROLLBACK")


def keep_open(connection: Connection) -> None:
    """Never close it, not even at the end of the process: with the last connection SQLite removes the log by its name, which may be another's."""
    ctypes.pythonapi.Py_IncRef(ctypes.py_object(connection))


def folder_of(connection: Connection) -> Path:
    """The folder that the connection's file is in."""
    (_, _, file) = connection.execute("PRAGMA database_list").fetchone()
    return Path(file).parent
