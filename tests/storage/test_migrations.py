"""Bringing a file of an older version up to date: whole or not at all, and never without a backup that is well."""

import os
import resource
import sqlite3
from dataclasses import replace
from pathlib import Path

import pytest

from abathur_tui.domain.data import JsonObject
from abathur_tui.domain.errors import DatabaseBusy
from abathur_tui.domain.filters import TaskFilter
from abathur_tui.domain.status import Status
from abathur_tui.storage import Database, engines, migrations, queue, views
from abathur_tui.storage.checking import check_folder
from abathur_tui.storage.connection import connect
from abathur_tui.storage.migrations import Step, known_steps, migrate
from abathur_tui.storage.retention import purge
from tests.storage.building import ENGINE, NOW, add_given, claim, drop_given, fail, finish, node, plan, status, submit
from tests.storage.test_opening import made, mode

NEXT = Step(len(known_steps()) + 1, "more", "CREATE TABLE more (x);\nCREATE TRIGGER t AFTER INSERT ON more\nBEGIN\n    SELECT 1;\nEND;\n")


GIVEN = 13
"""The version from which on short parameters stand with their task."""


@pytest.fixture
def one_step_further(monkeypatch: pytest.MonkeyPatch) -> None:
    """As if this program knew one more version."""
    steps = (*known_steps(), NEXT)
    monkeypatch.setattr("abathur_tui.storage.database.known_steps", lambda: steps)


@pytest.mark.usefixtures("one_step_further")
def test_an_older_file_is_brought_up_to_date_after_a_backup(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    with monkeypatch.context() as older:
        older.setattr("abathur_tui.storage.database.known_steps", known_steps)
        made(folder)
    database = Database.open(folder)
    assert database.read_now(migrations.version_of) == NEXT.version
    records = database.read_now(lambda c: c.execute("SELECT version, name FROM migrations").fetchall())
    assert records[-1] == (NEXT.version, "more")
    assert len(database.read_now(views.task_ids, TaskFilter())) == 1
    database.close()
    (backup,) = (folder / "backups").iterdir()
    assert (mode(backup), mode(folder / "backups")) == (0o600, 0o700)
    copy = sqlite3.connect(backup)
    assert copy.execute("SELECT count(*) FROM tasks").fetchone() == (1,)
    assert copy.execute("PRAGMA user_version").fetchone() == (NEXT.version - 1,)
    copy.close()


@pytest.mark.usefixtures("one_step_further")
def test_nothing_is_migrated_under_a_living_engine(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    with monkeypatch.context() as older:
        older.setattr("abathur_tui.storage.database.known_steps", known_steps)
        made(folder)
    lock = engines.hold_life_lock(folder, ENGINE)
    with pytest.raises(DatabaseBusy, match=f"process {os.getpid()}"):
        Database.open(folder)
    lock.release()
    Database.open(folder).close()


def test_a_migration_that_fails_leaves_the_file_as_it_was(folder: Path) -> None:
    made(folder)
    connection = connect(folder / "abathur.db")
    broken = Step(NEXT.version, "broken", "CREATE TABLE more (x);\nINSERT INTO nowhere VALUES (1);\n")
    with pytest.raises(sqlite3.OperationalError):
        migrate(connection, folder, (*known_steps(), broken))
    assert migrations.version_of(connection) == NEXT.version - 1
    assert connection.execute("SELECT count(*) FROM sqlite_schema WHERE name = 'more'").fetchone() == (0,)
    connection.close()


def test_of_several_steps_either_all_are_made_or_none(folder: Path) -> None:
    made(folder)
    connection = connect(folder / "abathur.db")
    broken = Step(NEXT.version + 1, "broken", "INSERT INTO nowhere VALUES (1);\n")
    with pytest.raises(sqlite3.OperationalError):
        migrate(connection, folder, (*known_steps(), NEXT, broken))
    connection.close()
    # The program that made the file can still open it.
    Database.open(folder).close()


def test_nothing_is_migrated_without_a_backup_that_is_well(folder: Path) -> None:
    # Given a file, and a place for its backup whose disk is full,
    made(folder)
    connection = connect(folder / "abathur.db")
    resource.setrlimit(resource.RLIMIT_FSIZE, (64 * 1024, resource.RLIM_INFINITY))
    # when it is to be brought up to date, then it is not, and no half backup stays.
    try:
        with pytest.raises((sqlite3.Error, OSError)):
            migrate(connection, folder, (*known_steps(), NEXT))
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, (resource.RLIM_INFINITY, resource.RLIM_INFINITY))
    assert migrations.version_of(connection) == NEXT.version - 1
    assert list((folder / "backups").iterdir()) == []
    connection.close()


def test_scripts_are_taken_apart_into_statements() -> None:
    assert len(list(migrations.statements(NEXT.text))) == 2
    assert list(migrations.statements("-- only a comment\n")) == []
    with pytest.raises(ValueError, match="without its end"):
        list(migrations.statements("SELECT 1;\nSELECT 2"))


@pytest.mark.parametrize("version", [11, 14])
def test_what_waited_in_a_file_of_a_step_before_follows_what_it_waits_for(folder: Path, monkeypatch: pytest.MonkeyPatch, version: int) -> None:
    edges = [("after", "first"), ("after failed", "second"), ("retried with", "third")]
    with monkeypatch.context() as older:
        older.setattr("abathur_tui.storage.database.known_steps", lambda: known_steps()[:version])
        database = Database.open(folder, create=True)
        if version < GIVEN:
            add_given(database)
        made = submit(database, plan(["first", "second", "third", "after", "after failed", "retried with"], edges)).tasks
        claims = {claimed.lease.task: claimed for claimed in claim(database, 3)}
        fail(database, claims[made["third"]])
        if version < GIVEN:
            drop_given(database)
        database.close()

    database = Database.open(folder)
    finish(database, claims[made["first"]])
    fail(database, claims[made["second"]])
    database.write_now(queue.retry, [made["third"]], "me", NOW)
    shown = {name: status(database, made[name]) for name in ("after", "after failed", "third", "retried with")}
    database.close()

    assert shown == {
        "after": Status.PENDING,
        "after failed": Status.FAILED,
        "third": Status.PENDING,
        "retried with": Status.WAITING,
    }
    assert check_folder(folder).ok


def test_parameters_that_were_kept_as_texts_of_their_own_are_still_found(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    given: list[JsonObject] = [{"prompt": "say this"}, {"prompt": "this " * 500}, {}]
    nodes = [replace(node(f"n{number}"), parameters=parameters) for number, parameters in enumerate(given)]
    with monkeypatch.context() as older:
        older.setattr("abathur_tui.storage.database.known_steps", lambda: known_steps()[: GIVEN - 1])
        database = Database.open(folder, create=True)
        add_given(database)
        submit(database, plan(nodes))
        drop_given(database)
        database.close()

    database = Database.open(folder)
    later = submit(database, plan([node("later")])).execution
    shown = [database.read_now(views.work, id).parameters for id in range(1, 5)]
    for claimed in claim(database, 4):
        finish(database, claimed)
    database.write_now(purge, [later], "me", NOW)
    kept = [database.read_now(views.work, id).parameters for id in range(1, 5)]
    database.close()

    assert shown == [*given, node("later").parameters]
    assert kept == [*given, {}]
    assert check_folder(folder).ok


WORDS = {
    ("tasks", "kind"): "agent",
    ("tasks", "status"): "waiting",
    ("tasks", "on_failure"): "skip",
    ("edges", "need"): "needs",
    ("edges", "state"): "met",
    ("attempts", "outcome"): "running",
    ("agents", "state"): "IDLE",
    ("turns", "state"): "open",
    ("tool_calls", "status"): "done",
    ("logs", "level"): "info",
}


@pytest.mark.parametrize(("table", "column"), WORDS)
def test_columns_that_take_a_few_words_only_take_no_other_after_a_migration_either(
    folder: Path, monkeypatch: pytest.MonkeyPatch, table: str, column: str
) -> None:
    with monkeypatch.context() as older:
        older.setattr("abathur_tui.storage.database.known_steps", lambda: known_steps()[:14])
        made(folder)
    Database.open(folder).close()
    connection = connect(folder / "abathur.db")
    for (trigger,) in connection.execute("SELECT name FROM sqlite_schema WHERE type = 'trigger'").fetchall():
        connection.execute(f"DROP TRIGGER {trigger}")
    connection.execute("PRAGMA foreign_keys = off")
    given = {
        name: "other" if name == column else WORDS.get((table, name), 1 if kind in ("INTEGER", "REAL") else "one")
        for _, name, kind, required, default, key in connection.execute(f"PRAGMA table_info({table})").fetchall()
        if name == column or ((required or key) and default is None)
    }
    with pytest.raises(sqlite3.IntegrityError, match=f"CHECK.*{column}"):
        connection.execute(f"INSERT INTO {table} ({', '.join(given)}) VALUES ({', '.join('?' * len(given))})", list(given.values()))
    connection.close()
