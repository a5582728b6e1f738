"""Files that are saved take effect at once: the registry is read again when its folders change."""

import asyncio
from collections.abc import AsyncGenerator
from contextlib import aclosing, suppress
from pathlib import Path

from abathur_tui.domain.notices import Notice
from abathur_tui.library.registry import FileRegistry

LOOK_SECONDS = 2.0
"""How often folders that were not there are looked for; and all files, where the system tells nothing of changes."""
_QUIET_MILLISECONDS = 50
_LONGEST_MILLISECONDS = 400
"""Changes that follow each other quickly are one, for at most this long: an editor writes a file in several steps."""


async def watch(registry: FileRegistry, *, look_seconds: float = LOOK_SECONDS) -> AsyncGenerator[tuple[Notice, ...], None]:
    """What each change of a file has brought, once it holds in the registry. Never ends; close it with `aclosing`."""
    while True:
        folders = await asyncio.to_thread(registry.folders)
        if notices := await asyncio.to_thread(registry.reload):
            yield notices
        async with aclosing(_changes(folders, look_seconds)) as changes:
            async for _ in changes:
                if notices := await asyncio.to_thread(registry.reload):
                    yield notices
                if await asyncio.to_thread(registry.folders) != folders:
                    break


async def _changes(folders: list[Path], look_seconds: float) -> AsyncGenerator[None, None]:
    """Something whenever a file in these folders may have changed, or the time for a look has come; ends where they cannot be watched any more."""
    from watchfiles import awatch  # 40 ms, for those who stay open only

    stop = asyncio.Event()
    try:
        with suppress(OSError, RuntimeError):  # a folder that is gone already, or no watches left
            watching = awatch(
                *folders,
                watch_filter=None,
                debounce=_LONGEST_MILLISECONDS,
                step=_QUIET_MILLISECONDS,
                stop_event=stop,
                rust_timeout=int(look_seconds * 1000),
                yield_on_timeout=True,
                recursive=False,
            )
            async with aclosing(watching) as found:
                async for _ in found:
                    yield
        await asyncio.sleep(look_seconds)
        yield
    finally:
        stop.set()
