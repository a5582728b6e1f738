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


@dataclass(order=True)
class _Waiter:
    rank: tuple[int, int]
    granted: "asyncio.Future[Slot]" = field(compare=False)


class Slots:
    """The engine's slots: a limit for all, and one per lane where its runtime has one."""

    def __init__(self, limit: int, changed: Callable[[], None]) -> None:
        """`changed` is called when a slot became free."""
        self.limit = limit
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
        self._changed()

    def look_again(self) -> None:
        """Something else has changed that may let a task be claimed."""
        self._changed()

    def free(self) -> int:
        """How many may be claimed now; those who wait for a slot come first."""
        return max(self.limit - self._busy - len(self._waiters), 0)

    def free_in(self, lane: str) -> int:
        """How many of this lane may be claimed now, as far as the lane's own limit goes."""
        limit = self._lane_limits.get(lane)
        return self.free() if limit is None else max(min(limit - self._busy_in[lane], self.free()), 0)

    def take(self, lane: str) -> Slot:
        """A slot for a task that was just claimed."""
        self._busy += 1
        self._busy_in[lane] += 1
        return Slot(self, lane)

    async def acquire(self, priority: int) -> Slot:
        """The next free slot (of no lane) for a running task that had none; higher priority first, then first come."""
        if self._busy < self.limit and not self._waiters:
            self._busy += 1
            return Slot(self, None)
        self._counter += 1
        waiter = _Waiter((-priority, self._counter), asyncio.get_running_loop().create_future())
        heapq.heappush(self._waiters, waiter)
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

    def _returned(self, lane: str | None) -> None:
        self._busy -= 1
        if lane is not None:
            self._busy_in[lane] -= 1
        while self._waiters and self._busy < self.limit:
            waiter = heapq.heappop(self._waiters)
            if not waiter.granted.done():
                self._busy += 1
                waiter.granted.set_result(Slot(self, None))
        self._changed()
