"""What a loop costs beside its agents: milliseconds per pass at the median, of wall and of CPU time, and memory over many passes.

    python benchmarks/loop_overhead.py [PASSES]

A real engine in this process, a real database on disk, an agent that answers at once:
claim, turn, similarity, checkpoint. The limits: 20 ms a pass at the median, and memory after
all passes within 6 MiB of that after a tenth of them. The writer's cache of pages, which fills up
to its own limit of 16 MB whatever is written, is held small here: what passes leave is measured.
"""

import asyncio
import statistics
import sys
import tempfile
import time
from dataclasses import replace
from itertools import pairwise
from pathlib import Path

import psutil  # type: ignore[import-untyped]

sys.path.insert(0, str(Path(__file__).parents[1]))

from abathur_tui.domain.criteria import StabilityCriterion
from abathur_tui.domain.data import content_hash
from abathur_tui.domain.loops import LoopSpec
from abathur_tui.domain.plan import Kind
from abathur_tui.domain.status import ENDED
from abathur_tui.storage import views
from tests.engine.bench import Bench, node
from tests.scripted import Say, ScriptedRuntime, Step

LIMIT_MS = 20.0
LIMIT_BYTES = 6 * 1024 * 1024


def megabytes() -> float:
    """This process's memory."""
    return float(psutil.Process().memory_info().rss) / 1024 / 1024


async def measure(passes: int) -> tuple[float, float, float, float]:
    """Milliseconds between the ends of passes at the median, and of CPU for each; memory after a tenth of them, and after all."""
    count = 0

    def agent(request: object) -> list[Step]:
        nonlocal count
        count += 1
        return [Say(content_hash(str(count)))]

    with tempfile.TemporaryDirectory() as folder:
        project = Bench(Path(folder), ScriptedRuntime(agent))
        spec = LoopSpec(StabilityCriterion(), passes, patience=passes + 1)
        [task] = project.submit(replace(node("n1"), kind=Kind.LOOP, loop=spec))
        project.database.write_now(lambda c: c.execute("PRAGMA cache_size = -1000"))
        early, began = 0.0, time.process_time()
        async with project.running():
            while project.task(task).status not in ENDED:
                project.runtime.requests.clear()
                if not early and count >= max(passes // 10, 1):
                    early = megabytes()
                await asyncio.sleep(0.05)
        late, cpu = megabytes(), time.process_time() - began
        ends = [done.ended_at for done in project.database.read_now(views.loop, task, outputs=False).passes]
        project.close()
    return statistics.median((later - earlier) * 1000 for earlier, later in pairwise(ends)), cpu * 1000 / passes, early, late


def main() -> int:
    """Print the figures; 1 where a limit is passed."""
    passes = int(sys.argv[1]) if len(sys.argv) > 1 else 1000
    median, cpu, early, late = asyncio.run(measure(passes))
    print(f"{passes} passes of one turn, compared for stability")
    print(f"  per pass      {median:6.1f} ms at the median (limit {LIMIT_MS:g})")
    print(f"  CPU           {cpu:6.1f} ms each, of all threads")
    print(f"  memory        {early:6.1f} MiB after a tenth, {late:.1f} MiB at the end (limit +{LIMIT_BYTES // 1024 // 1024})")
    return int(median > LIMIT_MS or (late - early) * 1024 * 1024 > LIMIT_BYTES)


if __name__ == "__main__":
    sys.exit(main())
