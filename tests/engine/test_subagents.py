"""Agents that give parts of their work to sub-agents."""

import asyncio
from collections.abc import Callable
from pathlib import Path

from abathur_tui.domain.conversation import ToolResultBlock, TurnRequest
from abathur_tui.domain.data import JsonObject
from abathur_tui.domain.status import Status, Why
from abathur_tui.domain.tasks import Agent
from abathur_tui.domain.templates import MADE
from abathur_tui.engine.equipment import Manner
from abathur_tui.settings.model import Swarm
from abathur_tui.storage import queue, views
from abathur_tui.storage.views.templates import kept_text
from tests.engine.bench import Bench, node
from tests.engine.clocks import let_pass
from tests.scripted import Call, Say, Script, Step, Wait
from tests.waiting import eventually_async

Make = Callable[[Script], Bench]


def spawn(prompt: str, agent: str = "generalist", **more: object) -> Call:
    arguments: JsonObject = {"prompt": prompt, "agent": agent, **more}  # type: ignore[dict-item]
    return Call("spawn_agent", {name: value for name, value in arguments.items() if value})


def told(request: TurnRequest) -> list[ToolResultBlock]:
    """What came of the calls of the turn before."""
    return [block for block in request.messages[-1].blocks if isinstance(block, ToolResultBlock)]


def parent_of(*calls: Call, child: Script) -> Script:
    """The task `lead` makes these calls, then says what came of them; everybody else plays the other script."""

    def script(request: TurnRequest) -> list[Step]:
        if not request.messages[0].text.startswith("lead"):
            return [*child(request)]
        return [Say("; ".join(block.text for block in told(request)))] if told(request) else list(calls)

    return script


def agents(project: Bench) -> list[Agent]:
    return sorted(project.database.read_now(views.agents), key=lambda agent: agent.id)


def one_slot(project: Bench) -> None:
    project.settings = project.settings.model_copy(update={"swarm": Swarm(max_agents=1)})


def children(project: Bench, task: int) -> list[int]:
    return [id for (id,) in project.database.read_now(lambda c: c.execute("SELECT id FROM tasks WHERE parent = ? ORDER BY id", (task,)).fetchall())]


async def test_sub_agents_work_and_their_results_come_back_even_with_one_slot(bench: Make) -> None:
    project = bench(parent_of(spawn("one", "coder"), spawn("two", "tester"), child=lambda request: [Say(request.messages[0].text.upper())]))
    one_slot(project)
    [task] = project.submit(node(prompt="lead"))

    await project.drain()

    assert project.result(task) == "ONE; TWO"
    first, second = children(project, task)
    assert [project.task(child).status for child in (first, second)] == [Status.COMPLETED] * 2
    assert project.runtime.most_active == 1
    lead, *subs = agents(project)
    assert [(agent.parent, agent.definition, agent.state) for agent in subs] == [(lead.id, "coder", "TERMINATED"), (lead.id, "tester", "TERMINATED")]
    assert [request.system for request in project.runtime.requests[1:3]] == ["You are coder.", "You are tester."]


async def test_calls_that_a_server_has_given_the_same_id_are_one(bench: Make) -> None:
    twice = [Call("spawn_agent", {"prompt": part, "agent": "generalist"}, "call_0") for part in ("one", "two")]
    project = bench(parent_of(*twice, child=lambda request: [Say(request.messages[0].text.upper())]))
    [task] = project.submit(node(prompt="lead"))

    await project.drain()

    assert (project.task(task).status, project.result(task)) == (Status.COMPLETED, "TWO; TWO")
    assert len(children(project, task)) == 1


async def test_calls_of_one_turn_work_side_by_side_and_the_parent_holds_no_slot(bench: Make) -> None:
    done = asyncio.Event()
    project = bench(parent_of(*(spawn(f"part {number}") for number in range(4)), child=lambda _: [Wait(done), Say("x")]))
    [task] = project.submit(node(prompt="lead", timeout_seconds=60.0))
    async with project.running():
        await eventually_async(lambda: project.runtime.active == 4)  # all four slots

        assert (project.task(task).status, project.task(task).why) == (Status.RUNNING, Why.CHILDREN)
        assert project.database.read_now(views.status, 0.0).agents_busy == 4
        done.set()
        await project.until(task, Status.COMPLETED)


async def test_the_time_of_the_parent_stands_while_it_waits(bench: Make) -> None:
    gates = [asyncio.Event() for _ in range(3)]
    waiting = iter(gates)
    project = bench(parent_of(spawn("one"), spawn("two"), spawn("three"), child=lambda _: [Wait(next(waiting)), Say("late")]))
    one_slot(project)
    [task] = project.submit(node(prompt="lead", timeout_seconds=60))
    async with project.running():
        for asked, gate in enumerate(gates, 2):
            await eventually_async(lambda asked=asked: len(project.runtime.requests) == asked and project.runtime.active == 1)  # type: ignore[misc]
            let_pass(50)
            gate.set()
        await project.until(task, Status.COMPLETED)

    assert project.result(task) == "late; late; late"  # one after another: longer than the parent's own time
    assert project.task(task).attempt == 1


async def test_a_role_that_is_made_up_is_kept_with_the_execution_and_has_no_more_tools_than_its_maker(bench: Make) -> None:
    made = Call("spawn_agent", {"prompt": "part", "role": "Rhyme Checker", "instructions": "You check rhymes.", "tools": []})
    project = bench(parent_of(made, child=lambda _: [Say("it rhymes")]))
    [task] = project.submit(node(prompt="lead"))

    await project.drain()

    assert project.result(task) == "it rhymes"
    child = project.runtime.requests[1]
    assert child.system.strip() == "You check rhymes."
    assert {tool.name for tool in child.tools} == {"read_state", "write_state", "report_progress"}
    text = project.database.read_now(kept_text, project.task(task).execution, f"{MADE}rhyme-checker-made")
    assert text is not None
    assert "You check rhymes." in text


async def test_what_cannot_be_is_said_and_the_agent_goes_on(bench: Make) -> None:
    wrong = [
        Call("spawn_agent", {"prompt": "x"}),
        Call("spawn_agent", {"agent": "coder"}),
        Call("spawn_agent", {"prompt": "x", "agent": "nobody"}),
        Call("spawn_agent", {"prompt": "x", "role": "r", "tools": ["shell"]}),
    ]
    project = bench(parent_of(*wrong, child=lambda _: [Say("x")]))
    [task] = project.submit(node(prompt="lead"))

    await project.drain()

    outcomes = told(project.runtime.requests[1])
    assert all(block.is_error for block in outcomes)
    for block, part in zip(outcomes, ("either an agent or a role", "prompt", "There is no agent 'nobody'", "may not use shell"), strict=True):
        assert part in block.text
    assert children(project, task) == []


async def test_sub_agents_of_sub_agents_end_at_the_depth_that_the_settings_say(bench: Make) -> None:
    def script(request: TurnRequest) -> list[Step]:
        return [Say(told(request)[0].text)] if told(request) else [spawn("deeper")]

    project = bench(script)
    project.swarm["max_depth"] = 2
    [task] = project.submit(node(prompt="lead"))

    await project.drain()

    assert "2 deep" in (project.result(task) or "")
    assert len(agents(project)) == 3
    assert [agent.parent for agent in agents(project)] == [None, agents(project)[0].id, agents(project)[1].id]


async def test_a_sub_agent_that_fails_is_told_as_what_it_is(bench: Make) -> None:
    project = bench(parent_of(spawn("part"), child=lambda _: [RuntimeError("broken")]))
    project.settings = project.settings.model_copy(update={"queue": project.settings.queue.model_copy(update={"max_retries": 0})})
    [task] = project.submit(node(prompt="lead"), max_retries=0)

    await project.drain()

    assert "is dead" in (project.result(task) or "")
    assert [agent.state for agent in agents(project)] == ["TERMINATED"] * 2


async def test_ending_the_parent_ends_its_sub_agents(bench: Make) -> None:
    project = bench(parent_of(spawn("one"), spawn("two"), child=lambda _: [Wait(asyncio.Event())]))
    [task] = project.submit(node(prompt="lead"))
    async with project.running():
        await eventually_async(lambda: project.runtime.active == 2)
        project.database.write_now(queue.cancel, [task], "user", "", 0.0)

        await project.until(task, Status.CANCELLED)
        for child in children(project, task):
            await project.until(child, Status.CANCELLED)
        await eventually_async(lambda: project.runtime.active == 0)


async def test_after_a_stop_the_parent_waits_for_what_it_had_asked_for_and_asks_nothing_twice(bench: Make) -> None:
    done = asyncio.Event()
    project = bench(parent_of(spawn("one"), spawn("two"), child=lambda _: [Wait(done), Say("there")]))
    [task] = project.submit(node(prompt="lead"))
    async with project.running():
        await eventually_async(lambda: project.runtime.active == 2)
    before = children(project, task)
    done.set()

    await project.engine(Manner(drain=True)).run()

    assert project.result(task) == "there; there"
    assert children(project, task) == before
    assert [attempt.number for attempt in project.detail(task).attempts] == [1, 1]


async def test_agents_share_values_and_an_older_version_is_refused_with_who_wrote_last(bench: Make) -> None:
    calls = {
        "first": [Call("write_state", {"key": "plan", "value": {"step": 1}, "version": 0})],
        "second": [Call("write_state", {"key": "plan", "value": "mine", "version": 0}), Call("read_state", {"key": "plan"}), Call("read_state", {})],
    }

    def script(request: TurnRequest) -> list[Step]:
        return [Say("\n".join(block.text for block in told(request)))] if told(request) else list(calls[request.messages[0].text])

    project = bench(script)
    one_slot(project)
    first, second = project.submit(node("n1", prompt="first"), node("n2", prompt="second"), root="n2")

    await project.drain()

    refused, read, keys = (project.result(second) or "").split("\n", 2)[0], project.result(second) or "", project.result(second) or ""
    assert refused.startswith("'plan' has version 1, not 0: ")
    assert f"t{first} (a" in refused
    assert '{"step": 1}' in read
    assert f"plan (version 1, by t{first}" in keys
    assert any(event.action == "state.written" and event.task == first for event in project.database.read_now(views.audit))


async def test_reported_progress_is_seen_while_it_runs(bench: Make, tmp_path: Path) -> None:
    done = asyncio.Event()

    def script(request: TurnRequest) -> list[Step]:
        return [Wait(done), Say("x")] if told(request) else [Call("report_progress", {"progress": 0.4, "phase": "testing"})]

    project = bench(script)
    [task] = project.submit(node())
    async with project.running():
        await eventually_async(lambda: project.task(task).progress == 0.4)
        assert project.task(task).phase == "testing"
        done.set()
        ended = await project.until(task, Status.COMPLETED)

    assert (ended.progress, ended.phase) == (1.0, "")


async def test_after_a_crash_what_was_asked_for_is_gone_on_with_and_told_as_if_nothing_had_been(bench: Make) -> None:
    done = asyncio.Event()
    project = bench(parent_of(spawn("one"), spawn("two"), child=lambda _: [Wait(done), Say("there")]))
    [task] = project.submit(node(prompt="lead"))
    async with project.running() as engine:
        await eventually_async(lambda: project.runtime.active == 2)
        project.write(queue.recover, engine.id)  # as whoever finds it dead does; it has lost its leases, and ends itself
    before = children(project, task)
    done.set()

    await project.engine(Manner(drain=True)).run()

    assert project.result(task) == "there; there"
    assert children(project, task) == before
    calls = [call for turn in project.detail(task).turns for call in turn.tool_calls]
    assert [call.status for call in calls] == ["done", "done"]


async def test_a_person_who_cancels_a_sub_agent_leaves_its_parent_at_work(bench: Make) -> None:
    project = bench(parent_of(spawn("one"), child=lambda _: [Wait(asyncio.Event())]))
    [task] = project.submit(node(prompt="lead"))
    async with project.running():
        await eventually_async(lambda: project.runtime.active == 1)
        project.database.write_now(queue.cancel, children(project, task), "user", "", 0.0)

        await project.until(task, Status.COMPLETED)

    assert "is cancelled" in (project.result(task) or "")
