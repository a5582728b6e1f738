"""The writer: groups, refusals that take back only themselves, and a disk that is full."""

import asyncio
import gc
import os
import shutil
import sqlite3
import subprocess
import sys
import threading
import time
from pathlib import Path
from sqlite3 import Connection

import pytest

from abathur_tui.domain.errors import ProjectGone, QueueFull
from abathur_tui.domain.execution import SubmitOptions
from abathur_tui.domain.filters import TaskFilter
from abathur_tui.storage import Database, engines, queue, views
from abathur_tui.storage.connection import LOG_BYTES
from abathur_tui.storage.writer import LONGEST_SECONDS
from tests.storage.building import ENGINE, NOW, RUNTIME, plan, submit
from tests.storage.test_processes import ROOT, command, sound


def put(c: Connection, key: str) -> str:
    """Keep a key; one that is there is refused by SQLite, after it was written."""
    c.execute("INSERT INTO meta (key, value) VALUES (?, '')", (key + " first",))
    c.execute("INSERT INTO meta (key, value) VALUES (?, '')", (key,))
    return key


def refuse(c: Connection, key: str) -> None:
    """Write, then raise."""
    c.execute("INSERT INTO meta (key, value) VALUES (?, '')", (key,))
    raise QueueFull("no")


def keys(database: Database) -> set[str]:
    """What is kept."""
    return database.read_now(read_keys)


def read_keys(c: Connection) -> set[str]:
    """What is kept beside the project's id."""
    return {key for (key,) in c.execute("SELECT key FROM meta WHERE key <> 'id'")}


async def test_what_waits_is_written_in_one_transaction(database: Database, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("abathur_tui.storage.writer.LONGEST_SECONDS", 60.0)
    # Given a writer that is busy,
    going, gate = threading.Event(), threading.Event()

    def busy(_: Connection) -> None:
        going.set()
        assert gate.wait(30)

    first = asyncio.create_task(database.write(busy))
    await asyncio.to_thread(going.wait, 30)
    before = database.data_version()
    # when a hundred writers come meanwhile,
    others = [asyncio.create_task(database.write(put, f"k{number}")) for number in range(100)]
    await asyncio.sleep(0)
    seen: list[int] = []
    gate.set()
    for done in asyncio.as_completed([first, *others]):
        await done
        if (version := database.data_version()) not in (before, *seen):
            seen.append(version)
    # then all of it is there, by one commit.
    assert len(keys(database)) == 200
    assert len(seen) == 1


async def test_a_refused_operation_takes_back_only_itself(database: Database) -> None:
    # Given operations of which some raise after they wrote, and one is refused by SQLite,
    outcomes = await asyncio.gather(
        database.write(put, "a"),
        database.write(refuse, "b"),
        database.write(put, "c"),
        database.write(put, "a"),
        database.write(refuse, "d"),
        database.write(put, "e"),
        return_exceptions=True,
    )
    assert [type(one).__name__ for one in outcomes] == ["str", "QueueFull", "str", "Unexpected", "QueueFull", "str"]
    assert keys(database) == {"a", "a first", "c", "c first", "e", "e first"}


async def test_a_group_that_takes_long_is_written_in_parts(database: Database) -> None:
    # Given operations that wait together, each of which takes most of what a transaction may,
    seen: list[int] = []

    def slow(c: Connection, key: str) -> None:
        seen.append(len(keys(database)))
        put(c, key)
        deadline = time.monotonic() + LONGEST_SECONDS * 0.7
        while time.monotonic() < deadline:
            pass

    going, gate = threading.Event(), threading.Event()

    def busy(_: Connection) -> None:
        going.set()
        assert gate.wait(30)

    first = asyncio.create_task(database.write(busy))
    await asyncio.to_thread(going.wait, 30)
    others = [asyncio.create_task(database.write(slow, f"k{number}")) for number in range(4)]
    await asyncio.sleep(0)
    gate.set()
    await asyncio.gather(first, *others)
    # then no more than two are in one transaction: the last one finds what the first two wrote committed.
    assert seen[0] == 0
    assert seen[-1] >= 4


async def test_an_operation_sees_what_those_before_it_wrote(database: Database) -> None:
    def count(c: Connection) -> int:
        c.execute("INSERT INTO meta (key, value) SELECT 'n' || count(*), '' FROM meta")
        found: int = c.execute("SELECT count(*) FROM meta").fetchone()[0]
        return found

    assert await asyncio.gather(*(database.write(count) for _ in range(50))) == list(range(2, 52))


async def test_a_caller_that_has_gone_before_its_turn_has_written_nothing(database: Database) -> None:
    going, gate = threading.Event(), threading.Event()

    def work(_: Connection) -> None:
        going.set()
        assert gate.wait(30)

    busy = asyncio.create_task(database.write(work))
    await asyncio.to_thread(going.wait, 30)
    gone = asyncio.create_task(database.write(put, "gone"))
    stays = asyncio.create_task(database.write(put, "stays"))
    await asyncio.sleep(0)
    gone.cancel()
    await asyncio.gather(gone, return_exceptions=True)
    gate.set()
    await asyncio.gather(busy, stays)
    assert keys(database) == {"stays", "stays first"}


def test_close_finishes_what_was_handed_over_and_takes_no_more(database: Database) -> None:
    threads = [threading.Thread(target=database.write_now, args=(put, f"k{number}")) for number in range(20)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    database.close()
    database.close()
    with pytest.raises(RuntimeError, match="closed"):
        database.write_now(put, "late")
    again = Database.open(database.folder)
    assert len(keys(again)) == 40
    again.close()


def test_closed_in_order_the_file_stands_alone(database: Database) -> None:
    submit(database, plan(["a"]))
    database.close()
    assert not (database.folder / "abathur.db-wal").exists()
    alone = sqlite3.connect(f"file:{database.folder / 'abathur.db'}?immutable=1", uri=True)
    assert alone.execute("SELECT count(*) FROM tasks").fetchone() == (1,)
    alone.close()


async def test_a_loop_that_was_closed_meanwhile_stops_nobody(database: Database) -> None:
    gate = threading.Event()

    def other_loop() -> None:
        loop = asyncio.new_event_loop()
        task = loop.create_task(database.write(put, "lonely"))
        loop.run_until_complete(asyncio.sleep(0.01))
        task.cancel()
        loop.run_until_complete(asyncio.gather(task, return_exceptions=True))
        loop.close()

    busy = asyncio.create_task(database.write(lambda _: gate.wait(30)))
    await asyncio.to_thread(other_loop)
    gate.set()
    await busy
    assert await database.write(put, "next") == "next"


@pytest.mark.parametrize("how", ["removed", "moved", "replaced"])
def test_a_project_that_goes_away_while_it_is_open_is_noticed(folder: Path, how: str) -> None:
    # Given an open project,
    database = Database.open(folder, create=True)
    submit(database, plan(["a"]))
    # when its folder is removed, moved, or its file replaced by another,
    if how == "removed":
        shutil.rmtree(folder)
    elif how == "moved":
        folder.rename(folder.parent / "elsewhere")
    else:
        Database.open(folder.parent / "other", create=True).close()
        shutil.copyfile(folder.parent / "other" / "abathur.db", folder / "new")
        (folder / "new").rename(folder / "abathur.db")
    # then neither reading nor writing nor watching goes on as if nothing had happened.
    for attempt in (lambda: submit(database, plan(["b"])), lambda: database.read_now(views.counts), database.data_version):
        with pytest.raises(ProjectGone):
            attempt()
    # Put back where it was, it goes on.
    if how == "moved":
        (folder.parent / "elsewhere").rename(folder)
        submit(database, plan(["c"]))
    database.close()


def test_a_fork_must_open_the_database_itself(database: Database) -> None:
    submit(database, plan(["a"]))
    gc.collect()
    process = os.fork()
    if process == 0:
        try:
            database.read_now(views.counts)
        except RuntimeError:
            os._exit(7)
        os._exit(0)
    assert os.waitstatus_to_exitcode(os.waitpid(process, 0)[1]) == 7
    submit(database, plan(["b"]))


def test_the_log_does_not_grow_without_end(database: Database) -> None:
    options = SubmitOptions(RUNTIME, max_size=1_000_000)
    for _ in range(12):
        submit(database, plan([f"n{i}" for i in range(250)]), options)
    assert (database.folder / "abathur.db-wal").stat().st_size < 5 * LOG_BYTES
    # Nor while somebody reads all the time.
    stop = threading.Event()

    def read() -> None:
        while not stop.is_set():
            database.read_now(views.tasks, TaskFilter(), 50)

    reader = threading.Thread(target=read)
    reader.start()
    for _ in range(12):
        submit(database, plan([f"n{i}" for i in range(250)]), options)
    stop.set()
    reader.join()
    assert (database.folder / "abathur.db-wal").stat().st_size < 8 * LOG_BYTES


def test_no_connection_checkpoints_on_its_own(database: Database) -> None:
    assert database.write_now(lambda c: c.execute("PRAGMA wal_autocheckpoint").fetchone()) == (0,)
    assert database.write_now(lambda c: c.execute("PRAGMA synchronous").fetchone()) == (2,)
    assert database.read_now(lambda c: c.execute("PRAGMA wal_autocheckpoint").fetchone()) == (0,)


def run_child(prefix: list[str], folder: Path) -> list[str]:
    """What a child says that submits until it is refused, under some restriction."""
    environment = os.environ | {"PYTHONDONTWRITEBYTECODE": "1"}
    done = subprocess.run(
        [*prefix, *command("submit_until_refused", folder)], cwd=ROOT, capture_output=True, timeout=120, env=environment, check=False
    )
    return done.stdout.decode().splitlines()


@pytest.mark.skipif(shutil.which("prlimit") is None, reason="prlimit is not there")
def test_a_full_disk_refuses_what_does_not_fit_and_keeps_what_was_acknowledged(folder: Path) -> None:
    # Given a limit on the size of files, when a process writes beyond it,
    Database.open(folder, create=True).close()
    said = run_child(["prlimit", "--fsize=2000000"], folder)
    # then it is told so each time, goes on reading, and everything that was acknowledged is there.
    stored = [int(line.split()[1]) for line in said if line.startswith("stored")]
    assert stored
    assert [line for line in said if line.startswith("refused")] == ["refused ABTH-ERR-101"] * 3
    assert said[-1] == f"read {len(stored)}"
    sound(folder)
    database = Database.open(folder)
    assert [database.read_now(views.root_of, execution + 1) for execution in range(len(stored))] == stored
    # With room again, it goes on.
    submit(database, plan(["a"]), SubmitOptions(RUNTIME, max_size=1_000_000))
    database.close()


@pytest.mark.skipif(shutil.which("strace") is None, reason="strace is not there")
@pytest.mark.parametrize("fault", ["pwrite64:error=ENOSPC:when=300..360", "fdatasync:error=EIO:when=4..8"])
def test_a_disk_that_refuses_for_a_while_loses_nothing_and_is_used_again(folder: Path, fault: str) -> None:
    Database.open(folder, create=True).close()
    said = run_child(["strace", "-f", "-qq", "-o", os.devnull, "-e", f"trace={fault.split(':')[0]}", "-e", f"inject={fault}"], folder)
    if not said:
        pytest.skip("strace may not trace here")
    stored = [int(line.split()[1]) for line in said if line.startswith("stored")]
    sound(folder)
    database = Database.open(folder)
    assert {database.read_now(views.root_of, row) for row in database.read_now(executions)} >= set(stored)
    database.close()


def executions(c: Connection) -> list[int]:
    """All ids."""
    return [id for (id,) in c.execute("SELECT id FROM executions")]


@pytest.mark.skipif(shutil.which("strace") is None, reason="strace is not there")
@pytest.mark.parametrize("write", [5, 17, 60, 61, 62, 150])
def test_killed_in_the_middle_of_a_write_nothing_acknowledged_is_lost(folder: Path, write: int) -> None:
    Database.open(folder, create=True).close()
    tracing = ["strace", "-f", "-qq", "-o", os.devnull, "-e", "trace=pwrite64", "-e", f"inject=pwrite64:signal=KILL:when={write}"]
    done = subprocess.run([*tracing, *command("submit_forever", folder)], cwd=ROOT, capture_output=True, timeout=60, check=False)
    acknowledged = [int(line) for line in done.stdout.decode().split("\n")[:-1]]
    if done.returncode == 1 and not acknowledged and b"ptrace" in done.stderr:
        pytest.skip("strace may not trace here")
    sound(folder)
    database = Database.open(folder)
    assert set(acknowledged) <= set(database.read_now(views.task_ids, TaskFilter()))
    assert database.write_now(queue.submit, plan(["a"]), SubmitOptions(RUNTIME, max_size=1_000_000), NOW)
    database.close()


def test_the_writer_of_a_script_is_the_same(folder: Path) -> None:
    """`write_now` needs no event loop, and a program that forgets to close loses nothing."""
    text = f"""
import sys
from pathlib import Path
from abathur_tui.storage import Database, queue
from tests.storage.building import NOW, RUNTIME, plan
from abathur_tui.domain.execution import SubmitOptions
Database.open(Path({str(folder)!r}), create=True).write_now(queue.submit, plan(["a"]), SubmitOptions(RUNTIME), NOW)
"""
    subprocess.run([sys.executable, "-c", text], cwd=ROOT, check=True, timeout=60)
    database = Database.open(folder)
    assert len(database.read_now(views.task_ids, TaskFilter())) == 1
    database.close()


async def test_whatever_an_operation_raises_the_others_are_told_of_theirs(database: Database) -> None:
    def exhausted(_: Connection) -> None:
        next(iter(()))

    async with asyncio.timeout(30):
        refused, kept = await asyncio.gather(database.write(exhausted), database.write(put, "next"), return_exceptions=True)
    assert isinstance(refused, RuntimeError)
    assert kept == "next"


def test_a_lock_file_that_somebody_has_scribbled_in_stops_no_writer(database: Database) -> None:
    # Given an active engine whose lock file does not say what it should, and a log that is large enough to be moved,
    lock = engines.hold_engine_lock(database.folder, ENGINE)
    assert lock is not None
    (database.folder / "engine.lock").write_text("not ours")
    database.write_now(lambda c: c.execute("INSERT INTO meta (key, value) VALUES ('much', ?)", ("x" * 2 * LOG_BYTES,)).rowcount)
    # then the next write goes through.
    done = threading.Thread(target=database.write_now, args=(put, "next"), daemon=True)
    done.start()
    done.join(30)
    assert "next" in keys(database)
    lock.release()


def test_the_log_of_a_file_that_has_taken_the_place_of_ours_is_left_alone(folder: Path) -> None:
    # Given a project whose folder is replaced, while it is open, by another one with a large log,
    database = Database.open(folder, create=True)
    folder.rename(folder.parent / "elsewhere")
    Database.open(folder, create=True).close()
    other = sqlite3.connect(folder / "abathur.db", isolation_level=None)
    other.execute("PRAGMA wal_autocheckpoint = 0")
    other.execute("INSERT INTO meta (key, value) VALUES ('much', ?)", ("x" * 2 * LOG_BYTES,))
    size = (folder / "abathur.db").stat().st_size
    assert size < LOG_BYTES < (folder / "abathur.db-wal").stat().st_size
    # when somebody writes to the one that is gone, then the other one's log is not touched.
    with pytest.raises(ProjectGone):
        database.write_now(put, "late")
    database.close()
    assert (folder / "abathur.db").stat().st_size == size
    other.close()
