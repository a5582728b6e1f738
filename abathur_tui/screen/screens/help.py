"""Help: every key of every place, made of the registry of actions."""

from collections.abc import Iterator
from typing import ClassVar

from textual.app import ComposeResult
from textual.binding import BindingType
from textual.screen import ModalScreen

from abathur_tui.screen.actions import Action, Where, keys_text, of
from abathur_tui.screen.roles import Line, Role, Span, fit
from abathur_tui.screen.widgets.lines import Lines

_KEYS_WIDTH, _TITLE_WIDTH = 18, 18
_PLACES = tuple(Where)


class HelpLines(Lines):
    """The keys as lines: the present place first."""

    def __init__(self, first: tuple[Where, ...]) -> None:
        """`first`: the places that matter now."""
        super().__init__(id="help-lines")
        self._lines = list(_help(first))

    def on_mount(self) -> None:
        """All lines at once."""
        self.border_title = self.content([Span(" help ", Role.STRONG)])
        self.border_subtitle = self.content([Span(" esc back ", Role.DIM)])
        self.set_count(len(self._lines))

    @property
    def shows_cursor(self) -> bool:
        """Help is read, not acted on."""
        return False

    def row_line(self, index: int) -> Line:
        """One line."""
        return self._lines[index]

    def watch_cursor(self, before: int, after: int) -> None:
        """Scroll line by line."""
        super().watch_cursor(before, after)

    def action_list_down(self) -> None:
        """One line down."""
        self.scroll_relative(y=1, animate=False)

    def action_list_up(self) -> None:
        """One line up."""
        self.scroll_relative(y=-1, animate=False)

    def action_list_page_down(self) -> None:
        """Half a page down."""
        self.scroll_relative(y=self.page // 2, animate=False)

    def action_list_page_up(self) -> None:
        """Half a page up."""
        self.scroll_relative(y=-self.page // 2, animate=False)

    def action_list_top(self) -> None:
        """To the beginning."""
        self.scroll_home(animate=False)

    def action_list_bottom(self) -> None:
        """To the end."""
        self.scroll_end(animate=False)

    def action_list_back(self) -> None:
        """Close."""
        self.screen.dismiss(None)

    def offers(self, name: str) -> bool:
        """Nothing can be opened or copied here."""
        return name not in ("list.open", "list.copy")


class HelpScreen(ModalScreen[None]):
    """Opens over anything."""

    BINDINGS: ClassVar[list[BindingType]] = [("question_mark,q", "close", "back")]

    def __init__(self, first: tuple[Where, ...]) -> None:
        """`first`: the places that matter now."""
        super().__init__(classes="dialog")
        self._first = first

    def compose(self) -> ComposeResult:
        """The lines."""
        yield HelpLines(self._first)

    def action_close(self) -> None:
        """Back."""
        self.dismiss(None)


def _help(first: tuple[Where, ...]) -> Iterator[Line]:
    for place in (*first, *(place for place in _PLACES if place not in first)):
        yield [Span(f" {place.value}", Role.STRONG)]
        for action in of(place):
            yield _line(action)
        yield []


def _line(action: Action) -> Line:
    asks = " Asks first." if action.asks else ""
    return [
        Span("   " + fit(keys_text(action), _KEYS_WIDTH), Role.ACCENT),
        Span(fit(action.title, _TITLE_WIDTH)),
        Span(action.help + asks, Role.DIM),
    ]
