"""How long a turn may be silent: its timer is set anew only when it comes due, not at every word."""

import asyncio
from types import TracebackType
from typing import Self


class Stall:
    """A limit of silence around a part of a task, which raises TimeoutError where that was silent for too long."""

    __slots__ = ("_cancelling", "_loop", "_seconds", "_since", "_task", "_timer", "expired")

    def __init__(self, seconds: float) -> None:
        """To be entered by a task."""
        self._seconds = seconds
        self.expired = False
        """It was silent for too long."""

    def __enter__(self) -> Self:
        """The silence begins."""
        task = asyncio.current_task()
        assert task is not None
        self._loop, self._task, self._cancelling = asyncio.get_running_loop(), task, task.cancelling()
        self._since: float | None = self._loop.time()
        self._timer = self._loop.call_at(self._since + self._seconds, self._look)
        return self

    def heard(self) -> None:
        """Something was heard: what we do with it now is not the other side's silence."""
        self._since = None

    def listen(self) -> None:
        """The silence begins anew."""
        self._since = self._loop.time()

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None) -> None:
        """Whoever cancels the task for another reason, too, is not taken for this one."""
        self._timer.cancel()
        if self.expired and self._task.uncancel() <= self._cancelling and kind is asyncio.CancelledError:
            raise TimeoutError from error

    def _look(self) -> None:
        now = self._loop.time()
        until = (now if self._since is None else self._since) + self._seconds
        if now < until:
            self._timer = self._loop.call_at(until, self._look)
        else:
            self.expired = True
            self._task.cancel()
