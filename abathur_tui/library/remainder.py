"""A template's data without what was refused, so that all that is wrong with the rest can be told at the same time."""

from collections.abc import Iterable
from copy import deepcopy
from typing import Any

from pydantic import ValidationError

from abathur_tui.domain.nearest import nearest
from abathur_tui.library.template_table import TemplateTable
from abathur_tui.settings.toml import Key

_ROUNDS = 3
"""What is left out may leave something else without what it goes with: a default without its type."""
_KINDS = ("agent", "loop", "fork")


def remainder(data: dict[str, Any], refused: ValidationError) -> TemplateTable | None:
    """What is left of the table; None where too much was refused to say more of it."""
    left = deepcopy(data)
    for _ in range(_ROUNDS):
        if not all([_leave_out(left, error["loc"]) for error in refused.errors()]):
            return None
        try:
            return TemplateTable.model_validate(left)
        except ValidationError as again:
            refused = again
    return None


def _leave_out(data: dict[str, Any], place: Iterable[str | int]) -> bool:
    """Take out the innermost entry of a table on the way to the place; False where there is none."""
    found: tuple[dict[str, Any], Key] | None = None
    inside: Any = data
    way: Key = ()
    for part in place:
        if isinstance(inside, dict) and part in inside:
            found = (inside, (*way, part))
        elif not (isinstance(inside, list) and isinstance(part, int) and part < len(inside)):
            break
        inside, way = inside[part], (*way, part)
    if found is None:
        return False
    table, key = found
    match key:
        case ("nested",) if data.get("kind") == "fork":
            return False  # a fork without them would be another mistake
        case ("name",):
            table["name"] = "TEMPLATE"
        case ("prompt",):
            table["prompt"] = "x"
        case ("kind",):
            table["kind"] = nearest(str(table["kind"]), _KINDS) or ("agent" if data.get("prompt") else "fork")
        case ("parameters", name) if str(name).isidentifier():
            table[str(name)] = {}  # it stays declared
        case _:
            del table[str(key[-1])]
    return True
