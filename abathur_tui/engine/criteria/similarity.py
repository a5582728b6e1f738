"""How alike two outputs are, from 0 to 1, in time that grows with their length and no faster.

Text: case and white space do not count; it is the share (Dice) of words, and of pairs of neighbouring words, that both have, so that moved
lines count a little and changed words more. JSON, alone or in one fenced block: the share of values that both have at the same place; the
order of keys and the layout do not count.
"""

import json
import re
from collections import Counter
from collections.abc import Iterator
from itertools import pairwise

from abathur_tui.domain.data import JsonValue, canonical

_WORD = re.compile(r"\w+|[^\w\s]")
_FENCE = re.compile(r"\s*```[a-z]*\n(.*)\n```\s*", re.DOTALL)


def similarity(one: str, other: str) -> float:
    """1 for outputs that say the same, 0 where they have nothing in common."""
    if one == other:
        return 1.0
    structure, other_structure = _structure(one), _structure(other)
    if structure is not None and other_structure is not None:
        return _share(Counter(structure), Counter(other_structure))
    words, other_words = _words(one), _words(other)
    return 1.0 if words == other_words else _share(_counted(words), _counted(other_words))


def _words(text: str) -> list[str]:
    return _WORD.findall(text.casefold())


def _counted(words: list[str]) -> "Counter[tuple[str, ...]]":
    counted: Counter[tuple[str, ...]] = Counter((word,) for word in words)
    counted.update(pairwise(words))
    return counted


def _share(one: "Counter[tuple[str, ...]]", other: "Counter[tuple[str, ...]]") -> float:
    both = one.total() + other.total()
    return 2 * (one & other).total() / both if both else 1.0


def _structure(text: str) -> list[tuple[str, ...]] | None:
    """The values of a JSON object or array, each with its place; None where the text is none."""
    fenced = _FENCE.fullmatch(text)
    try:
        value: JsonValue = json.loads(fenced[1] if fenced else text)
        return list(_values(value)) if isinstance(value, dict | list) else None
    except (ValueError, RecursionError):
        return None


def _values(value: JsonValue) -> Iterator[tuple[str, ...]]:
    rest: list[tuple[str, JsonValue]] = [("", value)]
    while rest:
        place, inner = rest.pop()
        if isinstance(inner, dict) and inner:
            rest.extend((f"{place}/{name}", item) for name, item in inner.items())
        elif isinstance(inner, list) and inner:
            rest.extend((f"{place}/{number}", item) for number, item in enumerate(inner))
        else:
            yield place, canonical(inner)
