"""A list drawn line by line: only what is visible is ever made, so that a million rows cost as much as ten."""

from enum import Enum
from typing import NamedTuple

from textual import events
from textual.geometry import Region, Size
from textual.message import Message
from textual.reactive import reactive
from textual.scroll_view import ScrollView
from textual.strip import Strip

from abathur_tui.screen.actions import Where, bindings
from abathur_tui.screen.messages import Perform
from abathur_tui.screen.roles import Line
from abathur_tui.screen.widgets.drawn import Drawn


class _Cursor(Enum):
    """How a line is marked as the cursor's."""

    NONE = 0
    FOCUSED = 1
    BLURRED = 2


class _Drawn(NamedTuple):
    """A line as it was drawn."""

    line: Line
    cursor: _Cursor = _Cursor.NONE


class Lines(Drawn, ScrollView, can_focus=True):
    """Rows with a cursor. What it shows comes from `row_line`; subclasses call `set_count` when the number of rows changes."""

    # Textual takes a widget's own styles from its first base only: what a ScrollView has does not come by itself.
    DEFAULT_CSS = "Lines { overflow-x: hidden; overflow-y: auto; }"
    BINDINGS = bindings(Where.LISTS)

    cursor: reactive[int] = reactive(0)
    """The row that keys act on, from 0."""

    class CursorMoved(Message):
        """The cursor stands on another row."""

    def __init__(self, *, id: str | None = None, classes: str | None = None) -> None:
        """An empty list."""
        super().__init__(id=id, classes=classes)
        self.count = 0
        self._drawn: dict[int, _Drawn] = {}

    def heading(self) -> Line | None:
        """The line above all rows, which does not scroll; None for none."""
        return None

    def row_line(self, index: int) -> Line:
        """The row at `index`, from 0."""
        raise NotImplementedError

    def empty_lines(self) -> list[Line]:
        """What is shown where there are no rows."""
        return []

    @property
    def shows_cursor(self) -> bool:
        """Whether the cursor's row is drawn as such."""
        return True

    @property
    def heading_height(self) -> int:
        """1 where there is a heading, else 0."""
        return 0 if self.heading() is None or not self.count else 1

    @property
    def page(self) -> int:
        """How many rows are visible at once."""
        return max(1, self.scrollable_content_region.height - self.heading_height)

    @property
    def first_visible(self) -> int:
        """The index of the first visible row."""
        return self.scroll_offset.y

    def set_count(self, count: int) -> None:
        """There are so many rows now; the cursor stays within them."""
        self.count = count
        size = Size(0, count + (1 if count and self.heading() is not None else 0))
        if size != self.virtual_size:
            self.virtual_size = size
        self.cursor = min(self.cursor, max(0, count - 1))
        self.refresh_changed()

    def show_row(self, index: int) -> None:
        """Scroll as little as is needed to have a row in sight."""
        if index < self.first_visible:
            self.scroll_to(y=index, animate=False, force=True)
        elif index >= self.first_visible + self.page:
            self.scroll_to(y=index - self.page + 1, animate=False, force=True)

    def validate_cursor(self, cursor: int) -> int:
        """Within the rows that there are."""
        return max(0, min(cursor, self.count - 1))

    def watch_cursor(self, before: int, after: int) -> None:
        """Bring it into sight and say so."""
        self.show_row(after)
        self.refresh_changed()
        if before != after:
            self.post_message(self.CursorMoved())

    def render_line(self, y: int) -> Strip:
        """One line of what is visible."""
        drawn = self._drawn[y] = self._line_at(y)
        width = self.scrollable_content_region.width
        if not drawn.line:
            return self.blank(width)
        over = {_Cursor.NONE: None, _Cursor.FOCUSED: self.looks.cursor, _Cursor.BLURRED: self.looks.cursor_blurred}[drawn.cursor]
        return self.strip(drawn.line, width, over)

    def refresh_changed(self) -> None:
        """Draw those lines anew that would look other than they do: over a slow line, every byte counts."""
        width = self.scrollable_content_region.width
        changed = [Region(0, y, width, 1) for y in range(self.scrollable_content_region.height) if self._line_at(y) != self._drawn.get(y)]
        if changed:
            self.refresh(*changed)

    def _line_at(self, y: int) -> "_Drawn":
        if not self.count:
            lines = self.empty_lines()
            return _Drawn(lines[y] if y < len(lines) else ())
        heading = self.heading()
        if heading is not None:
            if y == 0:
                return _Drawn(heading)
            y -= 1
        index = self.first_visible + y
        if index >= self.count:
            return _Drawn(())
        if not self.shows_cursor or index != self.cursor:
            return _Drawn(self.row_line(index))
        return _Drawn(self.row_line(index), _Cursor.FOCUSED if self.has_focus else _Cursor.BLURRED)

    def on_focus(self) -> None:
        """The cursor's row looks different with the focus."""
        self.refresh_changed()

    def on_blur(self) -> None:
        """The cursor's row looks different without the focus."""
        self.refresh_changed()

    def on_click(self, event: events.Click) -> None:
        """A click moves the cursor, a second one opens."""
        offset = event.get_content_offset(self)
        if offset is None:
            return
        index = self.first_visible + offset.y - self.heading_height
        if 0 <= index < self.count:
            self.cursor = index
            if event.chain > 1:
                self.post_message(Perform("list.open"))

    def action_list_down(self) -> None:
        """One row down."""
        self.cursor += 1

    def action_list_up(self) -> None:
        """One row up."""
        self.cursor -= 1

    def action_list_top(self) -> None:
        """To the first row."""
        self.cursor = 0

    def action_list_bottom(self) -> None:
        """To the last row."""
        self.cursor = self.count - 1

    def action_list_page_down(self) -> None:
        """Half a page down."""
        self.cursor += max(1, self.page // 2)

    def action_list_page_up(self) -> None:
        """Half a page up."""
        self.cursor -= max(1, self.page // 2)
