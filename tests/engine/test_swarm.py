"""How many agents work at once, who gets which task, and how long they stay."""

import asyncio
import os
from collections import Counter
from collections.abc import Callable, Iterator
from dataclasses import replace
from pathlib import Path

from abathur_tui.domain.conversation import Limits, TurnRequest
from abathur_tui.domain.execution import RuntimeChoice, RuntimeName
from abathur_tui.domain.status import Status, Why
from abathur_tui.domain.tasks import Agent
from abathur_tui.domain.templates import AgentDefinition
from abathur_tui.engine.swarm import Swarm
from abathur_tui.runtimes.command import CommandRuntime
from abathur_tui.storage import engines, queue, swarm, views
from tests.alive import alive
from tests.engine.bench import Bench, OneRole, node
from tests.engine.clocks import HandClock, let_pass
from tests.scripted import GENEROUS, Say, Script, ScriptedRuntime, Sleep, Step, Wait, in_order, say
from tests.waiting import eventually_async

Make = Callable[[Script], Bench]


def agents(project: Bench) -> list[Agent]:
    return sorted(project.database.read_now(views.agents), key=lambda agent: agent.id)


def working(project: Bench) -> int:
    return project.database.read_now(views.agent_states).get("BUSY", 0)


async def test_a_running_engine_follows_the_number_that_somebody_asks_for(bench: Make) -> None:
    done = asyncio.Event()
    project = bench(lambda _: [Wait(done), Say("x")])
    tasks = project.submit(*(node(f"n{number}") for number in range(6)))
    async with project.running():
        await eventually_async(lambda: project.runtime.active == 4)

        project.write(swarm.scale, 6, "user")
        await eventually_async(lambda: project.runtime.active == 6)

        done.set()
        for task in tasks:
            await project.until(task, Status.COMPLETED)


async def test_those_beyond_a_lower_number_finish_and_no_new_ones_start(bench: Make) -> None:
    steps = [asyncio.Event() for _ in range(6)]
    project = bench(lambda request: [Wait(steps[int(request.messages[0].text)]), Say("x")])
    tasks = project.submit(*(node(f"n{number}", prompt=str(number)) for number in range(6)))
    async with project.running():
        await eventually_async(lambda: project.runtime.active == 4)

        project.write(swarm.scale, 1, "user")
        for number in range(3):
            steps[number].set()
            await project.until(tasks[number], Status.COMPLETED)

        assert project.runtime.active == 1
        assert project.task(tasks[4]).status is Status.PENDING
        for step in steps[3:]:
            step.set()
        await project.until(tasks[5], Status.COMPLETED)
        assert project.runtime.most_active == 4


async def test_a_later_engine_keeps_the_number(bench: Make) -> None:
    project = bench(lambda _: [Sleep(0.05), Say("x")])
    project.write(swarm.scale, 2, "user")
    project.submit(*(node(f"n{number}") for number in range(5)))

    await project.drain()

    assert project.runtime.most_active == 2
    assert next(iter(project.database.read_now(views.audit))).action == "swarm.scaled"


async def test_idle_agents_beyond_a_lower_number_end(bench: Make) -> None:
    project = bench(lambda _: [Sleep(0.05), Say("x")])
    tasks = project.submit(*(node(f"n{number}") for number in range(4)))
    async with project.running():
        for task in tasks:
            await project.until(task, Status.COMPLETED)
        assert len([agent for agent in agents(project) if agent.state == "IDLE"]) == 4
        project.write(swarm.scale, 1, "user")
        await eventually_async(lambda: [agent.state for agent in agents(project)].count("TERMINATED") == 3)
        assert [agent.state for agent in agents(project)].count("IDLE") == 1


async def test_no_more_work_than_this_process_can_have_and_that_is_said(bench: Make) -> None:
    done = asyncio.Event()
    project = bench(lambda _: [Wait(done), Say("x")])
    project.most_agents = 2
    tasks = project.submit(*(node(f"n{number}") for number in range(6)))
    async with project.running() as engine:
        await eventually_async(lambda: project.runtime.active == 2)
        project.write(swarm.scale, 500, "user")
        told = "2 agents work at once, not 500: this process may not have more files open (`ulimit -n`)."
        await eventually_async(lambda: told in [entry.text for entry in project.database.read_now(views.log_since, None)[0]])
        limited = [event.detail for event in project.database.read_now(views.audit) if event.action == "swarm.limited"]
        assert [(detail["asked"], detail["possible"]) for detail in limited] == [(4, 2), (500, 2)]
        row = project.database.read_now(engines.row, engine.id)
        assert row is not None
        assert row.limit == 2
        done.set()
        await project.until(tasks[5], Status.COMPLETED)
    assert project.runtime.most_active == 2


async def test_a_model_has_a_limit_of_its_own(bench: Make) -> None:
    project = bench(say("x"))
    small, large = (ScriptedRuntime(lambda _: [Sleep(0.05), Say("x")]) for _ in range(2))
    project.opens = lambda choice, _: small if choice.model == "small" else large
    project.swarm["per_model"] = {"large": 1}
    project.choice = RuntimeChoice(RuntimeName.LOCAL)
    project.submit(*(node(f"n{number}", model=("small", "large")[number % 2]) for number in range(8)))

    await project.drain()

    assert (large.most_active, small.most_active) == (1, 3)


class Named(OneRole):
    """A registry in which an expert's definition names a model."""

    def agent(self, name: str) -> AgentDefinition | None:
        """Its own for the expert alone."""
        return AgentDefinition(name, "", f"You are {name}.", model="opus" if name == "expert" else None)


async def test_a_model_that_an_agents_definition_names_has_its_limit_too(bench: Make) -> None:
    def answer(request: TurnRequest) -> Iterator[Step]:
        at_work[request.model] += 1
        most[request.model] = max(most[request.model], at_work[request.model])
        yield Sleep(0.05)
        yield Say("x")
        at_work[request.model] -= 1

    at_work: Counter[str | None] = Counter()
    most: Counter[str | None] = Counter()
    project = bench(answer)
    project.registry = Named()
    project.swarm["per_model"] = {"claude-opus-5-5": 1}
    project.choice = RuntimeChoice(RuntimeName.ANTHROPIC, agent_models=(("expert", "claude-opus-5-5"),))
    tasks = project.submit(*(node(f"n{number}", agent=("expert", "generalist")[number % 2]) for number in range(10)))

    await project.drain()

    assert {project.task(task).status for task in tasks} == {Status.COMPLETED}
    assert most["opus"] == 1
    assert most[None] > 1


async def test_the_lesser_of_what_the_settings_say_and_the_runtime_takes_counts(bench: Make) -> None:
    project = bench(lambda _: [Sleep(0.02), Say("x")])
    project.runtime.known_limits = Limits(GENEROUS.context_tokens, GENEROUS.output_tokens, tools=True, parallel=2)
    project.swarm["per_model"] = {"command": 3}
    project.submit(*(node(f"n{number}") for number in range(6)))

    await project.drain()

    assert project.runtime.most_active == 2


async def test_where_fewer_programs_can_run_than_agents_may_work_that_is_said(bench: Make) -> None:
    project = bench(say("x"))
    project.runtime = ScriptedRuntime(lambda _: [Sleep(0.02), Say("x")], replace(GENEROUS, parallel=2, held_by="there is no room"))
    project.submit(*(node(f"n{number}") for number in range(6)))
    await project.drain()
    assert project.runtime.most_active == 2
    told = [entry.text for entry in project.database.read_now(views.log_since, None)[0] if entry.kind == "notice"]
    assert told == ["2 programs run at once, not 4: there is no room."]


async def test_while_the_swarm_is_stopped_nothing_starts_and_what_runs_goes_on(bench: Make) -> None:
    done = asyncio.Event()
    project = bench(lambda _: [Wait(done), Say("x")])
    project.settings = project.settings.model_copy(update={"swarm": project.settings.swarm.model_copy(update={"max_agents": 1})})
    first, second = project.submit(node("n1"), node("n2"))
    async with project.running():
        await eventually_async(lambda: project.runtime.active == 1)
        project.write(queue.hold_queue, "user")

        done.set()
        await project.until(first, Status.COMPLETED)

        assert (project.task(second).status, project.task(second).why) == (Status.PENDING, Why.QUEUE)
        project.write(queue.free_queue, "user")
        await project.until(second, Status.COMPLETED)


def test_work_goes_to_the_specialised_then_to_the_least_loaded_then_in_turn() -> None:
    some = Swarm(300)
    for agent, definition in ((1, "coder"), (2, "coder"), (3, "tester"), (4, "coder")):
        some.take("somebody new")
        some.give_back(agent, definition, agent)
        some.done()

    assert some.take("coder") == 1  # all are equal: the longest idle
    some.give_back(1, "coder", 5)
    some.done()

    assert [some.take("coder") for _ in range(4)] == [2, 4, 1, None]  # the first has had two tasks by now
    assert some.take("tester") == 3


def test_a_new_agent_that_would_be_one_too_many_takes_the_place_of_an_idle_one() -> None:
    some = Swarm(300)
    assert [some.take("coder"), some.take("coder")] == [None, None]
    for agent in (1, 2):
        some.give_back(agent, "coder", agent)
        some.done()

    some.take("tester")

    assert some.spare(limit=3) is None
    assert some.spare(limit=2) == 1
    assert some.spare(limit=2) is None


async def test_no_more_agents_live_than_may_work(bench: Make) -> None:
    project = bench(say("x"))
    for definition in ("coder", "tester", "reviewer"):
        project.submit(*(node(f"n{number}", agent=definition) for number in range(4)))

    async with project.running():
        await eventually_async(lambda: project.database.read_now(views.counts)[Status.COMPLETED] == 12)
        await eventually_async(lambda: working(project) == 0)

        assert sum(project.database.read_now(views.agent_states).values()) <= 4


async def test_an_idle_agent_ends_after_its_time(bench: Make) -> None:
    project = bench(say("x"))
    project.swarm["idle_seconds"] = 0.2
    project.clock = clock = HandClock()
    [task] = project.submit(node())
    async with project.running():
        await project.until(task, Status.COMPLETED)
        assert [agent.state for agent in agents(project)] == ["IDLE"]

        await eventually_async(lambda: clock.forward(1) and agents(project)[0].state == "TERMINATED")

    assert agents(project)[0].ended_at is not None


class Deaf(ScriptedRuntime):
    """Says nothing at all, not even what it takes, the first `times`."""

    times = 99

    async def limits(self) -> Limits:
        self.times -= 1
        if self.times >= 0:
            await asyncio.Event().wait()
        return await super().limits()


async def test_a_worker_that_writes_nothing_is_tried_once_more_and_has_failed_then(bench: Make) -> None:
    project = bench(say("x"))
    deaf = Deaf(say("x"))
    [task] = project.submit(node())
    deaf.times = 0
    project.opens = lambda choice, _: deaf
    async with project.running():
        await project.until(task, Status.COMPLETED)  # the lane is prepared
        deaf.times = 99
        project.choice = replace(project.choice, argv=("/bin/false",))  # of the same lane, and not opened yet
        [second] = project.submit(node())
        for left in (98, 97):
            await eventually_async(lambda left=left: deaf.times == left)  # type: ignore[misc]
            let_pass(6)
        ended = await project.until(second, Status.FAILED)

    assert ended.error is not None
    assert ended.error.code == "ABTH-ERR-021"
    assert [attempt.outcome for attempt in project.detail(second).attempts] == ["retrying", "failed"]
    silent = [agent for agent in agents(project) if agent.task == second]
    assert [agent.state for agent in silent] == ["TERMINATED", "TERMINATED"]
    states = [event.action for event in project.database.read_now(views.audit, agent=silent[0].id)]
    assert states == ["agent.spawning", "agent.failed", "agent.terminating", "agent.terminated"]


async def test_a_worker_that_was_silent_once_only_goes_on(bench: Make) -> None:
    project = bench(say("x"))
    deaf = Deaf(say("x"))
    deaf.times = 0
    project.opens = lambda choice, _: deaf
    [first] = project.submit(node())
    async with project.running():
        await project.until(first, Status.COMPLETED)
        deaf.times = 1
        project.choice = replace(project.choice, argv=("/bin/false",))
        [second] = project.submit(node())
        await eventually_async(lambda: deaf.times == 0)
        let_pass(6)

        await project.until(second, Status.COMPLETED)

    assert [attempt.outcome for attempt in project.detail(second).attempts] == ["retrying", "completed"]


async def test_an_agent_that_stalls_is_ended_and_its_work_goes_back(bench: Make) -> None:
    project = bench(in_order([Wait(asyncio.Event())], [Say("done")]))
    project.choice = RuntimeChoice(RuntimeName.LOCAL)
    project.swarm["stall_seconds"] = 60
    [task] = project.submit(node())
    async with project.running():
        await eventually_async(lambda: project.runtime.active == 1)
        let_pass(61)
        await project.until(task, Status.COMPLETED)

    stalled, second = agents(project)
    assert stalled.state == "TERMINATED"
    failed = [event for event in project.database.read_now(views.audit, agent=stalled.id) if event.action == "agent.failed"]
    assert "60 seconds" in str(failed[0].detail["reason"])
    assert any(entry.level == "warning" and "failed" in entry.text for entry in project.log(task))
    assert second.id != stalled.id


async def test_a_program_that_says_nothing_stalls_too_and_is_ended_with_its_children(bench: Make, tmp_path: Path) -> None:
    project = bench(say("x"))
    script = f'[ "$ABATHUR_ATTEMPT" = 1 ] || {{ echo done; exit; }}; sleep 600 & echo $! > {tmp_path}/child; wait'
    project.choice = RuntimeChoice(RuntimeName.COMMAND, argv=("/bin/sh", "-c", script), environment=(("PATH", os.defpath),), working_folder="/")
    project.opens = lambda choice, keys: CommandRuntime(choice, project.children)
    project.swarm["stall_seconds"] = 60
    [task] = project.submit(node())
    async with project.running():
        await eventually_async(lambda: (tmp_path / "child").exists() and (tmp_path / "child").read_text() != "")
        let_pass(61)
        assert (await project.until(task, Status.COMPLETED)).attempt == 2

    assert project.result(task) == "done\n"
    assert not alive(int((tmp_path / "child").read_text()))


async def test_what_a_program_writes_for_the_log_is_progress(bench: Make, tmp_path: Path) -> None:
    project = bench(say("x"))
    script = f"exec 3< {tmp_path}/gate; for n in 1 2 3; do read line <&3; echo $n >&2; done; echo done"
    os.mkfifo(tmp_path / "gate")
    project.choice = RuntimeChoice(RuntimeName.COMMAND, argv=("/bin/sh", "-c", script), environment=(("PATH", os.defpath),), working_folder="/")
    project.opens = lambda choice, keys: CommandRuntime(choice, project.children)
    project.swarm["stall_seconds"] = 60
    [task] = project.submit(node())
    async with project.running():
        gate = await asyncio.to_thread((tmp_path / "gate").open, "w")
        for number in (1, 2, 3):
            gate.write("go on\n")
            gate.flush()
            await eventually_async(lambda said=str(number): said in [line.text for line in project.log(task) if line.kind == "stderr"])  # type: ignore[misc]
            let_pass(50)
        await project.until(task, Status.COMPLETED)
        gate.close()

    assert project.task(task).attempt == 1


async def test_what_comes_now_and_then_is_progress(bench: Make) -> None:
    gates = [asyncio.Event() for _ in range(3)]
    project = bench(lambda _: [step for letter, gate in zip("abc", gates, strict=True) for step in (Say(letter), Wait(gate))])
    project.choice = RuntimeChoice(RuntimeName.LOCAL)
    project.swarm["stall_seconds"] = 60
    [task] = project.submit(node())
    async with project.running():
        for said, gate in zip(("a", "ab", "abc"), gates, strict=True):
            await eventually_async(lambda said=said: "".join(project.detail(task).partial.split()) == said)  # type: ignore[misc]
            let_pass(50)
            gate.set()
        await project.until(task, Status.COMPLETED)

    assert project.task(task).attempt == 1
