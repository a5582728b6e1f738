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

    def __init__(self) -> None:
        self._presses: asyncio.Queue[None] = asyncio.Queue()

    def __enter__(self) -> Self:
        asyncio.get_running_loop().add_signal_handler(signal.SIGINT, self._presses.put_nowait, None)
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None) -> None:
        asyncio.get_running_loop().remove_signal_handler(signal.SIGINT)

    async def unless_pressed(self, awaited: Awaitable[T]) -> T:
        """What `awaited` gives. Raises Interrupted, having cancelled it, when Ctrl-C is pressed before."""
        work = asyncio.ensure_future(awaited)
        press = asyncio.ensure_future(self._presses.get())
        try:
            await asyncio.wait((work, press), return_when=asyncio.FIRST_COMPLETED)
            if work.done():
                return work.result()
            raise Interrupted
        finally:
            for future in (work, press):
                if not future.done():
                    future.cancel()
            await asyncio.gather(work, press, return_exceptions=True)
