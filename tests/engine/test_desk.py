"""What workers hand in is written together, and each of them learns what came of its own."""

import asyncio
from collections.abc import Callable

from abathur_tui.domain.conversation import TurnRequest
from abathur_tui.domain.execution import RuntimeChoice, RuntimeName
from abathur_tui.domain.status import Status
from abathur_tui.storage import views
from tests.engine.bench import Bench, node
from tests.scripted import SOME_USAGE, Say, Script, Sleep, Wait, say
from tests.waiting import eventually_async

Make = Callable[[Script], Bench]


async def test_as_many_agents_as_slots_do_all_tasks(bench: Make) -> None:
    project = bench(say("done"))
    tasks = project.submit(*(node(f"n{number}", f"question {number}") for number in range(40)))

    await project.drain()

    assert [project.result(task) for task in tasks] == ["done"] * 40
    assert len(project.database.read_now(views.agents)) <= 4
    assert {agent for task in tasks for attempt in project.detail(task).attempts for agent in [attempt.agent]} <= {1, 2, 3, 4}


async def test_agents_of_other_definitions_make_room(bench: Make) -> None:
    project = bench(say("done"))
    project.submit(*(node(f"n{number}", agent=f"role{number % 3}") for number in range(30)))

    await project.drain()

    there = most = 0
    for event in project.database.read_now(views.audit):
        there += {"agent.spawning": 1, "agent.terminated": -1}.get(event.action, 0)
        most = max(most, there)
    assert there == 0
    assert most <= 4
    assert {status: number for status, number in project.database.read_now(views.counts).items() if number} == {Status.COMPLETED: 30}


async def test_a_short_turn_leaves_no_pieces_of_output_behind(bench: Make) -> None:
    project = bench(lambda _: [Say("one two", chunk=4), Sleep(0.01)])
    [task] = project.submit(node())

    await project.drain()

    assert project.result(task) == "one two"
    assert project.database.read_now(
        lambda c: c.execute("SELECT count(*), max(seq) FROM output, sqlite_sequence WHERE name = 'output'").fetchone()
    ) == (0, None)


async def test_an_engine_that_stops_while_tasks_end_loses_none_and_does_none_twice(bench: Make) -> None:
    project = bench(say("done"))
    tasks = project.submit(*(node(f"n{number}") for number in range(60)))

    def completed() -> int:
        return project.database.read_now(views.counts)[Status.COMPLETED]

    while (before := completed()) < 60:
        work = asyncio.create_task(project.engine().run())
        await eventually_async(lambda before=before: completed() > before)  # type: ignore[misc]
        work.cancel()
        await asyncio.gather(work, return_exceptions=True)

    assert {project.task(task).status for task in tasks} == {Status.COMPLETED}
    done = [event for task in tasks for event in project.detail(task).events if event.action == "task.completed"]
    assert len(done) == 60
    assert {agent.state for agent in project.database.read_now(views.agents)} == {"TERMINATED"}


async def test_a_turn_that_cannot_be_written_fails_its_own_task_alone(bench: Make) -> None:
    # Given a runtime that counts more for one of four turns than a row can hold,
    def count(request: TurnRequest) -> list[Say]:
        odd = "odd" in request.messages[-1].text
        project.runtime.usage = SOME_USAGE._replace(input=2**70) if odd else SOME_USAGE
        return [Say("done")]

    project = bench(count)
    project.swarm = {"max_agents": 1}
    tasks = project.submit(*(node(f"n{number}", "odd" if number == 2 else f"question {number}") for number in range(4)))
    # when they are worked off,
    await project.drain()
    # then that one alone has failed, and says so.
    assert [project.task(task).status for task in tasks] == [Status.COMPLETED, Status.COMPLETED, Status.DEAD, Status.COMPLETED]
    assert "unexpected" in str(project.task(tasks[2]).error)


async def test_the_first_of_hundreds_work_before_the_last_are_claimed_and_all_work_at_once(bench: Make) -> None:
    running: list[int] = []
    all_there = asyncio.Event()

    def script(_: TurnRequest) -> list[Wait | Say]:
        running.append(project.database.read_now(views.counts)[Status.RUNNING])
        if len(running) == 200:
            all_there.set()
        return [Wait(all_there), Say("done")]

    project = bench(script)
    project.swarm = {"max_agents": 200}
    project.choice = RuntimeChoice(RuntimeName.ANTHROPIC, model="scripted")
    project.submit(*(node(f"n{number}") for number in range(300)))

    await project.drain()

    assert running[0] < 200 == running[199]
    assert project.database.read_now(views.counts)[Status.COMPLETED] == 300
