"""The roles that text has on the screen, and lines made of text with a role; a theme gives each role its colour."""

from collections.abc import Iterable, Sequence
from enum import StrEnum
from typing import NamedTuple, TypeAlias

from rich.cells import cell_len, set_cell_size


class Role(StrEnum):
    """What a piece of text is; colours are only ever chosen through it."""

    INK = "ink"
    """Ordinary text."""
    STRONG = "strong"
    """Text that the eye should find first among its neighbours."""
    DIM = "dim"
    """Text that is there when it is looked for."""
    FAINT = "faint"
    """Lines and marks that only give structure."""
    RUNNING = "running"
    DONE = "done"
    FAILED = "failed"
    PERSON = "person"
    """What waits for a person, as text."""
    ALERT = "alert"
    """What waits for a person, as the one filled block."""
    TITLE = "title"
    """The name of the program."""
    ACCENT = "accent"
    """Structure and focus."""
    CALM = "calm"
    """A state that asks for no attention."""


class Span(NamedTuple):
    """A piece of a line."""

    text: str
    role: Role = Role.INK


Line: TypeAlias = Sequence[Span]


class Column(NamedTuple):
    """A cell of a table's row: its text is cut or padded to exactly `width` cells."""

    text: str
    width: int
    role: Role = Role.INK
    right: bool = False

    def span(self) -> Span:
        """The cell as a piece of a line."""
        return Span(fit(self.text, self.width, right=self.right), self.role)


def fit(text: str, width: int, *, right: bool = False) -> str:
    """`text` in exactly `width` cells: padded, or cut with an ellipsis."""
    if width <= 0:
        return ""
    length = len(text) if text.isascii() else cell_len(text)
    if length > width:
        return set_cell_size(text, width - 1) + "…"
    padding = " " * (width - length)
    return padding + text if right else text + padding


def row(columns: Iterable[Column], gap: str = " ") -> list[Span]:
    """Cells side by side with `gap` between them."""
    spans: list[Span] = []
    for column in columns:
        if spans:
            spans.append(Span(gap))
        spans.append(column.span())
    return spans


def width_of(line: Line) -> int:
    """How many cells a line takes."""
    return sum(cell_len(span.text) for span in line)
