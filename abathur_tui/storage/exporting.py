"""The whole database as records, in an order that stays: one for the project, then table by table, each by its key."""

import json
from collections.abc import Iterator, Mapping
from sqlite3 import Connection
from typing import TypeAlias

from abathur_tui.domain.data import JsonObject
from abathur_tui.domain.errors import NotFound
from abathur_tui.storage.migrations import version_of

FORMAT = 1
"""Raised when what stands here would mean something else."""
TABLES = (
    "executions",
    "execution_templates",
    "tasks",
    "specs",
    "edges",
    "loops",
    "loop_bodies",
    "attempts",
    "turns",
    "tool_calls",
    "passes",
    "metrics",
    "questions",
    "subagents",
    "agents",
    "requests",
    "state",
    "logs",
    "audit",
    "seals",
    "usage",
    "schedules",
    "submissions",
    "content",
)
"""What is exported, in this order."""
LEFT_OUT = frozenset(
    {
        *("meta", "migrations", "transitions", "agent_transitions", "counts", "lanes", "engines", "output", "resources"),
        *("queue_state", "status_commands", "swarm", "followed", "followed_far"),
    }
)
"""Tables of the moment, and what follows from the others."""
_OF_EXECUTION: Mapping[str, str] = {
    "executions": "id = :execution",
    "seals": "0",
    "usage": "0",
    "submissions": ":execution BETWEEN first AND last",
    "schedules": "id = (SELECT schedule FROM executions WHERE id = :execution)",
}
_HAS_SECRETS = {("executions", "runtime"), ("schedules", "options")}
"""Columns with the variables that were named for a program: their values are nobody else's business."""

Row: TypeAlias = dict[str, str | int | float | None]


def records(c: Connection, execution: int | None, now: str) -> Iterator[JsonObject]:
    """The project, or one execution, as JSON objects: `{"table": …}` and the row's columns as docs/database.md has them. Raises NotFound.

    Call it in a transaction.
    """
    (project,) = c.execute("SELECT value FROM meta WHERE key = 'id'").fetchone()
    if execution is not None and c.execute("SELECT 1 FROM executions WHERE id = ?", (execution,)).fetchone() is None:
        raise NotFound(f"There is no execution x{execution}.")
    yield {"table": "project", "format": FORMAT, "id": project, "version": version_of(c), "exported_at": now, "execution": execution}
    wanted: set[str] = set()
    for table in TABLES:
        hashes = {column for column, target in references(c, table) if target == "content"}
        for row in _rows(c, table, execution, wanted):
            if execution is not None:
                wanted.update(str(row[column]) for column in hashes if row[column] is not None)
                if table == "turns":
                    wanted.update(hash for hash in json.loads(str(row["messages"])) if hash)
            yield {"table": table, **_shown(table, row)}


def references(c: Connection, table: str) -> list[tuple[str, str]]:
    """The columns of a table that name rows of another one, and which."""
    return [(row[3], row[2]) for row in c.execute(f"PRAGMA foreign_key_list({table})")]


def columns(c: Connection, table: str) -> list[str]:
    """The columns of a table, in order."""
    return [row[1] for row in c.execute(f"PRAGMA table_info({table})")]


def key(c: Connection, table: str) -> list[str]:
    """The columns of a table's primary key, in its order."""
    return [name for _, name in sorted((row[5], row[1]) for row in c.execute(f"PRAGMA table_info({table})") if row[5])]


def of_execution(c: Connection, table: str) -> str:
    """The condition by which a table's rows belong to the execution :execution."""
    names = columns(c, table)
    if "execution" in names:
        return "execution = :execution"
    return "task IN (SELECT id FROM tasks WHERE execution = :execution)"


def _rows(c: Connection, table: str, execution: int | None, wanted: set[str]) -> Iterator[Row]:
    names = columns(c, table)
    condition = "1"
    if execution is not None:
        condition = _OF_EXECUTION.get(table) or of_execution(c, table)
    order = ", ".join(key(c, table))
    if execution is not None and table == "content":
        for hash in sorted(wanted):
            yield from (dict(zip(names, row, strict=True)) for row in c.execute("SELECT * FROM content WHERE hash = ?", (hash,)))
        return
    for row in c.execute(f"SELECT * FROM {table} WHERE {condition} ORDER BY {order}", {"execution": execution} if ":execution" in condition else {}):
        yield dict(zip(names, row, strict=True))


def _shown(table: str, row: Row) -> JsonObject:
    shown: JsonObject = dict(row)
    if table == "content":
        shown["purged"] = row["body"] is None
        del shown["condemned"]
    for column in row:
        if (table, column) in _HAS_SECRETS:
            shown[column] = json.dumps(_without_variables(json.loads(str(row[column]))), ensure_ascii=False)
    return shown


def _without_variables(value: object) -> object:
    """The same without any `environment`, however deep."""
    if isinstance(value, dict):
        return {name: [] if name == "environment" else _without_variables(inner) for name, inner in value.items()}
    return [_without_variables(inner) for inner in value] if isinstance(value, list) else value
