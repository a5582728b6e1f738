"""Reading a project for long: what keeps it from being read is told and waited for, as the engine does."""

import asyncio
from collections.abc import Awaitable, Callable
from sqlite3 import Connection
from typing import Concatenate, ParamSpec, TypeVar

from abathur_tui.domain.clock import Clock
from abathur_tui.domain.errors import AbathurError, DatabaseDamaged, ProjectGone
from abathur_tui.engine.patient import GONE_SECONDS, PASSING, only_seems_damaged
from abathur_tui.storage import Database

P = ParamSpec("P")
T = TypeVar("T")

_PAUSE_SECONDS = 0.5
OVER = "What was waited for is over; it goes on."


class Patience:
    """The database, for those who follow what happens in it."""

    def __init__(self, database: Database, clock: Clock) -> None:
        """`tell` is to be set by who wants to know what is waited for, and when that is over."""
        self.tell: Callable[[str], None] = lambda _: None
        self.folder = database.folder
        self._database = database
        self._clock = clock
        self._told = ""
        """The code of the trouble that was told and is not over yet."""

    async def read(self, query: Callable[Concatenate[Connection, P], T], *args: P.args, **kwargs: P.kwargs) -> T:
        """What `query` reads. Raises ProjectGone and DatabaseDamaged where that lasts."""
        return await self.until_well(lambda: self._database.read(query, *args, **kwargs))

    async def data_version(self) -> int:
        """A number that changes when anybody has committed. Raises as `read` does."""
        try:
            return self._database.data_version()
        except AbathurError:
            return await self.until_well(self._data_version)

    async def until_well(self, attempt: Callable[[], Awaitable[T]]) -> T:
        """What `attempt` gives, tried again until nothing outside of us is in its way. Raises whatever else it raises."""
        gone_since: float | None = None
        while True:
            try:
                result = await attempt()
            except PASSING as error:
                self._waits(error)
            except (ProjectGone, DatabaseDamaged) as error:
                gone_since = self._clock.monotonic() if gone_since is None else gone_since
                late = self._clock.monotonic() - gone_since >= GONE_SECONDS
                if self._database.is_replaced or (late and not await only_seems_damaged(error, self.folder)):
                    raise
                self._waits(error)
            else:
                if self._told:
                    self._told = ""
                    self.tell(OVER)
                return result
            await asyncio.sleep(_PAUSE_SECONDS)  # nobody can tell when a disk has room again

    def _waits(self, error: AbathurError) -> None:
        if self._told != error.code:
            self._told = error.code
            self.tell(f"Waiting: {error.message} [{error.code}] {error.advice}".rstrip())

    async def _data_version(self) -> int:
        return self._database.data_version()
