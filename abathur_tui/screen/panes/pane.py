"""What the four panes share: a number, a title in the border, a word at the border's foot."""

from collections.abc import Sequence

from textual.reactive import reactive

from abathur_tui.screen.actions import Where
from abathur_tui.screen.roles import Line, Role, Span
from abathur_tui.screen.widgets.drawn import Drawn


class Pane(Drawn):
    """A framed part of the cockpit. Subclasses say what stands in the border."""

    NUMBER = 0
    NAME = ""
    PLACE = Where.LISTS
    """Where its keys work, for the registry of actions."""

    _border: tuple[Line, Line, str] | None = None
    """What the border says, and in which theme it was written."""

    tabs: reactive[tuple[tuple[int, str], ...]] = reactive(())
    """Number and name of all panes that share this place as tabs, this one among them; empty where it has a place of its own."""

    def on_mount(self) -> None:
        """The border is written in the theme's colours."""
        self.app.theme_changed_signal.subscribe(self, lambda _: self.show_border())

    def title_details(self) -> Line:
        """What the title says after the pane's name."""
        return ()

    def foot(self) -> Line:
        """What stands in the border's lower right."""
        return ()

    def offers(self, name: str) -> bool:
        """Whether an action of the registry that this pane can do makes sense now."""
        return True

    def show_border(self) -> None:
        """Write title and foot anew."""
        line: list[Span] = [Span(" ")]
        strong = Role.STRONG if self.has_focus else Role.DIM
        for position, (number, name) in enumerate(self.tabs or ((self.NUMBER, self.NAME),)):
            if position:
                line.append(Span(" │ ", Role.FAINT))
            mine = number == self.NUMBER
            line += [Span(f"{number} ", Role.DIM), Span(name, (strong if self.has_focus or not self.tabs else Role.INK) if mine else Role.DIM)]
        details = self.title_details()
        if details:
            line += [Span("   "), *details]
        foot = self.foot()
        border = (tuple(line), tuple(foot), self.app.theme)
        if border != self._border:  # setting a title draws the whole pane
            self._border = border
            self.border_title = self.content([*line, Span(" ")])
            self.border_subtitle = self.content([Span(" "), *foot, Span(" ")]) if foot else ""

    def watch_tabs(self, tabs: Sequence[tuple[int, str]]) -> None:
        """The title shows them."""
        if self.is_mounted:
            self.show_border()
