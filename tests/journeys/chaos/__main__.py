"""The long form: as many kills as asked, then the report."""

import argparse
import shutil
import sys
import tempfile
import time
import traceback
from collections.abc import Iterator
from concurrent.futures import FIRST_COMPLETED, ThreadPoolExecutor, wait
from pathlib import Path

import tests.journeys.chaos as package
from tests.journeys.chaos.rounds import play
from tests.journeys.chaos.tally import Tally

KILLS_IN_A_ROUND = 60


def rounds(kills: int, seed: int, jobs: int, names: tuple[str, ...] | None, until: float | None) -> Iterator[Tally]:
    """Play rounds, so many side by side, until there are enough kills."""
    counted = 0
    with ThreadPoolExecutor(jobs) as pool:
        playing = {pool.submit(one_round, seed + number, names, until) for number in range(jobs)}
        while playing:
            done, playing = wait(playing, return_when=FIRST_COMPLETED)
            for one in done:
                counted += one.result().kills
                yield one.result()
                seed += 1
                # The rounds under way count as if they would be full, so that at the end none is begun for nothing.
                if counted + len(playing) * KILLS_IN_A_ROUND < kills and (until is None or time.monotonic() < until):
                    playing.add(pool.submit(one_round, seed + jobs - 1, names, until))


def one_round(seed: int, names: tuple[str, ...] | None, until: float | None) -> Tally:
    """Play one; where it fails its folder is kept."""
    tally, folder = Tally(), Path(tempfile.mkdtemp(prefix=f"abathur-chaos-{seed}-"))
    try:
        play(folder, seed, KILLS_IN_A_ROUND, tally, names=names, until=until)
    except BaseException:
        print(f"seed {seed}: failed after {tally.kills} kills; what is left of it is in {folder}\n{traceback.format_exc()}", file=sys.stderr)
        raise
    shutil.rmtree(folder, ignore_errors=True)
    return tally


def main() -> None:
    """Play rounds, and report."""
    parser = argparse.ArgumentParser(
        prog="python -m tests.journeys.chaos", description=package.__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--kills", type=int, default=1000, help="end after so many kills with -9")
    parser.add_argument("--seconds", type=float, help="end after this time, whatever was killed")
    parser.add_argument("--seed", type=int, default=int(time.time()), help="of the first round; each has the next one")
    parser.add_argument("--jobs", type=int, default=2, help="rounds that are played side by side")
    parser.add_argument("--only", nargs="+", help="blows to choose from, by their names in blows.py")
    parser.add_argument("--report", type=Path, help="write a page about it")
    parser.add_argument("--json", type=Path, help="write the figures")
    arguments = parser.parse_args()
    until = None if arguments.seconds is None else time.monotonic() + arguments.seconds
    tally = Tally()
    for done in rounds(arguments.kills, arguments.seed, arguments.jobs, tuple(arguments.only) if arguments.only else None, until):
        tally.add(done)
        # After each round, so that a run that is broken off has its report too.
        if arguments.report:
            arguments.report.write_text(tally.markdown("python -m tests.journeys.chaos " + " ".join(sys.argv[1:])))
        if arguments.json:
            arguments.json.write_text(tally.json())
        print(f"seed {done.seeds[0]}: {tally.kills} kills so far, {tally.tasks} tasks, nothing lost", flush=True)
    print(tally.json(), end="")


if __name__ == "__main__":
    main()
