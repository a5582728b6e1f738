"""What a law refuses takes its whole transaction back, and lanes count from their beginning."""

import sqlite3
from contextlib import closing
from pathlib import Path

import pytest

from abathur_tui.domain.status import Status
from abathur_tui.storage import Database, agents, journal, views
from abathur_tui.storage.checking import check_folder
from abathur_tui.storage.connection import connect
from abathur_tui.storage.migrations import known_steps, version_of
from tests.storage.building import NOW, chain, claim_one, finish, plan, statuses, submit

REFUSED = {
    "a change that is not allowed": "UPDATE tasks SET status = 'completed', version = version + 1, actor = 'me', reason = 'why' WHERE id = 2",
    "a claim that is taken back by nobody": "UPDATE tasks SET engine = 'mine' WHERE id = 1",
    "a turn of another task": "UPDATE turns SET task = 2 WHERE id = 1",
    "an attempt that ends twice": "UPDATE attempts SET outcome = 'failed' WHERE task = 1",
    "a row of the audit that is replaced": "REPLACE INTO audit (id, at, actor, action) VALUES (1, 1.0, 'me', 'nothing')",
    "a lane's counts that become another's": "UPDATE counts SET lane = 'mine'",
}


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """Where the database is."""
    return tmp_path / ".abathur"


@pytest.mark.parametrize("statement", REFUSED.values(), ids=REFUSED)
def test_who_breaks_a_law_has_changed_nothing_at_all(folder: Path, statement: str) -> None:
    database = Database.open(folder, create=True)
    submit(database, chain(2))
    claimed = claim_one(database)
    agent = database.write_now(agents.spawn, claimed.lease, "generalist", None, NOW)
    database.write_now(journal.begin_turn, claimed.lease, 1, agent, [], NOW)
    finish(database, claimed)

    with closing(connect(folder / "abathur.db")) as anybody:
        anybody.execute("BEGIN IMMEDIATE")
        anybody.execute("INSERT INTO content (hash, body) VALUES ('mine', 'mine')")
        with pytest.raises(sqlite3.IntegrityError, match="law: "):
            anybody.execute(statement)

        assert not anybody.in_transaction
        assert anybody.execute("SELECT count(*) FROM content WHERE hash = 'mine'").fetchone() == (0,)
    database.close()
    assert check_folder(folder).ok


def test_what_refers_to_nothing_is_refused_at_the_commit(folder: Path) -> None:
    Database.open(folder, create=True).close()

    with closing(connect(folder / "abathur.db")) as anybody:
        anybody.execute("BEGIN IMMEDIATE")
        anybody.execute("UPDATE tasks SET priority = 1")
        anybody.execute("INSERT INTO lanes (lane, runtime) VALUES ('lane', '{}')")
        anybody.execute("INSERT INTO content (hash, body) VALUES ('h', 'x')")
        anybody.execute("INSERT INTO executions (source, runtime, actor, created_at) VALUES ('h', '{}', 'me', 1.0)")
        anybody.execute(
            "INSERT INTO tasks (execution, seq, parent, kind, name, status, priority, lane, created_at, actor, reason, changed_at)"
            " VALUES (1, 0, 99, 'agent', 'a', 'pending', 5, 'lane', 1.0, 'me', 'why', 1.0)"
        )
        with pytest.raises(sqlite3.IntegrityError, match="FOREIGN KEY"):
            anybody.execute("COMMIT")


def test_a_filled_file_of_the_step_before_goes_on_and_counts_on(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    # Given a file in which a lane has counted only what its tasks have been,
    with monkeypatch.context() as older:
        older.setattr("abathur_tui.storage.database.known_steps", lambda: known_steps()[:18])
        database = Database.open(folder, create=True)
        submitted = submit(database, chain(3))
        finish(database, claim_one(database))
        database.close()
    with closing(connect(folder / "abathur.db")) as before:
        assert version_of(before) == 18
        assert before.execute("SELECT count(*) FROM counts WHERE status = 'dead'").fetchone() == (0,)

    # when it is opened, work goes on, and more is submitted,
    database = Database.open(folder)
    finish(database, claim_one(database))
    finish(database, claim_one(database))
    submit(database, plan(["a"]))

    # then what was counted is what there is,
    assert set(statuses(database, submitted).values()) == {"completed"}
    counts = database.read_now(views.counts)
    assert {word: number for word, number in counts.items() if number} == {Status.COMPLETED: 3, Status.PENDING: 1}
    database.close()

    # and nothing is amiss.
    assert check_folder(folder).ok
