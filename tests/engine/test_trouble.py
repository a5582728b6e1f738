"""Disks that are full, locks that are held, folders that go away."""

import asyncio
import contextlib
import os
import resource
import shutil
import sqlite3
import subprocess
import sys
from collections.abc import AsyncIterator, Callable, Iterator

import pytest

from abathur_tui.domain.conversation import TurnRequest
from abathur_tui.domain.errors import Exit, OutOfFiles
from abathur_tui.domain.status import Status
from abathur_tui.engine.equipment import Manner
from abathur_tui.storage import Database, connection, engines, views
from abathur_tui.storage.checking import check_folder
from tests.engine.bench import Bench, node
from tests.engine.clocks import HandClock, let_pass
from tests.engine.test_life import events
from tests.scripted import Say, Script, Step, Wait
from tests.waiting import eventually_async

Make = Callable[[Script], Bench]


class Talking:
    """Says a lot, when it is let go on."""

    def __init__(self) -> None:
        self.go = asyncio.Event()

    def __call__(self, _: TurnRequest) -> list[Step]:
        return [Say("before "), Wait(self.go), Say("x" * 50_000)]


@contextlib.contextmanager
def full_disk(project: Bench) -> Iterator[None]:
    """No file of this process grows beyond what the log has now."""
    soft, hard = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, ((project.data / "abathur.db-wal").stat().st_size, hard))
    try:
        yield
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, (soft, hard))


async def test_on_a_full_disk_the_engine_waits_and_drops_nothing(bench: Make) -> None:
    talking = Talking()
    project = bench(talking)
    [task] = project.submit(node())
    async with project.running():
        await eventually_async(lambda: project.detail(task).partial == "before ")
        with full_disk(project):
            talking.go.set()
            await eventually_async(lambda: "storage.waits" in events(project))
            assert project.task(task).status is Status.RUNNING

        await project.until(task, Status.COMPLETED)

    assert project.detail(task).turns[0].text == "before " + "\n\n" + "x" * 50_000
    assert len(project.runtime.requests) == 1
    assert "storage.waits" in events(project)
    assert "storage.recovered" in events(project)


async def test_while_somebody_else_holds_the_write_lock_the_engine_waits(bench: Make, monkeypatch: pytest.MonkeyPatch) -> None:
    # The database's own patience of five seconds is shorter, so that the test is quick.
    monkeypatch.setattr(connection, "_ALWAYS", tuple(("busy_timeout", "200", 200) if one[0] == "busy_timeout" else one for one in connection._ALWAYS))
    talking = Talking()
    project = bench(talking)
    [task] = project.submit(node())
    async with project.running():
        await eventually_async(lambda: project.detail(task).partial == "before ")
        other = sqlite3.connect(project.data / "abathur.db", isolation_level=None)
        other.execute("BEGIN IMMEDIATE")
        talking.go.set()
        await eventually_async(lambda: "storage.waits" in events(project))
        assert project.task(task).status is Status.RUNNING
        other.execute("ROLLBACK")
        other.close()

        await project.until(task, Status.COMPLETED)


async def test_a_folder_that_is_away_for_a_moment_is_waited_for(bench: Make) -> None:
    talking = Talking()
    project = bench(talking)
    [task] = project.submit(node())
    async with project.running() as engine:
        await eventually_async(lambda: project.detail(task).partial == "before ")
        elsewhere = project.data.rename(project.folder / "elsewhere")
        talking.go.set()
        await eventually_async(lambda: engine.log.unwritten)  # it cannot even tell of it
        elsewhere.rename(project.data)

        await project.until(task, Status.COMPLETED)


async def test_a_folder_that_was_removed_ends_agents_and_engine(bench: Make) -> None:
    project = bench(lambda _: [Wait(asyncio.Event())])
    project.gone_seconds = 0.5
    project.submit(node())
    work = asyncio.create_task(project.engine().run())
    await eventually_async(lambda: project.runtime.active == 1)

    shutil.rmtree(project.data)

    async with asyncio.timeout(30):
        assert await work is Exit.FAILED
    assert project.runtime.cancelled == 1
    assert not project.data.exists()


async def test_a_folder_that_was_moved_ends_the_engine_also_where_agents_are_done_in_that_moment(bench: Make) -> None:
    go = asyncio.Event()
    project = bench(lambda _: [Wait(go), Say("done")])
    project.gone_seconds = 0.3
    tasks = project.submit(*(node(f"n{number}") for number in range(4)))
    work = asyncio.create_task(project.engine(release_seconds=0.5).run())
    await eventually_async(lambda: project.runtime.active == 4)

    project.data.rename(project.folder / "elsewhere")
    go.set()

    async with asyncio.timeout(30):
        assert await work is Exit.FAILED
    (project.folder / "elsewhere").rename(project.data)
    await project.drain()
    assert {project.task(task).status for task in tasks} == {Status.COMPLETED}


async def test_a_stop_on_a_full_disk_comes_to_an_end_and_loses_nothing(bench: Make) -> None:
    talking = Talking()
    project = bench(talking)
    [task] = project.submit(node())
    engine = project.engine(release_seconds=0.5)
    work = asyncio.create_task(engine.run())
    await eventually_async(lambda: project.detail(task).partial == "before ")
    with full_disk(project):
        talking.go.set()
        await eventually_async(lambda: project.runtime.active == 0)
        engine.stop()
        async with asyncio.timeout(30):
            await work
    assert project.task(task).status is Status.RUNNING

    await project.drain()

    assert project.task(task).status is Status.COMPLETED
    assert project.database.read_now(views.counts)[Status.RUNNING] == 0


async def test_one_that_stands_by_waits_for_the_disk_when_its_turn_comes(bench: Make) -> None:
    project = bench(lambda _: [Say("done")])
    first = project.engine(release_seconds=0.1)
    working = asyncio.create_task(first.run())
    await eventually_async(lambda: engines.active_engine(project.data) == first.id)
    project.clock = clock = HandClock()
    second = project.engine(Manner(standby=True, stay=True))
    standing = asyncio.create_task(second.run())
    await eventually_async(lambda: clock.looks > 2)

    with no_more_bytes():
        first.stop()
        await working
        await eventually_async(lambda: second.log.unwritten)
        assert not standing.done()

    [task] = project.submit(node())
    await project.until(task, Status.COMPLETED)
    second.stop()
    assert await standing is Exit.DONE


@contextlib.contextmanager
def no_more_bytes() -> Iterator[None]:
    """This process can write nothing into any file, not even at its beginning."""
    soft, hard = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (0, hard))
    try:
        yield
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, (soft, hard))


@contextlib.contextmanager
def no_more_files() -> Iterator[None]:
    """This process can open none, and keeps those that it has."""
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    resource.setrlimit(resource.RLIMIT_NOFILE, (3, hard))
    try:
        yield
    finally:
        resource.setrlimit(resource.RLIMIT_NOFILE, (soft, hard))


async def test_while_no_file_can_be_opened_the_engine_waits(bench: Make) -> None:
    talking = Talking()
    project = bench(talking)
    [task] = project.submit(node())
    async with project.running() as engine:
        await eventually_async(lambda: project.detail(task).partial == "before ")
        with no_more_files():
            with pytest.raises(OutOfFiles):
                Database.open(project.data)
            talking.go.set()
            let_pass(1.5)  # longer than the pauses between its looks for dead engines
            await eventually_async(lambda: engine.log.unwritten)

        await project.until(task, Status.COMPLETED)
    assert len(project.runtime.requests) == 1


@contextlib.asynccontextmanager
async def failing(calls: str, error: str = "EIO") -> AsyncIterator[None]:
    """The system reports an error to these calls of this process, and of those that it starts."""
    if shutil.which("strace") is None:
        pytest.skip("strace is not there")
    faults = ["-e", f"trace={calls}", "-e", f"inject={calls}:error={error}"]
    strace = await asyncio.create_subprocess_exec("strace", "-f", "-p", str(os.getpid()), "-o", os.devnull, *faults, stderr=asyncio.subprocess.PIPE)
    assert strace.stderr is not None
    if b"attached" not in (said := await strace.stderr.readline()):
        await strace.wait()
        pytest.skip(f"strace may not trace here: {said!r}")
    try:
        yield
    finally:
        strace.terminate()
        await strace.wait()


async def test_while_the_disk_reports_errors_the_engine_waits(bench: Make) -> None:
    talking = Talking()
    project = bench(talking)
    [task] = project.submit(node())
    async with project.running():
        await eventually_async(lambda: project.detail(task).partial == "before ")
        async with failing("fdatasync,fsync"):
            talking.go.set()
            await eventually_async(lambda: "storage.waits" in events(project))
            assert project.task(task).status is Status.RUNNING

        await project.until(task, Status.COMPLETED)
    assert len(project.runtime.requests) == 1
    assert project.detail(task).turns[0].text == "before " + "\n\n" + "x" * 50_000
    assert check_folder(project.data).problems == ()


async def test_while_the_system_has_no_locks_left_the_engine_waits(bench: Make) -> None:
    talking = Talking()
    project = bench(talking)
    [task] = project.submit(node())
    async with project.running():
        await eventually_async(lambda: project.detail(task).partial == "before ")
        async with failing("flock", "ENOLCK"):
            talking.go.set()
            await eventually_async(lambda: "storage.waits" in events(project))

        await project.until(task, Status.COMPLETED)
    assert len(project.runtime.requests) == 1


async def test_errors_of_reading_which_sqlite_takes_for_damage_are_waited_for_too(bench: Make) -> None:
    talking = Talking()
    project = bench(talking)
    project.clock = clock = HandClock()
    [task] = project.submit(node())
    async with project.running():
        await eventually_async(lambda: project.detail(task).partial == "before ")
        async with failing("pread64"):
            talking.go.set()
            await eventually_async(lambda: "storage.waits" in events(project))
            # Longer than a file that is damaged indeed is looked at; then it looks once more, and again.
            clock.forward(60)
            let_pass(60)
            looks = clock.looks
            await eventually_async(lambda: clock.looks >= looks + 10)

        await project.until(task, Status.COMPLETED)
    assert "engine.broken" not in events(project)
    assert len(project.runtime.requests) == 1
    assert check_folder(project.data).problems == ()


SCRIBBLE = """
import os, sys
for name in sys.argv[1:]:
    with open(name, "r+b") as file:
        file.seek(4096)
        file.write(os.urandom(os.path.getsize(name) - 4096))
"""


async def test_a_file_that_is_damaged_ends_the_engine(bench: Make) -> None:
    talking = Talking()
    project = bench(talking)
    project.gone_seconds = 0.3
    [task] = project.submit(node())
    work = asyncio.create_task(project.engine().run())
    await eventually_async(lambda: project.detail(task).partial == "before ")
    # In another process: were a file closed in this one, it would lose its locks on it.
    names = [str(project.data / name) for name in ("abathur.db", "abathur.db-wal")]
    await asyncio.to_thread(subprocess.run, [sys.executable, "-c", SCRIBBLE, *names], check=True)
    talking.go.set()
    async with asyncio.timeout(30):
        assert await work is Exit.FAILED
    assert "engine.broken" in events(project)
