"""What happened stays as it was written: laws of the schema refuse what would change it, whoever writes."""

import sqlite3
from pathlib import Path

import pytest

from abathur_tui.domain.conversation import ToolUseBlock
from abathur_tui.domain.questions import Asking, Possible
from abathur_tui.project import Place, care
from abathur_tui.storage import Database, journal, questions
from abathur_tui.storage.checking import check_folder
from abathur_tui.storage.migrations import known_steps
from tests.storage.building import NOW, chain, claim_one, plan, said, submit
from tests.storage.test_checking import forge
from tests.storage.test_money import filled, template, work

__all__ = ["filled", "template"]


def rows(folder: Path) -> dict[str, list[tuple[object, ...]]]:
    """All that is kept."""
    connection = sqlite3.connect(folder / "abathur.db")
    tables = ("tasks", "specs", "edges", "attempts", "turns", "tool_calls", "passes", "metrics", "usage", "audit", "seals", "content")
    found = {table: connection.execute(f"SELECT * FROM {table} ORDER BY 1, 2").fetchall() for table in tables}
    connection.close()
    return found


@pytest.mark.parametrize(
    "statement",
    [
        "UPDATE tasks SET name = 'another' WHERE id = 1",
        "UPDATE tasks SET parent = 1 WHERE id = 2",
        "UPDATE tasks SET created_at = 0",
        "UPDATE tasks SET result = NULL WHERE id = 1",
        "UPDATE tasks SET started_at = 0 WHERE id = 1",
        "UPDATE tasks SET finished_at = 0 WHERE id = 1",
        "UPDATE tasks SET cost_usd = cost_usd + 5 WHERE id = 1",
        "UPDATE tasks SET cost_usd = -1 WHERE id = 2",
        "UPDATE tasks SET cost_usd = 9e999 WHERE id = 2",
        "UPDATE tasks SET tokens_input = -1 WHERE id = 2",
        "UPDATE tasks SET unpriced = 0 WHERE id = 1",
        "UPDATE tasks SET attempt = 9 WHERE status = 'pending'",
        "UPDATE tasks SET failures = 9 WHERE status = 'pending'",
        "UPDATE tasks SET error_code = 'x' WHERE status = 'failed'",
        "UPDATE tasks SET on_failure = 'skip' WHERE status = 'failed'",
        """UPDATE tasks SET detail = '{"a": 1}' WHERE id = 1""",
        "UPDATE specs SET prompt = parameters",
        "UPDATE specs SET retries = 99",
        "UPDATE specs SET given = NULL WHERE given IS NOT NULL",
        "UPDATE specs SET given = '{}' WHERE given IS NOT NULL",
        "DELETE FROM specs",
        "REPLACE INTO specs SELECT * FROM specs WHERE task = 2",
        "UPDATE edges SET position = 9",
        "UPDATE edges SET required = 1",
        "REPLACE INTO edges SELECT * FROM edges",
        "UPDATE executions SET root = 1",
        "UPDATE executions SET runtime = '{}'",
        "UPDATE executions SET actor = 'nobody'",
        "DELETE FROM attempts",
        "UPDATE attempts SET outcome = 'completed' WHERE outcome = 'failed'",
        "UPDATE attempts SET engine = 'thief'",
        "INSERT INTO attempts (task, epoch, number, engine, started_at) VALUES (1, 9, 2, 'e', 1)",
        "REPLACE INTO attempts SELECT * FROM attempts",
        "DELETE FROM turns",
        "UPDATE turns SET cost_usd = 0 WHERE id = 1",
        "UPDATE turns SET messages = '[]'",
        "UPDATE turns SET state = 'open' WHERE id = 1",
        "DELETE FROM tool_calls",
        "UPDATE tool_calls SET status = 'error'",
        "REPLACE INTO tool_calls SELECT * FROM tool_calls",
        "REPLACE INTO turns SELECT * FROM turns",
        """REPLACE INTO turns (id, task, round, epoch, attempt, number, shared, messages, started_at)
        SELECT id, task, 0, epoch, 1, 1, 0, '[]', 1 FROM turns""",
        "REPLACE INTO migrations SELECT version, name, 'another', 1 FROM migrations",
        "DELETE FROM passes WHERE number = 2",
        "UPDATE passes SET number = 3 WHERE number = 2",
        "DELETE FROM metrics",
        "UPDATE metrics SET value = 1",
        "INSERT INTO metrics (task, round, name, value, at) VALUES (1, 0, 'x', 9e999, 1)",
        "DELETE FROM loops",
        "UPDATE agents SET definition = 'another'",
        "DELETE FROM usage",
        "UPDATE usage SET cost_usd = 0",
        "UPDATE usage SET day = '2020-01-01'",
        "DELETE FROM content",
        "UPDATE content SET body = 'another' WHERE id = 2",
        "UPDATE content SET body = NULL WHERE id = 2",
        "DELETE FROM counts",
        "UPDATE counts SET status = 'dead' WHERE status = 'failed'",
        "UPDATE lanes SET lane = 'another'",
        "UPDATE logs SET text = 'nothing happened'",
        "DELETE FROM lanes",
        "DELETE FROM swarm",
        "DELETE FROM meta",
        "UPDATE meta SET value = 'another' WHERE key = 'id'",
        "DELETE FROM migrations",
        "INSERT INTO seals SELECT last + 1, 1000000, sha256, 'x', 1, NULL FROM seals",
    ],
)
def test_what_happened_is_not_changed_by_any_sqlite_tool(filled: Path, statement: str) -> None:
    foreign = sqlite3.connect(filled / "abathur.db")
    with pytest.raises(sqlite3.IntegrityError, match="law: "):
        foreign.execute(statement)
    foreign.close()


def test_what_was_asked_and_called_is_not_replaced_while_it_is_open_either(database: Database) -> None:
    task = submit(database, plan(["a"])).root
    lease = claim_one(database).lease
    turn = database.write_now(journal.begin_turn, lease, 1, None, [], NOW)
    database.write_now(journal.finish_turn, lease, turn, said("I will"), NOW)
    database.write_now(journal.intend_tool, lease, turn, ToolUseBlock("call-1", "read_file", {"path": "x"}), NOW)
    database.write_now(questions.ask, lease, [Asking("key", "port", "Which?", (Possible(1, (task,)), Possible(2, (task,))))], NOW)
    database.close()
    for statement in (
        """REPLACE INTO tool_calls (turn, id, task, epoch, tool, arguments, started_at)
        SELECT turn, id, task, epoch, 'shell', arguments, 1 FROM tool_calls""",
        """REPLACE INTO questions (id, task, round, kind, place, question, options, asked_at)
        SELECT id, task, 0, 'x', 'x', options, options, 1 FROM questions""",
    ):
        with pytest.raises(sqlite3.IntegrityError, match="law: "):
            forge(database.folder, statement)


def test_what_is_completed_has_a_result(database: Database) -> None:
    task = submit(database, plan(["a"])).root
    claim_one(database)
    database.close()
    with pytest.raises(sqlite3.IntegrityError, match="has a result"):
        forge(
            database.folder,
            f"UPDATE tasks SET status = 'completed', version = version + 1, engine = NULL, actor = 'me', reason = 'why' WHERE id = {task}",
        )


def test_what_follows_from_a_change_is_not_left_out_of_the_audit_by_a_tool_without_recursive_triggers(database: Database) -> None:
    submit(database, chain(2))
    claim_one(database)
    database.close()
    end = """UPDATE tasks SET status = 'completed', version = version + 1, engine = NULL, actor = 'me', reason = 'why', finished_at = 1,
        result = (SELECT hash FROM content LIMIT 1) WHERE id = 1"""
    with pytest.raises(sqlite3.IntegrityError, match="recursive_triggers must be on"):
        forge(database.folder, end)
    forge(database.folder, "PRAGMA recursive_triggers = on", end)
    found = sqlite3.connect(database.folder / "abathur.db")
    assert found.execute("SELECT to_state FROM audit WHERE task = 2 ORDER BY id").fetchall() == [("waiting",), ("pending",)]
    found.close()


def laws(folder: Path) -> set[tuple[str, str]]:
    """All tables, indexes and triggers."""
    connection = sqlite3.connect(folder / "abathur.db")
    found = set(connection.execute("SELECT name, sql FROM sqlite_schema WHERE sql IS NOT NULL").fetchall())
    connection.close()
    return found


def test_backup_vacuum_and_recovery_keep_every_number_and_every_law(filled: Path) -> None:
    place, numbers, kept = Place(filled.parent, filled), rows(filled), laws(filled)
    copy = care.back_up(place)[0].rename(filled.parent / "abathur.db")
    assert (rows(copy.parent), laws(copy.parent)) == (numbers, kept)
    care.vacuum_file(place)
    assert (rows(filled), laws(filled)) == (numbers, kept)
    with (filled / "abathur.db").open("r+b") as file:
        file.write(b"nonsense " * 11)
    assert care.recover(place).salvaged.problems == ()
    recovered = rows(filled)
    assert laws(filled) == kept
    # What is stated anew is the audit's last row and its seals; texts of which nothing but the hash is known may be there besides.
    for table in numbers.keys() - {"audit", "seals", "content"}:
        assert recovered[table] == numbers[table], table
    assert set(numbers["audit"]) < set(recovered["audit"])
    assert set(numbers["content"]) <= set(recovered["content"])


@pytest.mark.parametrize(
    ("step", "statement"),
    [
        ("money", "DELETE FROM turns"),
        ("not_replaced", "REPLACE INTO turns SELECT * FROM turns"),
        ("what_belongs", "UPDATE tasks SET epoch = epoch + 1"),
    ],
)
def test_a_filled_file_of_the_version_before_is_brought_under_these_laws(
    folder: Path, monkeypatch: pytest.MonkeyPatch, step: str, statement: str
) -> None:
    # Given a file that a program made which did not know them,
    steps = known_steps()
    before = tuple(one for one in steps if one.version < next(one.version for one in steps if one.name == step))
    with monkeypatch.context() as older:
        older.setattr("abathur_tui.storage.database.known_steps", lambda: before)
        database = Database.open(folder, create=True)
        work(database)
        database.close()
    counted = rows(folder)
    # when it is opened, then nothing of it has changed, it is well, and the laws hold.
    Database.open(folder).close()
    assert rows(folder) == counted
    assert check_folder(folder).problems == ()
    with pytest.raises(sqlite3.IntegrityError, match="law: "):
        forge(folder, statement)
