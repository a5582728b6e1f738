"""Taking away texts that nothing needs any more: what only purged executions name, and what no row names at all.

Other processes write meanwhile, so it is done in three steps. What seems to be unneeded is condemned; whoever keeps such a text again clears
that. Only then it is looked up, in one snapshot, what is needed, and what is still condemned and not needed goes.
"""

from collections.abc import Iterator, Sequence
from sqlite3 import Connection

from abathur_tui.storage.exporting import columns, references
from abathur_tui.storage.sql import named

_SQL = named("retention")


def unneeded(c: Connection) -> list[int]:
    """The texts that no row of an execution names whose content is kept."""
    (last,) = c.execute(_SQL["last_body"]).fetchone()
    needed = bytearray(last // 8 + 1)  # a bit for each: a set of a million of them would take 60 MB
    for statement in _uses(c):
        for (id,) in c.execute(statement):
            needed[id >> 3] |= 1 << (id & 7)
    return [id for (id,) in c.execute(_SQL["bodies"]) if not needed[id >> 3] & 1 << (id & 7)]


def lost(c: Connection) -> Iterator[str]:
    """The hashes of texts that a row of an execution names whose content is kept, and that are not there."""
    for statement in _uses(c):
        for (hash,) in c.execute(f"SELECT hash FROM content WHERE body IS NULL AND id IN ({statement} WHERE c.body IS NULL)"):
            yield hash


def condemn(c: Connection, texts: Sequence[int]) -> None:
    """Mark texts; whoever keeps one of them again takes its mark away."""
    c.executemany(_SQL["condemn"], [(id,) for id in texts])


def condemned(c: Connection) -> list[int]:
    """The texts that are marked."""
    return [id for (id,) in c.execute(_SQL["condemned"])]


def take_away(c: Connection, texts: Sequence[int]) -> int:
    """Take texts away that are still marked; how many bytes of UTF-8 they had."""
    freed = 0
    for id in texts:
        found = c.execute(_SQL["bytes"], (id,)).fetchone()
        freed += found[0] if found else 0
        c.execute(_SQL["take_away"], (id,))
    return freed


def spare(c: Connection, texts: Sequence[int]) -> None:
    """Take the marks of texts away."""
    c.executemany(_SQL["spare"], [(id,) for id in texts])


def _uses(c: Connection) -> Iterator[str]:
    """A statement for each column that names a text, which gives the texts that rows of executions name whose content is kept."""
    tables = [name for (name,) in c.execute("SELECT name FROM sqlite_schema WHERE type = 'table' AND name NOT LIKE 'sqlite_%'")]
    for table in tables:
        path = _to_execution(table, columns(c, table))
        for column, target in references(c, table):
            if target == "content":
                yield f"SELECT c.id FROM {table} AS r {path} CROSS JOIN content AS c ON c.hash = r.{column}"
    yield (
        f"SELECT c.id FROM turns AS r {_to_execution('turns', columns(c, 'turns'))} CROSS JOIN json_each(r.messages) AS m "
        "CROSS JOIN content AS c ON c.hash = m.value"
    )


def _to_execution(table: str, names: list[str]) -> str:
    """The joins that leave a table's rows of executions that were not purged; none where its rows belong to no execution."""
    if table == "executions":
        return "JOIN executions AS x ON x.id = r.id AND x.purged_at IS NULL"
    if "execution" in names:
        return "CROSS JOIN executions AS x ON x.id = r.execution AND x.purged_at IS NULL"
    if "task" in names:
        return "CROSS JOIN tasks AS t ON t.id = r.task CROSS JOIN executions AS x ON x.id = t.execution AND x.purged_at IS NULL"
    return ""
