"""How templates have done in this project."""

from dataclasses import replace
from sqlite3 import Connection

from abathur_tui.domain.templates import TemplateUse
from abathur_tui.storage.sql import named

_SQL = named("templates")

NEWEST = 10_000
"""How many of the project's newest tasks a record is made of: older ones say little about what comes next."""
MOST = 1_000_000
"""How many of them are looked through to count uses."""


def template_records(c: Connection) -> dict[tuple[str, str], TemplateUse]:
    """By name and version, from the newest tasks of the project."""
    return {(name, version or ""): TemplateUse(*figures) for name, version, *figures in c.execute(_SQL["records"], {"newest": NEWEST})}


def template_uses(c: Connection) -> dict[tuple[str, str], TemplateUse]:
    """The same, with how often each was used in all."""
    records = template_records(c)
    uses = {(name, version or ""): count for name, version, count in c.execute(_SQL["uses"], {"newest": MOST})}
    return {key: replace(records.get(key, TemplateUse()), uses=count) for key, count in uses.items()}


def kept_text(c: Connection, execution: int, name: str) -> str | None:
    """The text of a template (`NAME@VERSION`), or of an agent definition (`agent:NAME`), that an execution has kept; None where it has none."""
    found = c.execute(_SQL["kept"], {"execution": execution, "name": name}).fetchone()
    return None if found is None else str(found[0])
