"""Submissions with a key: each is made once, and nothing else gets its key."""

import sqlite3
from contextlib import closing
from dataclasses import replace
from pathlib import Path

import pytest

from abathur_tui.domain.errors import KeyTaken, QueueFull
from abathur_tui.domain.execution import Key, SubmitOptions
from abathur_tui.storage import Database, queue
from abathur_tui.storage.checking import check_folder
from abathur_tui.storage.connection import connect
from abathur_tui.storage.migrations import known_steps, version_of
from tests.storage.building import NOW, RUNTIME, chain, claim_one, finish, plan, submit

OPTIONS = SubmitOptions(RUNTIME)
KEY = Key("release 1.4", "a" * 64)
OTHER = replace(KEY, asked="b" * 64)


def test_the_same_submission_is_there_once_and_answered_as_it_was_made(database: Database) -> None:
    (first,) = database.write_now(queue.submit_once, KEY, [(chain(3), OPTIONS)], NOW)
    finish(database, claim_one(database))

    (again,) = database.write_now(queue.submit_once, KEY, [(chain(3), OPTIONS)], NOW + 5)

    assert again == replace(first, again=True)
    assert database.read_now(queue.submitted_with, KEY) == [again]
    assert database.read_now(lambda c: c.execute("SELECT count(*) FROM tasks").fetchone()) == (3,)


def test_several_executions_have_one_key(database: Database) -> None:
    submit(database, plan(["before"]))
    made = database.write_now(queue.submit_once, KEY, [(plan([name]), OPTIONS) for name in "abc"], NOW)
    submit(database, plan(["after"]))

    assert [one.execution for one in made] == [2, 3, 4]
    assert [one.execution for one in database.read_now(queue.submitted_with, KEY)] == [2, 3, 4]
    assert [database.read_now(queue.key_of, execution) for execution in range(1, 6)] == [None, KEY.name, KEY.name, KEY.name, None]


def test_something_else_with_the_same_key_is_refused_and_changes_nothing(database: Database) -> None:
    database.write_now(queue.submit_once, KEY, [(plan(["a"]), OPTIONS)], NOW)

    with pytest.raises(KeyTaken, match=r"'release 1\.4': x1\."):
        database.write_now(queue.submit_once, OTHER, [(plan(["b"]), OPTIONS)], NOW)

    assert database.read_now(lambda c: c.execute("SELECT count(*) FROM executions").fetchone()) == (1,)


def test_a_refused_submission_leaves_its_key_free_and_a_full_queue_still_answers(database: Database) -> None:
    full = replace(OPTIONS, max_size=1)
    with pytest.raises(QueueFull):
        database.write_now(queue.submit_once, KEY, [(plan(["a"]), full), (plan(["b"]), full)], NOW)
    assert database.read_now(queue.submitted_with, OTHER) == []

    database.write_now(queue.submit_once, OTHER, [(plan(["a"]), full)], NOW)

    assert [one.again for one in database.write_now(queue.submit_once, OTHER, [(plan(["a"]), full)], NOW)] == [True]


@pytest.mark.parametrize(
    "statement",
    [
        f"INSERT INTO submissions (first, last, key, asked) VALUES (2, 2, 'release 1.4', '{'c' * 64}')",
        f"REPLACE INTO submissions (first, last, key, asked) VALUES (2, 2, 'release 1.4', '{'c' * 64}')",
        f"REPLACE INTO submissions (first, last, key, asked) VALUES (1, 1, 'other', '{'c' * 64}')",
        f"INSERT INTO submissions (first, last, key, asked) VALUES (3, 3, 'other', '{'c' * 64}')",
        f"INSERT INTO submissions (first, last, key, asked) VALUES (2, 1, 'other', '{'c' * 64}')",
        f"INSERT INTO submissions (first, last, key, asked) VALUES (2, 2, '', '{'c' * 64}')",
        "INSERT INTO submissions (first, last, key, asked) VALUES (2, 2, 'other', 'short')",
        "UPDATE submissions SET key = 'other'",
        "UPDATE submissions SET first = 2, last = 2",
        "DELETE FROM submissions",
    ],
)
def test_a_key_stays_with_what_it_was_given_to_whoever_writes(database: Database, statement: str) -> None:
    database.write_now(queue.submit_once, KEY, [(plan(["a"]), OPTIONS)], NOW)
    submit(database, plan(["b"]))

    with closing(sqlite3.connect(database.folder / "abathur.db")) as anybody, pytest.raises(sqlite3.IntegrityError):
        anybody.execute(statement)

    assert [one.execution for one in database.read_now(queue.submitted_with, KEY)] == [1]


def test_a_filled_file_of_the_step_before_takes_keys_once_it_was_opened(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    with monkeypatch.context() as older:
        older.setattr("abathur_tui.storage.database.known_steps", lambda: known_steps()[:16])
        database = Database.open(folder, create=True)
        submit(database, chain(2))
        finish(database, claim_one(database))
        database.close()
    with closing(connect(folder / "abathur.db")) as before:
        assert version_of(before) == 16

    database = Database.open(folder)
    (made,) = database.write_now(queue.submit_once, KEY, [(plan(["a"]), OPTIONS)], NOW)
    keys = [database.read_now(queue.key_of, execution) for execution in (1, 2)]
    database.close()

    assert (made.execution, keys) == (2, [None, KEY.name])
    assert check_folder(folder).ok
