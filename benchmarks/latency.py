"""How long one call takes with 10,000 and with 1,000,000 tasks in the file: submit, list, claim and cancel, each through Project.

    python benchmarks/latency.py [CALLS]

The promise: 95 of 100 calls take less than 5 ms, and with a million tasks no more than 1.5 times what they take with ten thousand. Both files are
open at once, and each call is made in one and in the other in turn, so that both meet the same machine. Half of the tasks are pending, a quarter
waits for others, a quarter has completed. The limit beside it: one row written to a plain SQLite file, on disk when it returns.
"""

import asyncio
import itertools
import sqlite3
import statistics
import sys
import tempfile
import time
import uuid
from collections.abc import Awaitable, Callable, Iterator
from pathlib import Path

from abathur_tui import Project
from abathur_tui.domain.execution import RuntimeChoice, RuntimeName, SubmitOptions
from abathur_tui.domain.plan import Plan
from abathur_tui.language import PlanContext, plan
from abathur_tui.library import FileRegistry
from abathur_tui.project.wish import Wish
from abathur_tui.storage import engines, queue
from abathur_tui.storage.engines import EngineRow

SIZES = (10_000, 1_000_000)
GROUP = 5_000
LIMIT_SECONDS = 0.005
LIMIT_RATIO = 1.5
ENVIRON = {"ABATHUR_RUNTIMES__COMMAND__ARGV": '["/bin/true"]', "ABATHUR_API__RUNTIME": "command", "ABATHUR_QUEUE__MAX_SIZE": "10000000"}
OPTIONS = SubmitOptions(RuntimeChoice(RuntimeName.ANTHROPIC, model="immediate"), max_size=10_000_000)


def group() -> Plan:
    """Tasks of which a third waits for another one."""
    lines = (f"ABYSSAL[RESEARCH](n{i - 2})\n" if i % 3 == 2 else f'n{i} = ABYSSAL[RESEARCH]("question {i}")\n' for i in range(GROUP - 1))
    return plan("".join(lines), FileRegistry(None), PlanContext(environ={}))


def filled(folder: Path, tasks: int) -> tuple[Project, str]:
    """A project with so many tasks, and the id of an engine that may claim there."""
    project = Project.open(folder, create=True, environ=ENVIRON)
    one, engine = group(), str(uuid.uuid4())
    project.database.write_now(engines.register, EngineRow(engine, 1, "bench", time.time(), limit=1), time.time())
    for number in range(tasks // GROUP):
        project.database.write_now(queue.submit, one, OPTIONS, time.time())
        if number % 8 >= 5:  # so that a quarter completes: two of three in these are pending
            project.database.write_now(_complete, engine, GROUP)
    return project, engine


def _complete(c: sqlite3.Connection, engine: str, most: int) -> None:
    lanes = {state.lane: most for state in queue.lanes(c)}
    for claim in queue.claim(c, engine, lanes, most, time.time()):
        queue.complete(c, claim.lease, "done", time.time())


def plain_writes(folder: Path) -> Iterator[float]:
    """Seconds of one small transaction after the other on a plain file, on disk when it returns."""
    plain = sqlite3.connect(folder / "plain.db", isolation_level=None)
    plain.execute("PRAGMA journal_mode=wal")
    plain.execute("PRAGMA synchronous=full")
    plain.execute("CREATE TABLE rows (id INTEGER PRIMARY KEY, text TEXT)")
    while True:
        began = time.perf_counter()
        plain.execute("INSERT INTO rows (text) VALUES ('question')")
        yield time.perf_counter() - began


Calls = dict[str, Callable[[], Awaitable[object]]]


def calls(project: Project, engine: str) -> Calls:
    """What is measured, by name; each does something new at each call."""
    wish = Wish()
    numbers = itertools.count()
    submitted: list[int] = []

    async def submit() -> None:
        submitted.append((await project.submit(f'ABYSSAL[RESEARCH]("new question {next(numbers)}")', wish)).root)

    async def list_() -> None:
        assert len(await project.tasks()) == 50

    async def claim() -> None:
        lanes = {state.lane: 1 for state in await project.read(queue.lanes)}
        assert await project.database.write(queue.claim, engine, lanes, 1, time.time())

    async def cancel() -> None:
        await project.cancel([submitted.pop()], wait_seconds=0)

    return {"submit": submit, "list": list_, "claim": claim, "cancel": cancel}


async def timed(call: Callable[[], Awaitable[object]]) -> float:
    """Seconds."""
    began = time.perf_counter()
    await call()
    return time.perf_counter() - began


def p95(seconds: list[float]) -> float:
    """The time that 95 of 100 keep below."""
    return statistics.quantiles(seconds, n=20)[-1]


async def measure(small: Calls, large: Calls, plain: Iterator[float], number: int) -> bool:
    """Print a line for each call; whether all keep the promise."""
    kept = True
    print(f"{'p95 of one call':<12}{'10,000 tasks':>14}{'1,000,000':>12}{'ratio':>8}{'median':>10}{'plain write':>14}")
    for name in small:
        few, many, writes = [], [], []
        for turn in range(number):
            order = ((small, few), (large, many)) if turn % 2 else ((large, many), (small, few))
            for side, times in order:
                times.append(await timed(side[name]))
            writes.append(next(plain))
        ratio = p95(many) / p95(few)
        kept = kept and p95(many) < LIMIT_SECONDS and ratio <= LIMIT_RATIO
        print(
            f"{name:<12}{p95(few) * 1000:>11.2f} ms{p95(many) * 1000:>9.2f} ms{ratio:>8.2f}"
            f"{statistics.median(many) * 1000:>7.2f} ms{p95(writes) * 1000:>11.2f} ms",
            flush=True,
        )
    return kept


def main(number: int) -> int:
    """Fill both files, measure, and say whether the promise is kept: 1 where it is not."""
    with tempfile.TemporaryDirectory() as folder:
        projects = []
        for size in SIZES:
            began = time.perf_counter()
            (place := Path(folder) / str(size)).mkdir()
            projects.append(filled(place, size))
            megabytes = (place / ".abathur" / "abathur.db").stat().st_size / 1e6
            print(f"{size:,} tasks: made in {time.perf_counter() - began:.0f} s, {megabytes:,.0f} MB")
        small, large = (calls(project, engine) for project, engine in projects)
        kept = asyncio.run(measure(small, large, plain_writes(Path(folder)), number))
        for project, _ in projects:
            project.close()
    print(f"The limits are {LIMIT_SECONDS * 1000:.0f} ms and {LIMIT_RATIO} times: {'kept' if kept else 'NOT kept'}.")
    return 0 if kept else 1


if __name__ == "__main__":
    raise SystemExit(main(int(sys.argv[1]) if len(sys.argv) > 1 else 400))
