"""Offsets of a text as lines and columns."""

import re
from bisect import bisect_right
from functools import cached_property


class Places:
    """The lines of one text, counted when first asked for."""

    def __init__(self, text: str) -> None:
        """`text` is kept, not copied."""
        self._text = text

    def position(self, offset: int) -> tuple[int, int]:
        """Line and column, both from 1 and the column in characters."""
        line = bisect_right(self._starts, offset)
        return line, offset - self._starts[line - 1] + 1

    def line(self, number: int, longest: int) -> str:
        """The line of that number, without its end, and not more than `longest` characters of it."""
        start = self._starts[number - 1]
        end = self._starts[number] - 1 if number < len(self._starts) else len(self._text)
        return self._text[start : min(end, start + longest)].rstrip("\r")

    @cached_property
    def _starts(self) -> list[int]:
        return [0, *(found.end() for found in re.finditer(r"\r\n|[\r\n]", self._text))]
