"""Slots: who may work now. A slot is held only while an agent, a measure or a join works; whoever waits holds none."""

import asyncio
import heapq
from collections import Counter
from collections.abc import Callable
from dataclasses import dataclass, field


class Slot:
    """A right to work, until it is released."""

    def __init__(self, slots: "Slots", lane: str | None) -> None:
        """Made by `Slots` only."""
        self._slots = slots
        self._lane = lane
        self.held = True

    def release(self) -> None:
        """Give it back; a second time does nothing."""
        if self.held:
            self.held = False
            self._slots._returned(self._lane)
            self._slots.look_again()

    def hand_on(self) -> None:
        """Give it back to the one who claims for it right now."""
        if self.held:
            self.held = False
            self._slots._returned(self._lane)

    async def regain(self, priority: int) -> None:
        """Hold one again, of the same lane, as soon as there is one."""
        slot = await self._slots.acquire(priority, self._lane)
        slot.held, self.held = False, True


@dataclass(order=True)
class _Waiter:
    rank: tuple[int, int]
    lane: str | None = field(compare=False)
    granted: "asyncio.Future[Slot]" = field(compare=False)


class Slots:
    """The engine's slots: a limit for all, and one per lane where its runtime has one."""

    def __init__(self, limit: int, changed: Callable[[], None], most: int | None = None) -> None:
        """`changed` is called when a slot became free. `most`: no limit that is asked for goes beyond it."""
        self._most = most
        self.limit = self._possible(limit)
        self._changed = changed
        self._busy = 0
        self._busy_in: Counter[str] = Counter()
        self._lane_limits: dict[str, int] = {}
        self._waiters: list[_Waiter] = []
        self._counter = 0

    @property
    def busy(self) -> int:
        """How many are held."""
        return self._busy

    def limit_lane(self, lane: str, limit: int | None) -> None:
        """Let at most `limit` of this lane work at once; None: no limit of its own."""
        wanted = None if limit is None else max(limit, 1)
        if wanted == self._lane_limits.get(lane):
            return
        if wanted is None:
            del self._lane_limits[lane]
        else:
            self._lane_limits[lane] = wanted
        self._grant()
        self._changed()

    def resize(self, limit: int) -> None:
        """Let so many work at once from now on; those beyond it finish what they do."""
        limit = self._possible(limit)
        if limit != self.limit:
            self.limit = limit
            self._grant()
            self._changed()

    def look_again(self) -> None:
        """Something else has changed that may let a task be claimed."""
        self._changed()

    def free(self) -> int:
        """How many may be claimed now; those who wait for a slot and could have one come first."""
        return max(self.limit - self._busy - sum(not self._is_full(waiter.lane) for waiter in self._waiters), 0)

    def free_in(self, lane: str) -> int:
        """How many of this lane may be claimed now, as far as the lane's own limit goes."""
        limit = self._lane_limits.get(lane)
        if limit is None:
            return self.free()
        waiting = sum(waiter.lane == lane for waiter in self._waiters)
        return max(min(limit - self._busy_in[lane] - waiting, self.free()), 0)

    def busy_in(self, lane: str) -> int:
        """How many of this lane are held."""
        return self._busy_in[lane]

    def take(self, lane: str) -> Slot:
        """A slot for a task that was just claimed."""
        return self._take(lane)

    async def acquire(self, priority: int, lane: str | None = None) -> Slot:
        """The next free slot for a running task that had none; higher priority first, then first come. `lane` None: no lane's limit counts."""
        self._counter += 1
        waiter = _Waiter((-priority, self._counter), lane, asyncio.get_running_loop().create_future())
        heapq.heappush(self._waiters, waiter)
        self._grant()
        try:
            return await waiter.granted
        except asyncio.CancelledError:
            if waiter.granted.done() and not waiter.granted.cancelled():
                waiter.granted.result().release()
            elif waiter in self._waiters:
                self._waiters.remove(waiter)
                heapq.heapify(self._waiters)
                self._changed()
            raise

    def _possible(self, limit: int) -> int:
        return limit if self._most is None else min(limit, self._most)

    def _take(self, lane: str | None) -> Slot:
        self._busy += 1
        if lane is not None:
            self._busy_in[lane] += 1
        return Slot(self, lane)

    def _is_full(self, lane: str | None) -> bool:
        limit = None if lane is None else self._lane_limits.get(lane)
        return lane is not None and limit is not None and self._busy_in[lane] >= limit

    def _returned(self, lane: str | None) -> None:
        self._busy -= 1
        if lane is not None:
            self._busy_in[lane] -= 1
        self._grant()

    def _grant(self) -> None:
        """Give free slots to those who wait, the most urgent first; whose lane is full waits on."""
        passed = []
        while self._waiters and self._busy < self.limit:
            waiter = heapq.heappop(self._waiters)
            if self._is_full(waiter.lane):
                passed.append(waiter)
            elif not waiter.granted.done():
                waiter.granted.set_result(self._take(waiter.lane))
        for waiter in passed:
            heapq.heappush(self._waiters, waiter)
