"""What people ask of running tasks."""

import asyncio
import time
from collections.abc import Callable

from abathur_tui.domain.status import Status
from abathur_tui.settings.model import Swarm
from abathur_tui.storage import queue, requests, views
from tests.engine.bench import Bench, loop_node, node
from tests.scripted import Say, Script, Wait, in_order, say
from tests.waiting import eventually_async, slowness

Make = Callable[[Script], Bench]


async def test_a_running_task_is_cancelled_with_what_it_has_said(bench: Make) -> None:
    project = bench(lambda _: [Say("half"), Wait(asyncio.Event())])
    [task] = project.submit(node())
    async with project.running() as engine:
        await eventually_async(lambda: project.detail(task).partial == "half")

        asked = time.monotonic()
        [change] = project.database.write_now(queue.cancel, [task], "user", "not needed", time.time())
        assert change.status is Status.RUNNING
        await project.until(task, Status.CANCELLED)

        seconds = time.monotonic() - asked
        assert project.runtime.cancelled == 1
        assert project.detail(task).turns[0].text == "half"
        assert project.database.read_now(requests.open_for, engine.id) == []
        assert [agent.state for agent in project.database.read_now(views.agents)] == ["TERMINATED"]
    assert seconds < slowness()


async def test_cancelling_frees_the_slot(bench: Make) -> None:
    project = bench(in_order([Wait(asyncio.Event())], [Say("next")]))
    project.settings = project.settings.model_copy(update={"swarm": Swarm(max_agents=1)})
    [first] = project.submit(node())
    [second] = project.submit(node())
    async with project.running():
        await eventually_async(lambda: project.runtime.active == 1)

        project.database.write_now(queue.cancel, [first], "user", "", time.time())

        await project.until(second, Status.COMPLETED)


async def test_a_paused_task_goes_on_where_it_was_when_it_is_resumed(bench: Make) -> None:
    project = bench(in_order([Say("a"), Wait(asyncio.Event())], [Say("b")]))
    [task] = project.submit(node())
    async with project.running():
        await eventually_async(lambda: project.detail(task).partial == "a")
        project.database.write_now(queue.pause, [task], "user", time.time())
        paused = await project.until(task, Status.PAUSED)
        assert paused.attempt == 0

        project.database.write_now(queue.resume, [task], "user", time.time())
        await project.until(task, Status.COMPLETED)

    assert project.result(task) == "b"


async def test_cancelling_a_loop_ends_its_pass_and_keeps_the_best_one(bench: Make) -> None:
    project = bench(in_order([Say("first")], [Wait(asyncio.Event())]))
    [loop] = project.submit(loop_node("echo 1"))
    async with project.running():
        await eventually_async(lambda: project.runtime.active == 1 and len(project.runtime.requests) == 2)

        project.database.write_now(queue.cancel, [loop], "user", "enough", time.time())
        await project.until(loop, Status.CANCELLED)

    assert project.result(loop) == "first"
    assert [task.status for task in project.database.read_now(views.members, 1)] == [Status.CANCELLED, Status.COMPLETED, Status.CANCELLED]


async def test_a_request_to_a_task_that_ends_in_that_moment_is_closed(bench: Make) -> None:
    project = bench(say("done"))
    async with project.running() as engine:
        for _ in range(10):
            [task] = project.submit(node())
            await eventually_async(lambda task=task: project.task(task).status is not Status.PENDING)  # type: ignore[misc]
            project.database.write_now(queue.cancel, [task], "user", "", time.time())
            await project.until(task, Status.CANCELLED, Status.COMPLETED)
        await eventually_async(lambda: not project.database.read_now(requests.open_for, engine.id))
