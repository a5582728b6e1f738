"""Waiting for something to become true, with a deadline instead of a guess; and how long that may take on this machine now."""

import asyncio
import subprocess
import sys
import time
from collections.abc import Awaitable, Callable
from typing import TypeVar

T = TypeVar("T")
_USUAL_SECONDS = 1.0
"""What `slowness` does takes less than this on a machine that has little else to do."""


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


def slowness() -> float:
    """How many times longer than usual this machine takes now for what an engine does before anything else; at least 1.

    What is promised within some seconds is promised for a machine that has little else to do.
    """
    began = time.monotonic()
    subprocess.run([sys.executable, "-c", "import abathur_tui.engine.process"], check=True)
    return max(1.0, (time.monotonic() - began) / _USUAL_SECONDS)
