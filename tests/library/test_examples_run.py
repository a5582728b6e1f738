"""Each example of `docs/templates.md` goes all the way with a scripted model: planned, queued, done by its agents, joined."""

import asyncio
import time
from collections.abc import Iterator
from pathlib import Path

import pytest

from abathur_tui.domain.conversation import TurnRequest
from abathur_tui.domain.errors import Exit
from abathur_tui.domain.execution import SubmitOptions
from abathur_tui.domain.status import Status
from abathur_tui.engine.engine import Engine
from abathur_tui.engine.equipment import Equipment, Manner
from abathur_tui.language import PlanContext, made_agents, plan
from abathur_tui.library import FileRegistry
from abathur_tui.library.agent_file import agent_from_markdown
from abathur_tui.processes import Children
from abathur_tui.storage import queue, views
from tests.engine.bench import ANY_CHOICE, Bench
from tests.library.test_docs import EXAMPLES, WRITTEN
from tests.scripted import Say, ScriptedRuntime, Step

BENCH = "print(0.25)\n"
"""What `measure="python bench.py"` runs."""


def answer(request: TurnRequest) -> list[Step]:
    """Says who speaks, and how much was asked."""
    return [Say(f"{request.system.splitlines()[0]} I was given {len(request.messages[0].text)} characters.")]


@pytest.fixture
def bench(tmp_path: Path) -> Iterator[Bench]:
    project = tmp_path / "project"
    (project / ".abathur/templates").mkdir(parents=True)
    for number, text in enumerate(text for text in WRITTEN if not text.startswith("{")):
        (project / f".abathur/templates/{number}.toml").write_text(text)
    (project / "bench.py").write_text(BENCH)
    bench = Bench(project, ScriptedRuntime(answer))
    yield bench
    bench.close()


@pytest.mark.parametrize("example", EXAMPLES, ids=lambda text: text.partition("[")[2].partition("]")[0])
async def test_an_example_of_the_page_runs_to_its_end(example: str, bench: Bench) -> None:
    # given
    registry = FileRegistry(bench.folder, home=Path("/nonexistent"), environ={})
    planned = plan(example, registry, PlanContext(bench.folder, {}))
    made = made_agents(planned, registry)
    submitted = bench.database.write_now(queue.submit, planned, SubmitOptions(ANY_CHOICE, templates=made), time.time())
    equipment = Equipment(
        project=bench.folder,
        settings=bench.settings,
        registry=registry,
        tools={},
        open_runtime=bench._open,
        children=Children(),
        keys=bench.keys,
    )

    # when
    async with asyncio.timeout(30):
        ended = await Engine(bench.database, equipment, Manner(drain=True)).run()

    # then
    assert ended is Exit.DONE
    assert {task.status for task in bench.database.read_now(views.members, submitted.execution)} == {Status.COMPLETED}
    assert bench.result(submitted.root)
    systems = {request.system for request in bench.runtime.requests}
    definitions = [agent for node in planned.nodes if node.agent and (agent := registry.agent(node.agent))]
    assert systems == {agent.prompt for agent in (*definitions, *(agent_from_markdown(text, "made") for text in made.values()))}
    for node in planned.nodes:
        if node.template and isinstance(subject := next(iter(node.parameters.values())), str):
            assert any(subject in prompt for prompt in bench.prompts()), node.name
