"""Long text by role, wrapped to the width that there is; only the visible part is drawn."""

from collections.abc import Iterable

from rich.cells import cell_len, chop_cells

from abathur_tui.screen.roles import Line, Role, Span
from abathur_tui.screen.widgets.lines import Lines

_NARROWEST = 20
"""Cells: a last piece that has fewer is not wrapped beside what stands before it."""


class TextView(Lines):
    """Lines that are read, not acted on."""

    def __init__(self, *, id: str | None = None) -> None:
        """Empty."""
        super().__init__(id=id)
        self._source: list[Line] = []
        self._wrapped: list[Line] = []
        self._width = 0

    @property
    def shows_cursor(self) -> bool:
        """Nothing stands out."""
        return False

    def show_lines(self, lines: Iterable[Line]) -> None:
        """Show these, from where one was reading."""
        self._source = list(lines)
        self._width = 0
        self._rewrap()

    def row_line(self, index: int) -> Line:
        """One line of what fits."""
        return self._wrapped[index]

    def on_resize(self) -> None:
        """Wrap anew."""
        self._rewrap()

    def watch_show_vertical_scrollbar(self) -> None:
        """The bar takes a cell of each line."""
        self._rewrap()

    def offers(self, name: str) -> bool:
        """Nothing can be opened or copied."""
        return name not in ("list.open", "list.copy")

    def action_list_down(self) -> None:
        """One line down."""
        self.scroll_relative(y=1, animate=False)

    def action_list_up(self) -> None:
        """One line up."""
        self.scroll_relative(y=-1, animate=False)

    def action_list_page_down(self) -> None:
        """Half a page down."""
        self.scroll_relative(y=max(1, self.page // 2), animate=False)

    def action_list_page_up(self) -> None:
        """Half a page up."""
        self.scroll_relative(y=-max(1, self.page // 2), animate=False)

    def action_list_top(self) -> None:
        """To the beginning."""
        self.scroll_home(animate=False)

    def action_list_bottom(self) -> None:
        """To the end."""
        self.scroll_end(animate=False)

    def _rewrap(self) -> None:
        width = self.scrollable_content_region.width
        if width > 0 and width != self._width:
            self._width = width
            self._wrapped = [piece for line in self._source for piece in wrap(line, width)]
        self.set_count(len(self._wrapped))


def wrap(line: Line, width: int) -> list[Line]:
    """A line as several of at most `width` cells; what follows is indented under the last piece's beginning where there is room."""
    total = sum(cell_len(span.text) for span in line)
    if total <= width or not line:
        return [line]
    *front, last = line
    indent = sum(cell_len(span.text) for span in front)
    if width - indent < min(_NARROWEST, width // 2):
        return _hard(line, width)
    leading = len(last.text) - len(last.text.lstrip(" "))
    pieces = wrap_text(last.text, width - indent)
    rest = [[Span(" " * (indent + leading)), Span(piece, last.role)] for piece in pieces[1:]]
    return [[*front, Span(pieces[0], last.role)], *rest]


def wrap_text(text: str, width: int) -> list[str]:
    """Pieces of at most `width` cells, broken at spaces where that is possible."""
    if text.isascii() and len(text) <= width:
        return [text]
    lines: list[str] = []
    current, used = "", 0
    leading = len(text) - len(text.lstrip(" "))
    words = text[leading:].split(" ")
    words[0] = " " * leading + words[0]
    for word in words:
        length = cell_len(word)
        if used and used + 1 + length > width:
            lines.append(current)
            current, used = "", 0
        if length > width:
            *full, word = chop_cells(word, width)
            lines += full
            length = cell_len(word)
        current, used = (f"{current} {word}", used + 1 + length) if used else (word, length)
    return [*lines, current]


def _hard(line: Line, width: int) -> list[Line]:
    rows: list[Line] = []
    row: list[Span] = []
    left = width
    for span in line:
        text, role = span.text, Role(span.role)
        while text:
            pieces = chop_cells(text, left) if left > 0 else [""]
            row.append(Span(pieces[0], role))
            text = text[len(pieces[0]) :]
            left -= cell_len(pieces[0])
            if text:
                rows.append(row)
                row, left = [], width
    return [*rows, row]
