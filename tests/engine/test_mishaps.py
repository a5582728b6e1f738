"""Errors that nobody has foreseen end neither the engine nor anybody else's work."""

import asyncio
import json
from collections.abc import Callable
from pathlib import Path

from abathur_tui.domain.errors import Exit
from abathur_tui.domain.plan import Edge
from abathur_tui.domain.status import Status
from abathur_tui.domain.templates import AgentDefinition
from abathur_tui.storage import views
from tests.engine.bench import Bench, OneRole, node
from tests.engine.test_life import events
from tests.engine.test_resources import notices
from tests.scripted import Say, Script, Wait, say
from tests.storage.test_checking import lawless
from tests.waiting import eventually_async

Make = Callable[[Script], Bench]


def refuse_claims(project: Bench, which: str) -> None:
    """Somebody has added a law of their own."""
    law = f"CREATE TRIGGER of_somebody BEFORE UPDATE ON tasks WHEN NEW.status = 'running' AND {which} BEGIN SELECT RAISE(ABORT, 'not this one'); END"
    project.database.write_now(lambda c: c.execute(law))


def traces(project: Bench, event: str) -> list[str]:
    """What the engine's log has of an event."""
    lines = [json.loads(line) for path in Path(project.data / "logs").glob("engine-*.jsonl") for line in path.read_text().splitlines()]
    return [line["trace"] for line in lines if line["event"] == event]


async def test_a_task_whose_parameters_are_no_parameters_fails_alone(bench: Make) -> None:
    project = bench(say("done"))
    tasks = project.submit(*(node(f"n{number}", f"question {number}") for number in range(4)))
    lawless(project.data, f"UPDATE specs SET given = '[1]' WHERE task = {tasks[1]}")

    assert await project.drain() is Exit.DONE

    assert [project.task(task).status for task in tasks if task != tasks[1]] == [Status.COMPLETED] * 3
    [(status, code, message)] = project.database.read_now(
        lambda c: c.execute("SELECT status, error_code, error_message FROM tasks WHERE id = ?", (tasks[1],)).fetchall()
    )
    assert (status, code) == ("dead", "ABTH-ERR-121")
    assert message == f"What is kept of t{tasks[1]} cannot be understood: not an object: '[1]'."
    assert "json_object" in traces(project, "task.left")[0]


async def test_an_execution_whose_runtime_cannot_be_read_fails_alone(bench: Make) -> None:
    project = bench(say("done"))
    [odd] = project.submit(node())
    [even] = project.submit(node())
    lawless(project.data, f"UPDATE executions SET runtime = '{{' WHERE id = (SELECT execution FROM tasks WHERE id = {odd})")

    await project.drain()

    assert project.task(even).status is Status.COMPLETED
    assert project.database.read_now(lambda c: c.execute("SELECT status FROM tasks WHERE id = ?", (odd,)).fetchone()) == ("dead",)


async def test_a_task_whose_row_cannot_be_read_fails_with_what_needs_it_and_the_others_go_on(bench: Make) -> None:
    project = bench(say("done"))
    tasks = project.submit(*(node(f"n{number}") for number in range(6)), edges=[Edge("n5", "n2")])
    lawless(project.data, f"UPDATE tasks SET agent = CAST(x'ff41' AS TEXT) WHERE id = {tasks[2]}")

    await project.drain()

    statuses = project.database.read_now(lambda c: c.execute("SELECT status FROM tasks ORDER BY id").fetchall())
    assert [status for (status,) in statuses] == ["completed", "completed", "failed", "completed", "completed", "failed"]
    assert project.task(tasks[5]).status is Status.FAILED
    assert any("could not be claimed" in text and "UTF-8" in text for text in notices(project))


async def test_a_task_that_cannot_be_claimed_has_failed_with_the_whole_error(bench: Make) -> None:
    project = bench(say("done"))
    tasks = project.submit(*(node(f"n{number}") for number in range(8)))
    refuse_claims(project, f"NEW.id IN ({tasks[1]}, {tasks[4]})")

    await project.drain()

    assert [project.task(task).status for task in tasks] == [Status.FAILED if number in (1, 4) else Status.COMPLETED for number in range(8)]
    error = project.task(tasks[1]).error
    assert error is not None
    assert "not this one" in error.message
    assert traces(project, "task.refused")


async def test_where_nothing_can_be_claimed_who_works_goes_on_and_most_of_the_queue_is_kept(bench: Make) -> None:
    # Given an agent at work,
    go = asyncio.Event()
    project = bench(lambda request: [Wait(go), Say("done")] if "first" in request.messages[-1].text else [Say("done")])
    [first] = project.submit(node("first", "first"))
    async with project.running():
        await eventually_async(lambda: project.runtime.active == 1)
        # when nothing can be claimed any more,
        refuse_claims(project, "true")
        tasks = project.submit(*(node(f"n{number}") for number in range(20)))
        await eventually_async(lambda: len(traces(project, "claim.broke")) == 2)
        # then that agent comes to its end,
        go.set()
        await project.until(first, Status.COMPLETED)
        # and as soon as tasks can be claimed again, most of them are done: one was tried at a time, after ever longer pauses.
        project.database.write_now(lambda c: c.execute("DROP TRIGGER of_somebody"))
        await eventually_async(lambda: project.database.read_now(views.counts)[Status.PENDING] == 0)

    ended = [project.task(task).status for task in tasks]
    assert ended.count(Status.FAILED) == len(traces(project, "task.refused")) <= len(traces(project, "claim.broke"))
    assert ended.count(Status.COMPLETED) >= 10


async def test_while_the_engine_cannot_look_for_work_who_works_goes_on(bench: Make) -> None:
    go = asyncio.Event()
    project = bench(lambda _: [Wait(go), Say("done")])
    project.swarm = {"max_agents": 1}
    first, second = project.submit(node("n1"), node("n2"))
    async with project.running():
        await eventually_async(lambda: project.runtime.active == 1)
        project.database.write_now(lambda c: c.execute("UPDATE lanes SET held_why = 'quota', held_until = 1"))
        project.database.write_now(
            lambda c: c.execute("CREATE TRIGGER of_somebody BEFORE UPDATE ON lanes BEGIN SELECT RAISE(ABORT, 'nothing is freed'); END")
        )
        await eventually_async(lambda: "round.broke" in events(project))
        go.set()
        await project.until(first, Status.COMPLETED)
        project.database.write_now(lambda c: c.execute("DROP TRIGGER of_somebody"))
        await project.until(second, Status.COMPLETED)

    assert any("could not look for work" in text for text in notices(project))


class Surprising(OneRole):
    """A registry with a definition that nobody has foreseen."""

    def agent(self, name: str) -> AgentDefinition | None:
        """One of them is a surprise."""
        if name == "surprise":
            raise KeyError("a header that is not there")
        return super().agent(name)


async def test_a_definition_that_surprises_fails_its_own_tasks_alone(bench: Make) -> None:
    project = bench(say("done"))
    project.registry = Surprising()
    odd, even = project.submit(node("odd", agent="surprise"), node("even"))

    await project.drain()

    assert project.task(odd).status is Status.DEAD
    assert "a header that is not there" in str(project.task(odd).error)
    assert project.task(even).status is Status.COMPLETED
