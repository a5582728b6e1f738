"""Waiting for something to become true, with a deadline instead of a guess."""

import asyncio
import time
from collections.abc import Awaitable, Callable
from typing import TypeVar

T = TypeVar("T")


def eventually(condition: Callable[[], T], seconds: float = 30.0) -> T:
    """What `condition` gives as soon as it is true. Raises AssertionError at the deadline."""
    deadline = time.monotonic() + seconds
    while not (value := condition()):
        assert time.monotonic() < deadline, f"not within {seconds} s"
        time.sleep(0.01)
    return value


async def eventually_async(condition: Callable[[], T | Awaitable[T]], seconds: float = 30.0) -> T:
    """What `condition` gives, awaited where it must be, as soon as it is true. Raises AssertionError at the deadline."""
    async with asyncio.timeout(seconds):
        while True:
            value = condition()
            if isinstance(value, Awaitable):
                value = await value
            if value:
                return value
            await asyncio.sleep(0.01)
