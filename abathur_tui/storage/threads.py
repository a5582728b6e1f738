"""Threads of a pool that are there before they are needed."""

import threading
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress

_WAIT_SECONDS = 1.0


def start_all(pool: ThreadPoolExecutor, number: int) -> None:
    """Start all threads of a pool that has not begun; as many as there is room for, where that is less."""
    together = threading.Barrier(number)
    with suppress(RuntimeError):
        for _ in range(number):
            pool.submit(_meet, together)


def _meet(together: threading.Barrier) -> None:
    with suppress(threading.BrokenBarrierError):
        together.wait(_WAIT_SECONDS)
