"""The project's database: one writer thread, four readers, one place where SQLite's errors become ours."""

from collections.abc import Callable
from pathlib import Path
from sqlite3 import Connection
from typing import Concatenate, ParamSpec, TypeVar

P = ParamSpec("P")
T = TypeVar("T")


class Database:
    """An open project database. Threads may share it; processes may not: no connection survives a fork."""

    folder: Path
    """The `.abathur` folder."""
    id: str
    """A random id, made with the file."""
    read_only: bool
    """The folder cannot be written: reads work, writes raise `ProjectNotWritable`."""

    @classmethod
    def open(cls, folder: Path, *, create: bool = False) -> "Database":
        """Open `folder/abathur.db`; `create` makes folder and file where they are not there.

        Raises ProjectNotFound, ProjectNotWritable, NetworkFileSystem, DatabaseDamaged, DatabaseNewer, DatabaseBusy or DiskFull.
        """
        raise NotImplementedError

    async def write(self, operation: Callable[Concatenate[Connection, P], T], *args: P.args, **kwargs: P.kwargs) -> T:
        """What `operation` gives, once it is committed. Whatever it raises takes back only itself."""
        raise NotImplementedError

    def write_now(self, operation: Callable[Concatenate[Connection, P], T], *args: P.args, **kwargs: P.kwargs) -> T:
        """The same, blocking."""
        raise NotImplementedError

    async def read(self, query: Callable[Concatenate[Connection, P], T], *args: P.args, **kwargs: P.kwargs) -> T:
        """What `query` reads in one snapshot, in a reader thread."""
        raise NotImplementedError

    def read_now(self, query: Callable[Concatenate[Connection, P], T], *args: P.args, **kwargs: P.kwargs) -> T:
        """The same, blocking."""
        raise NotImplementedError

    def data_version(self) -> int:
        """A number that changes when anybody, this process too, has committed; a few microseconds. Raises ProjectGone."""
        raise NotImplementedError

    def close(self) -> None:
        """Finish what was handed to the writer, then close all connections."""
        raise NotImplementedError
