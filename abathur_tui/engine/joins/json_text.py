"""JSON in what a model wrote: alone, in a fenced block, or in the middle of a sentence."""

import json
import re
from collections.abc import Iterator
from typing import NoReturn

from abathur_tui.domain.data import JsonObject, JsonValue
from abathur_tui.engine.joins.fences import fenced_in

MOST_DEPTH = 60
"""How deep an object may be nested to count as one."""
_MOST_TRIES = 200
"""Opening braces in a text at which an object is looked for."""
_JSON = re.compile(r"(?:json[a-z0-9]*)?", re.IGNORECASE)
"""What may stand behind the fence of a block that holds one."""


def object_in(text: str) -> JsonObject | None:
    """The object that the text is, or holds; of several the last one, fenced ones first. None where there is none."""
    if (whole := _object(text)) is not None:
        return whole
    blocks = [block for block in fenced_in(text) if _JSON.fullmatch(block.info)]
    fenced = [found for block in blocks if (found := _object(block.text)) is not None]
    if fenced:
        return fenced[-1]
    bare = list(_bare(text))
    return bare[-1] if bare else None


def _object(text: str) -> JsonObject | None:
    try:
        value: JsonValue = json.loads(text, parse_constant=_refused)
    except (ValueError, RecursionError):
        return None
    return value if isinstance(value, dict) and _shallow(value) else None


def _bare(text: str) -> Iterator[JsonObject]:
    """The objects that stand in the text, none inside another."""
    decoder = json.JSONDecoder(parse_constant=_refused)
    place = text.find("{")
    for _ in range(_MOST_TRIES):
        if place < 0:
            return
        end = place + 1
        try:
            value, end = decoder.raw_decode(text, place)
        except (ValueError, RecursionError):
            value = None
        if isinstance(value, dict) and _shallow(value):
            yield value
        place = text.find("{", end)


def _shallow(value: JsonValue) -> bool:
    rest: list[tuple[JsonValue, int]] = [(value, 1)]
    while rest:
        inner, depth = rest.pop()
        if depth > MOST_DEPTH:
            return False
        if isinstance(inner, dict):
            rest.extend((item, depth + 1) for item in inner.values())
        elif isinstance(inner, list):
            rest.extend((item, depth + 1) for item in inner)
    return True


def _refused(word: str) -> NoReturn:
    raise ValueError(f"{word} is no JSON")
