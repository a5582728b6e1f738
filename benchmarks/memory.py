"""What the engine's process holds of memory at work beside 100,000 queued tasks.

    python benchmarks/memory.py [TASKS] [SECONDS]

The promise: under 120 MB, the most that it ever held (the kernel's high-water mark). The engine is a process of its own, as users have it; its agents
are programs that end at once, ten at a time, which are not counted. A third of the tasks waits for others. Beside it, what it holds with one task
in the file: what is more than that is what queued tasks cost.
"""

import asyncio
import sys
import tempfile
import time
from dataclasses import dataclass
from pathlib import Path

from latency import GROUP, group

from abathur_tui import Project
from abathur_tui.domain.plan import Plan
from abathur_tui.domain.status import Status
from abathur_tui.language import PlanContext, plan
from abathur_tui.library import FileRegistry
from abathur_tui.project.wish import Wish
from abathur_tui.storage import queue, views

MOST_MEGABYTES = 120.0
LOOK_SECONDS = 0.5
ENVIRON = {
    "ABATHUR_RUNTIMES__COMMAND__ARGV": '["/bin/echo", "done"]',
    "ABATHUR_API__RUNTIME": "command",
    "ABATHUR_QUEUE__MAX_SIZE": "10000000",
}


@dataclass(frozen=True, slots=True)
class Held:
    """What an engine held, in MB of 1,000,000 bytes."""

    early: float
    """Resident, after the first tenth of the time."""
    late: float
    """Resident, at its end."""
    most: float
    completed: int


def memory(process: int) -> dict[str, float]:
    """The kernel's figures about a process's memory by name, in MB."""
    lines = (line.split() for line in Path(f"/proc/{process}/status").read_text().splitlines())
    return {words[0].rstrip(":"): int(words[1]) * 1024 / 1e6 for words in lines if words[-1] == "kB"}


async def at_work(project: Project, seconds: float) -> Held:
    """Start an engine, and look at it for so long."""
    engine = await project.ensure_engine()
    began, held = time.monotonic(), []
    while time.monotonic() < began + seconds:
        await asyncio.sleep(LOOK_SECONDS)
        held.append(memory(engine.pid))
    completed = (await project.read(views.counts))[Status.COMPLETED]
    await project.stop_engine()
    return Held(held[len(held) // 10]["VmRSS"], held[-1]["VmRSS"], held[-1]["VmHWM"], completed)


def measure(plans: list[Plan], seconds: float) -> Held:
    """The same in a new project with these in its queue."""
    with tempfile.TemporaryDirectory() as folder, Project.open(Path(folder), create=True, environ=ENVIRON) as project:
        options = project.workbench.options(plans[0], Wish(), actor="user")
        for one in plans:
            project.database.write_now(queue.submit, one, options, time.time())
        return asyncio.run(at_work(project, seconds))


def main(tasks: int, seconds: float) -> int:
    """Print a line for each; 1 where the promise is not kept."""
    single = plan('ABYSSAL[RESEARCH]("question")', FileRegistry(None), PlanContext(environ={}))
    print(f"{'queued tasks':>14}{'completed':>12}{'early':>12}{'late':>12}{'most':>12}")
    for plans, number, span in (([single], 1, min(seconds, 3.0)), ([group()] * (tasks // GROUP), tasks, seconds)):
        held = measure(plans, span)
        print(f"{number:>14,}{held.completed:>12,}{held.early:>9.1f} MB{held.late:>9.1f} MB{held.most:>9.1f} MB", flush=True)
    kept = held.most < MOST_MEGABYTES
    print(f"The limit is {MOST_MEGABYTES:.0f} MB: {'kept' if kept else 'NOT kept'}.")
    return 0 if kept else 1


if __name__ == "__main__":
    raise SystemExit(main(int(sys.argv[1]) if len(sys.argv) > 1 else 100_000, float(sys.argv[2]) if len(sys.argv) > 2 else 15.0))
