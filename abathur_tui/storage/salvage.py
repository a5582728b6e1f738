"""Saving what can be saved of a damaged database into a new one, under the laws again; the damaged one is only read."""

import sqlite3
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from sqlite3 import Connection

from abathur_tui.domain.data import canonical, content_hash
from abathur_tui.storage import seals
from abathur_tui.storage.checking import check_connection
from abathur_tui.storage.connection import connect, in_transaction, prepare_file
from abathur_tui.storage.exporting import columns, key
from abathur_tui.storage.migrations import known_steps, migrate
from abathur_tui.storage.pages import Pages, Tree, Value
from abathur_tui.storage.records import RECOVERY
from abathur_tui.storage.sql import named

_SQL = named("recovering")

_SCHEMA_PAGE = 1
_MADE_ANEW = frozenset({"transitions", "agent_transitions", "migrations", "counts"})
"""Tables whose rows follow from the schema, or from other rows."""
_NEVER_DELETED = ("executions", "tasks", "agents", "turns", "schedules", "loops", "questions")
"""Tables from which no row ever goes: what is missing of their ids is lost."""
_IN_ORDER = (
    *("cannot_run", "release", "end_attempts", "end_turns", "end_calls", "end_output", "end_agents", "end_engines"),
    *("settle_edges", "count_edges", "fail_doomed"),
)
_MOST_ROUNDS = 10_000


@dataclass(frozen=True, slots=True)
class Saved:
    """What became of a table's rows."""

    table: str
    saved: int
    lost: int
    """Rows that could be found and not be saved, or whose ids are missing; there may be more of which there is no trace."""


@dataclass(frozen=True, slots=True)
class Salvaged:
    """What was saved of a database."""

    tables: tuple[Saved, ...]
    problems: tuple[str, ...]
    """What a check finds in the new file; none where it is well."""

    @property
    def rows(self) -> int:
        """How many rows were saved of tasks and executions: where there are none, nothing worth it was."""
        return sum(one.saved for one in self.tables if one.table in ("tasks", "executions"))


def salvage(damaged: Path, target: Path, now: float) -> Salvaged:
    """Read what can be read of `damaged` and its log, and put it into the empty file `target`. Raises sqlite3.Error or OSError."""
    pages = Pages(damaged)
    made = connect(target)
    try:
        prepare_file(made, target)
        migrate(made, target.parent, known_steps())
        roots = _roots(made, pages)
        trees = pages.trees({root: table for table, root in roots.items()} | {_SCHEMA_PAGE: "sqlite_schema"})
        laws = _laws(made)
        made.execute("PRAGMA foreign_keys = off")
        tables: list[Saved] = []
        in_transaction(made, "BEGIN IMMEDIATE", lambda: tables.extend(_rebuild(made, trees, laws, now)))
        made.execute("PRAGMA foreign_keys = on")
        made.execute("PRAGMA wal_checkpoint(TRUNCATE)")
        return Salvaged(tuple(tables), tuple(check_connection(made)))
    finally:
        made.close()
        pages.close()


def _roots(made: Connection, pages: Pages) -> dict[str, int]:
    """Table to its root page: as the damaged schema says, and where that is lost, as this program would have laid it out.

    With `auto_vacuum` all roots are at the beginning of the file, in the order in which the tables were made.
    """
    wanted = dict(made.execute("SELECT name, rootpage FROM sqlite_schema WHERE type = 'table'").fetchall())
    told: dict[str, int] = {}
    for _, values in pages.trees({_SCHEMA_PAGE: "sqlite_schema"})["sqlite_schema"].rows():
        match values:
            case ["table", str(name), str(), int(root), *_] if name in wanted and root > 0:
                told[name] = root
    taken = set(told.values())
    return told | {name: root for name, root in wanted.items() if name not in told and root not in taken}


def _laws(c: Connection) -> list[tuple[str, str]]:
    return c.execute("SELECT name, sql FROM sqlite_schema WHERE type = 'trigger'").fetchall()


def _rebuild(c: Connection, trees: Mapping[str, Tree], laws: list[tuple[str, str]], now: float) -> Iterator[Saved]:
    """Put the rows in past the laws, mend what hangs together, then put the laws back."""
    for name, _ in laws:
        c.execute(f"DROP TRIGGER {name}")
    tables = [table for table in trees if table not in _MADE_ANEW and not table.startswith("sqlite_")]
    refused = {table: _insert(c, table, trees[table]) for table in tables}
    head = c.execute(_SQL["last_seal"]).fetchone()
    lost_texts = _mend_texts(c)
    _mend_executions(c, now)
    _mend_references(c)
    _mend_queue(c, now)
    missing = {table: _missing(c, table, trees) for table in tables}
    found = [Saved(table, _count(c, table), max(refused[table], missing[table])) for table in tables]
    found = [Saved(one.table, one.saved, one.lost + lost_texts if one.table == "content" else one.lost) for one in found]
    _mend_sequences(c, trees)
    detail = {"last_seal": head[0] if head else None, "lost": {one.table: one.lost for one in found if one.lost}}
    c.execute(_SQL["audit"], (now, RECOVERY, canonical(detail)))
    for name in ("drop_seals", "task_anchors", "agent_anchors", "lost_tasks", "lost_agents"):
        c.execute(_SQL[name], {"now": now} if ":now" in _SQL[name] else {})
    while (seal := seals.next_seal(c, now)) is not None:
        seals.add_seal(c, seal)
    for _, text in laws:
        c.execute(text)
    return (one for one in found if one.saved or one.lost)


def _insert(c: Connection, table: str, tree: Tree) -> int:
    """Put a table's rows in; how many of them it does not take, or could not be read."""
    names = columns(c, table)
    stored = _stored(c, table)
    defaults = _defaults(c, table)
    (without_id,) = c.execute("SELECT sql LIKE '%WITHOUT ROWID%' FROM sqlite_schema WHERE name = ?", (table,)).fetchone()
    alias = None if without_id else _row_id(c, table)
    marks = ", ".join("?" * len(names))
    refused = 0
    for row, values in tree.rows():
        by_name: dict[str, Value] = defaults | dict(zip(stored, values, strict=False))
        if alias is not None:
            by_name[alias] = row
        try:
            taken = c.execute(f"INSERT OR REPLACE INTO {table} VALUES ({marks})", [by_name[name] for name in names]).rowcount
        except (sqlite3.IntegrityError, OverflowError):
            taken = 0
        refused += not taken
    return refused + tree.unreadable


def _stored(c: Connection, table: str) -> list[str]:
    """The columns in the order in which a record has them: without row ids those of the key come first."""
    first = key(c, table)
    (without_id,) = c.execute("SELECT sql LIKE '%WITHOUT ROWID%' FROM sqlite_schema WHERE name = ?", (table,)).fetchone()
    names = columns(c, table)
    return [*first, *(name for name in names if name not in first)] if without_id else names


def _defaults(c: Connection, table: str) -> dict[str, Value]:
    """What a row from before a column was added has in it."""
    found: dict[str, Value] = {}
    for _, name, _, _, default, _ in c.execute(f"PRAGMA table_info({table})").fetchall():
        (found[name],) = c.execute(f"SELECT {default or 'NULL'}").fetchone()
    return found


def _row_id(c: Connection, table: str) -> str | None:
    """The column that is the row id, which its record does not have."""
    keys = [(row[1], row[2]) for row in c.execute(f"PRAGMA table_info({table})") if row[5]]
    return keys[0][0] if len(keys) == 1 and keys[0][1].upper() == "INTEGER" else None


def _mend_texts(c: Connection) -> int:
    """Drop texts that are not what their hash says, and make a place for each that is named and lost; how many were dropped."""
    wrong = [hash for hash, body in c.execute("SELECT hash, body FROM content WHERE body IS NOT NULL") if content_hash(body) != hash]
    c.executemany(_SQL["lost_texts"], [(hash,) for hash in wrong])
    for table, column, target, _ in _links(c):
        if target == "content":
            c.execute(f"INSERT OR IGNORE INTO content (hash, body) SELECT DISTINCT {column}, NULL FROM {table} WHERE {column} IS NOT NULL")
    c.execute(_SQL["lost_messages"])
    return len(wrong)


def _mend_executions(c: Connection, now: float) -> None:
    """Give tasks whose execution or spec is lost one that says so."""
    nothing, empty = content_hash(""), content_hash("{}")
    for hash in (nothing, empty):
        c.execute(_SQL["placeholder"], (hash,))
    for execution, created_at, lane, root, last in c.execute(_SQL["lone_tasks"]).fetchall():
        runtime = c.execute(_SQL["lane_runtime"], (lane,)).fetchone() or c.execute(_SQL["any_runtime"]).fetchone() or ('{"runtime": "local"}',)
        c.execute(_SQL["make_execution"], (execution, root or last, nothing, runtime[0], created_at))
    c.execute(_SQL["mend_roots"])
    c.execute(_SQL["empty_executions"])
    c.execute(_SQL["make_specs"], {"nothing": nothing, "empty": empty})
    c.execute(_SQL["cannot_run"], {"now": now})


def _mend_references(c: Connection) -> None:
    """Take names of rows that are lost away, or the rows that are nothing without them, until all that is named is there."""
    changed = 1
    while changed:
        changed = 0
        for table, column, target, to in _links(c):
            nullable = not c.execute(f"SELECT \"notnull\" OR pk FROM pragma_table_info('{table}') WHERE name = ?", (column,)).fetchone()[0]
            broken = f"WHERE {column} IS NOT NULL AND {column} NOT IN (SELECT {to} FROM {target})"
            statement = f"UPDATE {table} SET {column} = NULL {broken}" if nullable else f"DELETE FROM {table} {broken}"
            changed += c.execute(statement).rowcount


def _links(c: Connection) -> list[tuple[str, str, str, str]]:
    """Table and column, and the table and column that it names."""
    names = [name for (name,) in c.execute("SELECT name FROM sqlite_schema WHERE type = 'table' AND name NOT LIKE 'sqlite_%'")]
    return [(name, row[3], row[2], row[4]) for name in names for row in c.execute(f"PRAGMA foreign_key_list({name})").fetchall()]


def _mend_queue(c: Connection, now: float) -> None:
    """Make statuses, edges and counts agree; nothing runs, because no engine lives."""
    for name in _IN_ORDER[:-1]:
        c.execute(_SQL[name], {"now": now} if ":now" in _SQL[name] else {})
    for _ in range(_MOST_ROUNDS):
        if not c.execute(_SQL["fail_doomed"], {"now": now}).rowcount:
            break
        c.execute(_SQL["settle_edges"])
        c.execute(_SQL["count_edges"])
    for name in ("ready", "not_ready", "forget_words", "drop_counts", "count"):
        c.execute(_SQL[name], {"now": now} if ":now" in _SQL[name] else {})


def _mend_sequences(c: Connection, trees: Mapping[str, Tree]) -> None:
    """No id is used again, also none of a row that is lost."""
    for table, last in _sequences(trees).items():
        c.execute("UPDATE sqlite_sequence SET seq = max(seq, ?) WHERE name = ?", (last, table))
        c.execute("INSERT INTO sqlite_sequence SELECT ?, ? WHERE NOT EXISTS (SELECT 1 FROM sqlite_sequence WHERE name = ?)", (table, last, table))


def _sequences(trees: Mapping[str, Tree]) -> dict[str, int]:
    rows = trees["sqlite_sequence"].rows() if "sqlite_sequence" in trees else ()
    return {str(values[0]): values[1] for _, values in rows if len(values) == 2 and isinstance(values[1], int)}


def _missing(c: Connection, table: str, trees: Mapping[str, Tree]) -> int:
    """How many ids of a table from which nothing ever goes are not there."""
    if table not in _NEVER_DELETED:
        return 0
    (count, last) = c.execute(f"SELECT count(*), coalesce(max(id), 0) FROM {table}").fetchone()
    return int(max(last, _sequences(trees).get(table, 0)) - count)


def _count(c: Connection, table: str) -> int:
    (count,) = c.execute(f"SELECT count(*) FROM {table}").fetchone()
    return int(count)
