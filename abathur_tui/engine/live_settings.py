"""Settings of a running engine: a configuration that is saved counts at once."""

import asyncio
from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Self

from abathur_tui.domain.errors import ConfigInvalid
from abathur_tui.settings import Loaded, Settings
from abathur_tui.settings.loading import keys, user_file
from abathur_tui.settings.model import Section

LOOK_SECONDS = 1.0
"""How often the files are looked at: `.abathur` holds the database, so watching that folder would wake the engine at its every write."""
_SUBMITTED = ("api", "runtimes", "fork", "language", "templates")
"""Sections that whoever submits goes by: what was submitted keeps what it was submitted with."""
_SUBMITTED_KEYS = ("queue.max_size", "queue.max_retries", "queue.task_timeout_seconds", "loop.max_iterations")
_SCREEN = "screen"
"""The section that screens read when they start; no engine has anything to do with it."""


class LiveSettings:
    """The settings as they are now."""

    def __init__(self, settings: Settings) -> None:
        """As the engine was started with."""
        self.now = settings

    def use(self, settings: Settings) -> list[str]:
        """Let them count; what that changes, in words."""
        before, self.now = self.now, settings
        changes: list[str] = []
        for path in keys():
            name = ".".join(path)
            was, now = _value(before, path), _value(settings, path)
            if was == now:
                continue
            was, now = _shown(was), _shown(now)
            holds = "for what is submitted from now on" if path[0] in _SUBMITTED or name in _SUBMITTED_KEYS else "from now on"
            if path[0] != _SCREEN:
                changes.append(f"{name} is {now} {holds} (it was {was})")
        return changes


@dataclass(frozen=True, slots=True)
class FilesAsRead:
    """The files of the settings of a project, as they stood when these were loaded."""

    files: tuple[Path, ...]
    signatures: tuple[tuple[int, int, int] | None, ...]

    @classmethod
    def of(cls, folder: Path) -> Self:
        """Taken before the settings are loaded, so that nothing that is saved meanwhile is missed. `folder` is the project's `.abathur`."""
        files = (folder / "config.toml", user_file(), folder / "local.toml")
        return cls(files, _signatures(files))


async def follow_files(
    read: FilesAsRead, load: Callable[[], Loaded], use: Callable[[Settings], Awaitable[None]], tell: Callable[[str, str], Awaitable[None]]
) -> None:
    """Load the settings whenever one of their files has been saved. Never ends; a broken file is told once, and changes nothing.

    So is what does not count of a project's file: commands on changes of status, for example.

    `tell` is given an event's name and a text.
    """
    seen, told = read.signatures, tuple[str, ...]()
    while True:
        await asyncio.sleep(LOOK_SECONDS)
        found = await asyncio.to_thread(_signatures, read.files)
        if found == seen:
            continue
        seen = found
        try:
            loaded = await asyncio.to_thread(load)
        except ConfigInvalid as error:
            for detail in error.details:
                place = f"{detail.file}:{detail.line}" if detail.line else detail.file
                await tell("config.broken", f"{place}: {detail.message}; what was read before stays as it was")
        else:
            await use(loaded.settings)
            for notice in loaded.notices:
                if notice not in told:
                    await tell("config.not_allowed", notice)
            told = loaded.notices


def _signatures(files: tuple[Path, ...]) -> tuple[tuple[int, int, int] | None, ...]:
    found: list[tuple[int, int, int] | None] = []
    for file in files:
        try:
            status = file.stat()
        except OSError:
            found.append(None)
        else:
            found.append((status.st_mtime_ns, status.st_size, status.st_ino))
    return tuple(found)


def _shown(value: object) -> object:
    """What is said of a value; of tables, such as commands, only how many there are."""
    tables = isinstance(value, tuple) and any(isinstance(one, Section) for one in value)
    return f"{len(value)} of them" if isinstance(value, tuple) and tables else value


def _value(settings: Settings, path: tuple[str, ...]) -> object:
    value: object = settings
    for name in path:
        value = getattr(value, name)
    return value
