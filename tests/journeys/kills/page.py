"""The page about one run, or several that are added up: `python -m tests.journeys.kills.page a.json b.json > docs/kill-report.md`."""

import json
import platform
import shlex
import sqlite3
import subprocess
import sys
from collections import Counter
from collections.abc import Sequence
from pathlib import Path

from abathur_tui import __version__
from tests.journeys.kills.lab import ERRORS, KILL, ROOT
from tests.journeys.kills.scenarios import ALL
from tests.journeys.kills.tally import Counts, Run

_TOLD = {KILL: "kill -9"}


def this_run(counts: Counts, arguments: Sequence[str], minutes: float) -> Run:
    """What this process has done so far."""
    found = subprocess.run(["git", "rev-parse", "--short", "HEAD"], cwd=ROOT, capture_output=True, text=True, check=False)
    machine = f"Abathur {__version__}, Python {platform.python_version()}, SQLite {sqlite3.sqlite_version}; {platform.machine()}, {platform.system()}"
    return Run(shlex.join(["python", "-m", "tests.journeys.kills", *arguments]), found.stdout.strip() or "unknown", machine, minutes, counts)


def markdown(runs: Sequence[Run]) -> str:
    """The report as a page."""
    counts: Counts = Counter()
    for run in runs:
        counts += run.counts
    kills = sum(number for (_, _, what), number in counts.items() if what == KILL)
    errors = counts.total() - kills
    made = "\n".join(_told_of(run) for run in runs)
    rows = "\n".join(
        f"| {scenario.what} | {call} | " + " | ".join(str(counts[scenario.name, call, what] or "") for what in (KILL, *ERRORS)) + " |"
        for scenario in ALL
        for call in sorted({call for name, call, _ in counts if name == scenario.name})
    )
    strides = any("--stride" in run.command for run in runs)
    return f"""# Kills and errors at every write

{"Added up from these runs, each in a tree of its own" if len(runs) > 1 else "Made by this run"}; not edited by hand:

{made}

{runs[0].machine}.

**{kills:,} kills with -9, each at another write or sync of an operation, and {errors:,} errors of the disk.
Nothing lost, nothing done twice, nothing half done.**

| what was being done | at its 1st, 2nd, 3rd… | {" | ".join(_TOLD.get(what, what) for what in (KILL, *ERRORS))} |
|---|---|{"---|" * (1 + len(ERRORS))}
{rows}

Each number is how many calls of an operation were hit, one in each repetition of it; errors are given in turn, from call to call.
{"With `--stride 3` that was every third `pwrite64` only, and so on; so it was" if strides else "It was every one, but for"}
{_partly()}

After each, what had been acknowledged was looked for in the file; then another engine (or the same command again) worked off what was left, and
then held:

- `db check` finds nothing; counts agree with rows; nothing is left open: no attempt, turn, request, agent or engine;
- no task was completed twice, no finished turn was made again, and each task's audit is one chain of allowed changes to its status;
- the results are right: a join has each member's result once, a loop its passes without a gap, a tool call its effect once at most, and what is said
  of its outcome is so; a schedule made one execution, a command on a change ran for each, a purged text is gone, a copy is whole;
- whoever met an error has gone on by itself when it was over, or has ended with one of the errors of [errors](errors.md); no trace was written to any
  log.
"""


def _told_of(run: Run) -> str:
    note = f"; {run.note}" if run.note else ""
    return f"- `{run.command}` (revision {run.revision}, {run.minutes:.0f} minutes: {run.counts.total():,} times{note})"


def _partly() -> str:
    named = "; ".join(f"{scenario.what}: every {scenario.stride}th" for scenario in ALL if scenario.stride > 1)
    return f"`pwrite64` in operations that write thousands of pages ({named})."


if __name__ == "__main__":
    sys.stdout.write(markdown([Run.from_json(json.loads(Path(name).read_text())) for name in sys.argv[1:]]))
