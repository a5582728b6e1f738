"""Kills a scenario's act at its k-th call, goes on, and looks at what has come of it."""

import json
import shutil
import signal
import subprocess
import sys
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from tests.journeys.kills.scenario import Scenario

ROOT = Path(__file__).parents[3]


@dataclass(frozen=True, slots=True)
class Kill:
    """One that was made, and after which all was well."""

    scenario: str
    call: str
    number: int
    """The k-th."""


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

    def kill(self, scenario: Scenario, folder: Path, call: str, number: int) -> bool:
        """Kill the act as it enters that call for the so many-th time; False where it came to its end before."""
        process = self._begin(scenario, "act", folder, traced=True)
        options = ("-f", "-qq", "-o", "/dev/null", "-e", f"trace={call}", "-e", f"inject={call}:signal=KILL:when={number}")
        with subprocess.Popen(["strace", *options, "-p", str(process)], stderr=subprocess.DEVNULL):
            code = self._line()
        assert code in (0, -signal.SIGKILL), f"{scenario.name} ended with {code}:\n{self._said.read_text()[-6000:]}"
        return code != 0

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


def killed_at(scenario: Scenario, forge: Forge, before: Path, folder: Path, call: str, number: int) -> Kill | None:
    """Kill once, and see that all is well after it; None where the act came to its end. `folder` is gone then, and stays where something is wrong."""
    shutil.copytree(before, folder, ignore=shutil.ignore_patterns("*.sock"))
    if not forge.kill(scenario, folder, call, number):
        shutil.rmtree(folder)
        return None
    forge.run(scenario, "lost again check", folder)
    shutil.rmtree(folder)
    return Kill(scenario.name, call, number)


def all_kills(scenario: Scenario, forge: Forge, folder: Path, *, first: int = 1, stride: int = 1) -> Iterator[Kill]:
    """Kill it at every call of each kind; of writes perhaps at every so many-th only."""
    before = prepared(scenario, forge, folder / scenario.name)
    for call in scenario.calls:
        step = stride * scenario.stride if call == "pwrite64" else 1
        number = first
        while (kill := killed_at(scenario, forge, before, folder / f"{scenario.name}-{call}-{number}", call, number)) is not None:
            yield kill
            number += step
    shutil.rmtree(before)
