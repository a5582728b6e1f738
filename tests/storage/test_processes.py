"""Several processes at one file, and processes that die at any moment."""

import os
import random
import signal
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from abathur_tui.domain.errors import DatabaseBusy
from abathur_tui.domain.execution import SubmitOptions
from abathur_tui.domain.status import Status
from abathur_tui.storage import Database, connection, engines, queue, views
from tests.storage.building import ENGINE, NOW, RUNTIME, plan, submit
from tests.waiting import eventually

ROOT = Path(__file__).parents[2]
OTHER = "22222222-2222-4222-8222-222222222222"
OPTIONS = SubmitOptions(RUNTIME, max_size=1_000_000)


def command(what: str, folder: Path, *arguments: str) -> list[str]:
    """The command line of a child."""
    return [sys.executable, "-m", "tests.storage.children", what, str(folder), *arguments]


@contextmanager
def child(what: str, folder: Path, *arguments: str) -> Iterator["subprocess.Popen[bytes]"]:
    """A process that does it; killed at the end if it still runs."""
    process = subprocess.Popen(command(what, folder, *arguments), cwd=ROOT, stdout=subprocess.PIPE)
    try:
        yield process
    finally:
        process.kill()
        process.wait()
        assert process.stdout is not None
        process.stdout.close()


def lines(process: "subprocess.Popen[bytes]", number: int) -> list[str]:
    """The next lines that it says."""
    assert process.stdout is not None
    return [process.stdout.readline().decode().strip() for _ in range(number)]


def kill(process: "subprocess.Popen[bytes]") -> list[str]:
    """Kill it with -9; gives whole lines of what it had said by then."""
    os.kill(process.pid, signal.SIGKILL)
    rest, _ = process.communicate()
    return rest.decode().split("\n")[:-1]


def sound(folder: Path) -> None:
    """SQLite finds nothing wrong with the file, nor with what points where."""
    database = Database.open(folder)
    assert database.read_now(lambda c: c.execute("PRAGMA integrity_check").fetchall()) == [("ok",)]
    assert database.read_now(lambda c: c.execute("PRAGMA foreign_key_check").fetchall()) == []
    database.close()


def test_nothing_acknowledged_is_lost_when_a_writer_is_killed(folder: Path) -> None:
    Database.open(folder, create=True).close()
    chance = random.Random(1)
    acknowledged: list[int] = []
    for _ in range(4):
        # Given a process that submits as fast as it can, when it is killed at any moment,
        with child("submit_forever", folder) as process:
            said = lines(process, chance.randint(1, 40)) + kill(process)
        acknowledged += [int(line) for line in said]
    # then every task that it had said is there, once, and the file is sound.
    sound(folder)
    database = Database.open(folder)
    stored = database.read_now(lambda c: [id for (id,) in c.execute("SELECT id FROM tasks ORDER BY id")])
    assert set(acknowledged) <= set(stored)
    assert len(acknowledged) == len(set(acknowledged))
    # Nothing is half there: an execution has its root, a task its spec.
    assert database.read_now(lambda c: c.execute("SELECT count(*) FROM executions WHERE root IS NULL").fetchone()) == (0,)
    assert database.read_now(lambda c: c.execute("SELECT count(*) FROM tasks WHERE id NOT IN (SELECT task FROM specs)").fetchone()) == (0,)
    database.close()


def test_killed_workers_lose_nothing_and_nothing_runs_twice_from_its_end(folder: Path) -> None:
    # Given a queue of three hundred tasks,
    database = Database.open(folder, create=True)
    submit(database, plan([f"n{i}" for i in range(300)]))
    chance, completed = random.Random(2), set[int]()
    # when worker after worker is killed, and its tasks are put back,
    for number in range(4):
        engine = f"engine-{number}"
        with child("work_forever", folder, engine) as process:
            said = lines(process, chance.randint(5, 60)) + kill(process)
        done = {int(line.split()[1]) for line in said if line.startswith("completed")}
        # (what one has completed is not claimed by a later one)
        assert not completed & {int(line.split()[1]) for line in said if line.startswith("claimed")}
        completed |= done
        back = database.write_now(queue.recover, engine, NOW)
        assert not completed & set(back)
    # then what was acknowledged is completed with its result, and the rest is there to be done.
    for task in completed:
        assert database.read_now(views.task, task).status is Status.COMPLETED
        assert database.read_now(views.result, task) == f"result of {task}"
    counts = database.read_now(views.counts)
    assert counts[Status.RUNNING] == 0
    assert sum(counts.values()) == 300
    database.close()
    sound(folder)


def test_two_processes_write_at_once_and_nothing_is_done_twice(folder: Path) -> None:
    database = Database.open(folder, create=True)
    submit(database, plan([f"n{i}" for i in range(200)]))
    with child("work", folder, ENGINE) as one, child("work", folder, OTHER) as two:
        first, second = (process.communicate(timeout=60)[0].decode().split() for process in (one, two))
    # Both had a fair share of the turns.
    assert len(first) + len(second) == 200
    assert not set(first) & set(second)
    assert database.read_now(views.counts)[Status.COMPLETED] == 200
    database.close()
    sound(folder)


def test_several_processes_may_make_a_project_at_once(folder: Path) -> None:
    processes = [subprocess.Popen(command("make", folder), cwd=ROOT, stdout=subprocess.PIPE) for _ in range(4)]
    ids = {process.communicate(timeout=60)[0] for process in processes}
    assert len(ids) == 1
    assert all(process.returncode == 0 for process in processes)
    sound(folder)


def test_a_change_by_another_process_is_noticed(folder: Path) -> None:
    database = Database.open(folder, create=True)
    before = database.data_version()
    assert database.data_version() == before
    with child("submit_forever", folder) as process:
        lines(process, 1)
        assert database.data_version() != before
    # So is one of this process.
    before = database.data_version()
    submit(database, plan(["a"]), OPTIONS)
    assert database.data_version() != before
    database.close()


def test_a_program_that_holds_the_write_lock_is_waited_for_and_then_named(database: Database, monkeypatch: pytest.MonkeyPatch) -> None:
    submit(database, plan(["a"]))
    database.close()
    # A shorter patience than five seconds, so that the test is quick.
    monkeypatch.setattr(connection, "_ALWAYS", tuple(("busy_timeout", "200", 200) if one[0] == "busy_timeout" else one for one in connection._ALWAYS))
    impatient = Database.open(database.folder)
    with child("hold_transaction", database.folder) as process:
        lines(process, 1)
        with pytest.raises(
            DatabaseBusy, match=rf"locked by another program.* process {process.pid}\." if sys.platform == "linux" else "locked by another program"
        ):
            submit(impatient, plan(["b"]))
        assert len(impatient.read_now(views.members, 1)) == 1
    # When it has gone, writing goes on.
    assert eventually(lambda: submit(impatient, plan(["c"])))
    impatient.close()


def test_an_engine_lives_as_long_as_its_process(folder: Path) -> None:
    Database.open(folder, create=True).close()
    assert engines.active_engine(folder) is None
    assert not engines.engine_alive(folder, ENGINE)
    with child("live", folder, ENGINE) as process:
        assert lines(process, 1) == ["lives"]
        assert engines.engine_alive(folder, ENGINE)
        assert engines.active_engine(folder) == ENGINE
        # Another one cannot become active, however often somebody looks.
        assert engines.hold_engine_lock(folder, OTHER) is None
        assert engines.active_engine(folder) == ENGINE
        kill(process)
        # Killed, it is dead at once: no time has to pass.
        assert not engines.engine_alive(folder, ENGINE)
        assert engines.active_engine(folder) is None
    held = engines.hold_engine_lock(folder, OTHER)
    assert held is not None
    assert engines.active_engine(folder) == OTHER
    held.release()
    held.release()
    assert engines.active_engine(folder) is None


def test_a_life_lock_is_held_once_and_forgotten_after_the_end(folder: Path) -> None:
    Database.open(folder, create=True).close()
    held = engines.hold_life_lock(folder, ENGINE)
    with pytest.raises(RuntimeError, match="lives already"):
        engines.hold_life_lock(folder, ENGINE)
    engines.forget(folder, ENGINE)
    assert engines.engine_alive(folder, ENGINE)
    held.release()
    engines.forget(folder, ENGINE)
    engines.forget(folder, ENGINE)
    assert list((folder / "engines").iterdir()) == []
