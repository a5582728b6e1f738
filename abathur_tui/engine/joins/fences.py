"""Fenced blocks in Markdown, in a time that grows with the text's length only, whatever is in it."""

import re
from dataclasses import dataclass

_OPENING = re.compile(r" {0,3}(`{3,}|~{3,})[ \t]*(.*)")
_LINES = re.compile(r"[^\n]*\n|[^\n]+")


@dataclass(frozen=True, slots=True)
class Fenced:
    """A block; one that nobody closes goes to the text's end."""

    info: str
    """What stands behind the opening fence."""
    text: str
    above: tuple[str, ...]
    """The two lines before it."""
    lines: range
    """Which of the text's lines it takes, fences included."""


def lines_of(text: str) -> list[str]:
    """The text's lines, each with its end."""
    return _LINES.findall(text)


def fenced_in(text: str) -> list[Fenced]:
    """The blocks of a text, in order; none is inside another."""
    lines = lines_of(text)
    found: list[Fenced] = []
    place = 0
    while place < len(lines):
        opening = _OPENING.fullmatch(lines[place].rstrip("\r\n"))
        if opening is None:
            place += 1
            continue
        end = _closing(lines, place + 1, opening[1])
        above = tuple(lines[max(place - 2, 0) : place])
        found.append(Fenced(opening[2].strip(), "".join(lines[place + 1 : end]), above, range(place, min(end + 1, len(lines)))))
        place = end + 1
    return found


def _closing(lines: list[str], start: int, fence: str) -> int:
    """The line that closes the fence; behind the last one where none does."""
    for place in range(start, len(lines)):
        line = lines[place].strip()
        if len(line) >= len(fence) and set(line) == {fence[0]} and not lines[place].startswith("    "):
            return place
    return len(lines)
