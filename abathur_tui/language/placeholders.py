"""The placeholders by which a template passes its parameters on to what is nested in it: `{{ name }}`, and nothing else."""

import json
import re
from collections.abc import Mapping

from abathur_tui.domain.data import JsonValue
from abathur_tui.language.drafts import Draft, Placed, Result
from abathur_tui.language.naming import label

PLACEHOLDER = re.compile(r"\{\{\s*([A-Za-z_][A-Za-z0-9_]*)\s*\}\}")


def handed_on(name: str, value: JsonValue) -> bool:
    """Whether the value is the parent's parameter of that name as it is, and nothing else."""
    whole = PLACEHOLDER.fullmatch(value.strip()) if isinstance(value, str) else None
    return whole is not None and whole[1] == name


class TooLong(Exception):
    """A filled text is longer than allowed: placeholders of placeholders could grow without bound."""


def filled(value: JsonValue, parameters: Mapping[str, Placed], waits: list[Draft], longest: int) -> Placed:
    """The value with its placeholders filled. Exactly `{{ name }}` gives the parameter as it is, other texts its text.

    Where a text takes a result, it names it, and the node is added to `waits`. Raises TooLong beyond `longest` characters.
    """
    match value:
        case str():
            whole = PLACEHOLDER.fullmatch(value)
            return parameters.get(whole[1]) if whole else _text(value, parameters, waits, longest)
        case list():
            return [filled(item, parameters, waits, longest) for item in value]
        case dict():
            return {key: filled(item, parameters, waits, longest) for key, item in value.items()}
        case _:
            return value


def _text(text: str, parameters: Mapping[str, Placed], waits: list[Draft], longest: int) -> str:
    parts: list[str] = []
    size = end = 0
    for found in PLACEHOLDER.finditer(text):
        parts += [text[end : found.start()], _shown(parameters.get(found[1]), waits)]
        end = found.end()
        size += len(parts[-1])
        if size > longest:
            raise TooLong
    return "".join([*parts, text[end:]])


def _shown(value: Placed, waits: list[Draft]) -> str:
    match value:
        case None:
            return ""
        case bool():
            return "yes" if value else "no"
        case str():
            return value
        case Result(draft=draft):
            waits.append(draft)
            return f"the result of {label(draft)}"
        case list():
            return ", ".join(_shown(item, waits) for item in value)
        case dict():
            return json.dumps({key: _shown(item, waits) for key, item in value.items()}, ensure_ascii=False)
        case _:
            return str(value)
