"""The long form: as many kills as asked, then the report."""

import argparse
import shutil
import sys
import tempfile
import time
from pathlib import Path

import tests.journeys.chaos as package
from tests.journeys.chaos.rounds import play
from tests.journeys.chaos.tally import Tally

KILLS_IN_A_ROUND = 60


def main() -> None:
    """Play rounds; the folder of one that fails is kept."""
    parser = argparse.ArgumentParser(
        prog="python -m tests.journeys.chaos", description=package.__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--kills", type=int, default=1000, help="end after so many kills with -9")
    parser.add_argument("--seconds", type=float, help="end after this time, whatever was killed")
    parser.add_argument("--seed", type=int, default=int(time.time()), help="of the first round; each has the next one")
    parser.add_argument("--only", nargs="+", help="blows to choose from, by their names in blows.py")
    parser.add_argument("--report", type=Path, help="write a page about it")
    parser.add_argument("--json", type=Path, help="write the figures")
    arguments = parser.parse_args()
    tally, seed = Tally(), arguments.seed
    until = None if arguments.seconds is None else time.monotonic() + arguments.seconds
    while tally.kills < arguments.kills and (until is None or time.monotonic() < until):
        kills = min(KILLS_IN_A_ROUND, arguments.kills - tally.kills)
        folder = Path(tempfile.mkdtemp(prefix=f"abathur-chaos-{seed}-"))
        try:
            play(folder, seed, kills, tally, names=tuple(arguments.only) if arguments.only else None, until=until)
        except BaseException:
            print(f"seed {seed}: failed after {tally.kills} kills; what is left of it is in {folder}", file=sys.stderr)
            raise
        shutil.rmtree(folder, ignore_errors=True)
        print(f"seed {seed}: {tally.kills} kills so far, {tally.tasks} tasks, nothing lost", flush=True)
        seed += 1
    if arguments.report:
        arguments.report.write_text(tally.markdown("python -m tests.journeys.chaos " + " ".join(sys.argv[1:])))
    if arguments.json:
        arguments.json.write_text(tally.json())
    print(tally.json(), end="")


if __name__ == "__main__":
    main()
