"""The desk: workers hand in what is whole, and tasks are claimed, in one transaction for all that has come since the last one."""

import asyncio
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from sqlite3 import Connection
from typing import Any

from abathur_tui.domain.clock import Clock
from abathur_tui.domain.errors import AbathurError, LeaseLost
from abathur_tui.engine.patient import PatientDatabase, to_its_end
from abathur_tui.engine.slots import Slot
from abathur_tui.storage import queue
from abathur_tui.storage.queue import LastTurn


@dataclass(frozen=True, slots=True)
class Errand:
    """What goes along with the next transaction."""

    operate: Callable[[Connection], Any]
    """Part of the transaction; it may be run again."""
    keep: Callable[[Any], None]
    """Has what it gave, once that is on disk."""
    dropped: Callable[[], None]
    """Called instead where nothing came of it."""


@dataclass(frozen=True, slots=True)
class _Handed:
    last: LastTurn
    slot: Slot | None
    held: "asyncio.Future[bool]"
    """Whether its lease held."""


class Desk:
    """One for an engine. `run` it as a task that ends after all workers."""

    def __init__(self, database: PatientDatabase, clock: Clock) -> None:
        """Nothing was handed in."""
        self._database = database
        self._clock = clock
        self._handed: list[_Handed] = []
        self._errands: list[asyncio.Future[None]] = []
        self._something = asyncio.Event()
        self._ended = False

    async def end(self, last: LastTurn, slot: Slot | None) -> None:
        """Complete a plain task with its last turn; its slot is free for the next one at once. Raises LeaseLost.

        Whoever is cancelled meanwhile waits for its end, so that it is known to be done or not.
        """
        handed = _Handed(last, slot, asyncio.get_running_loop().create_future())
        self._handed.append(handed)
        self._something.set()
        await to_its_end(handed.held, None)
        if not handed.held.result():
            raise LeaseLost(f"t{last.lease.task} is not held by this worker any more.")

    async def errand(self) -> None:
        """Let the errand be done, whether anything is handed in or not; returns when it is, or when nothing is done here any more.

        Raises what goes wrong with it.
        """
        if self._ended:
            return
        waiting: asyncio.Future[None] = asyncio.get_running_loop().create_future()
        self._errands.append(waiting)
        self._something.set()
        await waiting

    async def run(self, errand: Callable[[], Errand | None]) -> None:
        """Write what comes, for ever. `errand` gives what goes along, asked right before each transaction."""
        try:
            while True:
                await self._something.wait()
                self._something.clear()
                await self._next(errand)
        finally:
            self._ended = True
            _done(self._errands, None)

    async def _next(self, errand: Callable[[], Errand | None]) -> None:
        handed, self._handed = self._handed, []
        waiting, self._errands = self._errands, []
        for one in handed:
            if one.slot is not None:
                one.slot.hand_on()
        error: AbathurError | None = None
        try:
            error = await self._write(handed, errand())
        finally:
            _done(waiting, error)

    async def _write(self, handed: Sequence[_Handed], errand: Errand | None) -> AbathurError | None:
        """Write it all; what went wrong, where that is not the refusal of something that was handed in."""
        if not handed and errand is None:
            return None
        told: list[bool] = []

        def keep(outcome: tuple[list[bool], Any]) -> None:
            told.append(True)
            held, result = outcome
            for one, is_held in zip(handed, held, strict=True):
                one.held.set_result(is_held)
            if errand is not None:
                errand.keep(result)

        try:
            await self._database.write_kept(keep, self._operate, handed, errand)
        except AbathurError as error:
            if not handed:
                return error
            await self._one_by_one(handed)
        finally:
            if errand is not None and not told:
                errand.dropped()
        return None

    async def _one_by_one(self, handed: Sequence[_Handed]) -> None:
        """One of them is refused: that one must not keep the others from their end."""
        for one in handed:
            try:
                held, _ = await self._database.write(self._operate, [one], None)
            except AbathurError as error:
                one.held.set_exception(error)
            else:
                one.held.set_result(held[0])

    def _operate(self, c: Connection, handed: Sequence[_Handed], errand: Errand | None) -> tuple[list[bool], Any]:
        held = queue.end_turns(c, [one.last for one in handed], self._clock.now()) if handed else []
        return held, None if errand is None else errand.operate(c)


def _done(waiting: Sequence["asyncio.Future[None]"], error: AbathurError | None) -> None:
    for future in waiting:
        if not future.done():
            if error is None:
                future.set_result(None)
            else:
                future.set_exception(error)
