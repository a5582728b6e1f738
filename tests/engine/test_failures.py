"""What becomes of tasks whose attempts fail."""

import asyncio
import sqlite3
from collections.abc import Callable, Iterator

import pytest

from abathur_tui.domain.conversation import FailureKind, TurnRequest
from abathur_tui.domain.errors import AccountRefused, ApiRefused, ApiUnavailable, Exit
from abathur_tui.domain.execution import RuntimeChoice, RuntimeName
from abathur_tui.domain.plan import Edge, OnFailure
from abathur_tui.domain.status import Status, Why
from abathur_tui.engine.equipment import Manner
from abathur_tui.engine.keys import hand_over
from abathur_tui.engine.output import BUFFER_CHARACTERS
from abathur_tui.settings.model import System
from abathur_tui.storage import queue, views
from tests.engine.bench import Bench, node
from tests.engine.clocks import let_pass
from tests.scripted import Say, Script, Step, Wait, in_order, say
from tests.waiting import eventually_async

Make = Callable[[Script], Bench]
BUSY = ApiUnavailable("529: overloaded")


async def test_a_transient_failure_is_tried_again_and_what_was_said_is_kept(bench: Make) -> None:
    project = bench(in_order([Say("I thi"), BUSY], [Say("done")]))
    [task] = project.submit(node())

    assert await project.drain() is Exit.DONE

    detail = project.detail(task)
    assert detail.task.status is Status.COMPLETED
    assert [attempt.outcome for attempt in detail.attempts] == ["retrying", "completed"]
    assert [turn.text for turn in detail.turns] == ["I thi", "done"]
    assert [turn.stop_reason for turn in detail.turns] == [None, "end_turn"]


async def test_after_the_first_attempt_and_its_retries_it_is_dead(bench: Make) -> None:
    project = bench(lambda _: [BUSY])
    [task] = project.submit(node(retries=3))

    await project.drain()

    ended = project.task(task)
    assert (ended.status, ended.attempt) == (Status.DEAD, 4)
    assert ended.error is not None
    assert ended.error.message == "529: overloaded"


async def test_a_permanent_failure_is_dead_at_once_and_its_dependents_name_it(bench: Make) -> None:
    project = bench(lambda _: [ApiRefused("no such model")])
    tasks = project.submit(node("n1"), node("n2"), edges=[Edge("n2", "n1")])

    await project.drain()

    assert (project.task(tasks[0]).status, project.task(tasks[0]).attempt) == (Status.DEAD, 1)
    dependent = project.task(tasks[1])
    assert dependent.status is Status.FAILED
    assert dependent.error is not None
    assert f"t{tasks[0]}" in dependent.error.message


async def test_what_nobody_knows_is_tried_again_once(bench: Make) -> None:
    project = bench(lambda _: [ApiUnavailable("strange", kind=FailureKind.UNKNOWN)])
    [task] = project.submit(node())

    await project.drain()

    assert (project.task(task).status, project.task(task).attempt) == (Status.DEAD, 2)


async def test_a_mistake_of_the_runtimes_takes_neither_the_engine_nor_the_other_tasks_with_it(bench: Make) -> None:
    project = bench(lambda request: [KeyError("bug")] if request.messages[0].text == "bug" else [Say("fine")])
    broken, fine = project.submit(node("n1", "bug"), node("n2", "fine"))

    await project.drain()

    error = project.task(broken).error
    assert error is not None
    assert error.code == "ABTH-ERR-199"
    assert project.task(fine).status is Status.COMPLETED


async def test_a_task_that_may_fail_once_only_has_one_attempt(bench: Make) -> None:
    project = bench(lambda _: [BUSY])
    [task] = project.submit(node(on_failure=OnFailure.FAIL))

    await project.drain()

    assert (project.task(task).status, project.task(task).attempt) == (Status.DEAD, 1)


async def test_dependents_of_a_task_that_may_be_skipped_go_on(bench: Make) -> None:
    project = bench(lambda request: [ApiRefused("no")] if request.messages[0].text == "optional" else [Say("fine")])
    tasks = project.submit(node("n1", "optional", on_failure=OnFailure.SKIP), node("n2"), edges=[Edge("n2", "n1")])

    await project.drain()

    assert [project.task(task).status for task in tasks] == [Status.DEAD, Status.COMPLETED]


async def test_a_task_that_takes_too_long_is_ended_and_its_attempt_has_failed(bench: Make) -> None:
    project = bench(lambda _: [Say("on my way"), Wait(asyncio.Event())])
    [task] = project.submit(node(timeout_seconds=60, retries=1))
    async with project.running():
        for asked in (1, 2):
            await eventually_async(lambda asked=asked: len(project.runtime.requests) == asked and project.detail(task).partial == "on my way")  # type: ignore[misc]
            let_pass(61)
        await project.until(task, Status.DEAD)

    ended = project.detail(task)
    assert (ended.task.status, ended.task.attempt) == (Status.DEAD, 2)
    assert ended.task.error is not None
    assert ended.task.error.code == "ABTH-ERR-023"
    assert project.runtime.cancelled == 2
    assert ended.turns[0].text == "on my way"


async def test_a_model_that_says_nothing_has_stalled_and_is_asked_again(bench: Make) -> None:
    project = bench(in_order([Say("well"), Wait(asyncio.Event())], [Say("done")]))
    project.choice = RuntimeChoice(RuntimeName.LOCAL)
    project.swarm["stall_seconds"] = 60
    [task] = project.submit(node())
    async with project.running():
        await eventually_async(lambda: project.detail(task).partial == "well")
        let_pass(61)
        await project.until(task, Status.COMPLETED)

    detail = project.detail(task)
    assert detail.task.status is Status.COMPLETED
    assert detail.attempts[0].error is not None
    assert detail.attempts[0].error.code == "ABTH-ERR-022"


async def test_the_time_that_our_own_disk_takes_is_no_silence_of_the_model(bench: Make) -> None:
    go_on, spoke = asyncio.Event(), asyncio.Event()

    def script(_: TurnRequest) -> Iterator[Step]:
        yield Say("well")
        yield Wait(go_on)
        spoke.set()
        yield Say("x" * 2 * BUFFER_CHARACTERS)

    project = bench(script)
    project.choice = RuntimeChoice(RuntimeName.LOCAL)
    project.swarm["stall_seconds"] = 60
    [task] = project.submit(node())
    async with project.running():
        await eventually_async(lambda: project.detail(task).partial == "well")
        other = sqlite3.connect(project.data / "abathur.db", isolation_level=None)
        other.execute("BEGIN IMMEDIATE")
        go_on.set()
        await spoke.wait()
        let_pass(61)
        for _ in range(10):  # what came due by that has its turn
            await asyncio.sleep(0)
        other.close()
        await project.until(task, Status.COMPLETED)

    assert len(project.runtime.requests) == 1


async def test_a_program_may_be_silent_for_as_long_as_its_task_may_take(bench: Make) -> None:
    go_on = asyncio.Event()
    project = bench(in_order([Wait(go_on), Say("done")]))
    project.swarm["stall_seconds"] = 60
    [task] = project.submit(node())
    async with project.running():
        await eventually_async(lambda: project.runtime.active == 1)
        let_pass(600)
        go_on.set()
        await project.until(task, Status.COMPLETED)

    assert project.task(task).attempt == 1


class Account:
    """A key that is refused until somebody settles it."""

    def __init__(self) -> None:
        self.settled = False

    def __call__(self, _: TurnRequest) -> list[Step]:
        return [Say("paid")] if self.settled else [AccountRefused("401: invalid x-api-key")]


async def test_an_accounts_refusal_holds_its_lane_and_burns_nothing(bench: Make) -> None:
    project = bench(Account())
    tasks = project.submit(*(node(f"n{number}") for number in range(20)))

    assert await project.drain() is Exit.REFUSED

    assert {project.task(task).status for task in tasks} == {Status.PENDING}
    assert {project.task(task).attempt for task in tasks} == {0}
    assert {project.task(task).why for task in tasks} == {Why.KEY}
    assert len(project.runtime.requests) <= project.settings.swarm.max_agents


async def test_a_key_that_arrives_lets_the_lane_go_on(bench: Make) -> None:
    account = Account()
    project = bench(account)
    [task] = project.submit(node())
    async with project.running():
        await eventually_async(lambda: project.task(task).why == Why.KEY)

        account.settled = True
        assert await asyncio.to_thread(hand_over, project.data, {"f00d": "sk-new"})

        await project.until(task, Status.COMPLETED)
    assert project.keys == {"f00d": "sk-new"}


async def test_once_a_key_is_taken_no_lane_is_held_any_more_that_it_may_free(bench: Make) -> None:
    account = Account()
    project = bench(account)
    [task] = project.submit(node())
    async with project.running():
        await eventually_async(lambda: project.task(task).why == Why.KEY)
        account.settled = True

        assert await asyncio.to_thread(hand_over, project.data, {"f00d": "sk-new"})

        assert not [lane for lane in project.database.read_now(queue.lanes) if lane.held_why]


@pytest.mark.parametrize("manner", [Manner(stay=True), Manner(drain=True)])
async def test_an_engine_that_a_person_starts_tries_held_lanes_again(bench: Make, manner: Manner) -> None:
    account = Account()
    project = bench(account)
    [task] = project.submit(node())
    await project.drain()

    account.settled = True
    async with project.running(manner):
        await project.until(task, Status.COMPLETED)


async def test_an_engine_that_starts_on_demand_does_not(bench: Make) -> None:
    project = bench(Account())
    project.submit(node())
    await project.drain()
    asked = len(project.runtime.requests)

    # It looks, finds nothing that it may begin, and ends of that.
    project.settings = project.settings.model_copy(update={"system": System().model_copy(update={"idle_seconds": 0.05})})
    async with asyncio.timeout(30):
        assert await project.engine().run() is Exit.DONE

    assert len(project.runtime.requests) == asked


async def test_a_quota_goes_on_by_itself_at_the_time_that_the_server_named(bench: Make) -> None:
    project = bench(in_order([AccountRefused("quota", retry_after=0.4)], [Say("done")]))
    [task] = project.submit(node())

    async with project.running():
        await eventually_async(lambda: project.task(task).why == Why.QUOTA)
        await project.until(task, Status.COMPLETED)


async def test_a_drain_leaves_what_waits_for_a_quota(bench: Make) -> None:
    project = bench(lambda _: [AccountRefused("quota", retry_after=3600)])
    project.submit(node())

    assert await project.drain() is Exit.DONE


async def test_a_missing_key_is_seen_before_anything_is_claimed(bench: Make) -> None:
    def opens(*_: object) -> None:
        raise AccountRefused("the key is not here")

    project = bench(lambda _: [])
    project.opens = opens  # type: ignore[assignment]
    [task] = project.submit(node())

    assert await project.drain() is Exit.REFUSED

    assert project.detail(task).attempts == ()
    [lane] = project.database.read_now(queue.lanes)
    assert (lane.held_why, lane.message) == (Why.KEY, "the key is not here")


async def test_retrying_the_dead_task_brings_its_dependents_back(bench: Make) -> None:
    project = bench(in_order([ApiRefused("no")], [Say("one")], [Say("two")]))
    tasks = project.submit(node("n1"), node("n2"), edges=[Edge("n2", "n1")])
    await project.drain()

    project.database.write_now(queue.retry, [tasks[0]], "user", 0.0)
    await project.drain()

    assert [project.result(task) for task in tasks] == ["one", "two"]
    assert project.database.read_now(views.counts)[Status.COMPLETED] == 2


async def test_a_task_whose_failure_cannot_be_written_does_not_stay_running(bench: Make) -> None:
    # Given a task of which neither the result nor the failure can be kept,
    project = bench(say("x"))
    [task, other] = project.submit(node("a"), node("b"))
    damage = f"""CREATE TRIGGER damage BEFORE UPDATE OF status ON tasks
        WHEN new.id = {task} AND old.status = 'running' AND new.status IN ('completed', 'failed', 'dead') BEGIN SELECT raise(ABORT, 'damaged'); END"""
    project.database.write_now(lambda c: c.execute(damage).rowcount)

    async with project.running():
        # then it counts as one whose worker dies, and ends among the dead; the others go on.
        dead = await project.until(task, Status.DEAD)
        await project.until(other, Status.COMPLETED)

    assert dead.error is not None
    assert dead.error.code == "ABTH-ERR-026"
    assert {agent.state for agent in project.database.read_now(views.agents)} == {"TERMINATED"}
