"""Named statements from `.sql` files: `-- name: X`, comment lines that say what it is for and which index serves it, then the statement.

A `+` before a column keeps SQLite from using an index on it.
"""

import re
from importlib.resources import files

_HEADING = re.compile(r"^-- name: (\w+)$", re.MULTILINE)


def named(file: str) -> dict[str, str]:
    """Name to statement, comments left out, of `queries/FILE.sql`. Raises ValueError where a name stands twice."""
    text = files("abathur_tui.storage").joinpath("queries", f"{file}.sql").read_text("utf-8")
    _, *parts = _HEADING.split(text)
    statements: dict[str, str] = {}
    for name, body in zip(parts[::2], parts[1::2], strict=True):
        if name in statements:
            raise ValueError(f"{file}.sql has {name} twice")
        lines = [line for line in body.strip().splitlines() if not line.startswith("--")]
        statements[name] = "\n".join(lines).strip().removesuffix(";")
    return statements
