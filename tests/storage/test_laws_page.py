"""The page about the laws is true: every law of the schema and every rule of the check stands on it, and nothing that is not there."""

import re
from pathlib import Path

from abathur_tui.storage import Database
from abathur_tui.storage.checking import rules

PAGE = Path(__file__).parents[2] / "docs" / "laws.md"


def column(number: int) -> set[str]:
    """The names in a column of its table."""
    lines = [line.split("|") for line in PAGE.read_text("utf-8").splitlines() if line.startswith("| ")][1:]
    return {name for cells in lines for name in re.findall(r"`(\w+)`", cells[number])}


def test_every_law_is_on_the_page_and_no_other(database: Database) -> None:
    laws = database.read_now(lambda c: c.execute("SELECT name FROM sqlite_schema WHERE type = 'trigger'").fetchall())
    assert column(2) == {name for (name,) in laws}


def test_every_rule_of_the_check_is_on_the_page_and_no_other() -> None:
    assert column(3) == set(rules())
