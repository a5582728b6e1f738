"""The page that documents the database is true: every table and column, and nothing that is not there."""

import re
from pathlib import Path
from sqlite3 import Connection

from abathur_tui.storage import Database

PAGE = Path(__file__).parents[2] / "docs" / "database.md"


def documented() -> dict[str, set[str]]:
    """Table to columns, as the page has them."""
    tables = {}
    for section in re.split(r"^### ", PAGE.read_text("utf-8"), flags=re.MULTILINE)[1:]:
        name, _, text = section.partition("\n")
        first_cells = re.findall(r"^\| (`[^|]*) \|", text, flags=re.MULTILINE)
        tables[name.strip()] = {column for cell in first_cells for column in re.findall(r"`(\w+)`", cell)}
    return tables


def actual(c: Connection) -> dict[str, set[str]]:
    """Table to columns, as the database has them."""
    names = [name for (name,) in c.execute("SELECT name FROM sqlite_schema WHERE type = 'table' AND name NOT LIKE 'sqlite_%'")]
    return {name: {row[1] for row in c.execute(f"PRAGMA table_info({name})")} for name in names}


def test_every_table_and_column_is_documented_and_no_other(database: Database) -> None:
    assert documented() == database.read_now(actual)
