"""A fallback is done when its task has failed for good, and the task says so."""

import asyncio
import contextlib
from collections.abc import Callable, Iterable
from dataclasses import replace

import pytest

from abathur_tui import language
from abathur_tui.domain.conversation import FailureKind, TurnRequest
from abathur_tui.domain.errors import AbathurError, ApiRefused, ApiUnavailable
from abathur_tui.domain.execution import SubmitOptions
from abathur_tui.domain.loops import Direction
from abathur_tui.domain.plan import Edge, Fallback, Kind, Reference
from abathur_tui.domain.status import Status, Why
from abathur_tui.domain.templates import Nested, TemplateKind
from abathur_tui.engine.equipment import Manner
from abathur_tui.storage import queue, views
from tests.engine.bench import Bench, join_node, loop_node, node, settles
from tests.engine.test_loop_killed import Dying
from tests.language.registry import SmallRegistry, template
from tests.scripted import Say, Script, Step, Wait
from tests.waiting import eventually_async

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
        await asyncio.wait_for(asked.wait(), 30)
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
        await asyncio.wait_for(asked.wait(), 30)
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


RISKY = template("RISKY", prompt="risky {{ about }}", fallback="CAREFUL", retries=0)
CAREFUL = template("CAREFUL", prompt="careful {{ about }}", nested=(Nested("facts", "ASK", parameters={"about": "facts of {{ about }}"}),))
BOTH = template(
    "CAREFUL", kind=TemplateKind.FORK, nested=(Nested("a", "ASK", parameters={"about": "left"}), Nested("b", "ASK", parameters={"about": "right"}))
)


def submit(project: Bench, text: str, *templates: object) -> int:
    """Queue a document; the task of its root."""
    plan = language.plan(text, SmallRegistry(RISKY, *templates), language.PlanContext(environ={}))  # type: ignore[arg-type]
    return project.database.write_now(queue.submit, plan, SubmitOptions(project.choice), 1.0).root


def counting(asked: list[str], *refused: str, held: str = "", until: asyncio.Event | None = None) -> Script:
    """Answers with the first line of the prompt; what is risky or `refused` fails, and `held` waits."""

    def script(request: TurnRequest) -> Iterable[Step]:
        first = request.messages[0].text.splitlines()[0]
        asked.append(first)
        if first.startswith(("risky", *refused)):
            return [REFUSED]
        return [Wait(until)] if until is not None and not until.is_set() and first == held else [Say(f"<{first}>")]

    return script


async def test_a_fallback_that_nests_others_is_all_of_them_and_its_result_is_the_tasks(bench: Make) -> None:
    asked: list[str] = []
    project = bench(counting(asked))
    task = submit(project, 'ABYSSAL[RISKY](ABYSSAL[ASK]("gold"))', CAREFUL)
    await project.drain()

    assert asked == ["gold", "risky <gold>", "facts of the result of ASK gold", "careful <gold>"]
    assert (project.task(task).status, project.result(task)) == (Status.COMPLETED, "<careful <gold>>")
    assert "<gold>" in project.prompts()[-2]
    assert "<facts of the result of ASK gold>" in project.prompts()[-1]
    fell_back = project.detail(task).fell_back
    assert fell_back is not None
    instead = project.task(fell_back.task)
    assert (fell_back.template, instead.name, instead.parent) == ("CAREFUL@1.0.0", f"CAREFUL instead of {project.task(task).name}", task)


async def test_a_fork_is_done_instead_and_its_join_stands(bench: Make) -> None:
    asked: list[str] = []
    project = bench(counting(asked))
    task = submit(project, 'ABYSSAL[RISKY]("x")', BOTH)
    await project.drain()

    result = project.result(task) or ""
    assert "<left>" in result
    assert "<right>" in result


async def test_a_fork_falls_back_to_a_fork_which_its_failed_members_do_not_stop(bench: Make) -> None:
    asked: list[str] = []
    project = bench(counting(asked))
    risky = template("ALL", kind=TemplateKind.FORK, fallback="CAREFUL", nested=(Nested("a", "ASK", parameters={"about": "risky {{ about }}"}),))
    task = submit(project, 'ABYSSAL[ALL]("x")', BOTH, risky)
    await project.drain()

    assert project.task(task).status is Status.COMPLETED
    assert "<left>" in (project.result(task) or "")


async def test_where_a_member_fails_the_fallback_has_failed_and_a_retry_makes_it_anew(bench: Make) -> None:
    asked: list[str] = []
    project = bench(counting(asked, "facts"))
    task = submit(project, 'ABYSSAL[RISKY]("x")', CAREFUL)
    await project.drain()

    error = project.task(task).error
    assert error is not None
    assert (project.task(task).status, error.code) == (Status.FAILED, "ABTH-ERR-133")
    assert asked == ["risky x", "facts of x"]

    project.runtime.script = counting(asked)
    project.write(queue.retry, [task], "user")
    await project.drain()
    assert asked[2:] == ["risky x", "facts of x", "careful x"]
    assert project.result(task) == "<careful x>"


async def test_its_finished_members_are_not_repeated_by_the_next_engine(bench: Make) -> None:
    asked: list[str] = []
    go = asyncio.Event()
    project = bench(counting(asked, held="careful x", until=go))
    task = submit(project, 'ABYSSAL[RISKY]("x")', CAREFUL)
    async with project.running():
        await eventually_async(lambda: "careful x" in asked)
        assert project.task(task).why == Why.CHILDREN
    go.set()
    await project.drain()

    assert project.result(task) == "<careful x>"
    assert asked == ["risky x", "facts of x", "careful x", "careful x"]


@pytest.mark.parametrize("writes", range(12, 20))
async def test_wherever_the_engine_dies_the_fallback_is_made_once(bench: Make, writes: int) -> None:
    asked: list[str] = []
    project = bench(counting(asked))
    project.gone_seconds = 0.05
    task = submit(project, 'ABYSSAL[RISKY]("x")', CAREFUL)
    database = Dying.open(project.data)
    assert isinstance(database, Dying)
    database.left = writes
    with contextlib.suppress(AbathurError):
        async with asyncio.timeout(30):
            await project.engine(Manner(drain=True), database).run()
    database.close()
    facts = project.task(task + 2).status is Status.COMPLETED if "facts of x" in asked else False
    before = len(asked)
    await project.drain()

    assert project.result(task) == "<careful x>"
    assert len(project.database.read_now(views.members, project.task(task).execution)) == 3
    assert not facts or "facts of x" not in asked[before:]


async def test_a_cancel_and_a_pause_reach_all_of_it(bench: Make) -> None:
    asked: list[str] = []
    go = asyncio.Event()
    project = bench(counting(asked, held="facts of x", until=go))
    task = submit(project, 'ABYSSAL[RISKY]("x")', CAREFUL)
    async with project.running():
        await eventually_async(lambda: "facts of x" in asked)
        project.write(queue.pause, [task], "user")
        await project.until(task, Status.PAUSED)
        await project.until(task + 2, Status.PAUSED)
        project.write(queue.resume, [task], "user")
        await eventually_async(lambda: asked.count("facts of x") == 2)
        project.write(queue.cancel, [task], "user", "enough")
        for one in (task, task + 1, task + 2):
            await project.until(one, Status.CANCELLED)


async def test_in_each_pass_of_a_loop_it_builds_on_what_was_there_before_the_loop(bench: Make) -> None:
    asked: list[str] = []
    project = bench(counting(asked))
    wide = template("OPEN", extra=True)
    text = 'a = ABYSSAL[ASK]("gold")\nABYSSAL[OPEN]("main", criterion="n>=2: echo $ABATHUR_PASS", hints=[ABYSSAL[RISKY](a)])'
    root = submit(project, text, wide, CAREFUL)
    await project.drain()

    assert project.task(root).status is Status.COMPLETED
    assert [first for first in asked if first.startswith("careful")] == ["careful <gold>", "careful <gold>"]
    assert "<careful <gold>>" in project.prompts()[-1]


async def test_a_loop_of_several_steps_is_done_instead(bench: Make) -> None:
    asked: list[str] = []
    project = bench(counting(asked))
    loop = replace(
        CAREFUL, nested=(Nested("loop", "ASK", parameters={"about": "facts of {{ about }}", "criterion": "n>=2: echo $ABATHUR_PASS"}, loop=True),)
    )
    task = submit(project, 'ABYSSAL[RISKY]("x")', loop)
    await project.drain()

    assert project.result(task) == "<careful x>"
    assert asked == ["risky x", "facts of x", "facts of x", "careful x"]
