"""What breaks off in the middle of reading keeps no connection to the moment at which it read, however long its error is kept."""

import sqlite3
from sqlite3 import Connection

import pytest

from abathur_tui.domain.errors import RowUnreadable
from abathur_tui.storage import Database
from tests.storage.building import plan, submit


def tasks(c: Connection) -> int:
    """How many there are."""
    (number,) = c.execute("SELECT count(*) FROM tasks").fetchone()
    return int(number)


def break_off(c: Connection) -> None:
    """Meet something in the first of many rows."""
    cursor = c.execute("SELECT id FROM tasks")
    for (id,) in cursor:
        raise ValueError(id)


def read_what_is_no_text(c: Connection) -> None:
    """Meet a row that Python cannot read."""
    c.text_factory = str
    cursor = c.execute("SELECT CAST(x'ff' AS TEXT) FROM tasks")
    cursor.fetchall()


def test_a_reader_goes_on_with_what_is_there_now(database: Database) -> None:
    submit(database, plan(["a", "b", "c"]))
    with pytest.raises(ValueError, match="1") as kept:
        database.read_now(break_off)
    with pytest.raises(RowUnreadable, match="no UTF-8") as also_kept:
        database.read_now(read_what_is_no_text)
    for number in range(4, 8):
        submit(database, plan(["another"]))
        assert database.read_now(tasks) == number
    assert (kept.value.args, also_kept.value.code) == ((1,), RowUnreadable.code)


def test_more_readers_break_off_than_there_may_be(database: Database) -> None:
    submit(database, plan(["a", "b", "c"]))
    kept = []
    for _ in range(50):
        with pytest.raises(ValueError, match="1") as error:
            database.read_now(break_off)
        kept.append(error.value)
    assert database.read_now(tasks) == 3


def test_the_writer_writes_after_another_process_has(database: Database) -> None:
    submit(database, plan(["a", "b", "c"]))
    with pytest.raises(ValueError, match="1") as kept:
        database.write_now(break_off)
    other = sqlite3.connect(database.folder / "abathur.db", isolation_level=None)
    other.execute("INSERT INTO logs (at, level, kind, text) VALUES (1, 'info', 'notice', 'x')")
    other.close()
    submit(database, plan(["another"]))
    assert database.read_now(tasks) == 4
    assert kept.value.args == (1,)
