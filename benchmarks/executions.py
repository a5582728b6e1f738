"""What an execution of many tasks costs over as many single ones: an engine in this process, with a runtime that answers at once.

    python benchmarks/executions.py [ROUNDS]

The promise: the tasks of an execution of 1,000 are done at 80 % of the rate of 1,000 single tasks at least. Each round does both in turn, each in a
new project; told is the median of the rounds' ratios, and their least and most.
"""

import asyncio
import statistics
import sys
import tempfile
import time
from collections.abc import AsyncIterator, Callable, Sequence
from pathlib import Path

from abathur_tui.domain.conversation import Event, Limits, Message, TextBlock, TurnDone, TurnRequest, Usage
from abathur_tui.domain.execution import RuntimeChoice, RuntimeName, SubmitOptions
from abathur_tui.domain.plan import Plan
from abathur_tui.domain.status import Status
from abathur_tui.engine import heap
from abathur_tui.engine.engine import Engine
from abathur_tui.engine.equipment import Equipment, Manner
from abathur_tui.engine.keys import Keys
from abathur_tui.language import PlanContext, plan
from abathur_tui.library import FileRegistry
from abathur_tui.processes import Children
from abathur_tui.settings import Settings
from abathur_tui.storage import Database, queue, views

TASKS = 1000
LEAST_SHARE = 0.8
REGISTRY = FileRegistry(None)
CONTEXT = PlanContext(environ={})
OPTIONS = SubmitOptions(RuntimeChoice(RuntimeName.ANTHROPIC, model="immediate"), max_size=10 * TASKS)


class Immediate:
    """A runtime that answers at once."""

    async def limits(self) -> Limits:
        """Generous."""
        return Limits(context_tokens=100_000, output_tokens=4_000, tools=False)

    async def turn(self, request: TurnRequest) -> AsyncIterator[Event]:
        """Done."""
        yield TurnDone(
            message=Message("assistant", (TextBlock("done"),)),
            stop_reason="end_turn",
            usage=Usage(input=10, output=5),
            model="immediate",
            cost_usd=0.0,
        )

    async def aclose(self) -> None:
        """Nothing to end."""


def single() -> list[Plan]:
    """As many executions of one task."""
    return [plan(f'ABYSSAL[RESEARCH]("question {i}")', REGISTRY, CONTEXT) for i in range(TASKS)]


def side_by_side() -> list[Plan]:
    """One execution of tasks that wait for nothing, and their join."""
    return [plan("".join(f'ABYSSAL[RESEARCH]("question {i}")\n' for i in range(TASKS - 1)), REGISTRY, CONTEXT)]


def chains() -> list[Plan]:
    """One execution of chains of ten, and their join."""
    arguments = ['"start"' if i % 10 == 0 else f"n{i - 1}" for i in range(TASKS - 1)]
    text = "".join(f"n{i} = ABYSSAL[RESEARCH]({argument})\n" for i, argument in enumerate(arguments))
    return [plan(text, REGISTRY, CONTEXT)]


def rate(plans: Sequence[Plan]) -> float:
    """Tasks a second, from the engine's start until all are done."""
    heap.settle()
    with tempfile.TemporaryDirectory() as folder:
        data = Path(folder) / ".abathur"
        database = Database.open(data, create=True)
        (data / "logs").mkdir(exist_ok=True)
        for one in plans:
            database.write_now(queue.submit, one, OPTIONS, time.time())
        equipment = Equipment(
            project=Path(folder),
            settings=Settings(),
            registry=REGISTRY,
            tools={},
            open_runtime=lambda choice, keys, children: Immediate(),
            children=Children(),
            keys=Keys(),
        )
        began = time.perf_counter()
        asyncio.run(Engine(database, equipment, Manner(drain=True)).run())
        seconds = time.perf_counter() - began
        counts = database.read_now(views.counts)
        database.close()
    assert counts[Status.COMPLETED] == TASKS, counts
    return TASKS / seconds


def main(rounds: int) -> int:
    """Print a line for each shape of execution; 1 where the promise is not kept."""
    shapes: dict[str, Callable[[], list[Plan]]] = {"side by side": side_by_side, "chains of ten": chains}
    alone, kept = single(), True
    rate(alone)
    print(f"{'an execution of 1,000 tasks':<30}{'tasks a second':>16}{'of single ones':>16}{'least to most':>16}")
    for name, shape in shapes.items():
        together = shape()
        pairs = [(rate(alone), rate(together)) for _ in range(rounds)]
        shares = [execution / singles for singles, execution in pairs]
        median = statistics.median(shares)
        rates = statistics.median(execution for _, execution in pairs)
        print(f"{name:<30}{rates:>16.0f}{median:>15.0%} {f'{min(shares):.0%} to {max(shares):.0%}':>15}", flush=True)
        kept = kept and median >= LEAST_SHARE
    print(f"The limit is {LEAST_SHARE:.0%}: {'kept' if kept else 'NOT kept'}.")
    return 0 if kept else 1


if __name__ == "__main__":
    raise SystemExit(main(int(sys.argv[1]) if len(sys.argv) > 1 else 5))
