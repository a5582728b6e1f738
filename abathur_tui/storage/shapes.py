"""What the columns say, as far as one value shows it: texts that are UTF-8, JSON of the shape that its readers take."""

import functools
import sqlite3
from collections.abc import Callable, Iterator
from sqlite3 import Connection
from typing import TypeAlias

from abathur_tui.domain.data import JsonValue
from abathur_tui.domain.execution import RuntimeChoice, SubmitOptions
from abathur_tui.domain.loops import LoopSpec
from abathur_tui.domain.plan import Fallback, JoinSpec, LoopBody, Plan
from abathur_tui.domain.recurrence import Recurrence
from abathur_tui.domain.success import Success
from abathur_tui.storage.connection import to_the_letter
from abathur_tui.storage.encoding import decoded
from abathur_tui.storage.records import json_object, json_value, strings

Reading: TypeAlias = Callable[[str], object]
"""Raises ValueError for what it cannot read."""


def _of(kind: type) -> Reading:
    return functools.partial(decoded, kind)


def _figures(text: str) -> None:
    if not all(isinstance(value, int | float) and not isinstance(value, bool) for value in json_object(text).values()):
        raise ValueError(f"not an object of numbers: {text[:80]!r}")


def _tasks(text: str) -> None:
    if not all(isinstance(value, int) for value in json_object(text).values()):
        raise ValueError(f"not an object of tasks: {text[:80]!r}")


def _pairs(text: str) -> None:
    value: JsonValue = json_value(text)
    if not isinstance(value, list) or not all(isinstance(pair, list) and len(pair) == 2 for pair in value):
        raise ValueError(f"not a list of pairs: {text[:80]!r}")


def _cron(text: str) -> None:
    Recurrence(text, "UTC").after(0.0)


_COLUMNS: tuple[tuple[str, str, str, Reading], ...] = (
    ("specs", "'t' || task", "refs", _tasks),
    ("specs", "'t' || task", "given", json_object),
    ("specs", "'t' || task", "loop_spec", _of(LoopSpec)),
    ("specs", "'t' || task", "join_spec", _of(JoinSpec)),
    ("specs", "'t' || task", "fallback", _of(Fallback)),
    ("specs", "'t' || task", "success", _of(Success)),
    ("executions", "'x' || id", "runtime", _of(RuntimeChoice)),
    ("lanes", "'the lane ' || lane", "runtime", _of(RuntimeChoice)),
    ("schedules", "'s' || id", "cron", _cron),
    ("schedules", "'s' || id", "plan", _of(Plan)),
    ("schedules", "'s' || id", "options", _of(SubmitOptions)),
    ("tasks", "'t' || id", "tags", strings),
    ("turns", "'turn ' || id", "messages", strings),
    ("turns", "'turn ' || id", "timing", _pairs),
    ("passes", "'pass ' || number || ' of t' || task", "metrics", _figures),
    ("passes", "'pass ' || number || ' of t' || task", "scores", _figures),
    ("requests", "'request ' || id", "payload", json_object),
    ("subagents", "'t' || task", "tools", strings),
    ("state", "'x' || execution || ': ' || key", "value", json_value),
)
"""Table, what a row of it is called, column, how it is read."""
_REMEMBERED = 1000
"""Values that are not read again."""
_BODIES = "SELECT 't' || b.task, c.body FROM loop_bodies AS b JOIN content AS c ON c.hash = b.body WHERE c.body IS NOT NULL"


def unreadable(c: Connection) -> Iterator[str]:
    """A sentence for each value that its readers would not take. It walks through the tables that have some."""
    for table, name, column, read in _COLUMNS:
        rows = c.execute(f"SELECT {name}, {column} FROM {table} WHERE {column} IS NOT NULL")
        yield from _unread(rows, f"{table}.{column}", read)
    yield from _unread(c.execute(_BODIES), "loop_bodies.body", _of(LoopBody))


def _unread(rows: Iterator[tuple[str, str]], column: str, read: Reading) -> Iterator[str]:
    well: set[str] = set()
    for name, text in rows:
        if text not in well:
            try:
                read(text)
            except ValueError as error:
                yield f"{column} of {name} cannot be understood: {error}."
            else:
                if len(well) < _REMEMBERED:
                    well.add(text)


def no_texts(c: Connection) -> Iterator[str]:
    """A sentence for each row with a text that is no UTF-8. It walks through all rows."""
    for table, columns in _texts(c).items():
        with to_the_letter(c):
            try:
                for _ in c.execute(f"SELECT {', '.join(columns)} FROM {table}"):
                    pass
                continue
            except sqlite3.OperationalError as error:
                if getattr(error, "sqlite_errorcode", None) is not None:
                    raise
        yield from _no_texts_in(c, table, columns)


def _texts(c: Connection) -> dict[str, list[str]]:
    """The tables with texts, and the columns that these are in."""
    found: dict[str, list[str]] = {}
    for table, column in c.execute(
        "SELECT s.name, i.name FROM sqlite_schema AS s JOIN pragma_table_info(s.name) AS i WHERE s.type = 'table' AND i.type = 'TEXT' ORDER BY s.name"
    ).fetchall():
        found.setdefault(table, []).append(column)
    return found


def _no_texts_in(c: Connection, table: str, columns: list[str]) -> Iterator[str]:
    lenient, c.text_factory = c.text_factory, bytes
    try:
        for number, row in enumerate(c.execute(f"SELECT {', '.join(columns)} FROM {table}"), 1):
            for column, value in zip(columns, row, strict=True):
                if isinstance(value, bytes) and not _is_text(value):
                    yield f"{table}.{column} of the {number}. row is no UTF-8: {value[:40]!r}"
    finally:
        c.text_factory = lenient


def _is_text(value: bytes) -> bool:
    try:
        value.decode()
    except UnicodeDecodeError:
        return False
    return True
