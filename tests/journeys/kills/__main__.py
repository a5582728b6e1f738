"""The long form: every scenario, at every call."""

import argparse
import platform
import sqlite3
import sys
import tempfile
import time
from collections import Counter
from concurrent.futures import ThreadPoolExecutor, as_completed
from pathlib import Path

import tests.journeys.kills as package
from abathur_tui import __version__
from tests.journeys.kills.lab import Forge, all_kills
from tests.journeys.kills.scenario import Scenario
from tests.journeys.kills.scenarios import ALL, BY_NAME

Counts = Counter[tuple[str, str]]
"""Scenario and call to the number of kills."""


def play(scenario: Scenario, stride: int) -> Counts:
    """Kill one scenario at all of its calls. Raises AssertionError, and keeps the folder, where anything is wrong after it."""
    folder, counts = Path(tempfile.mkdtemp(prefix=f"abathur-kills-{scenario.name}-")), Counts()
    forge = Forge(folder / "said")
    try:
        for kill in all_kills(scenario, forge, folder, stride=stride):
            counts[kill.scenario, kill.call] += 1
    except BaseException:
        print(f"{scenario.name}: failed after {counts.total()} kills; what is left of it is in {folder}", file=sys.stderr)
        raise
    finally:
        forge.close()
    (folder / "said").unlink()
    folder.rmdir()
    print(f"{scenario.name}: {counts.total()} kills, all well after each", flush=True)
    return counts


def markdown(counts: Counts, command: str, minutes: float) -> str:
    """The report as a page."""
    machine = f"Abathur {__version__}, Python {platform.python_version()}, SQLite {sqlite3.sqlite_version}; {platform.machine()}, {platform.system()}"
    rows = "\n".join(
        f"| {scenario.what} | {call} | {counts[scenario.name, call]} |" for scenario in ALL for call in scenario.calls if counts[scenario.name, call]
    )
    return f"""# Kills at every write

Made by `{command}`; not edited by hand.

{machine}. {minutes:.0f} minutes.

**{counts.total():,} kills with -9, each at another write or sync of an operation. Nothing lost, nothing done twice, nothing half done.**

| what was being done | killed at its 1st, 2nd, 3rd… | kills |
|---|---|---|
{rows}

After each kill, what had been acknowledged was looked for in the file; then another engine (or the same command again) worked off what was left, and
then held:

- `db check` finds nothing; counts agree with rows; nothing is left open: no attempt, turn, request, agent or engine;
- no task was completed twice, no finished turn was made again, and each task's audit is one chain of allowed changes to its status;
- the results are right: a join has each member's result once, a loop its passes without a gap, a tool call its effect once at most, and what is said
  of its outcome is so; a schedule made one execution, a command on a change ran for each, a purged text is gone, a copy is whole.
"""


def main() -> None:
    """Play the scenarios, and report."""
    parser = argparse.ArgumentParser(
        prog="python -m tests.journeys.kills", description=package.__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--only", nargs="+", choices=sorted(BY_NAME), help="scenarios, by their names")
    parser.add_argument("--stride", type=int, default=1, help="kill at every so many-th write only")
    parser.add_argument("--jobs", type=int, default=2, help="scenarios that are played side by side")
    parser.add_argument("--report", type=Path, help="write a page about it")
    arguments = parser.parse_args()
    began, counts = time.monotonic(), Counts()
    chosen = [scenario for scenario in ALL if not arguments.only or scenario.name in arguments.only]
    failed = False
    with ThreadPoolExecutor(arguments.jobs) as pool:
        for done in as_completed([pool.submit(play, scenario, arguments.stride) for scenario in chosen]):
            if (error := done.exception()) is not None:
                failed = True
                print(error, file=sys.stderr)
                continue
            counts += done.result()
            # After each scenario, so that a run that is broken off has its report too.
            if arguments.report and not failed:
                command = "python -m tests.journeys.kills " + " ".join(sys.argv[1:])
                arguments.report.write_text(markdown(counts, command, (time.monotonic() - began) / 60))
    print(f"{counts.total()} kills")
    sys.exit(1 if failed else 0)


if __name__ == "__main__":
    main()
