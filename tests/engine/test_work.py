"""Tasks are claimed and done."""

from collections.abc import Callable

from abathur_tui.domain.errors import Exit
from abathur_tui.domain.status import Status
from tests.engine.bench import Bench, node
from tests.scripted import Script, say

Make = Callable[[Script], Bench]


async def test_a_task_is_done_from_its_prompt_to_its_result(bench: Make) -> None:
    project = bench(say("a habit tracker needs three tables"))
    [task] = project.submit(node(prompt="plan a habit tracker"))

    ended = await project.drain()

    assert ended is Exit.DONE
    assert project.task(task).status is Status.COMPLETED
    assert project.result(task) == "a habit tracker needs three tables"
    assert project.prompts() == ["plan a habit tracker"]
    detail = project.detail(task)
    assert [turn.text for turn in detail.turns] == ["a habit tracker needs three tables"]
    assert [attempt.outcome for attempt in detail.attempts] == ["completed"]
