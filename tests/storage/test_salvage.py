"""What can be saved of a damaged file is saved, under the laws again, and the damaged file is not touched."""

import io
import os
import shutil
import signal
import sqlite3
import subprocess
import sys
import tracemalloc
from collections.abc import Callable
from pathlib import Path

import pytest

from abathur_tui.domain.conversation import ToolOutcome, ToolUseBlock
from abathur_tui.domain.data import content_hash
from abathur_tui.domain.errors import ChangeRefused, DatabaseBusy, DatabaseDamaged, DatabaseNewer, NetworkFileSystem, NoResult
from abathur_tui.domain.leases import Claim
from abathur_tui.project import Place, care
from abathur_tui.storage import Database, agents, engines, journal, queue, seals, views
from abathur_tui.storage.checking import check_folder
from abathur_tui.storage.copying import set_aside
from abathur_tui.storage.pages import Pages
from abathur_tui.storage.salvage import salvage
from tests.storage.building import ENGINE, NOW, chain, claim, claim_one, fail, finish, fork, plan, said, status, submit

PAGE = 4096


@pytest.fixture(scope="module")
def template(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A closed database with a thousand tasks and more, in every status, with long and short results; made once."""
    folder = tmp_path_factory.mktemp("template") / ".abathur"
    database = Database.open(folder, create=True)
    submit(database, chain(400))
    for number in range(60):
        submit(database, fork(5))
        talk(database, claimed := claim_one(database), number)
        finish(database, claimed, f"result {number} " + "x" * (number * 200))
        fail(database, claim_one(database))
        claim(database, 2)
        database.write_now(queue.recover, ENGINE, NOW)
    submit(database, plan([f"n{number}" for number in range(400)]))
    for _ in range(6):
        database.write_now(seals.seal_some, NOW)
    database.close()
    return folder


def begin(database: Database, claimed: Claim) -> int:
    """An agent begins a turn."""
    agent = database.write_now(agents.spawn, claimed.lease, "tester", None, NOW)
    database.write_now(agents.assign, claimed.lease, agent, NOW)
    return database.write_now(journal.begin_turn, claimed.lease, 1, agent, [], NOW)


def talk(database: Database, claimed: Claim, number: int) -> None:
    """An agent takes a turn and calls a tool."""
    lease, turn = claimed.lease, begin(database, claimed)
    database.write_now(journal.finish_turn, lease, turn, said(f"answer {number} " * 20), NOW)
    database.write_now(journal.intend_tool, lease, turn, ToolUseBlock("c", "grep", {"pattern": f"{number}"}), NOW)
    database.write_now(journal.finish_tool, lease, turn, "c", ToolOutcome(f"found {number}"), NOW)


@pytest.fixture
def worked(template: Path, folder: Path) -> Path:
    """A copy of it."""
    shutil.copytree(template, folder)
    return folder


def rows(folder: Path) -> dict[str, int]:
    """Table to the number of its rows."""
    connection = sqlite3.connect(folder / "abathur.db")
    tables = [name for (name,) in connection.execute("SELECT name FROM sqlite_schema WHERE type = 'table'")]
    found = {table: connection.execute(f"SELECT count(*) FROM {table}").fetchone()[0] for table in tables}
    connection.close()
    return found


def recovered(folder: Path) -> care.Recovered:
    done = care.recover(Place(folder.parent, folder))
    assert done.salvaged.problems == ()
    assert check_folder(folder).problems == ()
    return done


def scribble(path: Path, pages: list[int]) -> None:
    with path.open("r+b") as file:
        for page in pages:
            file.seek((page - 1) * PAGE)
            file.write(os.urandom(PAGE))


def roots_of(path: Path, table: str) -> list[int]:
    connection = sqlite3.connect(path)
    found = [row for (row,) in connection.execute("SELECT rootpage FROM sqlite_schema WHERE name = ?", (table,))]
    connection.close()
    return found


def header(path: Path) -> None:
    """The first hundred bytes are nonsense."""
    with path.open("r+b") as file:
        file.write(b"This is not a database at all. " * 4)


def first_page(path: Path) -> None:
    """The schema is lost."""
    scribble(path, [1])


def tops(path: Path) -> None:
    """The topmost pages of the largest tables are lost, and with them SQLite's only way to their rows."""
    scribble(path, [page for table in ("tasks", "specs", "content", "edges") for page in roots_of(path, table)])


@pytest.mark.parametrize("damage", [header, first_page, tops])
def test_where_only_the_way_to_the_rows_is_lost_the_rows_are_not(worked: Path, damage: Callable[[Path], None]) -> None:
    before = rows(worked)
    damage(worked / "abathur.db")
    assert check_folder(worked).problems
    damaged = (worked / "abathur.db").read_bytes()
    done = recovered(worked)
    after = rows(worked)
    assert done.damaged.read_bytes() == damaged
    for table in ("tasks", "specs", "executions", "content"):
        assert after[table] >= before[table] * (0.98 if table == "content" else 1), table
    # Where a table has no row ids, its topmost page has rows of its own.
    assert after["edges"] >= before["edges"] * 0.95


def test_pages_in_the_middle_that_are_overwritten_cost_their_rows_only(worked: Path) -> None:
    before = rows(worked)
    path = worked / "abathur.db"
    pages = os.path.getsize(path) // PAGE
    scribble(path, list(range(70, pages, 12)))
    done = recovered(worked)
    after = rows(worked)
    assert after["tasks"] > before["tasks"] * 0.8
    assert after["content"] > before["content"] * 0.8
    lost = {one.table: one.lost for one in done.salvaged.tables}
    assert lost["tasks"] == before["tasks"] - after["tasks"] > 0


@pytest.mark.parametrize("table", ["turns", "tool_calls", "agents", "audit", "attempts", "seals"])
def test_whichever_table_has_lost_its_rows_what_is_left_is_well(worked: Path, table: str) -> None:
    before = rows(worked)
    path = worked / "abathur.db"
    pages = Pages(path)
    lost = list(pages.trees({root: table for root in roots_of(path, table)})[table].numbers)
    pages.close()
    scribble(path, lost[1::2] or lost)
    recovered(worked)
    assert rows(worked)["tasks"] == before["tasks"]


def test_who_was_at_work_is_so_no_more(worked: Path) -> None:
    database = Database.open(worked)
    running = claim_one(database)
    begin(database, running)
    database.close()
    header(worked / "abathur.db")

    recovered(worked)

    database = Database.open(worked)
    assert status(database, running.lease.task) == "pending"
    assert database.read_now(views.agents, ended=False) == []
    database.close()


def test_a_file_that_was_cut_off_is_saved_up_to_there(worked: Path) -> None:
    before = rows(worked)
    os.truncate(worked / "abathur.db", os.path.getsize(worked / "abathur.db") * 3 // 4 + 100)
    done = recovered(worked)
    assert 0 < rows(worked)["tasks"] < before["tasks"]
    assert sum(one.lost for one in done.salvaged.tables) > 0


def test_what_is_recovered_goes_on_under_the_laws(worked: Path) -> None:
    # Given a recovered database of which much was lost,
    scribble(worked / "abathur.db", list(range(60, 200, 7)))
    recovered(worked)
    # when work goes on in it, then tasks are claimed and done, ids are not used again, and it stays well.
    database = Database.open(worked)
    last = database.read_now(lambda c: c.execute("SELECT max(id) FROM tasks").fetchone()[0])
    made = submit(database, plan(["new"]))
    assert made.root > last
    for claimed in claim(database, 30):
        finish(database, claimed)
    with pytest.raises(ChangeRefused):
        database.write_now(lambda c: c.execute("DELETE FROM audit"))
    action = database.read_now(lambda c: c.execute("SELECT count(*) FROM audit WHERE action = 'database.recovered'").fetchone())
    assert action == (1,)
    database.close()
    assert check_folder(worked).problems == ()


def test_what_was_written_last_is_taken_from_the_log(worked: Path) -> None:
    # Given a database that died with rows in its log, and a file that is nonsense since,
    database = Database.open(worked)
    made = submit(database, plan(["last"]))
    copy = worked.parent / "copy"
    shutil.copytree(worked, copy)
    database.close()
    (copy / "abathur.db-shm").unlink()
    assert os.path.getsize(copy / "abathur.db-wal") > 0
    header(copy / "abathur.db")
    # when it is recovered, then they are there;
    recovered(copy)
    database = Database.open(copy)
    assert database.read_now(lambda c: c.execute("SELECT count(*) FROM tasks WHERE id = ?", (made.root,)).fetchone()) == (1,)
    database.close()


RECOVER = """
import os, signal, sys
from pathlib import Path
from abathur_tui.project import Place, care

names = 0

def count(event, arguments):
    global names
    if event in ("os.rename", "os.link", "os.remove"):
        names += 1
        if names == int(sys.argv[2]):
            os.kill(os.getpid(), signal.SIGKILL)

sys.addaudithook(count)
care.recover(Place(Path(sys.argv[1]).parent, Path(sys.argv[1])))
"""


def test_a_recovery_that_is_killed_wherever_a_file_gets_another_name_is_made_anew_and_loses_nothing(tmp_path: Path) -> None:
    # Given a damaged database with rows in its log,
    made = tmp_path / "made" / ".abathur"
    made.parent.mkdir()
    database = Database.open(made, create=True)
    submit(database, chain(20))
    database.close()
    database = Database.open(made)
    last = submit(database, plan(["last"]))
    damaged = tmp_path / "damaged"
    shutil.copytree(made, damaged)
    database.close()
    (damaged / "abathur.db-shm").unlink()
    header(damaged / "abathur.db")
    for at in range(1, 20):
        folder = tmp_path / str(at) / ".abathur"
        shutil.copytree(damaged, folder)
        # when its recovery is killed at one of the renames,
        done = subprocess.run([sys.executable, "-c", RECOVER, str(folder), str(at)], check=False, capture_output=True)
        # then there is a database all the time, and another recovery saves all there was.
        assert (folder / "abathur.db").exists(), at
        if check_folder(folder).problems or set_aside(folder / "abathur.db", "abathur-damaged-*.db"):
            recovered(folder)
        assert rows(folder)["tasks"] == 21, at
        connection = sqlite3.connect(folder / "abathur.db")
        assert connection.execute("SELECT count(*) FROM tasks WHERE id = ?", (last.root,)).fetchone() == (1,), at
        connection.close()
        if done.returncode != -signal.SIGKILL:
            break
    assert done.returncode == 0, done.stderr
    assert at > 6


def test_of_a_damaged_log_the_transactions_before_the_damage_count(worked: Path) -> None:
    database = Database.open(worked)
    first, second = submit(database, plan(["first"])), submit(database, plan(["second"]))
    copy = worked.parent / "copy"
    shutil.copytree(worked, copy)
    database.close()
    (copy / "abathur.db-shm").unlink()
    log = copy / "abathur.db-wal"
    with log.open("r+b") as file:
        file.seek(os.path.getsize(log) - 2000)
        file.write(os.urandom(1000))
    saved = care.recover(Place(copy.parent, copy), worked.parent / "saved.db")
    assert saved.salvaged.problems == ()
    connection = sqlite3.connect(saved.file)
    found = [id for (id,) in connection.execute("SELECT id FROM tasks WHERE id IN (?, ?)", (first.root, second.root))]
    connection.close()
    assert found == [first.root]


def test_a_text_that_was_changed_is_not_passed_off_as_what_it_was(worked: Path) -> None:
    path = worked / "abathur.db"
    data = path.read_bytes()
    at = data.index(b"result 9 xxxx")
    with path.open("r+b") as file:
        file.seek(at)
        file.write(b"resulT")
    recovered(worked)
    connection = sqlite3.connect(path)
    bodies = connection.execute("SELECT hash, body FROM content WHERE body IS NOT NULL").fetchall()
    connection.close()
    assert all(content_hash(body) == hash for hash, body in bodies)


def test_nothing_is_recovered_where_that_would_do_harm(worked: Path) -> None:
    place = Place(worked.parent, worked)
    # What is well stays.
    with pytest.raises(ChangeRefused, match="is well"):
        care.recover(place)
    # Beside a living engine nothing takes the file's place.
    header(worked / "abathur.db")
    lock = engines.hold_life_lock(worked, ENGINE)
    with pytest.raises(DatabaseBusy):
        care.recover(place)
    lock.release()
    # With --into the damaged file stays where it is.
    done = care.recover(place, worked.parent / "saved.db")
    assert done.file.exists()
    assert check_folder(worked).problems
    # Where there is nothing to save, nothing takes its place.
    os.truncate(worked / "abathur.db", 0)
    with pytest.raises(NoResult):
        care.recover(place)
    assert os.path.getsize(worked / "abathur.db") == 0
    assert sorted(path.name for path in worked.glob("*recovered*")) == []


def test_from_a_network_share_it_is_saved_into_another_place_only(worked: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    header(worked / "abathur.db")
    monkeypatch.setattr("abathur_tui.storage.files.file_system", lambda _: "nfs4")

    with pytest.raises(NetworkFileSystem):
        care.recover(Place(worked.parent, worked))

    assert care.recover(Place(worked.parent, worked), worked.parent / "saved.db").salvaged.problems == ()


def test_another_programs_file_is_left_alone(folder: Path) -> None:
    folder.mkdir()
    foreign = sqlite3.connect(folder / "abathur.db")
    foreign.execute("CREATE TABLE theirs (x)")
    foreign.commit()
    foreign.close()
    for attempt in (care.recover, care.back_up, care.vacuum_file, lambda place: care.export(place, io.StringIO().write)):
        with pytest.raises(DatabaseDamaged, match="another program"):
            attempt(Place(folder.parent, folder))


def test_a_newer_file_is_refused_by_all_that_would_read_or_write_it(worked: Path) -> None:
    newer = sqlite3.connect(worked / "abathur.db", isolation_level=None)
    newer.execute("PRAGMA user_version = 99")
    newer.close()
    for attempt in (care.recover, care.back_up, care.vacuum_file, lambda place: care.export(place, io.StringIO().write)):
        with pytest.raises(DatabaseNewer, match="99"):
            attempt(Place(worked.parent, worked))


def test_a_large_file_takes_no_more_memory_than_a_small_one(tmp_path: Path) -> None:
    peaks = []
    for tasks in (100, 1000):
        (folder := tmp_path / str(tasks)).mkdir()
        database = Database.open(folder / ".abathur", create=True)
        submit(database, plan([f"n{number}" for number in range(tasks)]))
        database.close()
        (folder / "abathur.db").touch()
        tracemalloc.start()
        assert salvage(folder / ".abathur" / "abathur.db", folder / "abathur.db", NOW).rows == tasks + 1
        peaks.append(tracemalloc.get_traced_memory()[1])
        tracemalloc.stop()
    assert peaks[1] < peaks[0] + 1_000_000, peaks
