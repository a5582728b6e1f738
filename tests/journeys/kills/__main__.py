"""The long form: every scenario, at every call."""

import argparse
import json
import sys
import tempfile
import time
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor, as_completed
from pathlib import Path

import tests.journeys.kills as package
from tests.journeys.kills.lab import ERRORS, KILL, Forge, all_hits
from tests.journeys.kills.page import markdown, this_run
from tests.journeys.kills.scenario import Scenario
from tests.journeys.kills.scenarios import ALL, BY_NAME
from tests.journeys.kills.tally import Counts


def play(scenario: Scenario, whats: Sequence[str], calls: int, stride: int) -> Counts:
    """Hit one scenario at all of its calls. Raises AssertionError, and keeps the folder, where anything is wrong after it."""
    folder, counts = Path(tempfile.mkdtemp(prefix=f"abathur-kills-{scenario.name}-")), Counts()
    forge = Forge(folder / "said")
    try:
        for hit in all_hits(scenario, forge, folder, whats=whats, calls=calls, stride=stride):
            counts[scenario.name, hit.call, hit.what] += 1
    except BaseException:
        print(f"{scenario.name}: failed after {counts.total()} times; what is left of it is in {folder}", file=sys.stderr)
        raise
    finally:
        forge.close()
    (folder / "said").unlink()
    folder.rmdir()
    print(f"{scenario.name}: {counts.total()} times, all well after each", flush=True)
    return counts


def main() -> None:
    """Play the scenarios, and report."""
    parser = argparse.ArgumentParser(
        prog="python -m tests.journeys.kills", description=package.__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--only", nargs="+", choices=sorted(BY_NAME), help="scenarios, by their names")
    parser.add_argument(
        "--with", nargs="+", choices=[KILL, *ERRORS], default=[KILL], dest="whats", help="what happens; of several, one after the other"
    )
    parser.add_argument("--calls", type=int, default=1, help="an error is given to so many calls in a row")
    parser.add_argument("--stride", type=int, default=1, help="hit every so many-th write only")
    parser.add_argument("--jobs", type=int, default=2, help="scenarios that are played side by side")
    parser.add_argument("--report", type=Path, help="write a page about it")
    parser.add_argument("--json", type=Path, help="write the figures, which `tests.journeys.kills.page` adds up")
    arguments = parser.parse_args()
    began, counts = time.monotonic(), Counts()
    chosen = [scenario for scenario in ALL if not arguments.only or scenario.name in arguments.only]
    failed = False
    with ThreadPoolExecutor(arguments.jobs) as pool:
        for done in as_completed([pool.submit(play, one, arguments.whats, arguments.calls, arguments.stride) for one in chosen]):
            if (error := done.exception()) is not None:
                failed = True
                print(error, file=sys.stderr)
                continue
            counts += done.result()
            # After each scenario, so that a run that is broken off has its report too.
            run = this_run(counts, sys.argv[1:], (time.monotonic() - began) / 60)
            if arguments.json:
                arguments.json.write_text(json.dumps(run.data(), indent=1) + "\n")
            if arguments.report and not failed:
                arguments.report.write_text(markdown([run]))
    print(f"{counts.total()} times")
    sys.exit(1 if failed else 0)


if __name__ == "__main__":
    main()
