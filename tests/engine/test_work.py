"""Tasks are claimed, done, and feed each other."""

import asyncio
import time
from collections.abc import Callable
from dataclasses import replace

from abathur_tui.domain.conversation import Limits, TurnRequest
from abathur_tui.domain.errors import Exit
from abathur_tui.domain.execution import RuntimeChoice, RuntimeName
from abathur_tui.domain.plan import Edge, Need, Reference
from abathur_tui.domain.status import Status
from abathur_tui.settings.model import Swarm
from abathur_tui.storage import views
from tests.engine.bench import Bench, join_node, node, settles
from tests.scripted import Say, Script, ScriptedRuntime, Step, Wait, say
from tests.waiting import eventually_async

Make = Callable[[Script], Bench]


def echo(request: TurnRequest) -> list[Step]:
    """Answers with the prompt's first line, in capitals."""
    return [Say(request.messages[0].text.splitlines()[0].upper())]


async def test_a_task_is_done_from_its_prompt_to_its_result(bench: Make) -> None:
    project = bench(say("a habit tracker needs three tables"))
    [task] = project.submit(node(prompt="plan a habit tracker"))

    ended = await project.drain()

    assert ended is Exit.DONE
    assert project.task(task).status is Status.COMPLETED
    assert project.result(task) == "a habit tracker needs three tables"
    assert project.prompts() == ["plan a habit tracker"]
    detail = project.detail(task)
    assert [turn.text for turn in detail.turns] == ["a habit tracker needs three tables"]
    assert [attempt.outcome for attempt in detail.attempts] == ["completed"]
    assert (detail.task.tokens_input, detail.task.tokens_output, detail.task.cost_usd) == (10, 5, 0.01)


async def test_the_agent_has_its_definitions_prompt_and_the_command_runtime_knows_whose_turn_it_is(bench: Make) -> None:
    project = bench(say("x"))
    [task] = project.submit(node(agent="tester", instance=2, instances=3))

    await project.drain()

    [request] = project.runtime.requests
    assert request.system == "You are tester."
    assert request.caller.task == f"t{task}"
    assert request.caller.project == str(project.folder)
    assert (request.caller.attempt, request.caller.instance, request.caller.instances) == (1, 2, 3)


async def test_an_agent_that_is_not_defined_any_more_is_replaced_by_the_generalist_with_a_notice(bench: Make) -> None:
    project = bench(say("x"))
    [task] = project.submit(node(agent="nobody"))

    await project.drain()

    assert project.runtime.requests[0].system == "You are generalist."
    assert any("the generalist does it" in entry.text for entry in project.log(task))


async def test_results_reach_the_tasks_that_wait_for_them(bench: Make) -> None:
    project = bench(echo)
    first = node("n1", "gateway")
    second = replace(node("n2", "test it"), parameters={"prompt": None}, references=(Reference("/prompt", "n1"),))
    third = node("n3", "review")

    tasks = project.submit(first, second, third, edges=[Edge("n2", "n1"), Edge("n3", "n2")])
    await project.drain()

    assert [project.result(task) for task in tasks] == ["GATEWAY", "GATEWAY", "REVIEW"]
    assert project.prompts()[2].startswith("review\n\n# Results of earlier steps")
    assert "## n2\n\nGATEWAY" in project.prompts()[2]


async def test_a_long_result_is_cut_to_what_the_runtime_takes(bench: Make) -> None:
    project = bench(lambda request: [Say("word " * 20_000)] if request.messages[0].text == "much" else [Say("ok")])
    project.runtime.known_limits = Limits(context_tokens=2000, output_tokens=500, tools=False)
    project.submit(node("n1", "much"), node("n2", "sum it up"), edges=[Edge("n2", "n1")])

    await project.drain()

    prompt = project.prompts()[1]
    assert len(prompt) < 4800
    assert "characters left out" in prompt


async def test_several_statements_end_in_a_join(bench: Make) -> None:
    project = bench(echo)
    tasks = project.submit(node("n1", "one"), node("n2", "two"), join_node("all"), edges=settles("all", "n1", "n2"))

    await project.drain()

    assert project.result(tasks[2]) == "## n1\n\nONE\n\n## n2\n\nTWO"


async def test_a_join_needs_no_slot(bench: Make) -> None:
    project = bench(lambda request: [Wait(asyncio.Event())] if request.messages[0].text == "for ever" else echo(request))
    project.settings = project.settings.model_copy(update={"swarm": Swarm(max_agents=1)})
    [first, join] = project.submit(node("n1", "one"), join_node("all"), edges=settles("all", "n1"))
    project.submit(node("n1", "for ever"))

    async with project.running():
        await project.until(join, Status.COMPLETED)

    assert project.result(join) == project.result(first)


async def test_no_more_agents_work_at_once_than_the_swarm_may_have(bench: Make) -> None:
    project = bench(echo)
    project.settings = project.settings.model_copy(update={"swarm": Swarm(max_agents=3)})
    project.runtime.script = lambda request: [Wait(go), Say("x")]
    go = asyncio.Event()
    tasks = project.submit(*(node(f"n{number}") for number in range(8)), join_node("all", threshold=0), edges=settles("all", "n0"))

    async with project.running():
        await eventually_async(lambda: project.runtime.active == 3)
        go.set()
        await project.until(tasks[7], Status.COMPLETED)

    assert project.runtime.most_active == 3


async def test_a_runtime_that_takes_few_at_once_gets_few(bench: Make) -> None:
    project = bench(echo)
    project.runtime.known_limits = replace(project.runtime.known_limits, parallel=1)
    project.submit(*(node(f"n{number}") for number in range(5)))

    await project.drain()

    assert project.runtime.most_active == 1


async def test_the_most_urgent_task_comes_first(bench: Make) -> None:
    project = bench(echo)
    project.settings = project.settings.model_copy(update={"swarm": Swarm(max_agents=1)})
    for priority in (2, 9, 5):
        project.submit(node("n1", f"priority {priority}", priority=priority))

    await project.drain()

    assert project.prompts() == ["priority 9", "priority 5", "priority 2"]


async def test_a_submitted_task_is_at_work_in_a_moment(bench: Make) -> None:
    project = bench(echo)
    async with project.running():
        await project.until(project.submit(node())[0], Status.COMPLETED)
        started: list[float] = []
        project.runtime.script = lambda request: started.append(time.monotonic()) or echo(request)  # type: ignore[func-returns-value]

        waits = []
        for _ in range(5):
            submitted = time.monotonic()
            await project.until(project.submit(node())[0], Status.COMPLETED)
            waits.append(started[-1] - submitted)

    assert min(waits) < 0.25, "the machine may be busy once, but not each time"


async def test_agents_are_used_again_by_their_definition(bench: Make) -> None:
    project = bench(echo)
    project.settings = project.settings.model_copy(update={"swarm": Swarm(max_agents=2)})
    nodes = (node("n1", agent="tester"), node("n2", agent="coder"), node("n3", agent="tester"))
    project.submit(*nodes, edges=[Edge("n2", "n1"), Edge("n3", "n2")])

    await project.drain()

    agents = project.database.read_now(views.agents)
    assert sorted(agent.definition for agent in agents) == ["coder", "tester"]
    assert {agent.state for agent in agents} == {"TERMINATED"}


async def test_a_task_for_later_starts_when_its_time_has_come(bench: Make) -> None:
    project = bench(echo)
    async with project.running():
        due = time.time() + 0.4
        [task] = project.submit(node(), not_before=due)
        ended = await project.until(task, Status.COMPLETED)

    assert ended.started_at is not None
    assert ended.started_at >= due


async def test_a_drain_leaves_what_has_its_own_time(bench: Make) -> None:
    project = bench(echo)
    [task] = project.submit(node(), not_before=time.time() + 3600)

    assert await project.drain() is Exit.DONE
    assert project.task(task).status is Status.PENDING


async def test_a_runtime_that_opens_slowly_holds_up_no_other_lane(bench: Make) -> None:
    project = bench(echo)
    waiting = asyncio.Event()

    class Slow(ScriptedRuntime):
        async def limits(self) -> Limits:
            await waiting.wait()
            return await super().limits()

    slow = Slow(echo)
    project.opens = lambda choice, keys: slow if choice.runtime is RuntimeName.LOCAL else project.runtime
    [held] = project.submit(node("n1", "slow"), runtime=RuntimeChoice(RuntimeName.LOCAL))
    [quick] = project.submit(node("n1", "quick"))

    async with project.running():
        await project.until(quick, Status.COMPLETED)
        assert project.task(held).status is Status.PENDING
        waiting.set()
        await project.until(held, Status.COMPLETED)


async def test_dependents_of_what_settles_go_on_when_it_failed(bench: Make) -> None:
    project = bench(lambda request: [ValueError("broken")] if request.messages[0].text == "fails" else echo(request))
    tasks = project.submit(node("n1", "fails", retries=0), node("n2", "goes on"), edges=[Edge("n2", "n1", Need.SETTLES)])

    await project.drain()

    assert project.task(tasks[1]).status is Status.COMPLETED
    assert "[no result: it is dead" in project.prompts()[1]
