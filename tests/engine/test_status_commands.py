"""Commands on changes of a task's status: run once for each, in order, through deaths, and harmless to the tasks."""

import asyncio
import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from abathur_tui.domain.conversation import FailureKind
from abathur_tui.domain.errors import ApiRefused, Exit
from abathur_tui.domain.status import Status
from abathur_tui.engine.equipment import Manner
from abathur_tui.settings.model import OnStatus
from abathur_tui.storage import queue, status_commands, views
from tests.alive import alive
from tests.engine.bench import Bench, node
from tests.scripted import Script, say
from tests.waiting import eventually_async

Make = Callable[[Script], Bench]
TOLD = 'read -r task; echo "$task" >> told'


def follow(project: Bench, *commands: OnStatus) -> None:
    """The commands that the next engine runs."""
    queue_settings = project.settings.queue.model_copy(update={"on_status": commands})
    project.settings = project.settings.model_copy(update={"queue": queue_settings})


def on(script: str, *statuses: Status, seconds: float = 30) -> OnStatus:
    """A shell script."""
    return OnStatus(statuses=statuses or (Status.COMPLETED,), command=("/bin/sh", "-c", script), timeout_seconds=seconds)


def told(project: Bench) -> list[Any]:
    """What the commands were told, in order."""
    file = project.folder / "told"
    return [json.loads(line) for line in file.read_text().splitlines()] if file.exists() else []


def notices(project: Bench) -> list[str]:
    return [entry.text for entry in project.database.read_now(views.log_since, None, limit=10_000)[0] if "The command on" in entry.text]


async def test_a_command_gets_each_change_with_the_task_as_json(bench: Make) -> None:
    project = bench(lambda request: [ApiRefused("no", kind=FailureKind.PERMANENT)] if "bad" in request.messages[-1].text else say("done")(request))
    follow(project, on(TOLD, Status.COMPLETED, Status.DEAD), on('echo "$ABATHUR_TASK $ABATHUR_EXECUTION" >> named', Status.DEAD))
    good, bad = project.submit(node("a", "good")), project.submit(node("b", "bad"))

    assert await project.drain() is Exit.DONE

    by_task = {one["id"]: one for one in told(project)}
    assert set(by_task) == {f"t{good[0]}", f"t{bad[0]}"}
    dead = by_task[f"t{bad[0]}"]
    assert (dead["status"], dead["error"]["message"], dead["execution"]) == ("dead", "no", "x2")
    assert (dead["change"]["from"], dead["change"]["to"], dead["change"]["actor"], dead["change"]["reason"]) == ("running", "dead", "engine", "no")
    assert (project.folder / "named").read_text() == f"t{bad[0]} x2\n"
    assert notices(project) == []


async def test_what_happened_while_no_engine_lived_is_told_later_and_what_was_before_the_commands_is_not(bench: Make) -> None:
    project = bench(say("done"))
    project.submit(node())
    await project.drain()
    follow(project, on(TOLD, Status.CANCELLED, Status.COMPLETED))
    await project.drain()
    assert told(project) == []

    [task] = project.submit(node())
    project.database.write_now(queue.cancel, [task], "me", "not now", 1.0)
    await project.drain()
    await project.drain()

    assert [(one["id"], one["change"]["reason"]) for one in told(project)] == [(f"t{task}", "not now")]


async def test_commands_that_were_away_begin_anew(bench: Make) -> None:
    project = bench(say("done"))
    follow(project, on(TOLD))
    await project.drain()
    follow(project)
    project.submit(node())
    await project.drain()
    follow(project, on(TOLD))
    await project.drain()

    assert told(project) == []


@pytest.mark.parametrize(
    ("script", "seconds", "part"),
    [("echo oh no >&2; exit 3", 30, "ended with 3: oh no"), ("sleep 60 & wait", 0.2, "took longer than its 0.2 seconds")],
)
async def test_a_command_that_goes_wrong_is_told_once_and_stops_nothing(bench: Make, script: str, seconds: float, part: str) -> None:
    project = bench(say("done"))
    follow(project, on(script, seconds=seconds), on(TOLD))
    tasks = [project.submit(node())[0] for _ in range(3)]

    await project.drain()

    assert [project.task(task).status for task in tasks] == [Status.COMPLETED] * 3
    assert len(told(project)) == 3
    (notice,) = notices(project)
    assert part in notice


async def test_a_program_that_is_not_there_is_told_and_stops_nothing(bench: Make) -> None:
    project = bench(say("done"))
    follow(project, OnStatus(statuses=(Status.COMPLETED,), command=("no-such-program",)))
    [task] = project.submit(node())

    await project.drain()

    assert project.task(task).status is Status.COMPLETED
    assert "no-such-program" in notices(project)[0]


async def test_a_command_that_was_cut_off_is_run_again_three_times_at_most(bench: Make) -> None:
    project = bench(say("done"))
    project.submit(node())
    follow(project, on("echo begun >> begun; sleep 60"), on(TOLD))
    database = project.database
    database.write_now(status_commands.begin)
    for times in range(1, 4):
        engine = project.engine(Manner(stay=True), release_seconds=0.1)
        work = asyncio.create_task(engine.run())
        await eventually_async(lambda times=times: _lines(project.folder / "begun") == times)  # type: ignore[misc]
        engine.stop()
        await work
    assert told(project) == []

    await project.drain()

    assert _lines(project.folder / "begun") == 3
    assert len(told(project)) == 1


async def test_an_engine_ends_the_command_that_runs_when_it_is_stopped(bench: Make) -> None:
    project = bench(say("done"))
    project.submit(node())
    follow(project, on("echo $$ > pid; sleep 60"))
    engine = project.engine(Manner(stay=True), release_seconds=0.1)
    work = asyncio.create_task(engine.run())
    await eventually_async(lambda: _lines(project.folder / "pid") == 1)

    engine.stop()
    await work

    assert not alive(int((project.folder / "pid").read_text()))


async def test_a_saved_command_counts_for_the_engine_that_runs(bench: Make) -> None:
    project = bench(say("done"))
    async with project.running() as engine:
        await project.until(project.submit(node())[0], Status.COMPLETED)
        follow(project, on(TOLD))
        await engine.use(project.settings)
        await eventually_async(lambda: project.database.read_now(status_commands.place) is not None)
        [task] = project.submit(node())
        await eventually_async(lambda: [one["id"] for one in told(project)] == [f"t{task}"])
        follow(project)
        await engine.use(project.settings)
        await eventually_async(lambda: project.database.read_now(status_commands.place) is None)


async def test_many_changes_are_told_in_their_order(bench: Make) -> None:
    project = bench(say("done"))
    follow(project, on(TOLD, Status.PENDING))
    project.database.write_now(status_commands.begin)
    tasks = project.submit(*(node(f"n{number}") for number in range(130)))

    await project.drain(60)

    assert [one["id"] for one in told(project)] == [f"t{task}" for task in tasks]


def _lines(file: Path) -> int:
    return len(file.read_text().splitlines()) if file.exists() else 0
