"""Ctrl-C while something runs: the first one is a wish, the second one an end."""

import asyncio
import signal
from collections.abc import Awaitable
from types import TracebackType
from typing import Self, TypeVar

T = TypeVar("T")


class Interrupted(Exception):
    """Ctrl-C was pressed before what was awaited had come."""


class Interrupts:
    """Counts Ctrl-C in a `with` block inside a running event loop; outside of it, it is Python's own KeyboardInterrupt again."""

    def __init__(self, *more: signal.Signals) -> None:
        """`more`: signals that count as Ctrl-C does."""
        self._signals = (signal.SIGINT, *more)
        self.last = signal.SIGINT
        """The signal that came last."""
        self._waiting = 0
        """Presses that nobody has acted on."""
        self._pressed = asyncio.Event()

    def __enter__(self) -> Self:
        for number in self._signals:
            asyncio.get_running_loop().add_signal_handler(number, self._press, number)
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None) -> None:
        for number in self._signals:
            asyncio.get_running_loop().remove_signal_handler(number)

    async def unless_pressed(self, awaited: Awaitable[T]) -> T:
        """What `awaited` gives. Raises Interrupted, having cancelled it, when Ctrl-C is pressed before, or was and nobody has acted on it.

        A press that comes too late for this one counts for the next.
        """
        work = asyncio.ensure_future(awaited)
        press = asyncio.ensure_future(self._pressed.wait())
        try:
            await asyncio.wait((work, press), return_when=asyncio.FIRST_COMPLETED)
            if work.done():
                return work.result()
            self._act()
            raise Interrupted
        finally:
            for future in (work, press):
                if not future.done():
                    future.cancel()
            await asyncio.gather(work, press, return_exceptions=True)

    def _press(self, number: signal.Signals) -> None:
        self.last = number
        self._waiting += 1
        self._pressed.set()

    def _act(self) -> None:
        self._waiting -= 1
        if not self._waiting:
            self._pressed.clear()
