"""All that is wrong with a text, gathered, so that its author is told everything at once."""

import re
from bisect import bisect_right

from abathur_tui.domain import errors
from abathur_tui.domain.errors import AbathurError, Detail, DocumentInvalid
from abathur_tui.domain.safe_text import safe

MOST = 100
"""Mistakes that are told of one text."""
_LONGEST_LINE = 2000
"""Characters of a source line that are quoted."""

_CLASSES: tuple[type[AbathurError], ...] = (
    errors.DocumentInvalid,
    errors.UnknownTemplate,
    errors.MissingParameter,
    errors.UnknownParameter,
    errors.WrongValue,
    errors.UnknownName,
    errors.OverLimit,
    errors.SourceRefused,
    errors.NotYet,
    errors.UnknownAgent,
    errors.CyclicDependencies,
)
_CLASS_BY_CODE = {kind.code: kind for kind in _CLASSES}


class TooMany(Exception):
    """There are more mistakes than are told; nobody reads on."""


class Mistakes:
    """Gathers mistakes by their offsets, and tells them as details with line, column and source line."""

    def __init__(self, text: str | None) -> None:
        """`text` is what offsets point into; None: there is no text (a form, a command line's options), and details have no place."""
        self._text = text
        self._details: list[tuple[int, Detail]] = []
        self._seen: set[tuple[int, str]] = set()
        self._line_starts: list[int] = []

    def __len__(self) -> int:
        return len(self._details)

    def add(self, kind: type[AbathurError], place: tuple[int, int], message: str, suggestion: str | None = None) -> None:
        """Note a mistake of the error class `kind` at `place` (start and end offset). Raises `TooMany` at the last that is told."""
        start, end = place
        if (start, message) in self._seen:
            return
        self._seen.add((start, message))
        if self._text is None or start < 0:
            detail = Detail(message, suggestion=suggestion, code=kind.code)
        else:
            line, column = self.position(start)
            source = self._source(line)
            visible = len(source) if source is not None else 0
            length = max(1, min(end - start, visible - column + 1))
            detail = Detail(message, line, column, source, length, suggestion, code=kind.code)
        self._details.append((start, detail))
        if len(self._details) >= MOST:
            raise TooMany

    def position(self, offset: int) -> tuple[int, int]:
        """Line and column, both from 1, of an offset."""
        if not self._line_starts:
            self._line_starts = [0, *(found.end() for found in re.finditer("\n", self._text or ""))]
        line = bisect_right(self._line_starts, offset)
        return line, offset - self._line_starts[line - 1] + 1

    def details(self) -> tuple[Detail, ...]:
        """The mistakes in the text's order."""
        ordered = tuple(detail for _, detail in sorted(self._details, key=lambda pair: pair[0]))
        return (*ordered, Detail(f"these are the first {MOST}; there may be more")) if len(ordered) >= MOST else ordered

    def error(self) -> AbathurError:
        """The error to raise: of the mistakes' own class where they are all of one kind, else `DocumentInvalid`."""
        codes = {detail.code for _, detail in self._details}
        kind = _CLASS_BY_CODE[codes.pop() or ""] if len(codes) == 1 else DocumentInvalid
        count = len(self._details)
        first = self.details()[0]
        place = f"line {first.line}, column {first.column}: " if first.line is not None else ""
        more = "" if count == 1 else f" (and {count - 1} more)"
        return kind(f"{place}{first.message}{more}", details=self.details())

    def raise_if_any(self) -> None:
        """Raise `error()` where there is any mistake."""
        if self._details:
            raise self.error()

    def _source(self, line: int) -> str | None:
        text = self._text or ""
        start = self._line_starts[line - 1]
        end = self._line_starts[line] - 1 if line < len(self._line_starts) else len(text)
        return safe(text[start : min(end, start + _LONGEST_LINE)].rstrip("\r")) if end - start >= 0 else None
