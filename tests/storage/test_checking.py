"""A check finds what is wrong with a database, whatever it is, and changes nothing."""

import os
import shutil
import sqlite3
from collections.abc import Callable
from pathlib import Path

import pytest

from abathur_tui.storage import Database, queue
from abathur_tui.storage.checking import check_folder
from tests.storage.building import ENGINE, NOW, chain, claim, claim_one, fail, finish, fork, plan, submit


@pytest.fixture
def busy(folder: Path) -> Path:
    """A closed database in which some of everything has happened."""
    database = Database.open(folder, create=True)
    submit(database, chain(3))
    submit(database, fork(2))
    finish(database, claim_one(database))
    fail(database, claim_one(database))
    claim(database, 2)
    database.write_now(queue.recover, ENGINE, NOW)
    database.close()
    return folder


def forge(folder: Path, *statements: str) -> None:
    """Change the file past all laws."""
    connection = sqlite3.connect(folder / "abathur.db", isolation_level=None)
    connection.execute("PRAGMA foreign_keys = off")
    for statement in statements:
        connection.execute(statement)
    connection.close()


def lawless(folder: Path, *statements: str) -> None:
    """The same, with the laws put back afterwards."""
    connection = sqlite3.connect(folder / "abathur.db", isolation_level=None)
    laws = connection.execute("SELECT name, sql FROM sqlite_schema WHERE type = 'trigger'").fetchall()
    for name, _ in laws:
        connection.execute(f"DROP TRIGGER {name}")
    for statement in statements:
        connection.execute(statement)
    for _, text in laws:
        connection.execute(text)
    connection.close()


def test_what_the_queue_makes_is_well(busy: Path) -> None:
    assert check_folder(busy).problems == ()


@pytest.mark.parametrize(
    ("statement", "problem"),
    [
        ("UPDATE counts SET tasks = tasks + 1 WHERE status = 'pending'", "counts says"),
        ("UPDATE tasks SET unmet = unmet + 1 WHERE id = 3", "t3 counts"),
        ("UPDATE edges SET state = 'met' WHERE task = 6 AND state = 'open'", "t6 counts"),
        ("UPDATE tasks SET status = 'waiting' WHERE status = 'pending'", "has nothing to wait for"),
        ("UPDATE tasks SET status = 'completed' WHERE id = 3", "its audit ends with"),
        ("UPDATE tasks SET version = version + 1 WHERE id = 1", "its audit ends with"),
        ("DELETE FROM audit WHERE id = (SELECT max(id) - 1 FROM audit WHERE task = 1)", "the audit of t1 goes from"),
        ("DELETE FROM audit WHERE task = 2", "its audit ends with nothing"),
        ("UPDATE tasks SET engine = 'somebody' WHERE id = 1", "an engine has it"),
        ("UPDATE attempts SET outcome = 'running'", "is running, and the task is not"),
        ("DELETE FROM specs WHERE task = 2", "t2 has no row in specs"),
        ("UPDATE executions SET root = 1 WHERE id = 2", "x2 has no root of its own"),
        ("UPDATE content SET body = body || '!' WHERE id = 1", "was changed"),
        ("UPDATE sqlite_sequence SET seq = 1 WHERE name = 'tasks'", "ids of tasks would be used again"),
        ("DELETE FROM content WHERE id = 2", "names one of content that is not there"),
        ("DROP INDEX tasks_claimable", "index tasks_claimable is missing"),
        ("DELETE FROM meta", "which project"),
        ("INSERT INTO transitions VALUES ('completed', 'pending')", "transitions does not say of completed to pending"),
        ("DELETE FROM agent_transitions WHERE from_state = 'BUSY'", "agent_transitions does not say of BUSY to IDLE"),
        ("UPDATE tasks SET result = NULL WHERE id = 1", "t1 has another result"),
        ("DELETE FROM attempts WHERE task = 1", "t1 was claimed 1 times, the last time in epoch 1, and has 0 attempts"),
        ("UPDATE tasks SET finished_at = NULL WHERE id = 1", "t1 is completed, and has not ended"),
        ("UPDATE tasks SET tags = 'none' WHERE id = 2", "of t2 are no JSON"),
        ("UPDATE executions SET runtime = '{' WHERE id = 1", "how x1 is run is no JSON"),
        ("UPDATE specs SET given = '{' WHERE task = 2", "what t2 needs is no JSON"),
        ("DELETE FROM swarm", "swarm has no row"),
    ],
)
def test_what_was_changed_past_the_laws_is_found(busy: Path, statement: str, problem: str) -> None:
    lawless(busy, statement)
    found = check_folder(busy)
    assert any(problem in one for one in found.problems), found.problems


def test_who_waits_for_a_circle_is_told_and_nobody_else(folder: Path) -> None:
    # Given a chain of six and a fork beside it,
    database = Database.open(folder, create=True)
    submit(database, chain(6))
    submit(database, fork(3))
    database.close()
    # when the third of the chain waits for the fourth, which waits for it,
    lawless(folder, "INSERT INTO edges VALUES (3, 4, 'needs', 'open', 9, 0)", "UPDATE tasks SET unmet = unmet + 1 WHERE id = 3")
    # then these two, and who comes after them, can never begin.
    told = [problem.split(" ")[0] for problem in check_folder(folder).problems if "can never begin" in problem]
    assert told == ["t3", "t4", "t5", "t6"]


def test_a_law_that_was_taken_away_changed_or_added_is_found(busy: Path) -> None:
    forge(busy, "DROP TRIGGER tasks_law", "CREATE TRIGGER mine AFTER INSERT ON logs BEGIN SELECT 1; END")
    assert {"trigger tasks_law is missing.", "trigger mine is not Abathur's."} <= set(check_folder(busy).problems)


def test_a_newer_file_and_one_of_another_program_are_told(busy: Path, tmp_path: Path) -> None:
    forge(busy, "PRAGMA user_version = 99")
    assert any("version 99" in problem for problem in check_folder(busy).problems)
    forge(busy, "PRAGMA application_id = 7")
    assert check_folder(busy).problems == ("It is a database of another program.",)


def holed(path: Path) -> None:
    """Every third page is overwritten."""
    with path.open("r+b") as file:
        for page in range(2, path.stat().st_size // 4096, 3):
            file.seek(page * 4096)
            file.write(os.urandom(4096))


def cut(path: Path) -> None:
    os.truncate(path, path.stat().st_size // 2 + 100)


def emptied(path: Path) -> None:
    os.truncate(path, 0)


def scribbled(path: Path) -> None:
    with path.open("r+b") as file:
        file.write(b"This is not a database at all. " * 10)


def replaced(path: Path) -> None:
    path.unlink()
    path.mkdir()


def linked(path: Path) -> None:
    path.rename(path.with_name("elsewhere"))
    path.symlink_to("elsewhere")


def nonsense_in_the_log(path: Path) -> None:
    path.unlink()
    path.with_name("abathur.db-wal").write_bytes(os.urandom(9000))


@pytest.mark.parametrize("damage", [holed, cut, emptied, scribbled, replaced, linked, nonsense_in_the_log])
def test_a_damaged_file_is_told_in_sentences_and_left_as_it_is(busy: Path, damage: Callable[[Path], None]) -> None:
    path = busy / "abathur.db"
    damage(path)
    before = path.read_bytes() if path.is_file() else None
    found = check_folder(busy)
    assert found.problems
    assert all(problem.endswith(".") for problem in found.problems), found.problems
    assert (path.read_bytes() if path.is_file() else None) == before


@pytest.mark.parametrize("log", [b"", os.urandom(5000)])
def test_a_log_that_was_never_committed_changes_nothing(busy: Path, log: bytes) -> None:
    (busy / "abathur.db-wal").write_bytes(log)
    assert check_folder(busy).problems == ()


def test_a_folder_that_cannot_be_written_can_be_checked(busy: Path, tmp_path: Path) -> None:
    # Given what was written last still in the log, and a folder that nobody may write,
    database = Database.open(busy)
    submit(database, chain(2))
    copy = tmp_path / "copy"
    shutil.copytree(busy, copy)
    database.close()
    (copy / "abathur.db-shm").unlink()
    copy.chmod(0o500)
    # when it is checked, then it is well.
    try:
        assert check_folder(copy).problems == ()
    finally:
        copy.chmod(0o700)


def test_an_open_database_is_checked_without_keeping_its_writer_waiting(folder: Path) -> None:
    database = Database.open(folder, create=True)
    submit(database, plan(["a"]))
    assert check_folder(folder).problems == ()
    submit(database, plan(["b"]))
    assert check_folder(folder).problems == ()
    database.close()
