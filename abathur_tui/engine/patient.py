"""The database, as the engine's workers use it: a full disk, a lock that is held too long or a folder that is away for a
moment makes them wait, not fail, so that nothing that was done is dropped."""

import asyncio
import contextlib
from collections.abc import Callable, Coroutine
from pathlib import Path
from sqlite3 import Connection
from typing import Any, Concatenate, ParamSpec, TypeVar

from abathur_tui.domain.clock import Clock
from abathur_tui.domain.errors import (
    AbathurError,
    DatabaseBusy,
    DatabaseDamaged,
    DatabaseNewer,
    DiskFailing,
    DiskFull,
    OutOfFiles,
    ProjectGone,
    ProjectNotWritable,
)
from abathur_tui.engine.log import EngineLog
from abathur_tui.storage import Database
from abathur_tui.storage.files import cannot_be_read

P = ParamSpec("P")
T = TypeVar("T")

PASSING = (DiskFull, DiskFailing, DatabaseBusy, OutOfFiles, ProjectNotWritable)
"""What is outside of Abathur, and may be over at any moment."""
GONE_SECONDS = 5.0
"""How long a project's folder may be away, or its file seem to be damaged, before that counts as so for good."""
_FIRST_PAUSE_SECONDS = 0.1
_LONGEST_PAUSE_SECONDS = 1.0


class PatientDatabase:
    """Reads and writes that wait until the cause of a trouble is gone."""

    def __init__(
        self, database: Database, log: EngineLog, clock: Clock, broken: Callable[[AbathurError], None], gone_seconds: float = GONE_SECONDS
    ) -> None:
        """`broken` is told when there is nothing to wait for: the folder is gone for good, the file damaged, or of a newer Abathur."""
        self._database = database
        self._log = log
        self._clock = clock
        self._broken = broken
        self._gone_seconds = gone_seconds
        self.tell: Callable[[AbathurError | None], None] = lambda _: None
        """Is told of a trouble that is waited for, and with None that it is over."""
        self._troubles: dict[str, str] = {}
        """`read` or `write` to the code of the error that it waits for."""

    @property
    def waits(self) -> bool:
        """Whether something that is to be written waits for the end of a trouble."""
        return "write" in self._troubles

    async def write(self, operation: Callable[Concatenate[Connection, P], T], *args: P.args, **kwargs: P.kwargs) -> T:
        """What `operation` gives, once it is committed. Raises its own refusals (LeaseLost…), and ProjectGone or DatabaseDamaged for good.

        `operation` may be run again after a trouble, so it changes nothing but the database. Whoever is cancelled while it is
        under way waits for its end, so that it is known to be done or not.
        """
        return await self._patiently("write", lambda: self._database.write(operation, *args, **kwargs))

    async def write_kept(
        self, keep: Callable[[T], None], operation: Callable[Concatenate[Connection, P], T], *args: P.args, **kwargs: P.kwargs
    ) -> None:
        """`write` for a result that must not get lost: `keep` has it, also where the caller is cancelled in that moment."""
        await self._patiently("write", lambda: self._database.write(operation, *args, **kwargs), keep)

    async def read(self, query: Callable[Concatenate[Connection, P], T], *args: P.args, **kwargs: P.kwargs) -> T:
        """What `query` reads."""
        return await self._patiently("read", lambda: self._database.read(query, *args, **kwargs))

    async def _patiently(self, way: str, attempt: Callable[[], Coroutine[Any, Any, T]], keep: Callable[[T], None] | None = None) -> T:
        pause = _FIRST_PAUSE_SECONDS
        hopeless_since: float | None = None
        while True:
            try:
                result = await to_its_end(attempt(), keep)
            except PASSING as error:
                self._wait_for(way, error)
            except (ProjectGone, DatabaseDamaged) as error:
                self._wait_for(way, error)
                now = self._clock.monotonic()
                hopeless_since = now if hopeless_since is None else hopeless_since
                late = now - hopeless_since >= self._gone_seconds
                if self._database.is_replaced or (late and not await only_seems_damaged(error, self._database.folder)):
                    self._broken(error)
                    raise
            except DatabaseNewer as error:
                self._broken(error)
                raise
            else:
                if (code := self._troubles.pop(way, None)) is not None:
                    self._log.info("storage.recovered", "the cause is gone, the work goes on", code=code)
                    self.tell(None)
                return result
            # What is waited for here is outside of every process of ours, so nobody can tell us that it is over.
            await asyncio.sleep(pause)
            pause = min(pause * 2, _LONGEST_PAUSE_SECONDS)

    def _wait_for(self, way: str, error: AbathurError) -> None:
        if self._troubles.get(way) != error.code:
            self._troubles[way] = error.code
            self.tell(error)
            self._log.warning("storage.waits", f"{error.message} The engine waits until that is over.", code=error.code)


async def only_seems_damaged(error: AbathurError, folder: Path) -> bool:
    """Whether it only looks like damage: SQLite tells a read that the system refuses (EIO) as a malformed file."""
    return isinstance(error, DatabaseDamaged) and await asyncio.to_thread(cannot_be_read, folder)


async def to_its_end(attempt: Coroutine[Any, Any, T] | asyncio.Future[T], keep: Callable[[T], None] | None) -> T:
    """What `attempt` gives. Whoever is cancelled while it is under way, however often, waits for its end, and `keep` has the result all the same."""
    task = asyncio.ensure_future(attempt)
    try:
        result = await asyncio.shield(task)
    except asyncio.CancelledError:
        while not task.done():
            with contextlib.suppress(asyncio.CancelledError):
                await asyncio.wait({task})
        with contextlib.suppress(AbathurError):
            late = task.result()
            if keep is not None:
                keep(late)
        raise
    if keep is not None:
        keep(result)
    return result
