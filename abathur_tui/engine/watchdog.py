"""Limits of time around parts of tasks: one timer for all of them, because most parts end long before their time is over."""

import asyncio
from types import TracebackType
from typing import Self


class TimeLimit:
    """How long a part of a task may take, or be silent: where it takes longer it is cancelled, and raises TimeoutError."""

    __slots__ = ("_cancelling", "_dog", "_left", "_seconds", "_task", "expired", "until")

    def __init__(self, dog: "Watchdog", seconds: float) -> None:
        """To be entered by a task."""
        self._dog = dog
        self._seconds = self._left = seconds
        self.until: float | None = None
        """When its time is over, by the loop's clock; None while none passes."""
        self.expired = False
        """It has taken too long."""

    def __enter__(self) -> Self:
        """Time begins to pass."""
        task = asyncio.current_task()
        assert task is not None
        self._task, self._cancelling = task, task.cancelling()
        self._dog.limits.add(self)
        self.begin_anew()
        return self

    def begin_anew(self) -> None:
        """There is all of the time again."""
        self._left = self._seconds
        self.go_on()

    def pause(self) -> None:
        """No time passes."""
        if self.until is not None:
            self._left, self.until = self.until - self._dog.now(), None

    def go_on(self) -> None:
        """What was left of the time passes."""
        self.until = self._dog.now() + self._left
        self._dog.look_at(self.until)

    def expire(self) -> None:
        """Its time is over."""
        self.until, self.expired = None, True
        self._task.cancel()

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None) -> None:
        """Whoever cancels the task for another reason, too, is not taken for this one."""
        self._dog.limits.discard(self)
        if self.expired and self._task.uncancel() <= self._cancelling and kind is asyncio.CancelledError:
            raise TimeoutError from error


class Watchdog:
    """Looks after all limits of time in one event loop."""

    def __init__(self) -> None:
        """There are none."""
        self.limits: set[TimeLimit] = set()
        self._looks_at = float("inf")
        self._timer: asyncio.TimerHandle | None = None

    def limit(self, seconds: float) -> TimeLimit:
        """A limit for a part of the task that enters it."""
        return TimeLimit(self, seconds)

    def now(self) -> float:
        """The loop's clock."""
        return asyncio.get_running_loop().time()

    def look_at(self, moment: float) -> None:
        """Look not later than this."""
        if moment < self._looks_at:
            if self._timer is not None:
                self._timer.cancel()
            self._looks_at, self._timer = moment, asyncio.get_running_loop().call_at(moment, self._look)

    def _look(self) -> None:
        self._looks_at, self._timer = float("inf"), None
        now = self.now()
        for limit, until in [(limit, limit.until) for limit in self.limits if limit.until is not None]:
            if until <= now:
                limit.expire()
            else:
                self.look_at(until)
