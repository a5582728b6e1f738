"""The statements in `.sql` files: each says what it is for, is used, and is served by the index that it names."""

import re
import sqlite3
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

WHOLE = {"audited", "checking", "recovering"}
"""Files of statements that are there to look at everything."""


@pytest.fixture(scope="module")
def empty(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Database]:
    """One for all: nothing is written."""
    database = Database.open(tmp_path_factory.mktemp("empty") / ".abathur", create=True)
    yield database
    database.close()


STATISTICS = """
tasks tasks_by_status 1000000 200000 100000 1, tasks tasks_by_priority 1000000 300000 1, tasks tasks_by_execution 1000000 20 1,
tasks tasks_by_parent 900000 450000 450000 450000, tasks tasks_claimable 500000 250000 200000 10 1, tasks tasks_running 500 500,
tasks tasks_due 20000 2, tasks tasks_expiring 20000 2, tasks tasks_suspect 10 5 1 1, edges edges 2000000 2 1, edges edges_by_dependency 2000000 2,
specs - 1000000, content sqlite_autoindex_content_1 2000000 1, audit - 5000000, audit audit_by_task 5000000 5 1,
audit audit_by_execution 5000000 100 1, audit audit_by_agent 2000000 20000 1, turns turns_by_task 1000000 1 1 1, turns turns_open 500 1,
attempts attempts 1000000 1 1, logs logs_by_task 2000000 2 1, logs logs_by_execution 2000000 40 1, logs logs_by_agent 2000000 20000 1,
agents agents_alive 500 500 100 1, agents agents_busy 500 1, agents - 20000, executions - 50000, executions executions_kept 50000 1,
requests requests_by_task 1000 1 1, requests requests_open 5 1, tool_calls tool_calls 100000 5 1, passes passes 10000 10 10 1,
metrics metrics_by_task 100000 10 2 1, output output_by_turn 5000 10 1, counts counts 12 3 1, lanes lanes 4 1, engines engines 20 1
"""
"""What SQLite's `ANALYZE` would note of a file with a million tasks: table, index, rows, and how many rows have the same first columns."""


@pytest.fixture(scope="module")
def million(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Database]:
    """An empty one that SQLite takes for one of a million tasks, as after an `ANALYZE` by its owner."""
    folder = tmp_path_factory.mktemp("million") / ".abathur"
    Database.open(folder, create=True).close()
    connection = sqlite3.connect(folder / "abathur.db")
    connection.execute("ANALYZE")
    noted = (line.split(maxsplit=2) for line in STATISTICS.replace("\n", " ").split(","))
    connection.executemany("INSERT INTO sqlite_stat1 VALUES (?, nullif(?, '-'), ?)", noted)
    connection.commit()
    connection.close()
    database = Database.open(folder)
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
    numbers = [int(number) for number in re.findall(r"\?(\d+)", statement)]
    values = {name: 1 for name in names} if names else [1] * (max(numbers) if numbers else statement.count("?"))
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
    mentioned = mentioned_indexes(empty, file, name)
    by_condition = "CONDITION" in named(file)[name]
    assert by_condition or all(any(index in step for step in plan) for index in mentioned), plan
    assert_no_long_walk(plan, mentioned, named(file)[name])


@pytest.mark.parametrize(("file", "name"), [query for query in QUERIES if query != ("views", "task_columns") and query[0] not in WHOLE])
def test_nor_does_it_where_sqlite_knows_of_a_million_tasks(million: Database, file: str, name: str) -> None:
    assert_no_long_walk(million.read_now(steps, named(file)[name]), mentioned_indexes(million, file, name), named(file)[name])


def mentioned_indexes(database: Database, file: str, name: str) -> set[str]:
    """Those that a query's comment names."""
    known = database.read_now(indexes)
    return {word for word in re.findall(r"\w+", comment(file, name)) if word in known}


def assert_no_long_walk(plan: list[str], mentioned: set[str], statement: str) -> None:
    """No table that grows with the number of tasks is read whole."""
    # The index by status serves lists; elsewhere it would be a walk through all tasks that wait.
    assert "tasks_by_status" in mentioned or not any("tasks_by_status" in step for step in plan), plan
    assert not [step for step in plan if step.startswith("SCAN") and not _is_short(step, mentioned, statement)], plan


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


@pytest.mark.parametrize("statistics", ["empty", "million"])
def test_no_statement_of_a_trigger_walks_through_tasks(request: pytest.FixtureRequest, statistics: str) -> None:
    database: Database = request.getfixturevalue(statistics)

    def plans(c: Connection) -> dict[str, list[str]]:
        found = {}
        for name, text in c.execute("SELECT name, sql FROM sqlite_schema WHERE type = 'trigger'").fetchall():
            for statement in statements(text[text.index("BEGIN") + 5 : text.rindex("END")]):
                if "raise(" not in statement:
                    found[f"{name}: {statement}"] = steps(c, re.sub(r"\b(new|old)\.\w+", "?", statement))
        return found

    for statement, plan in database.read_now(plans).items():
        walks = [step for step in plan if step.startswith("SCAN") and "CONSTANT" not in step and step != "SCAN statuses"]  # the words themselves
        assert not walks, (statement, plan)
        assert not any("tasks_by" in step for step in plan), (statement, plan)


def test_a_name_that_stands_twice_is_noticed(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "queries").mkdir()
    (tmp_path / "queries" / "x.sql").write_text("-- name: a\nSELECT 1;\n\n-- name: a\nSELECT 2;\n")
    monkeypatch.setattr("abathur_tui.storage.sql.files", lambda _: tmp_path)
    with pytest.raises(ValueError, match="a twice"):
        named("x")
