"""The statements in `.sql` files: each says what it is for, is used, and is served by the index that it names."""

import re
from collections.abc import Iterator
from importlib.resources import files
from pathlib import Path
from sqlite3 import Connection

import pytest

from abathur_tui.storage import Database
from abathur_tui.storage.migrations import statements
from abathur_tui.storage.sql import named

ROOM = Path(str(files("abathur_tui.storage")))
FILES = sorted(path.stem for path in (ROOM / "queries").glob("*.sql"))
QUERIES = [(file, name) for file in FILES for name in named(file)]
SHORT = {"counts", "lanes", "sqlite_sequence", "loops", "engines", "json_each", "queue_state", "schedules", "status_commands"}
"""Tables that are short, and may be read whole."""

WHOLE = {"checking", "recovering"}
"""Files of statements that are there to look at everything."""


@pytest.fixture(scope="module")
def empty(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Database]:
    """One for all: nothing is written."""
    database = Database.open(tmp_path_factory.mktemp("empty") / ".abathur", create=True)
    yield database
    database.close()


def comment(file: str, name: str) -> str:
    """What stands between a query's name and its text."""
    text = (ROOM / "queries" / f"{file}.sql").read_text("utf-8")
    found = re.search(rf"^-- name: {name}\n((?:--.*\n)*)", text, re.MULTILINE)
    assert found is not None
    return " ".join(line.removeprefix("--").strip() for line in found[1].splitlines())


def steps(c: Connection, statement: str) -> list[str]:
    """The query plan of a statement, its blanks filled in."""
    statement = statement.replace("CANDIDATES", "SELECT 1 AS id, 1 AS priority, 1 AS execution, 1 AS seq")
    statement = re.sub(r":(lane|free|status)N", r":\g<1>0", statement).replace(" CONDITION", "").replace("a.id ORDER", "a.id")
    names = set(re.findall(r"(?<!:):(\w+)", statement))
    values = {name: 1 for name in names} if names else [1] * statement.count("?")
    return [row[3] for row in c.execute("EXPLAIN QUERY PLAN " + statement, values)]


def indexes(c: Connection) -> set[str]:
    """The names of all indexes."""
    return {name for (name,) in c.execute("SELECT name FROM sqlite_schema WHERE type = 'index'")}


@pytest.mark.parametrize(("file", "name"), QUERIES)
def test_a_query_says_what_it_is_for(file: str, name: str) -> None:
    assert len(comment(file, name)) > 10


@pytest.mark.parametrize(("file", "name"), QUERIES)
def test_a_query_is_used(file: str, name: str) -> None:
    sources = [path.read_text("utf-8") for path in ROOM.rglob("*.py")]
    assert any((f'named("{file}")' in source and f'"{name}"' in source) or f"'{name}'" in source for source in sources)


@pytest.mark.parametrize(("file", "name"), [query for query in QUERIES if query != ("views", "task_columns") and query[0] not in WHOLE])
def test_a_query_is_served_by_the_indexes_that_it_names_and_walks_through_no_long_table(empty: Database, file: str, name: str) -> None:
    plan = empty.read_now(steps, named(file)[name])
    known = empty.read_now(indexes)
    mentioned = {word for word in re.findall(r"\w+", comment(file, name)) if word in known}
    by_condition = "CONDITION" in named(file)[name]
    assert by_condition or all(any(index in step for step in plan) for index in mentioned), plan
    # The index by status serves lists; elsewhere it would be a walk through all tasks that wait.
    assert "tasks_by_status" in mentioned or not any("tasks_by_status" in step for step in plan), plan
    long_walks = [step for step in plan if step.startswith("SCAN") and not _is_short(step, mentioned, named(file)[name])]
    assert not long_walks, plan


def _is_short(step: str, mentioned: set[str], statement: str) -> bool:
    """Whether a SCAN reads a short table, a partial index, the rows of a subquery, or only as many rows as LIMIT says."""
    words = set(re.findall(r"\w+", step))
    if words & mentioned or "CONSTANT" in step or "VIRTUAL" in step or "subquery" in step:
        return True
    table = step.split()[1]
    aliased = re.search(rf"(?:FROM|JOIN)\s+(\w+)\s+(?:AS\s+)?{table}\b", statement)
    real = aliased[1] if aliased else table
    if statement.startswith("INSERT"):
        # What SQLite lists here are foreign keys that point to the new row: walked through only while one is violated, which none ever is.
        return not re.search(rf"(?:FROM|JOIN)\s+{real}\b", statement)
    return real in SHORT or f"WITH RECURSIVE {real}" in statement or f") AS {table}" in statement or "LIMIT" in statement


def test_no_statement_of_a_trigger_walks_through_tasks(empty: Database) -> None:
    def plans(c: Connection) -> dict[str, list[str]]:
        found = {}
        for name, text in c.execute("SELECT name, sql FROM sqlite_schema WHERE type = 'trigger'").fetchall():
            for statement in statements(text[text.index("BEGIN") + 5 : text.rindex("END")]):
                if "raise(" not in statement:
                    found[f"{name}: {statement}"] = steps(c, re.sub(r"\b(new|old)\.\w+", "?", statement))
        return found

    for statement, plan in empty.read_now(plans).items():
        assert not any((step.startswith("SCAN") and "CONSTANT" not in step) or "tasks_by" in step for step in plan), (statement, plan)


def test_a_name_that_stands_twice_is_noticed(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "queries").mkdir()
    (tmp_path / "queries" / "x.sql").write_text("-- name: a\nSELECT 1;\n\n-- name: a\nSELECT 2;\n")
    monkeypatch.setattr("abathur_tui.storage.sql.files", lambda _: tmp_path)
    with pytest.raises(ValueError, match="a twice"):
        named("x")
