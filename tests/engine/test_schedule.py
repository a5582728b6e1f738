"""What waits for a time, and what the clock does to it: pauses of the queue, quiet times, recurring tasks, expiry."""

import asyncio
from collections.abc import Callable
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta

import pytest

from abathur_tui.domain.clock import SystemClock
from abathur_tui.domain.errors import AccountRefused, ApiUnavailable, Exit
from abathur_tui.domain.execution import SubmitOptions
from abathur_tui.domain.filters import TaskFilter
from abathur_tui.domain.plan import Plan
from abathur_tui.domain.recurrence import Recurrence
from abathur_tui.domain.status import Status, Why
from abathur_tui.settings import Settings
from abathur_tui.settings.model import System
from abathur_tui.storage import queue, views
from tests.engine.bench import Bench, loop_node, node
from tests.engine.clocks import let_pass
from tests.scripted import Say, Script, Wait, in_order, say
from tests.waiting import eventually_async

Make = Callable[[Script], Bench]
EVERY_MINUTE = Recurrence("* * * * *", "UTC")
HOUR = 3600.0


@dataclass
class SetClock(SystemClock):
    """The machine's clock, set by so many seconds."""

    by: float = 0.0

    def now(self) -> float:
        """Unix time in seconds."""
        return super().now() + self.by


@dataclass
class StandingClock(SystemClock):
    """A machine's clock that only goes on where it is set: at first to ten seconds after a full minute."""

    at: float = 1_800_000_010.0
    looks: int = 0
    """How often somebody has asked how much time has passed."""

    def now(self) -> float:
        """Unix time in seconds."""
        return self.at

    def monotonic(self) -> float:
        """It goes on with the other one."""
        self.looks += 1
        return self.at

    def since_boot(self) -> float:
        """Time passes."""
        return self.at


def with_clock(project: Bench) -> SetClock:
    project.clock = clock = SetClock()
    return clock


def recur(project: Bench, when: Recurrence = EVERY_MINUTE) -> None:
    made = Plan((node(),), (), "n1")
    project.database.write_now(queue.add_schedule, "again", when, made, SubmitOptions(project.choice), project.clock.now())


def all_tasks(project: Bench) -> list[Status]:
    return [task.status for task in project.database.read_now(views.tasks, TaskFilter(), 100)]


# Pauses of the whole queue


async def test_while_the_queue_is_paused_what_runs_goes_on_and_nothing_starts(bench: Make) -> None:
    go = asyncio.Event()
    project = bench(in_order([Wait(go), Say("one")], [Say("two")]))
    [first] = project.submit(node())

    async with project.running():
        await project.until(first, Status.RUNNING)
        project.write(queue.hold_queue, "me")
        [second] = project.submit(node())
        go.set()
        await project.until(first, Status.COMPLETED)
    assert project.task(second).why == Why.QUEUE

    # It outlives the engine, and a drain leaves what waits for a person.
    assert await project.drain() is Exit.DONE
    assert project.task(second).status is Status.PENDING

    async with project.running():
        project.write(queue.free_queue, "me")
        await project.until(second, Status.COMPLETED)


async def test_a_drain_leaves_a_loop_whose_next_pass_waits_for_the_queue(bench: Make) -> None:
    go = asyncio.Event()
    project = bench(lambda _: [Wait(go), Say("better")])
    [loop] = project.submit(loop_node("echo 1"))
    draining = asyncio.create_task(project.drain())
    await eventually_async(lambda: project.runtime.active == 1)
    project.write(queue.hold_queue, "me")
    go.set()

    assert await draining is Exit.DONE
    assert project.task(loop).status is Status.PENDING
    assert project.database.read_now(views.loop, loop).passes

    project.write(queue.free_queue, "me")
    assert await project.drain() is Exit.DONE
    assert project.task(loop).status is Status.FAILED
    assert len(project.database.read_now(views.loop, loop).passes) == 10


async def test_a_drain_leaves_a_loop_whose_account_refuses(bench: Make) -> None:
    project = bench(lambda _: [AccountRefused("the key is refused")])
    [loop] = project.submit(loop_node("echo 1"))

    assert await project.drain() is Exit.REFUSED
    assert project.task(loop).status is Status.PENDING


# Quiet times


def quiet(project: Bench, start: timedelta, end: timedelta) -> None:
    """From then to then, counted from now."""
    now = datetime.fromtimestamp(project.clock.now(), UTC)
    text = f"{now + start:%H:%M}-{now + end:%H:%M} UTC"
    project.settings = replace_queue(project, quiet_windows=(text,))


def replace_queue(project: Bench, **changes: object) -> Settings:
    return project.settings.model_copy(update={"queue": project.settings.queue.model_copy(update=changes)})


async def test_nothing_starts_in_a_quiet_time_and_it_ends_by_itself(bench: Make) -> None:
    project = bench(say("done"))
    clock = with_clock(project)
    quiet(project, timedelta(minutes=-30), timedelta(hours=2))
    [task] = project.submit(node())

    async with project.running():
        await eventually_async(lambda: project.task(task).why == Why.QUIET)
        until = project.task(task).due_at
        assert until is not None
        assert HOUR < until - project.clock.now() < 2 * HOUR + 61

        clock.by = 3 * HOUR
        await project.until(task, Status.COMPLETED)
        assert project.database.read_now(queue.held) is None


async def test_what_runs_when_a_quiet_time_begins_goes_on(bench: Make) -> None:
    go = asyncio.Event()
    project = bench(in_order([Wait(go), Say("one")], [Say("two")]))
    clock = with_clock(project)
    quiet(project, timedelta(hours=1), timedelta(hours=3))
    [first] = project.submit(node())

    async with project.running():
        await project.until(first, Status.RUNNING)
        clock.by = 2 * HOUR
        [second] = project.submit(node())
        await eventually_async(lambda: project.task(second).why == Why.QUIET)
        go.set()
        await project.until(first, Status.COMPLETED)
        assert project.task(second).status is Status.PENDING


async def test_a_drain_leaves_what_waits_for_the_end_of_a_quiet_time(bench: Make) -> None:
    project = bench(say("done"))
    quiet(project, timedelta(minutes=-30), timedelta(hours=2))
    [task] = project.submit(node())

    assert await project.drain() is Exit.DONE
    assert project.task(task).status is Status.PENDING

    # An engine with other settings does not keep what the one before has left.
    project.settings = replace_queue(project, quiet_windows=())
    assert await project.drain() is Exit.DONE
    assert project.task(task).status is Status.COMPLETED


# Recurring tasks


async def test_an_engine_with_a_schedule_stays_and_submits_it_at_each_time(bench: Make) -> None:
    project = bench(say("done"))
    project.clock = clock = StandingClock()
    project.settings = project.settings.model_copy(update={"system": System(idle_seconds=1)})
    recur(project)

    async with project.running():
        clock.at += 60
        await eventually_async(lambda: all_tasks(project) == [Status.COMPLETED])
        clock.at += 60
        await eventually_async(lambda: all_tasks(project) == [Status.COMPLETED] * 2)
        # Half a minute is longer than an engine without work stays: it has looked, and is there.
        clock.at += 30
        let_pass(30)
        looks = clock.looks
        await eventually_async(lambda: clock.looks >= looks + 10)
        [task] = project.submit(node())
        await project.until(task, Status.COMPLETED)


async def test_a_drain_does_not_wait_for_the_next_time(bench: Make) -> None:
    project = bench(say("done"))
    recur(project)

    assert await project.drain() is Exit.DONE
    assert all_tasks(project) == []


# Expiry


async def test_what_has_started_does_not_expire(bench: Make) -> None:
    go = asyncio.Event()
    project = bench(lambda _: [Wait(go), Say("done")])
    clock = with_clock(project)
    [task] = project.submit(node(expires_in_seconds=60))

    async with project.running():
        await project.until(task, Status.RUNNING)
        clock.by = HOUR
        [late] = project.submit(node(expires_in_seconds=0))
        await project.until(late, Status.FAILED)
        go.set()
        await project.until(task, Status.COMPLETED)


# The clock is set


async def test_a_clock_that_is_set_back_makes_no_retry_wait_longer(bench: Make) -> None:
    project = bench(in_order([ApiUnavailable("busy", retry_after=1.5)], [Say("done")]))
    clock = with_clock(project)
    [task] = project.submit(node())

    async with project.running():
        await eventually_async(lambda: project.task(task).why == Why.RETRY)
        clock.by = -5 * HOUR
        await project.until(task, Status.COMPLETED)


async def test_a_clock_that_is_set_back_makes_no_quota_wait_longer(bench: Make) -> None:
    project = bench(in_order([AccountRefused("quota", retry_after=1.5)], [Say("done")]))
    clock = with_clock(project)
    [task] = project.submit(node())

    async with project.running():
        await eventually_async(lambda: project.task(task).why == Why.QUOTA)
        clock.by = -5 * HOUR
        await project.until(task, Status.COMPLETED)


async def test_a_clock_that_is_set_forward_lets_nothing_expire(bench: Make) -> None:
    go = asyncio.Event()
    project = bench(in_order([Wait(go), Say("done")], [Say("done")]))
    clock = with_clock(project)
    project.swarm = {"max_agents": 1}
    [first] = project.submit(node())
    [waiting] = project.submit(node(expires_in_seconds=HOUR / 2))

    async with project.running():
        await project.until(first, Status.RUNNING)
        for by in (HOUR, 0, 2 * HOUR):
            clock.by = by
            [seen] = project.submit(node("seen", expires_in_seconds=0))
            await project.until(seen, Status.FAILED)
        go.set()
        await project.until(waiting, Status.COMPLETED)


@pytest.mark.parametrize("by", [-24 * HOUR, 24 * HOUR])
async def test_a_pass_takes_as_long_as_it_takes_when_the_clock_is_set(bench: Make, by: float) -> None:
    go = asyncio.Event()
    project = bench(in_order([Wait(go), Say("done")]))
    clock = with_clock(project)
    [loop] = project.submit(loop_node("echo 3"))

    async with project.running():
        await eventually_async(lambda: all_tasks(project) == [Status.RUNNING, Status.RUNNING])
        clock.by = by
        go.set()
        await project.until(loop, Status.COMPLETED)

    (series,) = project.database.read_now(views.loops)
    assert 0 <= series.passes[0].seconds < 60


async def test_a_clock_that_is_set_forward_lets_start_what_is_due_by_then(bench: Make) -> None:
    project = bench(say("done"))
    clock = with_clock(project)
    [task] = project.submit(node(), not_before=clock.now() + HOUR, on_the_clock=True)

    async with project.running():
        await eventually_async(lambda: bool(project.database.read_now(views.status, 0.0).engines))
        clock.by = 2 * HOUR
        await project.until(task, Status.COMPLETED)
