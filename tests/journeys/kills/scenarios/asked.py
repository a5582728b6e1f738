"""What people ask: submit, cancel, pause, resume, other priorities, with and without an engine; schedules, and commands on changes of a status."""

import asyncio
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from abathur_tui.domain.clock import SystemClock
from abathur_tui.domain.conversation import TurnRequest
from abathur_tui.domain.execution import Key, SubmitOptions
from abathur_tui.domain.plan import Edge, Plan
from abathur_tui.domain.recurrence import Recurrence
from abathur_tui.domain.status import Status
from abathur_tui.settings.model import OnStatus
from abathur_tui.storage import queue, swarm
from tests.engine.bench import Bench, node
from tests.journeys.kills.scenario import Scenario, acknowledge, acknowledged, drain
from tests.journeys.kills.scenarios.work import all_completed, rows, statuses
from tests.scripted import Say, Step, Wait

# Where no engine lives


def submit_three(project: Bench) -> None:
    for name in ("cancelled", "paused", "first"):
        project.submit(node(name, name))


def ask_for_all(project: Bench) -> None:
    """Each kind of change once; it is acknowledged by its name."""
    project.write(queue.cancel, [1], "me", "not needed")
    acknowledge(project, "cancel")
    project.write(queue.pause, [2], "me")
    acknowledge(project, "pause")
    project.database.write_now(queue.reprioritize, [3], "me", project.clock.now(), 9)
    acknowledge(project, "reprioritize")
    project.submit(node("late", "late"))
    acknowledge(project, "submit")
    project.write(queue.hold_queue, "me")
    acknowledge(project, "hold")
    project.write(queue.free_queue, "me")
    acknowledge(project, "free")
    project.write(swarm.scale, 3, "me")
    acknowledge(project, "scale")
    project.write(queue.add_schedule, "again", Recurrence("0 0 1 1 *", "UTC"), Plan((node(),), (), "n1"), SubmitOptions(project.choice))
    acknowledge(project, "schedule")
    project.write(queue.resume, [2], "me")
    acknowledge(project, "resume")


def all_asked_is_there(project: Bench) -> None:
    found, told = statuses(project), set(acknowledged(project))
    seen = {
        "cancel": found[1] is Status.CANCELLED,
        "pause": found[2] is Status.PAUSED or "resume" in told or bool(rows(project, "SELECT id, '' FROM audit WHERE task = 2 AND version = 2")),
        "reprioritize": project.task(3).priority == 9,
        "submit": 4 in found,
        "hold": bool(rows(project, "SELECT id, '' FROM audit WHERE action = 'queue.held'")),
        "free": project.database.read_now(queue.held) is None,
        "scale": project.database.read_now(swarm.limit) == 3,
        "schedule": len(project.database.read_now(queue.schedules)) == 1,
        "resume": found[2] is Status.PENDING,
    }
    assert {name for name in told if not seen[name]} == set()


def ask_again(project: Bench) -> None:
    """What was not acknowledged is asked again by whoever had asked; then all is worked off."""
    project.write(queue.cancel, [1], "me", "not needed")
    project.write(queue.resume, [2], "me")
    project.write(queue.free_queue, "me")
    drain(project)


def check_asked(project: Bench) -> None:
    assert project.task(1).status is Status.CANCELLED
    assert {status for task, status in statuses(project).items() if task != 1} == {Status.COMPLETED}


# With a key, by somebody who does not know what became of it

KEY = Key("once", "a" * 64)


def submit_once(project: Bench) -> None:
    options = SubmitOptions(project.choice)
    pairs = [(Plan((node("n1"), node("n2")), (Edge("n2", "n1"),), "n2"), options), (Plan((node("n1"),), (), "n1"), options)]
    made = project.write(queue.submit_once, KEY, pairs)
    acknowledge(project, " ".join(str(one.root) for one in made))


def what_was_answered_is_there(project: Bench) -> None:
    known = project.database.read_now(queue.submitted_with, KEY)
    assert len(known) in (0, 2)
    assert acknowledged(project) in ([], [" ".join(str(one.root) for one in known)])
    assert len(statuses(project)) == 3 + 3 * bool(known)


def submit_again(project: Bench) -> None:
    submit_once(project)
    drain(project)


def check_once(project: Bench) -> None:
    all_completed(project)
    assert len(statuses(project)) == 6
    assert set(acknowledged(project)) == {"5 6"}


# Of an engine that works


def wait_for_go(request: TurnRequest) -> list[Step]:
    """Until there is a file `go`; an engine that was started before never sees it."""
    if "late" in request.messages[0].text or Path(request.caller.project, "go").exists():
        return [Say("done")]
    return [Say("half"), Wait(asyncio.Event())]


def ask_an_engine(project: Bench) -> None:
    """A running task is cancelled, another one paused; then a third one comes and completes."""

    async def ask() -> None:
        async with project.running():
            for task in (1, 2, 3):
                await project.until(task, Status.RUNNING)
            project.write(queue.cancel, [1], "me", "not needed")
            acknowledge(project, "cancel")
            project.write(queue.pause, [2], "me")
            acknowledge(project, "pause")
            await project.until(1, Status.CANCELLED)
            await project.until(2, Status.PAUSED)
            [late] = project.submit(node("late", "late"))
            acknowledge(project, "submit")
            await project.until(late, Status.COMPLETED)
            acknowledge(project, "completed")

    asyncio.run(ask())


def requests_are_there(project: Bench) -> None:
    told, found = acknowledged(project), statuses(project)
    asked = {kind: task for task, kind in rows(project, "SELECT task, kind FROM requests")}
    assert "cancel" not in told or asked["cancel"] == 1
    assert "pause" not in told or asked["pause"] == 2
    assert "submit" not in told or 4 in found
    assert "completed" not in told or found[4] is Status.COMPLETED


def let_go(project: Bench) -> None:
    """What is running or waits goes on to its end; what was paused stays so until it is resumed."""
    told = acknowledged(project)
    (project.folder / "go").touch()
    drain(project)
    assert "cancel" not in told or project.task(1).status is Status.CANCELLED, project.task(1)
    assert "pause" not in told or project.task(2).status is Status.PAUSED, project.task(2)
    if project.task(2).status is Status.PAUSED:
        project.write(queue.resume, [2], "me")
        drain(project)


def check_requests(project: Bench) -> None:
    assert project.task(1).status in (Status.CANCELLED, Status.COMPLETED)
    assert {status for task, status in statuses(project).items() if task != 1} == {Status.COMPLETED}


# A schedule that is due


@dataclass
class Standing(SystemClock):
    """A wall clock that stands."""

    at: float = 1_800_000_010.0

    def now(self) -> float:
        """Unix time in seconds."""
        return self.at


def stand_after_the_minute(project: Bench) -> None:
    project.clock = Standing(1_800_000_010.0 + (60 if (project.folder / "later").exists() else 0))


def recur(project: Bench) -> None:
    plan = Plan((node("n1"), node("n2")), (), "n2")
    project.write(queue.add_schedule, "again", Recurrence("* * * * *", "UTC"), plan, SubmitOptions(project.choice))
    (project.folder / "later").touch()


def check_schedule(project: Bench) -> None:
    all_completed(project)
    assert len(statuses(project)) == 2
    [schedule] = project.database.read_now(queue.schedules)
    assert (schedule.runs, schedule.next_at) == (1, 1_800_000_120.0)
    assert project.database.read_now(lambda c: c.execute("SELECT count(*) FROM executions WHERE schedule = 1").fetchone()) == (1,)


# Commands on changes of a status


def follow_completed(project: Bench) -> None:
    command = OnStatus(statuses=(Status.COMPLETED, Status.CANCELLED), command=("/bin/sh", "-c", 'cat >/dev/null; echo "$ABATHUR_TASK" >> told'))
    changed = project.settings.queue.model_copy(update={"on_status": (command,)})
    project.settings = project.settings.model_copy(update={"queue": changed})


def submit_followed(project: Bench) -> None:
    drain(project)  # commands are told of what comes after the first engine that has them
    for _ in range(3):
        project.submit(node())
    project.write(queue.cancel, [2], "me", "not needed")


def check_commands(project: Bench) -> None:
    told = (project.folder / "told").read_text().split()
    # In the order of the changes; the one at which it was killed perhaps once more.
    assert told[0] == "t2"
    assert set(told) == {"t1", "t2", "t3"}
    assert len(told) <= 4
    assert all(told[index] != told[index - 2] for index in range(2, len(told))), told


SCENARIOS: Sequence[Scenario] = (
    Scenario(
        "asked",
        "submit, cancel, pause, resume, reprioritise, hold and free the queue, scale, schedule: with no engine",
        submit_three,
        act=ask_for_all,
        lost=all_asked_is_there,
        again=ask_again,
        check=check_asked,
    ),
    Scenario(
        "once",
        "submitting with a key, and again after the kill",
        submit_three,
        act=submit_once,
        lost=what_was_answered_is_there,
        again=submit_again,
        check=check_once,
    ),
    Scenario(
        "requests",
        "cancelling and pausing tasks that run",
        submit_three,
        act=ask_an_engine,
        lost=requests_are_there,
        again=let_go,
        check=check_requests,
        script=wait_for_go,
    ),
    Scenario("schedule", "a recurring task that is due", recur, equip=stand_after_the_minute, check=check_schedule),
    Scenario("commands", "commands on changes of a status", submit_followed, equip=follow_completed, check=check_commands),
)
