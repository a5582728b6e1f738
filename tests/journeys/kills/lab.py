"""Hits a scenario's act at its k-th call, goes on, and looks at what has come of it."""

import json
import shutil
import signal
import subprocess
import sys
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from itertools import count
from pathlib import Path

from tests.journeys.kills.scenario import Scenario

ROOT = Path(__file__).parents[3]


KILL = "KILL"
ERRORS = ("EIO", "ENOSPC", "EROFS", "EDQUOT")
"""What the system may answer instead of doing what it was asked for."""
TOLD = 3
"""The exit code of an act that has ended with an error of ours."""
_FILES = ("", "abathur.db", "abathur.db-wal", "abathur.db-shm", "queue.lock", "write.lock", "engine.lock")
"""Of the folder `.abathur`: the only ones that are not opened where an error is given to `openat`, which loads modules and more."""


@dataclass(frozen=True, slots=True)
class Hit:
    """What is done to an act, and when."""

    call: str
    number: int
    """As it enters that call for so many a time."""
    what: str = KILL
    """A signal that ends the process, or the error that the call gives instead of being made."""
    calls: int = 1
    """So many in a row."""

    @property
    def name(self) -> str:
        """For folders and messages."""
        return f"{self.call}-{self.number}-{self.what}"

    def options(self, data: Path) -> tuple[str, ...]:
        """For strace."""
        which = f"{self.number}..{self.number + self.calls - 1}" if self.calls > 1 else f"{self.number}"
        how = "signal=KILL" if self.what == KILL else f"error={self.what}"
        paths = [option for name in _FILES for option in ("-P", str(data / name))] if self.call == "openat" else []
        return (*paths, "-e", f"trace={self.call}", "-e", f"inject={self.call}:{how}:when={which}")


class Forge:
    """Forks processes for steps; see `forge.py`. One at a time."""

    def __init__(self, said: Path) -> None:
        """`said`: a file for what steps say, and for why they failed."""
        self._said = said
        self._log = said.open("ab")
        self._process = subprocess.Popen(
            [sys.executable, "-m", "tests.journeys.kills.forge"], cwd=ROOT, stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=self._log
        )

    def run(self, scenario: Scenario, steps: str, folder: Path) -> None:
        """Do steps to their end. Raises AssertionError where that went wrong."""
        code = self._begin(scenario, steps, folder, traced=False) and self._line()
        assert code == 0, f"{scenario.name}: {steps} ended with {code}:\n{self._said.read_text()[-6000:]}"

    def hit(self, scenario: Scenario, folder: Path, hit: Hit) -> bool:
        """Hit the act; False where it came to its end before. Raises AssertionError where it ended otherwise than killed, well, or with our error."""
        seen = folder.with_name(f"{folder.name}.trace")
        process = self._begin(scenario, "act", folder, traced=True)
        with subprocess.Popen(
            ["strace", "-f", "-qq", "-o", str(seen), *hit.options(folder / ".abathur"), "-p", str(process)], stderr=subprocess.DEVNULL
        ):
            code = self._line()
        was_hit = "(INJECTED)" in seen.read_text(errors="replace") or code == -signal.SIGKILL
        seen.unlink()
        right = (0, -signal.SIGKILL) if hit.what == KILL else (0, TOLD)
        assert code in (right if was_hit else (0,)), f"{scenario.name}, {hit.name}: ended with {code}:\n{self._said.read_text()[-6000:]}"
        return was_hit

    def close(self) -> None:
        """No more orders."""
        assert self._process.stdin is not None
        assert self._process.stdout is not None
        self._process.stdin.close()
        self._process.stdout.close()
        self._process.wait()
        self._log.close()

    def _begin(self, scenario: Scenario, steps: str, folder: Path, *, traced: bool) -> int:
        assert self._process.stdin is not None
        order = {"scenario": scenario.name, "steps": steps, "folder": str(folder), "traced": traced}
        self._process.stdin.write(json.dumps(order).encode() + b"\n")
        self._process.stdin.flush()
        return self._line()

    def _line(self) -> int:
        assert self._process.stdout is not None
        return int(self._process.stdout.readline())


def prepared(scenario: Scenario, forge: Forge, folder: Path) -> Path:
    """The project as it is before the act; it is copied for each kill."""
    forge.run(scenario, "prepare", folder)
    return folder


def well_after(scenario: Scenario, forge: Forge, before: Path, folder: Path, hit: Hit) -> bool:
    """Hit once, and see that all is well after it; False where the act came to its end. `folder` is gone then, and stays where something is wrong."""
    shutil.copytree(before, folder, ignore=shutil.ignore_patterns("*.sock"))
    was_hit = forge.hit(scenario, folder, hit)
    if was_hit:
        forge.run(scenario, "lost again check", folder)
    shutil.rmtree(folder)
    return was_hit


def all_hits(scenario: Scenario, forge: Forge, folder: Path, *, whats: Sequence[str] = (KILL,), calls: int = 1, stride: int = 1) -> Iterator[Hit]:
    """Hit it at every call of each kind (of writes perhaps at every so many-th only), with one thing after the other where there are several."""
    before = prepared(scenario, forge, folder / scenario.name)
    for call in scenario.calls if KILL in whats else scenario.fallible:
        step = stride * scenario.stride if call == "pwrite64" else 1
        for turn in count():
            hit = Hit(call, 1 + turn * step, whats[turn % len(whats)], calls)
            if not well_after(scenario, forge, before, folder / f"{scenario.name}-{hit.name}", hit):
                break
            yield hit
    shutil.rmtree(before)
