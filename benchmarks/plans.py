"""How long a document takes from its text to the queue, on disk.

    python benchmarks/plans.py [ROUNDS]

The promise: 10,000 tasks within 3 s, and ten times the tasks take about ten times as long. Each round queues 1,000 and 10,000 tasks in turn, each
in a new project, so that what else the machine does falls on both alike; told are medians, and the least and most of the rounds. The limit is
for a machine that has nothing else to do: where it has, the processor time is what that would have taken.
"""

import statistics
import sys
import tempfile
import time
from collections.abc import Callable
from pathlib import Path

from abathur_tui.domain.execution import RuntimeChoice, RuntimeName, SubmitOptions
from abathur_tui.language import PlanContext, plan
from abathur_tui.library import FileRegistry
from abathur_tui.storage import Database, queue

LIMIT_SECONDS = 3.0
REGISTRY = FileRegistry(None)
CONTEXT = PlanContext(environ={})
OPTIONS = SubmitOptions(RuntimeChoice(RuntimeName.LOCAL))
SHAPES: dict[str, Callable[[int], str]] = {
    "statements of their own": lambda count: "".join(f'ABYSSAL[RESEARCH]("question {i}")\n' for i in range(count - 1)),
    "a chain of names": lambda count: 'n0 = ABYSSAL[TEST]("x")\n' + "".join(f"n{i} = ABYSSAL[TEST](n{i - 1})\n" for i in range(1, count - 1)),
    "nested in one command": lambda count: 'ABYSSAL[DOCUMENT]("x", parts=[' + "".join(f'ABYSSAL[RESEARCH]("{i}"),' for i in range(count - 1)) + "])",
    "templates that nest others": lambda count: "".join(f'ABYSSAL[CODE]("part {i}", language="go")\n' for i in range((count - 1) // 3)),
}


def queued(text: str, count: int) -> tuple[float, float, float]:
    """Seconds until a document of about so many tasks is planned, then until it is queued; and the processor's for both."""
    with tempfile.TemporaryDirectory() as folder:
        database = Database.open(Path(folder) / ".abathur", create=True)
        began, processor = time.perf_counter(), time.process_time()
        made = plan(text, REGISTRY, CONTEXT)
        planned = time.perf_counter()
        database.write_now(queue.submit, made, OPTIONS, time.time())
        ended, used = time.perf_counter(), time.process_time() - processor
        database.close()
    assert abs(len(made.nodes) - count) <= 3, len(made.nodes)
    return planned - began, ended - planned, used


def main(rounds: int) -> int:
    """Print a line for each shape of document; 1 where the promise is not kept."""
    kept = alone = True
    queued(SHAPES["a chain of names"](100), 100)  # files and libraries are read once
    columns = f"{'planning':>10}{'queueing':>10}{'processor':>11}{'over 1,000':>12}"
    print(f"{'10,000 tasks, from text to queue':<36}{'median':>9}{'least to most':>18}{columns}")
    for name, shape in SHAPES.items():
        few, many = shape(1000), shape(10_000)
        small, large = [], []
        for _ in range(rounds):
            small.append(queued(few, 1000))
            large.append(queued(many, 10_000))
        whole = [one[0] + one[1] for one in large]
        median = statistics.median(whole)
        planning, queueing, processor = (statistics.median(one[part] for one in large) for part in (0, 1, 2))
        ratio = processor / statistics.median(one[2] for one in small)
        spread = f"{min(whole):.2f} to {max(whole):.2f} s"
        print(f"{name:<36}{median:>7.2f} s{spread:>18}{planning:>8.2f} s{queueing:>8.2f} s{processor:>9.2f} s{ratio:>6.1f} times", flush=True)
        kept, alone = kept and processor < LIMIT_SECONDS, alone and median < LIMIT_SECONDS
    how = "kept" if kept and alone else "kept by processor time; the machine had other work" if kept else "NOT kept"
    print(f"The limit is {LIMIT_SECONDS:.0f} s: {how}.")
    return 0 if kept else 1


if __name__ == "__main__":
    raise SystemExit(main(int(sys.argv[1]) if len(sys.argv) > 1 else 5))
