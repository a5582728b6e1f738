"""The desk: workers hand in what is whole, and tasks are claimed, in one transaction for all that has come since the last one."""

import asyncio
from collections.abc import Callable, Collection, Sequence
from dataclasses import dataclass
from sqlite3 import Connection
from typing import Any, TypeAlias

from abathur_tui.domain.clock import Clock
from abathur_tui.domain.errors import DatabaseDamaged, DatabaseNewer, LeaseLost, ProjectGone
from abathur_tui.engine.patient import PatientDatabase
from abathur_tui.engine.slots import Slot
from abathur_tui.storage import queue
from abathur_tui.storage.queue import LastTurn

MOST_AT_ONCE = 64
"""Tasks that end, and as many that are claimed, in one transaction. Where hundreds have work at the same moment, the first of them go on while the
others' turn is still being written, and other processes are let in between."""

Outcome: TypeAlias = tuple[Collection[int], Any]


@dataclass(frozen=True, slots=True)
class Errand:
    """What goes along with the next transaction."""

    operate: Callable[[Connection, Sequence[LastTurn]], Outcome]
    """Part of the transaction, which may be run again. It is given what has just ended, and gives which of those agents it has handed their
    next task, and whatever `keep` is to have."""
    keep: Callable[[Any], None]
    """Has that, once it is on disk."""
    dropped: Callable[[], None]
    """Called instead where nothing came of it."""


class Handed:
    """Something that was handed in."""

    __slots__ = ("_error", "_settled", "_waiter", "handed_on", "last", "slot")

    def __init__(self, last: LastTurn, slot: Slot | None) -> None:
        """Nothing came of it yet."""
        self.last = last
        self.slot = slot
        self.handed_on = False
        """Whether its agent has its next task already."""
        self._error: Exception | None = None
        self._settled = False
        self._waiter: asyncio.Future[None] | None = None

    @property
    def is_settled(self) -> bool:
        """Whether it is known what came of it."""
        return self._settled

    async def settled(self) -> None:
        """Returns when it is on disk. Raises LeaseLost, or what went wrong.

        Whoever is cancelled meanwhile, however often, waits for its end, so that it is known to be done or not.
        """
        cancelled = False
        while not self._settled:
            self._waiter = asyncio.get_running_loop().create_future()
            try:
                await self._waiter
            except asyncio.CancelledError:
                cancelled = True
        if cancelled:
            raise asyncio.CancelledError
        if self._error is not None:
            raise self._error

    def settle(self, error: Exception | None = None) -> None:
        """It is on disk, or never will be."""
        self._settled, self._error = True, error
        if self._waiter is not None and not self._waiter.done():
            self._waiter.set_result(None)

    def keep(self, held: bool, handed_on: Collection[int]) -> None:
        """What came of it."""
        self.handed_on = self.last.agent in handed_on
        self.settle(None if held else LeaseLost(f"t{self.last.lease.task} is not held by this worker any more."))


class Desk:
    """One for an engine. `run` it as a task that ends after all workers."""

    def __init__(self, database: PatientDatabase, clock: Clock) -> None:
        """Nothing was handed in."""
        self._database = database
        self._clock = clock
        self._handed: list[Handed] = []
        self._errands: list[asyncio.Future[None]] = []
        self._something = asyncio.Event()
        self._ended = False

    def hand_in(self, last: LastTurn, slot: Slot | None) -> Handed:
        """Complete a plain task with its last turn; its slot and its agent are free for the next one in the same transaction."""
        handed = Handed(last, slot)
        if self._ended:
            handed.settle(_too_late(handed))
        else:
            self._handed.append(handed)
            self._something.set()
        return handed

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

    def again(self) -> None:
        """There may be more to do right away."""
        self._something.set()

    async def run(self, errand: Callable[[], Errand | None]) -> None:
        """Write what comes, for ever. `errand` gives what goes along, asked right before each transaction."""
        try:
            while True:
                await self._something.wait()
                self._something.clear()
                await self._next(errand)
        finally:
            self._ended = True
            _tell(self._errands, None)
            _give_up(self._handed)

    async def _next(self, errand: Callable[[], Errand | None]) -> None:
        handed, self._handed = self._handed[:MOST_AT_ONCE], self._handed[MOST_AT_ONCE:]
        if self._handed:
            self.again()
        waiting, self._errands = self._errands, []
        for one in handed:
            if one.slot is not None:
                one.slot.hand_on()
        error: Exception | None = None
        try:
            error = await self._write(handed, errand())
        finally:
            _tell(waiting, error)
            _give_up(handed)  # where this was broken off

    async def _write(self, handed: Sequence[Handed], errand: Errand | None) -> Exception | None:
        """Write it all; gives what went wrong, where that is not the refusal of something that was handed in."""
        if not handed and errand is None:
            return None
        told: list[bool] = []

        def keep(outcome: tuple[list[bool], Outcome]) -> None:
            told.append(True)
            held, (handed_on, result) = outcome
            for one, is_held in zip(handed, held, strict=True):
                one.keep(is_held, handed_on)
            if errand is not None:
                errand.keep(result)

        try:
            await self._database.write_kept(keep, self._operate, handed, errand)
        except (ProjectGone, DatabaseDamaged, DatabaseNewer) as error:
            # For good: none of them will ever be written.
            for one in handed:
                one.settle(error)
            return error
        except Exception as error:
            return await self._one_by_one(handed, error)
        finally:
            if errand is not None and not told:
                errand.dropped()
        return None

    async def _one_by_one(self, handed: Sequence[Handed], error: Exception) -> Exception | None:
        """One of them is refused, or cannot be written at all: that one must not keep the others from their end.

        Where there are none, `error` is the errand's, and given.
        """
        if not handed:
            return error
        for one in handed:
            try:
                held, _ = await self._database.write(self._operate, [one], None)
            except Exception as refusal:
                one.settle(refusal)
            else:
                one.keep(held[0], ())
        return None

    def _operate(self, c: Connection, handed: Sequence[Handed], errand: Errand | None) -> tuple[list[bool], Outcome]:
        now = self._clock.now()
        held = queue.end_turns(c, [one.last for one in handed], now) if handed else []
        ended = [one.last for one, is_held in zip(handed, held, strict=True) if is_held]
        outcome: Outcome = ((), None) if errand is None else errand.operate(c, ended)
        queue.free_agents(c, [last for last in ended if last.agent not in outcome[0]], now)
        return held, outcome


def _give_up(handed: Sequence[Handed]) -> None:
    """Nobody writes any more: whoever handed in waits for nothing."""
    for one in handed:
        if not one.is_settled:
            one.settle(_too_late(one))


def _too_late(handed: Handed) -> LeaseLost:
    return LeaseLost(f"t{handed.last.lease.task} could not be completed before its engine ended.")


def _tell(waiting: Sequence["asyncio.Future[None]"], error: Exception | None) -> None:
    for future in waiting:
        if not future.done():
            if error is None:
                future.set_result(None)
            else:
                future.set_exception(error)
