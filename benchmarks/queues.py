"""Tasks that do nothing, from submit to completed, with 20 workers: Abathur's whole engine, beside the queues that a user would pick instead.

    python benchmarks/queues.py [ROUNDS] [TASKS]

The promise: at least four times the fastest of them. Each round runs all in turn, each in a process of its own, with a new file or server; told is
the median of the rounds' ratios, and their least and most. `peers.py` says how each peer is set up and what it needs; one that is not there is named.
Abathur submits groups of 20 (see `throughput.py`), as its documents do; the peers have no such call that all of them share. Beside them stands what
plain sqlite3 does with the rows that Abathur keeps of a task (its audit, attempts, turns and log, of which the peers keep none): no program that has
these rows in one file passes it, so its own ratio to the fastest says how much of the promise they leave room for.
"""

import json
import statistics
import subprocess
import sys
from collections.abc import Mapping
from importlib.metadata import version
from pathlib import Path

from peers import PEERS
from throughput import abathur, plain, run

LEAST_RATIO = 4.0
FOLDER = Path(__file__).parent


OWN = {"abathur": abathur, "plain": plain}


def own_rate(name: str, tasks: int) -> float:
    """Tasks a second, in this process."""
    return tasks / run(OWN[name], tasks).seconds


def measured(argv: list[str]) -> Mapping[str, object]:
    """What a process of its own says; `missing` where it could not run."""
    done = subprocess.run([sys.executable, *argv], capture_output=True, text=True, check=False)
    if done.returncode != 0:
        return {"missing": done.stderr.strip().splitlines()[-1] if done.stderr.strip() else f"exit {done.returncode}"}
    answer: Mapping[str, object] = json.loads(done.stdout.strip().splitlines()[-1])
    return answer


def main(rounds: int, tasks: int) -> int:
    """Print a line for each queue; 1 where the promise is not kept."""
    rates: dict[str, list[float]] = {name: [] for name in (*OWN, *PEERS)}
    names = {"abathur": f"Abathur, the whole engine ({version('abathur-tui')})", "plain": "(plain sqlite3, the rows that Abathur keeps)"}
    missing: dict[str, str] = {}
    for _ in range(rounds):
        for name in OWN:
            rates[name].append(float(str(measured([str(FOLDER / "queues.py"), "--own", name, str(tasks)])["rate"])))
        for name in PEERS:
            said = measured([str(FOLDER / "peers.py"), name, str(tasks)])
            if "missing" in said:
                missing[name] = str(said["missing"])
                continue
            names[name] = str(said["what"])
            rates[name].append(tasks / float(str(said["seconds"])))
    print(f"{f'{tasks:,} tasks that do nothing, 20 workers':<80}{'tasks a second':>16}{'least to most':>18}")
    for name, found in sorted(rates.items(), key=lambda item: -statistics.median(item[1] or [0.0])):
        if found:
            print(f"{names[name]:<80}{statistics.median(found):>16,.0f}{f'{min(found):,.0f} to {max(found):,.0f}':>18}")
    for name, why in missing.items():
        print(f"{name}: not measured: {why}")
    fastest = [max(rates[name][number] for name in PEERS if rates[name]) for number in range(rounds)]
    ratios, limits = (sorted(own / theirs for own, theirs in zip(rates[name], fastest, strict=True)) for name in OWN)
    kept = statistics.median(ratios) >= LEAST_RATIO
    for whose, found in (("Abathur", ratios), ("Plain sqlite3 with its rows", limits)):
        print(f"{whose} over the fastest of each round: {statistics.median(found):.2f} times  ({found[0]:.2f} to {found[-1]:.2f})")
    print(f"The limit is {LEAST_RATIO:.0f} times: {'kept' if kept else 'NOT kept'}.")
    return 0 if kept else 1


if __name__ == "__main__":
    if sys.argv[1:2] == ["--own"]:
        print(json.dumps({"rate": own_rate(sys.argv[2], int(sys.argv[3]))}))
        raise SystemExit(0)
    raise SystemExit(main(int(sys.argv[1]) if len(sys.argv) > 1 else 3, int(sys.argv[2]) if len(sys.argv) > 2 else 4000))
