"""Memory and CPU that engine, agents and their commands take together, and what follows for new agents."""

import asyncio
import gc
import sys
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from pathlib import Path

import psutil  # type: ignore[import-untyped]
import pytest

from abathur_tui.domain.errors import CommandFailed
from abathur_tui.domain.execution import RuntimeChoice, RuntimeName
from abathur_tui.domain.plan import Edge, Fallback
from abathur_tui.domain.resources import Gate, Starts, gate_for
from abathur_tui.domain.status import Status, Why
from abathur_tui.engine import heap
from abathur_tui.engine.engine import Engine
from abathur_tui.processes import Child, Meter, machine
from abathur_tui.runtimes import open_runtime
from abathur_tui.settings.model import Resources
from abathur_tui.storage import swarm, views
from tests.engine.bench import Bench, loop_node, node
from tests.scripted import Say, Script, Sleep, Wait, say
from tests.waiting import eventually_async

Make = Callable[[Script], Bench]
MB = 1024 * 1024
_LARGE = 600 * MB
"""A tenth of what is taken with that is more than what a process takes or gives back by itself meanwhile."""
_HOLD = "import sys; held = b'x' * int(sys.argv[1]); print('ready', flush=True); sys.stdin.read(1) or __import__('time').sleep(60)"
_BURN = "print('ready', flush=True)\nwhile True: pass"


def limited(project: Bench, **limits: object) -> None:
    """Give the engine these limits, and let it look often."""
    project.settings = project.settings.model_copy(update={"resources": Resources().model_copy(update=limits)})
    project.sample_seconds = 0.1


def taken() -> int:
    """What this process takes, without what earlier tests have left and the engine gives back."""
    gc.collect()
    heap.give_back()
    return Meter().read([]).memory_bytes


def taken_by(project: Bench) -> int:
    """What this process and the commands of the engine's take."""
    return Meter().read(project.children.running).memory_bytes


async def let_be_taken(share: float, project: Bench, engine: Engine, child: Child) -> None:
    """Give the engine a limit of which it takes this share with the command now."""
    taken()
    limited(project, memory_limit=int(Meter().read([child]).memory_bytes / share))
    await engine.use(project.settings)


@asynccontextmanager
async def program(project: Bench, *arguments: str, code: str = _HOLD) -> AsyncIterator[Child]:
    """A command of the engine's that runs."""
    async with await project.children.start([sys.executable, "-c", code, *arguments], cwd="/", env={}) as child:
        assert await child.stdout.read() == "ready\n"
        yield child


async def burnt(child: Child, seconds: float) -> None:
    """Wait until the command has used so much more of a processor, which on a busy machine takes longer."""
    process = psutil.Process(child.pid)
    before = process.cpu_times().user
    await eventually_async(lambda: process.cpu_times().user >= before + seconds)


async def measured_again(project: Bench) -> None:
    """Wait until the engine has measured three times more, and has drawn its conclusions from at least two of them."""
    since = max((sample.at for sample in project.database.read_now(swarm.samples, 1)), default=0)
    await eventually_async(lambda: sum(sample.at > since for sample in project.database.read_now(swarm.samples, 10)) >= 3)


def notices(project: Bench) -> list[str]:
    """What the user is told that belongs to no task."""
    return [entry.text for entry in project.database.read_now(views.log_since, None)[0] if entry.kind == "notice"]


@pytest.mark.parametrize(
    ("memory", "cores", "gate"),
    [
        (0.8, 0.8, Gate()),
        (0.81, 0.2, Gate(Starts.ONE, "memory")),
        (0.9, 0.9, Gate(Starts.ONE, "memory")),
        (0.91, 0.85, Gate(Starts.NONE, "memory")),
        (0.2, 0.81, Gate(Starts.ONE, "cpu")),
        (0.85, 0.95, Gate(Starts.NONE, "cpu")),
        (1.2, 1.0, Gate(Starts.NONE, "memory")),
    ],
)
def test_over_eighty_percent_one_starts_at_a_time_over_ninety_none(memory: float, cores: float, gate: Gate) -> None:
    assert gate_for(memory, cores) == gate


async def test_what_is_taken_is_measured_with_all_that_was_started(bench: Make) -> None:
    done = asyncio.Event()
    project = bench(lambda _: [Wait(done), Say("x")])
    limited(project)
    alone = taken()
    [task] = project.submit(node())
    async with project.running(), program(project, str(60 * MB)):
        await measured_again(project)
        [newest, *_] = project.database.read_now(swarm.samples, 10)
        done.set()
        await project.until(task, Status.COMPLETED)

    assert newest.memory_bytes > alone + 60 * MB
    assert newest.processes >= 2
    assert (newest.memory_limit, newest.cores_limit) == (machine.memory_bytes(), machine.cores())
    assert newest.cores is not None
    assert newest.gate == Gate()
    assert notices(project) == []


async def test_a_program_that_left_its_parent_counts(bench: Make) -> None:
    project = bench(say("x"))
    orphan = '(exec "$0" -c "$1" "$2" &) ; exec sleep 60'

    async with await project.children.start(["/bin/sh", "-c", orphan, sys.executable, _HOLD, str(50 * MB)], cwd="/", env={}) as child:
        assert await child.stdout.read() == "ready\n"
        usage = Meter().read([child])
        assert usage.by_child[child.pid] > 50 * MB


async def test_a_service_costs_memory_and_its_cpu_holds_nobody_up(bench: Make) -> None:
    project = bench(say("x"))
    async with program(project, code=_BURN) as child:
        meter = Meter()
        child.service = True
        meter.read([child])
        await burnt(child, 0.2)
        idle = meter.read([child]).children_cores
        child.service = False
        await burnt(child, 0.2)
        busy = meter.read([child]).children_cores

    assert idle == 0
    assert busy > 0


async def test_over_ninety_percent_of_memory_nothing_starts_until_it_is_freed_and_every_row_says_why(bench: Make) -> None:
    done = asyncio.Event()
    project = bench(lambda _: [Wait(done), Say("x")])
    limited(project)
    project.submit(node())
    async with project.running() as engine:
        await eventually_async(lambda: project.runtime.active == 1)
        async with program(project, str(_LARGE)) as large:
            await let_be_taken(0.95, project, engine, large)
            await eventually_async(lambda: any("No agent starts" in text for text in notices(project)))
            [task] = project.submit(node())
            await measured_again(project)

            assert (project.task(task).status, project.task(task).why) == (Status.PENDING, Why.MEMORY)
            assert project.database.read_now(swarm.samples, 1)[0].gate == Gate(Starts.NONE, "memory")
        done.set()
        await project.until(task, Status.COMPLETED)

    assert any("start freely again" in text for text in notices(project))
    decisions = [event for event in project.database.read_now(views.audit) if event.action == "swarm.gate"]
    assert "No agent starts" in " ".join(str(event.detail["reason"]) for event in decisions[:-1])
    assert "start freely again" in str(decisions[-1].detail["reason"])
    assert project.task(task).why == ""


async def test_over_eighty_percent_of_memory_agents_start_one_at_a_time(bench: Make) -> None:
    done = asyncio.Event()
    project = bench(lambda _: [Wait(done), Say("x")])
    limited(project)
    async with project.running() as engine, program(project, str(_LARGE)) as large:
        await let_be_taken(0.85, project, engine, large)
        await eventually_async(lambda: any("one at a time" in text for text in notices(project)))
        tasks = project.submit(*(node(f"n{number}") for number in range(4)))
        await eventually_async(lambda: project.runtime.active == 4)
        done.set()
        for task in tasks:
            await project.until(task, Status.COMPLETED)

    starts = sorted(project.detail(task).attempts[0].started_at for task in tasks)
    looks = [sample.at for sample in project.database.read_now(swarm.samples, 1000) if sample.gate.starts is Starts.ONE]
    assert all(sum(look <= start for look in looks) >= number for number, start in enumerate(starts, 1)), "one for each look"


async def test_many_large_programs_that_could_start_at_once_never_take_more_than_there_is(bench: Make, monkeypatch: pytest.MonkeyPatch) -> None:
    # On a busy machine programs need longer than usual to take what they take.
    monkeypatch.setattr("abathur_tui.engine.resources.SOON_SECONDS", 2.0)
    # Given room for about a dozen programs of 50 MB, and slots for all 20,
    project = bench(say("x"))
    limited(project)
    limit = taken() + 900 * MB
    project.settings = project.settings.model_copy(update={"resources": Resources(memory_limit=limit)})
    project.sample_seconds = 5
    project.swarm = {"max_agents": 20}
    project.opens = lambda choice, keys: open_runtime(choice, keys, project.children)
    hold = (sys.executable, "-c", f"import time; held = b'x' * {50 * MB}; time.sleep(3); print('held')")
    project.choice = RuntimeChoice(RuntimeName.COMMAND, argv=hold, working_folder="/", environment=(("PATH", "/usr/bin:/bin"),))
    tasks = project.submit(*(node(f"n{number}") for number in range(20)))
    # when they are done,
    await project.drain()
    # then none had to be stopped on the way.
    assert [project.result(task) for task in tasks] == ["held\n"] * 20
    assert {len(project.detail(task).attempts) for task in tasks} == {1}
    assert max(sample.memory_bytes for sample in project.database.read_now(swarm.samples, 1000)) < limit


async def test_where_all_memory_is_taken_the_youngest_agent_is_stopped_and_its_task_goes_back(bench: Make) -> None:
    done = asyncio.Event()
    project = bench(lambda _: [Wait(done), Say("x")])
    limit = taken() + 300 * MB
    limited(project, memory_limit=limit)
    old, young = project.submit(node("n1"), node("n2"))
    async with project.running():
        await eventually_async(lambda: project.runtime.active == 2)
        async with program(project, str(int(limit * 1.05) - taken())):
            await eventually_async(lambda: project.task(young).status is Status.PENDING)
            assert project.task(old).status is Status.RUNNING
            detail = project.detail(young)
        done.set()
        await project.until(young, Status.COMPLETED)
        await project.until(old, Status.COMPLETED)

    assert detail.attempts[0].outcome == "released"
    assert project.task(young).attempt == 1
    assert any("the youngest, was stopped" in entry.text for entry in project.log(young))


async def test_what_programs_take_little_by_little_is_seen_long_before_the_next_look(bench: Make) -> None:
    # Given an engine that would look again in ten minutes, two agents, and a program that takes ever more in small steps,
    done = asyncio.Event()
    project = bench(lambda _: [Wait(done), Say("x")])
    limited(project, memory_limit=taken() + 300 * MB)
    project.sample_seconds = 600
    _, young = project.submit(node("n1"), node("n2"))
    grows = f"print('ready', flush=True)\nheld = [b'x' * {5 * MB} for _ in range(140)]\nimport time; time.sleep(60)"
    async with project.running():
        await eventually_async(lambda: project.runtime.active == 2)
        # when all memory is taken, then the youngest agent is stopped, and the user was told on the way.
        async with program(project, code=grows):
            await eventually_async(lambda: project.detail(young).attempts[0].outcome == "released")
            assert any("No agent starts" in text for text in notices(project))
        done.set()
        await project.until(young, Status.COMPLETED)


async def test_as_many_of_the_youngest_programs_are_stopped_as_take_what_there_is_too_much_of(bench: Make, tmp_path: Path) -> None:
    # Given five programs that take 50 MB each, and end when they are told to,
    project = bench(say("x"))
    project.sample_seconds = 600
    project.swarm = {"max_agents": 5}
    project.opens = lambda choice, keys: open_runtime(choice, keys, project.children)
    gate = tmp_path / "gate"
    code = f"import os, sys, time\nheld = b'x' * {50 * MB}\nprint('held', flush=True)\nwhile not os.path.exists(sys.argv[1]): time.sleep(0.02)"
    argv = (sys.executable, "-S", "-c", code, str(gate))
    project.choice = RuntimeChoice(RuntimeName.COMMAND, argv=argv, working_folder="/", environment=(("PATH", "/usr/bin:/bin"),))
    without = taken()
    tasks = project.submit(*(node(f"n{number}") for number in range(5)))
    async with project.running() as engine:
        await eventually_async(lambda: len(project.children.running) == 5 and taken_by(project) > without + 5 * 50 * MB)
        # when there is room for two and a half of them,
        each = psutil.Process(project.children.running[0].pid).memory_info().rss
        await engine.use(project.settings.model_copy(update={"resources": Resources(memory_limit=int(taken() - 2.5 * each))}))
        # then the youngest end, and the others go on.
        await eventually_async(lambda: sum(project.detail(task).attempts[0].outcome == "released" for task in tasks) >= 3)
        gate.touch()
        for task in tasks[:2]:
            await project.until(task, Status.COMPLETED)

    assert [len(project.detail(task).attempts) for task in tasks[:2]] == [1, 1]


async def test_an_agent_that_takes_all_memory_alone_has_failed_with_its_attempt(bench: Make) -> None:
    project = bench(lambda _: [Wait(asyncio.Event())])
    limit = taken() + 300 * MB
    limited(project, memory_limit=limit)
    [task] = project.submit(node(retries=0))
    async with project.running():
        await eventually_async(lambda: project.runtime.active == 1)
        async with program(project, str(int(limit * 1.05) - taken())):
            ended = await project.until(task, Status.DEAD)

    assert ended.error is not None
    assert ended.error.code == "ABTH-ERR-027"


async def test_what_took_all_memory_for_good_falls_back(bench: Make) -> None:
    hungry = [Wait(asyncio.Event())]
    project = bench(lambda request: [Say("small")] if request.system == "You are tester." else hungry)
    limit = taken() + 300 * MB
    limited(project, memory_limit=limit)
    [task] = project.submit(node(retries=0, fallback=Fallback("PLAIN", "1.0.0", "tester", "Plainly.", {})))
    async with project.running():
        await eventually_async(lambda: project.runtime.active == 1)
        async with program(project, str(int(limit * 1.05) - taken())):
            await eventually_async(lambda: project.detail(task).fell_back is not None)
        await project.until(task, Status.COMPLETED)

    assert project.result(task) == "small"


async def test_cpu_alone_holds_agents_up_and_never_stops_one(bench: Make) -> None:
    done = asyncio.Event()
    project = bench(lambda _: [Wait(done), Say("x")])
    limited(project, cpu_limit=0.05)
    [first] = project.submit(node("n1"))
    async with project.running():
        await eventually_async(lambda: project.runtime.active == 1)
        async with program(project, code=_BURN):
            await eventually_async(lambda: any("No agent starts" in text and "cores" in text for text in notices(project)))
            [second] = project.submit(node("n2"))
            await measured_again(project)

            assert project.task(first).status is Status.RUNNING
            assert (project.task(second).status, project.task(second).why) == (Status.PENDING, Why.CPU)
        done.set()
        await project.until(first, Status.COMPLETED)


async def test_after_many_have_started_programs_it_is_measured_sooner(bench: Make, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("abathur_tui.engine.resources.HELD_UP_SECONDS", 0.05)
    project = bench(say("x"))
    limited(project)
    project.sample_seconds = 600

    def samples() -> int:
        return len(project.database.read_now(swarm.samples, 10))

    async with project.running():
        tasks = project.submit(*(node(f"n{number}") for number in range(12)))
        await project.until(tasks[-1], Status.COMPLETED)
        assert samples() == 0  # nobody has started a program
        async with program(project, "0"):
            project.submit(*(node(f"n{number}") for number in range(12)))
            await eventually_async(lambda: samples() > 0)


async def test_a_command_over_its_limit_is_ended_and_who_reads_it_hears_why(bench: Make) -> None:
    project = bench(say("x"))
    limited(project, command_memory_limit=80 * MB)
    async with project.running(), program(project, str(10 * MB)) as small:
        with pytest.raises(CommandFailed, match="more than its limit of 80"):
            await project.children.run([sys.executable, "-c", _HOLD, str(120 * MB)], cwd="/", env={})
        assert small.exit_code is None

    assert any("more than its limit" in text for text in notices(project))


async def test_a_new_engine_knows_nothing_that_would_hold_agents_up(bench: Make) -> None:
    project = bench(say("x"))
    project.database.write_now(lambda c: c.execute("UPDATE swarm SET gate = 'memory'"))
    [task] = project.submit(node())
    assert project.task(task).why == Why.MEMORY

    async with project.running():
        await project.until(task, Status.COMPLETED)

    assert project.database.read_now(lambda c: c.execute("SELECT gate FROM swarm").fetchone()) == ("",)


async def test_a_task_starts_only_when_what_it_declares_still_fits(bench: Make) -> None:
    done = asyncio.Event()
    project = bench(lambda _: [Wait(done), Say("x")])
    limit = taken() + 400 * MB
    limited(project, memory_limit=limit, cpu_limit=1000)
    project.sample_seconds = 60
    large, small, plain = project.submit(
        node("large", memory_bytes=limit * 6 // 10, priority=9), node("small", memory_bytes=limit * 5 // 10), node("plain")
    )
    async with project.running():
        await eventually_async(lambda: project.runtime.active == 2)
        await eventually_async(lambda: project.task(small).why == Why.MEMORY)

        assert {project.task(large).status, project.task(plain).status} == {Status.RUNNING}
        assert project.task(small).status is Status.PENDING
        done.set()
        await project.until(small, Status.COMPLETED)

    assert project.runtime.most_active == 2
    assert project.task(small).why == ""


async def test_a_small_one_starts_before_a_large_one_that_does_not_fit(bench: Make) -> None:
    done = asyncio.Event()
    project = bench(lambda _: [Wait(done), Say("x")])
    limited(project, cpu_limit=4)
    first, large, small = project.submit(node("first", cores=3.0, priority=9), node("large", cores=2.0, priority=8), node("small", cores=1.0))
    async with project.running():
        await project.until(small, Status.RUNNING)

        assert (project.task(first).status, project.task(large).status) == (Status.RUNNING, Status.PENDING)
        assert project.task(large).why == Why.CPU
        done.set()
        await project.until(large, Status.COMPLETED)


async def test_what_declares_more_than_there_is_fails_at_once_and_names_it(bench: Make) -> None:
    project = bench(say("x"))
    limited(project, memory_limit=200 * MB, cpu_limit=2)
    memory, cores, after = project.submit(node("n1", memory_bytes=201 * MB), node("n2", cores=2.5), node("n3"), edges=[Edge("n3", "n1")])

    await project.drain()

    for task in (memory, cores):
        error = project.task(task).error
        assert error is not None
        assert error.code == "ABTH-ERR-028"
        assert "200 MB and 2 cores" in error.message
    assert project.task(after).status is Status.FAILED


async def test_a_loops_passes_need_what_the_loop_declares_and_the_loop_itself_nothing(bench: Make) -> None:
    project = bench(say("x"))
    limited(project, cpu_limit=2)
    [loop] = project.submit(loop_node("echo 5", cores=2.0, memory_bytes=MB))

    await project.drain()

    assert project.task(loop).status is Status.COMPLETED
    declared = project.database.read_now(lambda c: c.execute("SELECT cores, memory_bytes FROM tasks WHERE parent = ?", (loop,)).fetchall())
    assert declared == [(2.0, MB)]


async def test_many_that_declare_what_they_need_run_one_after_another(bench: Make) -> None:
    project = bench(lambda _: [Sleep(0.01), Say("x")])
    limited(project, cpu_limit=3)
    project.submit(*(node(f"n{number}", cores=2.0) for number in range(8)))

    await project.drain()

    assert project.runtime.most_active == 1
    assert project.database.read_now(views.counts)[Status.COMPLETED] == 8


async def test_the_engines_own_cpu_holds_nobody_up(bench: Make) -> None:
    project = bench(lambda _: [Sleep(0.002), Say("x")])
    limited(project, cpu_limit=0.01)
    project.submit(*(node(f"n{number}") for number in range(60)))

    await project.drain()

    assert not any("cores" in text for text in notices(project))
    assert {sample.gate for sample in project.database.read_now(swarm.samples, 100)} <= {Gate()}
