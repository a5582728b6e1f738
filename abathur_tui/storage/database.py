"""The project's database: one writer thread, four readers, one place where SQLite's errors become ours."""

import asyncio
import contextlib
import os
import shutil
import sqlite3
import threading
from collections.abc import Callable
from concurrent.futures import Future, ThreadPoolExecutor
from functools import partial
from pathlib import Path
from sqlite3 import Connection
from typing import Concatenate, ParamSpec, TypeVar

from abathur_tui.domain.errors import DatabaseDamaged, DiskFull, ProjectGone, ProjectNotFound, ProjectNotWritable
from abathur_tui.storage.connection import connect, keep_open, prepare_file, refuse_foreign, refuse_unwritable, roll_back, scalar
from abathur_tui.storage.failures import as_ours, translated
from abathur_tui.storage.files import DATABASE, OpenFiles, make_private, prepare_folder, refuse_links, sync
from abathur_tui.storage.locks import living_engines
from abathur_tui.storage.migrations import known_steps, migrate, refuse_newer, version_of
from abathur_tui.storage.readers import Readers
from abathur_tui.storage.reading import readable
from abathur_tui.storage.threads import start_all
from abathur_tui.storage.turnstile import alone
from abathur_tui.storage.writer import Job, Writer

P = ParamSpec("P")
T = TypeVar("T")

READERS = 4
_EMPTY = (
    "It was cut off. `abathur db recover` saves what its log has; backups are in .abathur/backups. Who wants to begin with an empty queue removes it."
)


class Database:
    """An open project database. Threads may share it; processes may not: no connection survives a fork."""

    folder: Path
    """The `.abathur` folder."""
    id: str
    """A random id, made with the file."""
    read_only: bool
    """The folder cannot be written: reads work, writes raise `ProjectNotWritable`."""

    def __init__(self, folder: Path, connect_reader: Callable[[], Connection], writable: Connection | None, copy: Path | None) -> None:
        """Use `open`. `copy`: a temporary folder with the copy that is read, where the file itself cannot be opened."""
        self.folder = folder
        self.read_only = writable is None
        self._path = folder / DATABASE
        self._files = OpenFiles(self._path, log=writable is not None)
        self._process = os.getpid()
        self._version = known_steps()[-1].version
        self._writable = writable
        self._writer = None if writable is None else Writer(writable, folder, self._version)
        self._copy = copy
        self._readers = Readers(connect_reader, READERS)
        self._pool = ThreadPoolExecutor(READERS, thread_name_prefix="abathur-reader")
        self._connect_reader = connect_reader
        self._watcher: Connection | None = None
        self._watching = threading.Lock()
        self._closed = False
        self.has_written = False
        """Something was written, or may have been."""
        try:
            self.id = str(self._read(lambda c: scalar(c, "SELECT value FROM meta WHERE key = 'id'")))
        except BaseException:
            self.close()
            raise

    @classmethod
    def open(cls, folder: Path, *, create: bool = False, looks: bool = False) -> "Database":
        """Open `folder/abathur.db`; `create` makes folder and file where they are not there.

        Who only `looks`, and not for long, can do so on a full disk too: a connection that may write needs space for the index of its log.

        Raises ProjectNotFound, ProjectNotWritable, NetworkFileSystem, DatabaseDamaged, DatabaseNewer, DatabaseBusy or DiskFull.
        """
        folder = Path(os.path.abspath(folder))
        with translated(folder):
            prepare_folder(folder, create=create)
            refuse_links(folder)
            path = folder / DATABASE
            refuse_to_begin_anew(folder)
            if not path.exists() and not create:
                raise ProjectNotFound(f"There is no {path}.")
            _refuse_emptied(folder, path, create=create)
            if not _writable(folder, path):
                return cls._open_read_only(folder)
            make_private(path)
            try:
                writable = _open_writable(folder, path)
            except sqlite3.Error as error:
                if not (looks and isinstance(as_ours(error, folder), DiskFull)):
                    raise
                return cls._open_read_only(folder)
            return cls(folder, partial(connect, path, read_only=True), writable, None)

    @classmethod
    def _open_read_only(cls, folder: Path) -> "Database":
        """Read what cannot be written."""
        path = folder / DATABASE
        opened, copy = readable(folder)
        try:
            connection = opened()
            try:
                refuse_foreign(connection, path)
                behind = version_of(connection) < known_steps()[-1].version
            finally:
                connection.close()
            if behind:
                raise ProjectNotWritable(f"{path} must be brought up to date, and cannot be written.")
            return cls(folder, opened, None, copy)
        except BaseException:
            if copy is not None:
                shutil.rmtree(copy, ignore_errors=True)
            raise

    async def write(self, operation: Callable[Concatenate[Connection, P], T], *args: P.args, **kwargs: P.kwargs) -> T:
        """What `operation` gives, once it is committed. Whatever it raises takes back only itself.

        A caller that is cancelled before the operation began has not done it; after that it is done.
        """
        loop = asyncio.get_running_loop()
        future: asyncio.Future[T] = loop.create_future()
        job = Job(lambda connection: operation(connection, *args, **kwargs), future, loop)
        self._put(job)
        try:
            value = await future
        except asyncio.CancelledError:
            job.abandoned = self.has_written = True
            raise
        self.has_written = True
        return value

    def write_now(self, operation: Callable[Concatenate[Connection, P], T], *args: P.args, **kwargs: P.kwargs) -> T:
        """The same, blocking."""
        future: Future[T] = Future()
        self._put(Job(lambda connection: operation(connection, *args, **kwargs), future))
        value = future.result()
        self.has_written = True
        return value

    async def read(self, query: Callable[Concatenate[Connection, P], T], *args: P.args, **kwargs: P.kwargs) -> T:
        """What `query` reads in one snapshot, in a reader thread."""
        return await asyncio.get_running_loop().run_in_executor(self._pool, lambda: self._read(lambda c: query(c, *args, **kwargs)))

    def start_threads(self) -> None:
        """Start those that read, which else begin with the first reads: for a process whose programs may take all that can be started later."""
        start_all(self._pool, READERS)

    def read_now(self, query: Callable[Concatenate[Connection, P], T], *args: P.args, **kwargs: P.kwargs) -> T:
        """The same, blocking, in the caller's thread."""
        return self._read(lambda c: query(c, *args, **kwargs))

    def data_version(self) -> int:
        """A number that changes when anybody, this process too, has committed; a few microseconds. Raises ProjectGone."""
        with self._watching, translated(self.folder):
            self._still_there()
            if self._watcher is None:
                self._watcher = self._connect_reader()
            value = scalar(self._watcher, "PRAGMA data_version")
            assert isinstance(value, int)
            return value

    @property
    def is_replaced(self) -> bool:
        """Whether this database will never be usable again, and opening it anew might be: its log is gone, or another file is in its place."""
        return self._files.lost() is not None and self._path.exists()

    def close(self) -> None:
        """Finish what was handed to the writer, then close all connections; the writing one last, so that it can tidy up the log."""
        if self._closed:
            return
        self._closed = True
        if self._writer is not None:
            self._writer.close()
        self._pool.shutdown(wait=True)
        self._readers.close()
        if self._watcher is not None:
            self._watcher.close()
        if self._writable is not None and self._files.lost() is None:
            self._writable.close()
        elif self._writable is not None:
            keep_open(self._writable)
        if self._copy is not None:
            shutil.rmtree(self._copy, ignore_errors=True)

    def _put(self, job: Job) -> None:
        if self._writer is None:
            raise ProjectNotWritable(f"{self.folder} cannot be written; it is open for reading only.")
        self._refuse_fork()
        self._writer.put(job)

    def _read(self, query: Callable[[Connection], T]) -> T:
        self._refuse_fork()
        with translated(self.folder):
            self._still_there()
            with self._readers.lend() as connection:
                connection.execute("BEGIN")
                try:
                    refuse_newer(version_of(connection), self._version)
                    return query(connection)
                finally:
                    roll_back(connection)

    def _still_there(self) -> None:
        if (lost := self._files.lost()) is not None:
            raise ProjectGone(f"{lost} was removed or replaced.")

    def _refuse_fork(self) -> None:
        if os.getpid() != self._process:
            raise RuntimeError("no connection to a database survives a fork: open it again")


def _refuse_emptied(folder: Path, path: Path, *, create: bool) -> None:
    """A file without a byte is one that is being made, or one that was cut off: SQLite would silently begin anew in it."""
    log = folder / f"{DATABASE}-wal"
    # No engine ever starts, and nothing is backed up, before it is made.
    begun = (log.exists() and log.stat().st_size > 0) or (folder / "engines").is_dir() or (folder / "backups").is_dir()
    if path.exists() and path.stat().st_size == 0 and (begun or not create):
        raise DatabaseDamaged(f"{path} is empty.", hint=_EMPTY if begun else None)


def refuse_to_begin_anew(folder: Path) -> None:
    """Raise ProjectGone where the file is gone and its log, or an engine that had it open, is not: an empty one would hide what can be saved."""
    path, log = folder / DATABASE, folder / f"{DATABASE}-wal"
    if not path.exists() and ((log.exists() and log.stat().st_size > 0) or living_engines(folder)):
        raise ProjectGone(
            f"{path} is gone, and its log or its engine is still there.",
            hint="Put the file back, or save what its log has: `abathur engine stop`, then `abathur db recover`.",
        )


def _writable(folder: Path, path: Path) -> bool:
    if path.exists():
        return os.access(folder, os.W_OK) and os.access(path, os.R_OK | os.W_OK)
    if not os.access(folder, os.W_OK):
        raise ProjectNotWritable(f"{folder} cannot be written.")
    return True


def _open_writable(folder: Path, path: Path) -> Connection:
    """The connection that will write, its file made, checked and brought up to date; only one process at a time does that."""
    connection = connect(path)
    try:
        refuse_foreign(connection, path)
        if not _up_to_date(connection):
            with alone(folder):
                is_new = version_of(connection) == 0
                prepare_file(connection, path)
                migrate(connection, folder, known_steps())
                if is_new:
                    # SQLite sees to the names inside it.
                    sync(folder.parent)
                _mend_modes(folder)
        scalar(connection, "SELECT count(*) FROM sqlite_schema")
        if scalar(connection, "SELECT count(*) FROM meta WHERE key = 'id'") != 1:
            raise DatabaseDamaged(f"{path} does not say which project it is.")
        refuse_unwritable(connection)
    except BaseException:
        connection.close()
        raise
    return connection


def _up_to_date(connection: Connection) -> bool:
    """Whether there is nothing to prepare: asking takes no lock that others would wait for."""
    steps = known_steps()
    version = version_of(connection)
    refuse_newer(version, steps[-1].version)
    return version == steps[-1].version and scalar(connection, "PRAGMA journal_mode") == "wal"


def _mend_modes(folder: Path) -> None:
    for name in (f"{DATABASE}-wal", f"{DATABASE}-shm"):
        with contextlib.suppress(FileNotFoundError):
            (folder / name).chmod(0o600)
