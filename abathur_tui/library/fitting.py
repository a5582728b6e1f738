"""Fitting the results of earlier tasks into what a prompt may be long: the nearest keep most, cuts are at sensible places and said."""

import re
from collections.abc import Sequence
from dataclasses import dataclass

_SHORTEST = 200
"""A result that would keep fewer characters than this is left out whole."""
_FENCE = re.compile(r"^ {0,3}(`{3,}|~{3,})", re.MULTILINE)
_ENDS = (
    re.compile(r"\n\s*\n"),
    re.compile(r"\n"),
    re.compile(r"[.!?…](?=\s)"),
    re.compile(r"\s"),
)
"""Where a text is best cut: after a paragraph, a line, a sentence, a word."""


@dataclass(frozen=True, slots=True)
class Input:
    """The result of a task that the prompt builds on."""

    name: str
    text: str
    """Empty where it gave none."""
    distance: int = 1
    """1: what the task itself waits for; 2: what that waited for, and so on."""
    missing: str = ""
    """Why there is no result; empty where there is one."""


def fitted(inputs: Sequence[Input], most_characters: int) -> tuple[str, ...]:
    """The inputs' texts, in the same order and in all no longer than this (but for the words that say what was left out)."""
    shares = _shares(inputs, max(most_characters, 0))
    return tuple(cut(one.text, share) for one, share in zip(inputs, shares, strict=True))


def cut(text: str, most_characters: int) -> str:
    """The beginning of the text, cut at a sensible place, with a line that says how much was left out."""
    if len(text) <= most_characters:
        return text
    if most_characters < _SHORTEST:
        return f"[left out for length: {len(text)} characters]"
    kept = text[: _cut_at(text, most_characters)].rstrip()
    return f"{kept}{_closing_fence(kept)}\n\n[cut for length: {len(text) - len(kept)} of {len(text)} characters left out]"


def _shares(inputs: Sequence[Input], most_characters: int) -> list[int]:
    """How many characters each may have: what it needs, or its part of what is there, a step further away counting half."""
    shares = [0] * len(inputs)
    left, waiting = most_characters, [place for place, one in enumerate(inputs) if one.text]
    while waiting:
        weights = {place: 0.5 ** min(inputs[place].distance, 50) for place in waiting}
        whole = sum(weights.values())
        content = [place for place in waiting if len(inputs[place].text) <= left * weights[place] / whole]
        for place in content or waiting:
            shares[place] = len(inputs[place].text) if content else int(left * weights[place] / whole)
        if not content:
            break
        left -= sum(shares[place] for place in content)
        waiting = [place for place in waiting if place not in content]
    return shares


def _cut_at(text: str, most: int) -> int:
    """The last good place to cut in the last third of what may be kept."""
    earliest = most - most // 3
    for ends in _ENDS:
        places = [found.end() for found in ends.finditer(text, earliest, most)]
        if places:
            return places[-1]
    return most


def _closing_fence(kept: str) -> str:
    open_fence = ""
    for found in _FENCE.finditer(kept):
        mark = found[1]
        if not open_fence:
            open_fence = mark
        elif mark[0] == open_fence[0] and len(mark) >= len(open_fence):
            open_fence = ""
    return f"\n{open_fence}" if open_fence else ""
