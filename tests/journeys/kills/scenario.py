"""What a scenario is, and what all of them do in the same way."""

import asyncio
import contextlib
import os
from collections.abc import Callable
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path

from abathur_tui.domain.errors import Exit
from abathur_tui.storage import Database
from tests.engine.bench import Bench
from tests.scripted import Script, ScriptedRuntime, say

Step = Callable[[Bench], None]
DONE = say("done")


def drain(project: Bench) -> None:
    """An engine works off what there is."""
    assert asyncio.run(project.drain(seconds=600)) is Exit.DONE  # strace is slow on a busy machine


def nothing(_: Bench) -> None:
    """There is nothing to do, or to look at."""


@dataclass(frozen=True, slots=True)
class Scenario:
    """A kind of operation, and how one sees that it was made once, wholly, whenever it was killed."""

    name: str
    what: str
    """What is done while it may be killed."""
    prepare: Step
    """What has happened before. Not killed."""
    act: Step = drain
    """What is killed."""
    lost: Step = nothing
    """Right after the kill, before anybody goes on: is there what was acknowledged?"""
    again: Step = drain
    """Start again, and work off what is left."""
    check: Step = nothing
    """What has come of it."""
    script: Script = DONE
    """What the agents answer."""
    equip: Step = nothing
    """Settings, tools, a clock, for each of these steps."""
    calls: tuple[str, ...] = ("fdatasync", "pwrite64")
    """The system calls at which it is killed."""
    fallible: tuple[str, ...] = ("fdatasync", "ftruncate", "openat", "pwrite64")
    """Those to which the system answers with an error."""
    opens_late: bool = False
    """The database is opened at its first use: it may be damaged."""
    stride: int = 1
    """Of `pwrite64`, where it makes thousands of them, only every so many-th is one to be killed at."""

    def bench(self, folder: Path) -> Bench:
        """The project in that folder, made where there is none."""
        folder.mkdir(exist_ok=True)
        project = (Unopened if self.opens_late else Bench)(folder, ScriptedRuntime(self.script))
        self.equip(project)
        return project


class Unopened(Bench):
    """Opens its database when somebody uses it, and again after it was closed."""

    def __post_init__(self) -> None:
        """Where it is, or will be."""
        self.data = self.folder / ".abathur"

    @cached_property
    def database(self) -> Database:  # type: ignore[override]
        """Made where there is none."""
        return Database.open(self.data, create=True)

    def close(self) -> None:
        """Close it where it is open."""
        if (database := vars(self).pop("database", None)) is not None:
            database.close()


class Told(Exception):
    """A command has said what kept it from doing what it should."""


def acknowledge(project: Bench, text: str) -> None:
    """It is on disk, and somebody was told so (where a disk that fails has let that be written)."""
    with contextlib.suppress(OSError), contextlib.closing(_Appending(project.folder / "acknowledged")) as file:
        file.write(text)


def acknowledged(project: Bench) -> list[str]:
    """What was told to be on disk."""
    file = project.folder / "acknowledged"
    return file.read_text().splitlines() if file.exists() else []


class _Appending:
    """A file of whole lines: each is one write, so that a kill leaves no half of it."""

    def __init__(self, path: Path) -> None:
        self._descriptor = os.open(path, os.O_WRONLY | os.O_APPEND | os.O_CREAT, 0o600)

    def write(self, text: str) -> None:
        os.write(self._descriptor, f"{text}\n".encode())

    def close(self) -> None:
        os.close(self._descriptor)
