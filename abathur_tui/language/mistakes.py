"""All that is wrong with a text, gathered, so that its author is told everything at once."""

from abathur_tui.domain import errors
from abathur_tui.domain.errors import AbathurError, Detail, DocumentInvalid
from abathur_tui.domain.safe_text import safe
from abathur_tui.language.places import Places

MOST = 100
"""Mistakes that are told of one text."""
_LONGEST_MESSAGE = 500
"""Characters of a message: a name in it may be as long as the text."""
_LONGEST_LINE = 2000
"""Characters of a source line that are quoted."""

_CLASSES: tuple[type[AbathurError], ...] = (
    errors.DocumentInvalid,
    errors.UnknownTemplate,
    errors.TemplateInvalid,
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
        self._places = None if text is None else Places(text)
        self._details: list[tuple[int, Detail]] = []
        self._seen: set[tuple[int, str]] = set()
        self._broken: set[int] = set()

    def __len__(self) -> int:
        return len(self._details)

    def add(self, kind: type[AbathurError], place: tuple[int, int], message: str, suggestion: str | None = None) -> None:
        """Note a mistake of the error class `kind` at `place` (start and end offset). Raises `TooMany` at the last that is told.

        What could not be read is wrong once: that it makes no sense either is not told.
        """
        start, end = place
        message, suggestion = message[:_LONGEST_MESSAGE], suggestion and suggestion[:_LONGEST_MESSAGE]
        if (start, message) in self._seen or (start in self._broken and kind is not DocumentInvalid):
            return
        self._seen.add((start, message))
        if kind is DocumentInvalid and start >= 0:
            self._broken.add(start)
        if self._places is None or start < 0:
            detail = Detail(message, suggestion=suggestion, code=kind.code)
        else:
            line, column = self._places.position(start)
            source = safe(self._places.line(line, _LONGEST_LINE))
            length = max(1, min(end - start, len(source) - column + 1))
            detail = Detail(message, line, column, source, length, suggestion, code=kind.code)
        self._details.append((start, detail))
        if len(self._details) >= MOST:
            raise TooMany

    def line(self, offset: int) -> int:
        """The number of the line of an offset."""
        return self._places.position(offset)[0] if self._places else 0

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
