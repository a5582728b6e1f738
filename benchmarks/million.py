"""A million tasks through the whole engine in one go: whether throughput and memory stay flat, and what a task takes in the file.

    python benchmarks/million.py [TASKS]

The promise: the last tenth is done at a rate within 10 % of the first one's, and memory does not grow. The engine is in this process, its runtime
answers at once; each task is an execution of its own. It takes some ten minutes.
"""

import asyncio
import os
import resource
import sys
import tempfile
import time
from pathlib import Path

from executions import Immediate

from abathur_tui.domain.execution import RuntimeChoice, RuntimeName, SubmitOptions
from abathur_tui.domain.status import Status
from abathur_tui.engine.engine import Engine
from abathur_tui.engine.equipment import Equipment, Manner
from abathur_tui.engine.keys import Keys
from abathur_tui.language import PlanContext, plan
from abathur_tui.library import FileRegistry
from abathur_tui.processes import Children
from abathur_tui.settings import Settings
from abathur_tui.settings.model import Swarm
from abathur_tui.storage import Database, queue, views

SLOTS = 20
TENTHS = 10
LEAST_RATE = 0.9
MOST_GROWTH_MEBIBYTES = 16.0
OPTIONS = SubmitOptions(RuntimeChoice(RuntimeName.ANTHROPIC, model="immediate"), max_size=10_000_000)
PAGE_MEBIBYTES = resource.getpagesize() / 2**20


def memory() -> float:
    """What this process holds now, in MiB."""
    return int(Path("/proc/self/statm").read_text().split()[1]) * PAGE_MEBIBYTES


async def submitted(database: Database, tasks: int) -> None:
    """Queue them, an execution each, many to a transaction as the writer groups them."""
    one = plan('ABYSSAL[RESEARCH]("a question")', FileRegistry(None), PlanContext(environ={}))
    for first in range(0, tasks, 500):
        await asyncio.gather(*(database.write(queue.submit, one, OPTIONS, time.time()) for _ in range(min(500, tasks - first))))


async def worked_off(database: Database, engine: Engine, tasks: int) -> list[tuple[float, float]]:
    """Run the engine to its end; after each tenth of the tasks the seconds that it took, and the memory."""
    marks: list[tuple[float, float]] = []
    began = time.perf_counter()
    running = asyncio.create_task(engine.run())
    while not running.done():
        await asyncio.wait([running], timeout=0.05)
        done = (await database.read(views.counts))[Status.COMPLETED]
        while len(marks) < TENTHS and done >= (len(marks) + 1) * tasks // TENTHS:
            now = time.perf_counter()
            marks.append((now - began, memory()))
            began = now
            print(f"{len(marks) * tasks // TENTHS:>12,} {tasks / TENTHS / marks[-1][0]:>12,.0f} {marks[-1][1]:>10.1f}", flush=True)
    await running
    return marks


async def run(folder: Path, tasks: int) -> int:
    """Print a line for each tenth; 1 where the promise is not kept."""
    data = folder / ".abathur"
    database = Database.open(data, create=True)
    (data / "logs").mkdir(exist_ok=True)
    began = time.perf_counter()
    await submitted(database, tasks)
    print(f"{tasks:,} tasks submitted at {tasks / (time.perf_counter() - began):,.0f} a second")
    os.sync()  # else the first tenth waits for the disk to have the submitted ones
    equipment = Equipment(
        project=folder,
        settings=Settings(swarm=Swarm(max_agents=SLOTS)),
        registry=FileRegistry(None),
        tools={},
        open_runtime=lambda choice, keys, children: Immediate(),
        children=Children(),
        keys=Keys(),
    )
    print(f"{'completed':>12} {'a second':>12} {'MiB':>10}")
    marks = await worked_off(database, Engine(database, equipment, Manner(drain=True)), tasks)
    size = sum(path.stat().st_size for path in data.glob("abathur.db*"))
    rate, growth = marks[0][0] / marks[-1][0], marks[-1][1] - marks[0][1]
    database.close()
    print(f"The last tenth at {rate:.2f} of the first one's rate; memory grew by {growth:.1f} MiB; {size / tasks:,.0f} bytes of file a task.")
    kept = rate >= LEAST_RATE and growth <= MOST_GROWTH_MEBIBYTES
    print(f"The limits are {LEAST_RATE} and {MOST_GROWTH_MEBIBYTES:.0f} MiB: {'kept' if kept else 'NOT kept'}.")
    return 0 if kept else 1


def main(tasks: int) -> int:
    """Do it in a folder that is gone afterwards."""
    with tempfile.TemporaryDirectory() as folder:
        return asyncio.run(run(Path(folder), tasks))


if __name__ == "__main__":
    raise SystemExit(main(int(sys.argv[1]) if len(sys.argv) > 1 else 1_000_000))
