"""What was done in all rounds, and the report of it."""

import json
import os
import platform
import sqlite3
import statistics
import time
from collections import Counter
from dataclasses import dataclass, field

from abathur_tui import __version__
from tests.journeys.chaos.world import LEASE_SECONDS

KILL = "kill -9"
BACK_AT_WORK_SECONDS = 5.0


@dataclass
class Tally:
    """Counts of all rounds."""

    blows: Counter[tuple[str, str]] = field(default_factory=Counter)
    """Victim and kind."""
    back_seconds: list[float] = field(default_factory=list)
    """From the death of an engine to another one at work, nobody helping."""
    taken_over_seconds: list[float] = field(default_factory=list)
    """The same after an engine was stopped (SIGSTOP): its lease is in it."""
    seeds: list[int] = field(default_factory=list)
    executions: int = 0
    tasks: int = 0
    began: float = field(default_factory=time.monotonic)

    def count(self, victim: str, kind: str = KILL) -> None:
        """One blow."""
        self.blows[victim, kind] += 1

    def add(self, other: "Tally") -> None:
        """Take in what another one has counted."""
        self.blows += other.blows
        self.back_seconds += other.back_seconds
        self.taken_over_seconds += other.taken_over_seconds
        self.seeds = sorted(self.seeds + other.seeds)
        self.executions += other.executions
        self.tasks += other.tasks

    @property
    def kills(self) -> int:
        """Processes that were killed with -9, by us or at a write."""
        return sum(number for (_, kind), number in self.blows.items() if kind.startswith(KILL))

    def data(self) -> dict[str, object]:
        """The report as JSON."""
        return {
            "version": __version__,
            "machine": f"{platform.machine()}, {os.cpu_count()} processors, {platform.system()}",
            "python": platform.python_version(),
            "sqlite": sqlite3.sqlite_version,
            "minutes": round((time.monotonic() - self.began) / 60, 1),
            "rounds": len(self.seeds),
            "seeds": self.seeds,
            "kills": self.kills,
            "blows": [{"victim": victim, "kind": kind, "count": number} for (victim, kind), number in sorted(self.blows.items())],
            "executions_acknowledged": self.executions,
            "tasks": self.tasks,
            "back_at_work_seconds": spread(self.back_seconds),
            "taken_over_seconds": spread(self.taken_over_seconds),
        }

    def json(self) -> str:
        """The report as JSON text."""
        return json.dumps(self.data(), indent=2) + "\n"

    def markdown(self, command: str) -> str:
        """The report as a page."""
        data = self.data()
        seeds = f"{self.seeds[0]} to {self.seeds[-1]}"
        machine = f"Abathur {data['version']}, Python {data['python']}, SQLite {data['sqlite']}; {data['machine']}"
        late = sum(seconds > BACK_AT_WORK_SECONDS for seconds in self.back_seconds)
        back, over = _told(self.back_seconds), _told(self.taken_over_seconds)
        rows = "\n".join(f"| {victim} | {kind} | {number} |" for (victim, kind), number in sorted(self.blows.items()))
        return f"""# Crash report

Made by `{command}`; not edited by hand.

{machine}. {data["minutes"]} minutes, {data["rounds"]} rounds with the seeds {seeds}, each in a project of its own.

**{self.kills:,} kills with -9. Nothing lost, nothing done twice, nothing left running.**

| victim | what happened to it | times |
|---|---|---|
{rows}

- {self.executions:,} executions were acknowledged by commands that submitted meanwhile; all of them are there. {self.tasks:,} tasks were worked off.
- From the death of an engine to another one at work, nobody helping: {back}. The target is {BACK_AT_WORK_SECONDS:g} s, missed {late} times.
  Part of it is the growing pause of a guard whose engines die at once, again and again.
- From the stop of an engine (SIGSTOP) to another one at work, its lease of {LEASE_SECONDS:g} s in it: {over}.

After each round all work was done to its end, and then held, by SQLite's own check of the file, `abathur db check` and statements of the test:

- every execution that a command had reported is in the file, and every task is completed;
- no task was completed twice, no finished turn and no finished pass of a loop was made again;
- each task's audit is one chain of allowed changes without a gap, from its submission to its status, with a name to each;
- counts agree with rows, no edge is open, no turn, agent or engine is left unended;
- no engine, guard, agent's program or grandchild of one still runs.
"""


def spread(seconds: list[float]) -> dict[str, float] | None:
    """Median, 95th percentile and the largest."""
    if not seconds:
        return None
    ordered = sorted(seconds)
    p95 = ordered[min(len(ordered) - 1, round(0.95 * (len(ordered) - 1)))]
    return {"count": len(ordered), "median": round(statistics.median(ordered), 2), "p95": round(p95, 2), "max": round(ordered[-1], 2)}


def _told(seconds: list[float]) -> str:
    found = spread(seconds)
    return (
        "was not measured"
        if found is None
        else f"median {found['median']} s, p95 {found['p95']} s, at most {found['max']} s ({found['count']} times)"
    )
