"""The arguments of a tool call: a model wrote them, so nothing of them is sure."""

from collections.abc import Sequence

from abathur_tui.domain.data import JsonObject
from abathur_tui.tools.project_files import Refused


def check_names(arguments: JsonObject, known: Sequence[str]) -> None:
    """Raise Refused for an argument that the tool does not have."""
    unknown = [name for name in arguments if name not in known]
    if unknown:
        raise Refused(f"There is no argument {', '.join(unknown)}; there are: {', '.join(known)}.")


def text(arguments: JsonObject, name: str, default: str | None = None) -> str:
    """A text that is not empty. Raises Refused."""
    value = arguments.get(name)
    if value is None:
        value = default
    if not isinstance(value, str) or not value:
        raise Refused(f"The argument {name} must be a text that is not empty.")
    try:
        value.encode()
    except UnicodeEncodeError:
        raise Refused(f"The argument {name} is no valid Unicode text.") from None
    return value


def number(arguments: JsonObject, name: str, default: int, *, least: int, most: int | None = None) -> int:
    """A whole number. Raises Refused."""
    value = arguments.get(name)
    if value is None:
        return default
    if isinstance(value, float) and value.is_integer():
        value = int(value)
    if isinstance(value, bool) or not isinstance(value, int) or value < least or (most is not None and value > most):
        span = f"from {least} to {most}" if most is not None else f"of {least} or more"
        raise Refused(f"The argument {name} must be a whole number {span}.")
    return value


def flag(arguments: JsonObject, name: str) -> bool:
    """True or false; false where it is not given. Raises Refused."""
    value = arguments.get(name)
    if value is None or isinstance(value, bool):
        return bool(value)
    raise Refused(f"The argument {name} must be true or false.")
