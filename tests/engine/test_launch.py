"""Starting, stopping and looking at engines, as commands do it."""

import asyncio
import contextlib
import json
import os
import shutil
import signal
import stat
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import psutil  # type: ignore[import-untyped]
import pytest

from abathur_tui.domain.errors import DatabaseBusy, EngineDidNotStart, EngineDidNotStop
from abathur_tui.domain.execution import RuntimeChoice, RuntimeName
from abathur_tui.domain.status import Status
from abathur_tui.engine.launch import engine_status, ensure_engine, start_engine, stop_engine
from abathur_tui.guard import identity
from abathur_tui.storage import engines
from tests.alive import alive
from tests.engine.bench import Bench, node
from tests.engine.test_life import events
from tests.scripted import ScriptedRuntime, say
from tests.storage.test_processes import child, lines
from tests.waiting import eventually, eventually_async

ENSURE = """
import asyncio, sys
from pathlib import Path
from abathur_tui.guard import identity
from abathur_tui.engine.launch import ensure_engine
print(asyncio.run(ensure_engine(Path(sys.argv[1]), Path(sys.argv[1]) / ".abathur")).id)
"""


HOLDS_THE_START = """
import sys, time
from pathlib import Path
from abathur_tui.guard import identity
from abathur_tui.engine.launch import _starting
with _starting(Path(sys.argv[1])) as first:
    print(first, flush=True)
    time.sleep(60)
"""


@pytest.fixture
def project(tmp_path: Path) -> Iterator[Bench]:
    """A project whose agents are programs that answer with their prompt in capitals."""
    folder = tmp_path / "project"
    folder.mkdir()
    made = Bench(folder, ScriptedRuntime(say("")))
    made.choice = RuntimeChoice(
        RuntimeName.COMMAND, argv=("/usr/bin/tr", "a-z", "A-Z"), working_folder=str(folder), environment=(("PATH", os.defpath),)
    )
    yield made
    if made.data.exists() and (info := engine_status(made.data)) is not None:
        asyncio.run(stop_engine(made.data))
        assert eventually(lambda: not alive(info.pid))
    made.close()


async def test_an_engine_is_started_works_and_is_stopped(project: Bench) -> None:
    [task] = project.submit(node(prompt="shout"))

    info = await ensure_engine(project.folder, project.data)
    await project.until(task, Status.COMPLETED)

    assert (project.result(task) or "").strip().endswith("SHOUT")
    assert engine_status(project.data) == info
    assert os.getsid(info.pid) == info.pid
    assert stat.S_IMODE((project.data / "logs" / "engine.log").stat().st_mode) == 0o600
    assert await stop_engine(project.data)
    assert identity(info.pid) is None
    assert engine_status(project.data) is None
    assert not await stop_engine(project.data)
    await eventually_async(lambda: not alive(info.pid))
    assert (project.data / "logs" / "engine.log").read_text() == ""


async def test_one_that_is_there_is_used(project: Bench) -> None:
    first = await ensure_engine(project.folder, project.data)

    assert await ensure_engine(project.folder, project.data) == first


async def test_one_that_was_started_for_the_work_at_hand_stays_when_somebody_asks_for_one_that_does(project: Bench) -> None:
    first = await ensure_engine(project.folder, project.data)

    asked = await start_engine(project.folder, project.data, stay=True)

    assert asked.info is None
    await eventually_async(lambda: "engine.stays" in events(project))
    assert engine_status(project.data) == first


def test_many_commands_at_the_same_instant_start_one_engine(project: Bench) -> None:
    commands = [subprocess.Popen([sys.executable, "-c", ENSURE, project.folder], stdout=subprocess.PIPE, text=True) for _ in range(6)]

    ids = {command.communicate(timeout=60)[0].strip() for command in commands}

    assert len(ids) == 1
    assert ids == {row.id for row in project.database.read_now(engines.unended)}


@pytest.fixture
def starting(project: Bench) -> Iterator[subprocess.Popen[str]]:
    """A command that is about to start an engine, and never does."""
    with subprocess.Popen([sys.executable, "-c", HOLDS_THE_START, project.data], stdout=subprocess.PIPE, text=True) as command:
        assert command.stdout is not None
        assert command.stdout.readline() == "True\n"
        yield command
        command.kill()


async def test_whoever_stops_while_it_starts_an_engine_holds_up_the_others_for_a_moment_only(
    project: Bench, starting: subprocess.Popen[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("abathur_tui.engine.launch.LATE_SECONDS", 0.2)
    starting.send_signal(signal.SIGSTOP)

    first, second = await asyncio.gather(*(ensure_engine(project.folder, project.data) for _ in range(2)))

    assert first == second
    assert [row.id for row in project.database.read_now(engines.unended)] == [first.id]


async def test_while_somebody_starts_an_engine_the_others_wait_for_that_one(project: Bench, starting: subprocess.Popen[str]) -> None:
    waiting = asyncio.create_task(ensure_engine(project.folder, project.data))

    started = await start_engine(project.folder, project.data)

    assert await waiting == started.info
    assert starting.poll() is None


async def test_what_keeps_it_from_starting_is_said(project: Bench, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("ABATHUR_QUEUE__MAX_RETRIES", "many")

    with pytest.raises(EngineDidNotStart) as caught:
        await ensure_engine(project.folder, project.data)

    assert "max_retries" in caught.value.message
    assert "it ended with exit code" in caught.value.message, "its end is seen, not waited for"


@pytest.mark.skipif(sys.platform != "linux", reason="only Linux says who holds a lock")
async def test_where_another_program_locks_the_database_it_is_named_and_the_engine_goes_on_after_it(
    project: Bench, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("abathur_tui.engine.launch.START_SECONDS", 0.5)
    project.submit(node())

    with child("hold_transaction", project.data) as other:
        assert lines(other, 1) == ["held"]
        with pytest.raises(DatabaseBusy, match=f"is locked by process {other.pid}"):
            await ensure_engine(project.folder, project.data)

    assert await eventually_async(lambda: engine_status(project.data))


@pytest.mark.skipif(sys.platform != "linux", reason="only Linux says who holds a lock")
async def test_who_holds_up_a_stop_is_named_and_the_engine_ends_by_itself_after_it(project: Bench, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("abathur_tui.engine.launch.LOCKED_SECONDS", 0.05)
    monkeypatch.setattr("abathur_tui.engine.launch.STOP_SECONDS", 1.0)
    await start_engine(project.folder, project.data, stay=True)
    told: list[str] = []

    with child("hold_transaction", project.data) as other:
        assert lines(other, 1) == ["held"]
        with pytest.raises(EngineDidNotStop, match=f"is locked by process {other.pid}"):
            await stop_engine(project.data, told.append)

    assert [f"is locked by process {other.pid}. It ends all the same" in line for line in told] == [True]
    await eventually_async(lambda: not engines.living_engines(project.data))


async def test_a_drain_ends_when_the_queue_is_worked_off(project: Bench) -> None:
    tasks = project.submit(*(node(f"n{number}") for number in range(5)))

    engine = await start_engine(project.folder, project.data, drain=True)

    assert await engine.wait() == 0
    assert {project.task(task).status for task in tasks} == {Status.COMPLETED}


async def test_a_drain_that_an_account_holds_up_ends_with_4(project: Bench) -> None:
    project.choice = RuntimeChoice(RuntimeName.ANTHROPIC, key_fingerprint="missing")
    [task] = project.submit(node())

    engine = await start_engine(project.folder, project.data, drain=True)

    assert await engine.wait() == 4
    assert project.task(task).status is Status.PENDING


async def test_keys_are_never_in_its_environment_nor_on_the_disk(project: Bench, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("ANTHROPIC_API_KEY", "sk-ant-very-secret")

    info = await ensure_engine(project.folder, project.data, keys={"f00d": "sk-ant-very-secret"})

    engine = psutil.Process(info.pid)
    assert not any("very-secret" in value for value in [*engine.environ().values(), *engine.cmdline()])
    await stop_engine(project.data)
    assert not any(b"very-secret" in file.read_bytes() for file in project.data.rglob("*") if file.is_file())


HOLDS_THE_LOCKS = """
import sys, time
from pathlib import Path
from abathur_tui.storage import engines
held = engines.hold_life_lock(Path(sys.argv[1]), "one"), engines.hold_engine_lock(Path(sys.argv[1]), "one")
print("ready", flush=True)
time.sleep(60)
"""


def test_an_engine_is_stopped_without_the_database_which_a_newer_program_may_not_open_beside_it(tmp_path: Path) -> None:
    with subprocess.Popen([sys.executable, "-c", HOLDS_THE_LOCKS, str(tmp_path)], stdout=subprocess.PIPE, text=True) as engine:
        assert engine.stdout is not None
        assert engine.stdout.readline() == "ready\n"

        assert asyncio.run(stop_engine(tmp_path))

        assert engine.wait(30) == -signal.SIGTERM


async def test_a_killed_engine_is_started_again_by_its_guard_and_stop_stops_that_one(project: Bench) -> None:
    first = await ensure_engine(project.folder, project.data)

    os.kill(first.pid, signal.SIGKILL)
    await eventually_async(lambda: (status := engine_status(project.data)) is not None and status.id != first.id)
    [task] = project.submit(node())
    await project.until(task, Status.COMPLETED)

    second = engine_status(project.data)
    assert second is not None
    guard = psutil.Process(second.pid).ppid()
    assert await stop_engine(project.data)
    await eventually_async(lambda: not alive(guard))
    assert engine_status(project.data) is None
    assert project.database.read_now(engines.unended) == []


async def test_an_engine_with_nothing_to_do_costs_next_to_nothing(project: Bench) -> None:
    info = await ensure_engine(project.folder, project.data)

    async def used() -> float:
        before = cpu_seconds(info.pid)
        await asyncio.sleep(2)  # It waits for nothing: it is what is measured.
        return cpu_seconds(info.pid) - before

    assert await used() < 0.2 or await used() < 0.2, "at first it may still be starting"


def cpu_seconds(pid: int) -> float:
    """What a process has used."""
    times = psutil.Process(pid).cpu_times()
    return float(times.user + times.system)


def test_the_engine_loads_no_screen_no_sdk_and_no_model_at_its_start(project: Bench) -> None:
    code = "import abathur_tui.engine.process, sys, json; print(json.dumps(sorted(sys.modules)))"

    loaded = json.loads(subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True).stdout)

    heavy = {"textual", "rich", "anthropic", "httpx2", "xllamacpp", "typer", "lark"}
    assert heavy & {name.partition(".")[0] for name in loaded} == set()


async def test_a_module_of_the_projects_own_folder_is_never_loaded(project: Bench) -> None:
    (project.folder / "json.py").write_text("raise SystemExit('loaded from the project')")
    here = os.getcwd()
    os.chdir(project.folder)
    with contextlib.ExitStack() as stack:
        stack.callback(os.chdir, here)
        assert await ensure_engine(project.folder, project.data)


async def test_what_was_queued_in_a_project_that_was_moved_is_done_in_its_new_place(tmp_path: Path) -> None:
    # Given a queued task whose program lies in the project,
    folder = tmp_path / "before"
    folder.mkdir()
    program = folder / "answer"
    program.write_text('#!/bin/sh\npwd; cat greeting "$1"\n')
    program.chmod(0o755)
    (folder / "greeting").write_text("hello\n")
    (folder / "more").write_text("and more\n")
    made = Bench(folder, ScriptedRuntime(say("")))
    made.choice = RuntimeChoice(
        RuntimeName.COMMAND, argv=(str(program), str(folder / "more")), working_folder=str(folder), environment=(("PATH", os.defpath),)
    )
    [task] = made.submit(node())
    made.close()
    # when the project is moved, and its engine is started there,
    there = tmp_path / "after"
    folder.rename(there)
    moved = Bench(there, ScriptedRuntime(say("")))
    await ensure_engine(there, moved.data)
    # then the program runs there.
    await moved.until(task, Status.COMPLETED, Status.DEAD, Status.FAILED)
    assert moved.result(task) == f"{there}\nhello\nand more\n"
    assert await stop_engine(moved.data)
    moved.close()


async def test_a_project_that_is_removed_takes_its_engine_and_agents_with_it(project: Bench) -> None:
    project.choice = RuntimeChoice(RuntimeName.COMMAND, argv=("/bin/sh", "-c", "sleep 300"), working_folder=str(project.folder))
    project.submit(node())
    info = await ensure_engine(project.folder, project.data)
    engine = psutil.Process(info.pid)
    [program] = await eventually_async(lambda: [child for child in engine.children(recursive=True) if "sleep" in child.cmdline()[:1]])

    def removed() -> bool:
        # Again where the engine writes a file into a folder that is just being emptied.
        shutil.rmtree(project.folder, ignore_errors=True)
        return not project.folder.exists()

    await eventually_async(removed)

    await eventually_async(lambda: not alive(program.pid))
    await eventually_async(lambda: not alive(info.pid))
    assert not project.folder.exists()
