"""The footer: the keys that work here now, most useful first, and never more than fits."""

from collections.abc import Sequence

from textual import events
from textual.strip import Strip

from abathur_tui.screen.actions import BY_NAME, Action, key_text
from abathur_tui.screen.messages import Perform
from abathur_tui.screen.roles import Role, Span, width_of
from abathur_tui.screen.widgets.drawn import Drawn

_ALWAYS = ("screen.help", "screen.leave")


class Footer(Drawn):
    """One line of keys."""

    def __init__(self) -> None:
        """Without keys until `show_actions` is called."""
        super().__init__(id="footer")
        self._actions: tuple[Action, ...] = ()
        self._note = ""
        self._places: list[tuple[range, str]] = []
        """Which cells belong to which action, as it was drawn last."""

    def on_click(self, event: events.Click) -> None:
        """A click on a key does what the key does."""
        for cells, name in self._places:
            if event.x in cells:
                self.post_message(Perform(name))

    def show_actions(self, actions: Sequence[Action], note: str = "") -> None:
        """These work now; `note` is said at the right, where there is room."""
        wanted = (tuple(actions), note)
        if wanted != (self._actions, self._note):
            self._actions, self._note = wanted
            self.refresh()

    def render_line(self, y: int) -> Strip:
        """The keys, those of help and leaving always among them."""
        width = self.size.width - 1
        note = [Span(self._note, Role.DIM)] if self._note else []
        left = width - width_of(note)
        kept = sum(_width(action) for action in self._actions if action.name in _ALWAYS)
        line = [Span(" ")]
        self._places = []
        for action in self._actions:
            if action.name in _ALWAYS:
                kept -= _width(action)
            elif _width(action) + kept > left:
                continue
            left -= _width(action)
            begin = width_of(line)
            self._places.append((range(begin, begin + _width(action) - 2), action.name))
            line += [Span(_keys(action), Role.ACCENT), Span(f" {_title(action)}   ", Role.DIM)]
        if note:
            line += [Span(" " * max(0, left)), *note]
        return self.strip(line, self.size.width)


def _keys(action: Action) -> str:
    key = key_text(action.keys[0])
    return f"{key} {key_text(BY_NAME[action.beside].keys[0])}" if action.beside else key


def _title(action: Action) -> str:
    return action.title.removesuffix(" up") if action.beside else action.title


def _width(action: Action) -> int:
    return len(_keys(action)) + len(_title(action)) + 4
