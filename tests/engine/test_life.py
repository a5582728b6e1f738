"""An engine's life: becoming active, ending, and what it does for engines that died."""

import asyncio
import json
import os
import time
from collections.abc import Callable

import pytest

from abathur_tui.domain.clock import SystemClock
from abathur_tui.domain.errors import Exit
from abathur_tui.domain.status import Status
from abathur_tui.engine.equipment import Manner
from abathur_tui.engine.log import EngineLog
from abathur_tui.engine.patient import PatientDatabase
from abathur_tui.engine.rescue import Rescue, notes_of
from abathur_tui.settings.model import Queue, System
from abathur_tui.storage import Database, agents, engines, queue, views
from abathur_tui.storage.engines import EngineRow
from tests.engine.bench import Bench, node
from tests.engine.clocks import HandClock
from tests.scripted import Say, Script, Wait, say
from tests.waiting import eventually_async

Make = Callable[[Script], Bench]


def row(project: Bench, engine: str) -> EngineRow:
    """An engine's row."""
    found = project.database.read_now(engines.row, engine)
    assert found is not None
    return found


def events(project: Bench) -> list[str]:
    """What the engine's own log tells."""
    lines = [line for file in sorted((project.data / "logs").glob("engine-*.jsonl")) for line in file.read_text().splitlines()]
    return [json.loads(line)["event"] for line in lines]


async def test_an_engine_registers_and_ends_its_row_and_its_locks(bench: Make) -> None:
    project = bench(say("x"))
    async with project.running() as engine:
        await eventually_async(lambda: engines.active_engine(project.data) == engine.id)
        await eventually_async(lambda: events(project)[:1] == ["engine.started"])
        assert engines.engine_alive(project.data, engine.id)
        assert row(project, engine.id).pid == os.getpid()

    assert row(project, engine.id).ended_at is not None
    assert engines.active_engine(project.data) is None
    assert not list((project.data / "engines").glob("*.lock"))
    assert not (project.data / "engine.sock").exists()
    assert events(project)[-1] == "engine.ended"


async def test_an_engine_on_demand_that_finds_another_one_active_ends(bench: Make) -> None:
    project = bench(say("x"))
    async with project.running() as first:
        await eventually_async(lambda: engines.active_engine(project.data) == first.id)

        assert await project.engine().run() is Exit.DONE

        assert engines.active_engine(project.data) == first.id


async def test_one_that_stands_by_takes_over_when_the_other_ends(bench: Make) -> None:
    project = bench(say("x"))
    async with project.running() as first:
        await eventually_async(lambda: engines.active_engine(project.data) == first.id)
        project.clock = clock = HandClock()
        second = project.engine(Manner(standby=True, stay=True))
        standing = asyncio.create_task(second.run())
        await eventually_async(lambda: clock.looks > 2)
        project.clock = SystemClock()
        assert engines.active_engine(project.data) == first.id
    await eventually_async(lambda: engines.active_engine(project.data) == second.id)

    await project.until(project.submit(node())[0], Status.COMPLETED)

    second.stop()
    assert await standing is Exit.DONE


async def test_one_that_stands_by_can_be_stopped(bench: Make) -> None:
    project = bench(say("x"))
    async with project.running() as first:
        await eventually_async(lambda: engines.active_engine(project.data) == first.id)
        project.clock = clock = HandClock()
        second = project.engine(Manner(standby=True))
        standing = asyncio.create_task(second.run())
        await eventually_async(lambda: clock.looks)

        second.stop()

        async with asyncio.timeout(30):
            assert await standing is Exit.DONE


async def test_two_engines_that_start_at_once_share_no_task(bench: Make) -> None:
    project = bench(say("x"))
    other = Database.open(project.data)
    tasks = project.submit(*(node(f"n{number}") for number in range(30)))

    await asyncio.gather(project.engine(Manner(drain=True)).run(), project.engine(Manner(drain=True, standby=True), other).run())

    other.close()
    assert len(project.runtime.requests) == 30
    assert {project.task(task).attempt for task in tasks} == {1}


async def test_a_drain_beside_an_active_engine_ends_with_the_queue(bench: Make) -> None:
    go = asyncio.Event()
    project = bench(lambda _: [Wait(go), Say("x")])
    [task] = project.submit(node())
    async with project.running() as first:
        await eventually_async(lambda: project.runtime.active == 1)
        project.clock = clock = HandClock()
        draining = asyncio.create_task(project.engine(Manner(drain=True)).run())
        await eventually_async(lambda: clock.looks > 1)
        assert not draining.done()

        go.set()

        assert await draining is Exit.DONE
        assert project.task(task).status is Status.COMPLETED
        assert engines.active_engine(project.data) == first.id


async def test_a_drain_takes_the_place_of_an_active_engine_that_ends(bench: Make) -> None:
    project = bench(lambda _: [Wait(go), Say("x")])
    go = asyncio.Event()
    [task] = project.submit(node())
    async with project.running():
        await eventually_async(lambda: project.runtime.active == 1)
        draining = asyncio.create_task(project.engine(Manner(drain=True)).run())
    go.set()

    assert await draining is Exit.DONE
    assert project.task(task).status is Status.COMPLETED


async def test_an_engine_that_has_nothing_to_do_ends(bench: Make) -> None:
    project = bench(say("x"))
    project.settings = project.settings.model_copy(update={"system": System(idle_seconds=1)})
    project.clock = clock = HandClock()
    [task] = project.submit(node())
    work = asyncio.create_task(project.engine().run())
    await project.until(task, Status.COMPLETED)
    looks = clock.looks
    await eventually_async(lambda: clock.looks > looks + 5)
    assert not work.done(), "no time has passed"

    await eventually_async(lambda: clock.forward(1) and work.done())

    assert await work is Exit.DONE


@pytest.mark.parametrize("later", [False, True], ids=["from the start", "later"])
async def test_one_that_was_asked_to_stay_stays(bench: Make, later: bool) -> None:
    project = bench(say("x"))
    project.settings = project.settings.model_copy(update={"system": System(idle_seconds=1)})
    project.clock = clock = HandClock()
    async with project.running(Manner(stay=not later)) as engine:
        await eventually_async(lambda: events(project)[:1] == ["engine.started"])
        if later:
            engine.stay()
        clock.forward(10)
        await project.until(project.submit(node())[0], Status.COMPLETED)
        clock.forward(10)
        await project.until(project.submit(node())[0], Status.COMPLETED)

        assert engines.active_engine(project.data) == engine.id


async def test_an_engine_that_waits_for_a_tasks_own_time_does_not_end(bench: Make) -> None:
    project = bench(say("x"))
    project.settings = project.settings.model_copy(update={"system": System(idle_seconds=1)})
    [task] = project.submit(node(), not_before=time.time() + 1.5)

    assert await project.engine().run() is Exit.DONE

    assert project.task(task).status is Status.COMPLETED


async def test_a_dead_engines_tasks_go_on_at_once(bench: Make) -> None:
    project = bench(say("x"))
    [task] = project.submit(node())
    project.claim("dead")
    assert project.task(task).status is Status.RUNNING
    project.clock = HandClock()  # no lease is ever over

    await project.drain()

    assert project.task(task).status is Status.COMPLETED
    assert [attempt.outcome for attempt in project.detail(task).attempts] == ["interrupted", "completed"]
    assert row(project, "dead").ended_at is not None


async def test_one_that_has_nothing_to_do_clears_up_after_dead_engines_before_it_ends(bench: Make) -> None:
    # Given engines that were killed right after their last task had completed,
    project = bench(say("x"))
    dead = [f"dead {number}" for number in range(20)]
    for name in dead:
        project.submit(node())
        [claim] = project.claim(name)
        project.write(agents.spawn, claim.lease, "generalist", None)
        project.write(queue.complete, claim.lease, "done")

    assert await project.drain() is Exit.DONE

    assert [name for name in dead if row(project, name).ended_at is None] == []
    assert {agent.state for agent in project.database.read_now(views.agents)} == {"TERMINATED"}


async def test_an_engine_elsewhere_is_believed_until_its_beats_stand_still_for_a_lease(bench: Make) -> None:
    project, clock = bench(say("x")), HandClock()
    [task] = project.submit(node())
    project.claim("far", "another-host")
    (project.data / "engines").mkdir(exist_ok=True)
    (notes := notes_of(project.data, "far")).write_text("1 of-another-host\n")
    log = EngineLog(project.data / "logs", "info", clock, "near")
    rescue = Rescue(project.data, "near", PatientDatabase(project.database, log, clock, lambda error: pytest.fail(error.message)), 90, clock, log)
    for _ in range(3):
        assert await rescue.look() == 0
        clock.forward(89)
        assert await rescue.look() == 0
        project.database.write_now(engines.beat, "far", 1, 4, 0.0)
    assert await rescue.look() == 0
    assert project.task(task).status is Status.RUNNING

    clock.forward(90)

    assert await rescue.look() == 1
    assert project.task(task).status is Status.PENDING
    assert notes.exists(), "the numbers of another host's processes mean nothing here"


async def test_one_that_stands_by_takes_over_from_an_engine_that_was_stopped_for_its_whole_lease(bench: Make) -> None:
    project = bench(say("x"))
    project.settings = project.settings.model_copy(update={"queue": Queue(lease_seconds=0.6, heartbeat_seconds=0.2)})
    [task] = project.submit(node())
    # What a stopped process keeps: both its locks and its row; and it beats no more.
    active, life = engines.hold_engine_lock(project.data, "stopped"), engines.hold_life_lock(project.data, "stopped")
    assert active is not None
    project.claim("stopped")

    async with project.running(Manner(standby=True)) as second:
        await project.until(task, Status.COMPLETED)
        assert row(project, "stopped").ended_at is not None
        assert engines.active_engine(project.data) == second.id
        assert active.is_taken_over

        active.release()
        life.release()
        assert engines.active_engine(project.data) == second.id


async def test_an_engine_whose_lock_was_taken_over_ends_itself_at_once(bench: Make) -> None:
    project = bench(lambda _: [Wait(asyncio.Event())])
    [task] = project.submit(node())
    engine = project.engine(Manner(stay=True))
    work = asyncio.create_task(engine.run())
    await eventually_async(lambda: project.runtime.active == 1)

    engines.take_away(project.data, "another")
    assert engines.active_engine(project.data) == engine.id
    engines.take_away(project.data, engine.id)
    held = engines.hold_engine_lock(project.data, "the-next-one")

    assert held is not None
    async with asyncio.timeout(10):
        assert await work is Exit.DONE
    assert engines.active_engine(project.data) == "the-next-one"
    assert project.task(task).status is Status.PENDING
    held.release()


async def test_an_engine_that_finds_itself_superseded_ends_itself(bench: Make) -> None:
    project = bench(lambda _: [Wait(asyncio.Event())])
    project.settings = project.settings.model_copy(update={"queue": Queue(lease_seconds=1, heartbeat_seconds=0.1)})
    [task] = project.submit(node())
    engine = project.engine()
    work = asyncio.create_task(engine.run())
    await eventually_async(lambda: project.runtime.active == 1)

    project.write(queue.recover, engine.id)

    async with asyncio.timeout(30):
        assert await work is Exit.DONE
    assert project.runtime.cancelled == 1
    assert project.task(task).status is Status.PENDING


async def test_cancelling_the_engine_is_an_ordered_stop(bench: Make) -> None:
    project = bench(lambda _: [Say("half"), Wait(asyncio.Event())])
    [task] = project.submit(node())
    work = asyncio.create_task(project.engine().run())
    await eventually_async(lambda: project.detail(task).partial == "half")

    work.cancel()
    with pytest.raises(asyncio.CancelledError):
        await work

    assert (project.task(task).status, project.task(task).attempt) == (Status.PENDING, 0)
    assert project.detail(task).turns[0].text == "half"
    assert engines.active_engine(project.data) is None
    assert {agent.state for agent in project.database.read_now(views.agents)} == {"TERMINATED"}


async def test_stops_at_any_moment_leave_every_task_in_order(bench: Make) -> None:
    project = bench(say("a few words"))
    tasks = project.submit(*(node(f"n{number}") for number in range(40)))
    moment = 0.0
    while project.database.read_now(views.counts)[Status.COMPLETED] < 40:
        work = asyncio.create_task(project.engine().run())
        await asyncio.sleep(moment)
        work.cancel()
        with pytest.raises(asyncio.CancelledError):
            await work
        counts = project.database.read_now(views.counts)
        assert counts[Status.PENDING] + counts[Status.COMPLETED] == 40
        moment += 0.004

    assert {project.task(task).attempt for task in tasks} == {1}
    assert project.database.read_now(engines.unended) == []
