"""Following an engine to its end, through its deaths: its guard starts it again."""

import asyncio
import socket
from pathlib import Path

from abathur_tui.domain.clock import Clock
from abathur_tui.domain.errors import Exit
from abathur_tui.engine.left import left, left_behind
from abathur_tui.project.following import CHECK_SECONDS, POLL_SECONDS
from abathur_tui.project.patience import Patience
from abathur_tui.storage import engines

DEAD_SECONDS = 5.0
"""How long an engine that died is waited for where no guard has said yet that it starts it again."""


async def engine_ended(database: Patience, clock: Clock) -> bool:
    """Waits until no engine of this host is active, and none that died is started again; whether the last one has ended in order."""
    gone: float | None = None
    while True:
        now = clock.monotonic()
        if _lives(database):
            gone = None
        elif not await _has_died(database):
            return True
        elif gone is None:
            gone = now
        elif now - gone > DEAD_SECONDS:
            return False
        await asyncio.sleep(POLL_SECONDS)  # between processes there is nothing to await


async def attended_ended(folder: Path, mark: str, clock: Clock) -> bool:
    """Waits until the engine that was started with this mark has ended, with all that its guard starts in its place; whether in order."""
    gone: float | None = None
    while not engines.has_ended_in_order(folder, mark):
        now = clock.monotonic()
        if engines.attended_process(folder, mark) is not None or engines.restarting_since(folder) is not None:
            gone = None
        elif gone is None:
            gone = now
        elif now - gone > DEAD_SECONDS:
            return False
        await asyncio.sleep(CHECK_SECONDS / 10)  # another process: there is nothing to await
    return True


async def succeeded(database: Patience, engine: str) -> None:
    """Waits until another engine of this host is active in the place of this one."""
    while engines.active_engine(database.folder) in (None, engine):  # noqa: ASYNC110 (another process: there is nothing to await)
        await asyncio.sleep(CHECK_SECONDS)


async def drained(database: Patience, clock: Clock) -> Exit | None:
    """Waits until nothing is left that an engine could run, or tell a command of; how a drain ends, or None where the engine has ended before."""
    ending = asyncio.create_task(engine_ended(database, clock))
    seen: int | None = None
    try:
        while True:
            ended, version = ending.done(), await database.data_version()
            if (version != seen or ended) and (end := (await database.read(left_behind if ended else left)).drained) is not None:
                return end
            if ended:
                await ending
                return None
            seen = version
            await asyncio.sleep(POLL_SECONDS)
    finally:
        ending.cancel()
        await asyncio.gather(ending, return_exceptions=True)


def _lives(database: Patience) -> bool:
    return engines.active_engine(database.folder) is not None or engines.restarting_since(database.folder) is not None


async def _has_died(database: Patience) -> bool:
    """Whether an engine of this host has neither ended in order nor been rescued yet."""
    host = socket.gethostname()
    return any(row.host == host for row in await database.read(engines.unended))
