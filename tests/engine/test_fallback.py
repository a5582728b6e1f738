"""A fallback is done when its task has failed for good, and the task says so."""

import asyncio
from collections.abc import Callable, Iterable
from dataclasses import replace

from abathur_tui.domain.conversation import FailureKind, TurnRequest
from abathur_tui.domain.errors import ApiRefused, ApiUnavailable
from abathur_tui.domain.loops import Direction
from abathur_tui.domain.plan import Edge, Fallback, Kind, Reference
from abathur_tui.domain.status import Status, Why
from abathur_tui.storage import queue, views
from tests.engine.bench import Bench, join_node, loop_node, node, settles
from tests.scripted import Say, Script, Step, Wait

Make = Callable[[Script], Bench]
PLAIN = Fallback("PLAIN", "1.0.0", "tester", "Plainly: {{ question }} ({{ tone }})", {"tone": "dry"}, {"question": "prompt"})
REFUSED = ApiRefused("no such model", kind=FailureKind.PERMANENT)


def failing(error: Exception, *answers: Step) -> Script:
    """Everybody but the fallback's agent fails."""

    def script(request: TurnRequest) -> Iterable[Step]:
        if request.system == "You are tester.":
            return answers or [Say(request.messages[0].text)]
        return [Say("I try"), error] if "risky" in request.messages[0].text else [Say(request.messages[0].text)]

    return script


async def test_it_is_done_with_the_tasks_own_parameters_and_its_result_is_the_tasks(bench: Make) -> None:
    project = bench(failing(REFUSED))
    [task] = project.submit(node("n1", "risky", fallback=PLAIN))
    await project.drain()

    assert project.result(task) == "Plainly: risky (dry)"
    shown = project.detail(task)
    assert shown.task.status is Status.COMPLETED
    assert shown.fell_back is not None
    assert (shown.fell_back.task, shown.fell_back.template, shown.fell_back.because) == (task + 1, "PLAIN@1.0.0", "no such model")
    instead = project.task(task + 1)
    assert (instead.parent, instead.name, instead.template, instead.agent) == (task, "PLAIN instead of n1", "PLAIN", "tester")
    assert project.database.read_now(views.fallbacks, shown.task.execution) == {task: shown.fell_back}
    assert any("it has failed for good, and PLAIN@1.0.0 is done instead: no such model" in entry.text for entry in project.log(task))


async def test_what_may_pass_is_tried_again_first(bench: Make) -> None:
    project = bench(failing(ApiUnavailable("busy", kind=FailureKind.TRANSIENT)))
    [task] = project.submit(node("n1", "risky", fallback=PLAIN, retries=2))
    await project.drain()

    assert len(project.runtime.requests) == 4
    assert project.task(task).status is Status.COMPLETED


async def test_a_task_that_does_not_fail_needs_none(bench: Make) -> None:
    project = bench(failing(REFUSED))
    [task] = project.submit(node("n1", "easy", fallback=PLAIN))
    await project.drain()

    assert (project.result(task), project.detail(task).fell_back, len(project.runtime.requests)) == ("easy", None, 1)


async def test_results_that_the_task_was_given_are_the_fallbacks_too(bench: Make) -> None:
    project = bench(failing(REFUSED))
    risky = replace(node("n2", fallback=PLAIN, parameters={"prompt": None}, references=(Reference("/prompt", "n1"),)), prompt="risky {{ prompt }}")
    _, task = project.submit(node("n1", "facts"), risky, edges=[Edge("n2", "n1")])
    await project.drain()

    assert project.result(task) == "Plainly: facts (dry)"


async def test_where_it_fails_too_both_reasons_are_told_and_a_retry_tries_all_again(bench: Make) -> None:
    project = bench(failing(REFUSED, ApiRefused("nor this one", kind=FailureKind.PERMANENT)))
    [task] = project.submit(node("n1", "risky", fallback=PLAIN))
    await project.drain()

    error = project.task(task).error
    assert error is not None
    assert (project.task(task).status, error.code) == (Status.FAILED, "ABTH-ERR-133")
    assert error.message == "It failed for good: no such model. Its fallback t2 is dead too: nor this one"

    project.write(queue.retry, [task], "user")
    await project.drain()
    assert len(project.runtime.requests) == 4


async def test_a_fallback_may_be_a_loop(bench: Make) -> None:
    project = bench(failing(REFUSED))
    [task] = project.submit(node("n1", "risky", fallback=replace(PLAIN, loop=loop_node("echo 3").loop)))
    await project.drain()

    instead = project.task(task + 1)
    assert (instead.kind, instead.status, project.task(task).status) == (Kind.LOOP, Status.COMPLETED, Status.COMPLETED)
    assert project.result(task) == project.result(task + 1)


async def test_a_fork_below_its_threshold_falls_back(bench: Make) -> None:
    project = bench(failing(REFUSED))
    instead = Fallback("PLAIN", "1.0.0", "tester", "Plainly.", {})
    *_, join = project.submit(node("n1", "risky"), node("n2", "b"), replace(join_node("all"), fallback=instead), edges=settles("all", "n1", "n2"))
    await project.drain()

    assert project.result(join) == "Plainly."
    fell_back = project.detail(join).fell_back
    assert fell_back is not None
    assert "1 of 2 members completed (50%), and 80% must" in fell_back.because


async def test_a_loop_that_does_not_reach_its_target_falls_back(bench: Make) -> None:
    project = bench(failing(REFUSED))
    [task] = project.submit(loop_node("echo 1", target=5, direction=Direction.MAXIMIZE, most=2, fallback=PLAIN))
    await project.drain()

    assert project.result(task) == "Plainly: do it (dry)"
    assert project.task(task).kind is Kind.LOOP


async def test_while_it_is_done_the_task_waits_and_an_engine_that_comes_after_a_crash_goes_on(bench: Make) -> None:
    asked, never = asyncio.Event(), asyncio.Event()
    held = True
    plain = failing(REFUSED)

    def script(request: TurnRequest) -> Iterable[Step]:
        if request.system == "You are tester." and held:
            asked.set()
            return [Wait(never)]
        return plain(request)

    project = bench(script)
    [task] = project.submit(node("n1", "risky", fallback=PLAIN))
    async with project.running():
        await asyncio.wait_for(asked.wait(), 10)
        assert project.task(task).why == Why.CHILDREN
    held = False
    await project.drain()

    assert project.result(task) == "Plainly: risky (dry)"
    # the task's own try, the fallback's that was broken off, and the one that ended
    assert len(project.runtime.requests) == 3


async def test_a_cancel_ends_both(bench: Make) -> None:
    asked, never = asyncio.Event(), asyncio.Event()

    def script(request: TurnRequest) -> Iterable[Step]:
        if request.system == "You are tester.":
            asked.set()
            return [Wait(never)]
        return [REFUSED]

    project = bench(script)
    [task] = project.submit(node("n1", "risky", fallback=PLAIN))
    async with project.running():
        await asyncio.wait_for(asked.wait(), 10)
        project.write(queue.cancel, [task], "user", "enough")
        await project.until(task, Status.CANCELLED)
        await project.until(task + 1, Status.CANCELLED)


async def test_five_crashes_are_a_failure_for_good_too(bench: Make) -> None:
    project = bench(failing(REFUSED))
    [task] = project.submit(node("n1", "risky", fallback=PLAIN))
    for crash in range(queue.MOST_CRASHES):
        project.claim(f"broken {crash}")
        project.write(queue.recover, f"broken {crash}")
    await project.drain()

    assert project.result(task) == "Plainly: risky (dry)"
    assert len(project.runtime.requests) == 1
    fell_back = project.detail(task).fell_back
    assert fell_back is not None
    assert fell_back.because == "Its worker died 5 times in a row without finishing a step."


async def test_what_crashes_even_so_is_dead_in_the_end(bench: Make) -> None:
    project = bench(failing(REFUSED))
    [task] = project.submit(node("n1", "risky", fallback=PLAIN))
    for crash in range(2 * queue.MOST_CRASHES):
        project.claim(f"broken {crash}")
        project.write(queue.recover, f"broken {crash}")

    assert project.task(task).status is Status.DEAD


async def test_what_never_came_to_its_own_work_has_no_fallback(bench: Make) -> None:
    project = bench(failing(REFUSED))
    _, after, late = project.submit(
        node("n1", "risky"), node("n2", fallback=PLAIN), node("n3", fallback=PLAIN, expires_in_seconds=-1.0), edges=[Edge("n2", "n1")]
    )
    await project.drain()

    for task, code in ((after, "ABTH-ERR-010"), (late, "ABTH-ERR-025")):
        error = project.task(task).error
        assert error is not None
        assert (project.task(task).status, error.code, project.detail(task).fell_back) == (Status.FAILED, code, None)


async def test_its_agent_is_free_for_others(bench: Make) -> None:
    project = bench(failing(REFUSED))
    project.submit(node("n1", "risky", fallback=PLAIN))
    await project.drain()

    assert {agent.state for agent in project.database.read_now(views.agents, 10)} == {"TERMINATED"}
