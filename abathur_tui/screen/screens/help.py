"""Help: every key of every place, made of the registry of actions."""

from collections.abc import Iterator
from typing import ClassVar

from textual.app import ComposeResult
from textual.binding import BindingType
from textual.screen import ModalScreen

from abathur_tui.screen.actions import Action, Where, keys_text, of
from abathur_tui.screen.roles import Line, Role, Span, fit
from abathur_tui.screen.widgets.text_view import TextView

_KEYS_WIDTH, _TITLE_WIDTH = 20, 18
_PLACES = tuple(Where)


class HelpLines(TextView, can_focus=True):
    """The keys as lines: the present place first."""

    def __init__(self, first: tuple[Where, ...]) -> None:
        """`first`: the places that matter now."""
        super().__init__(id="help-lines")
        self._first = first

    def on_mount(self) -> None:
        """All lines at once."""
        self.border_title = self.content([Span(" help ", Role.STRONG)])
        self.border_subtitle = self.content([Span(" esc back ", Role.DIM)])
        self.show_lines(help_lines(self._first))

    def action_list_back(self) -> None:
        """Close."""
        self.screen.dismiss(None)


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


def help_lines(first: tuple[Where, ...]) -> Iterator[Line]:
    """Every place with its keys, `first` before the others."""
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
