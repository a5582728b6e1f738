"""The cockpit: four panes, a header and a footer, laid out by the size of the terminal."""

import asyncio
from enum import StrEnum

from textual import events
from textual.app import ComposeResult
from textual.containers import Container
from textual.screen import Screen

from abathur_tui.screen.actions import Where, bindings
from abathur_tui.screen.memory import Memory
from abathur_tui.screen.messages import OffersChanged
from abathur_tui.screen.panes.agents import AgentsPane
from abathur_tui.screen.panes.convergence import ConvergencePane
from abathur_tui.screen.panes.logs import LogsPane
from abathur_tui.screen.panes.pane import Pane
from abathur_tui.screen.panes.queue import QueuePane
from abathur_tui.screen.store import Store
from abathur_tui.screen.widgets.command_bar import CommandBar
from abathur_tui.screen.widgets.footer import Footer
from abathur_tui.screen.widgets.header import Header

_STEP = 5
"""Per cent by which a divider moves."""
WIDE_FROM = 120
"""Columns from which on all four panes are shown at once."""
FULL_FROM = (80, 24)
"""Columns and rows under which only one pane is shown."""


class Layout(StrEnum):
    """How the panes share the screen; the value is the screen's class."""

    FOUR = "-four"
    """All at once."""
    TABS = "-tabs"
    """The queue above, the other three as tabs below."""
    ONE = "-one"
    """One pane, and a word about the size."""


def layout_for(width: int, height: int) -> Layout:
    """The layout for a terminal of that size."""
    if width < FULL_FROM[0] or height < FULL_FROM[1]:
        return Layout.ONE
    return Layout.FOUR if width >= WIDE_FROM else Layout.TABS


class Cockpit(Screen[None], inherit_bindings=False):
    """The main screen."""

    BINDINGS = bindings(Where.EVERYWHERE)
    AUTO_FOCUS = "#queue"

    def __init__(self, store: Store, memory: Memory) -> None:
        """It shows what `store` has, as wide and high as `memory` says."""
        super().__init__()
        self._store = store
        self._memory = memory
        self._arrangement = layout_for(*self.app.size)
        self.set_classes(self._arrangement.value)
        self._zoomed = False
        self._tab = 2
        """The pane that is shown below the queue where the others are tabs."""

    def compose(self) -> ComposeResult:
        """Header, panes, footer."""
        yield Header()
        with Container(id="panes"):
            yield QueuePane(self._store, self._memory)
            yield AgentsPane(self._store)
            yield LogsPane(self._store)
            yield ConvergencePane(self._store)
        yield Footer()
        yield CommandBar()

    def on_mount(self) -> None:
        """Follow the figures."""
        self._store.figures_changed.subscribe(self, self._figures_changed, immediate=True)
        self._figures_changed(self._store)
        self._lay_out()

    def on_descendant_focus(self) -> None:
        """Other keys work, and other borders are bright."""
        self.post_message(OffersChanged())
        for pane in self.panes:
            pane.show_border()

    def on_screen_resume(self) -> None:
        """What stood over it is gone: the footer may be out of date."""
        self.post_message(OffersChanged())

    def on_resize(self, event: events.Resize) -> None:
        """Another size may need another layout."""
        self._arrangement = layout_for(event.size.width, event.size.height)
        self._lay_out()

    @property
    def panes(self) -> list[Pane]:
        """All four, in order of their numbers."""
        return list(self.query(Pane))

    @property
    def current(self) -> Pane | None:
        """The pane that has the focus."""
        return self.focused if isinstance(self.focused, Pane) else None

    @property
    def places(self) -> tuple[Where, ...]:
        """Where the focus is, for the registry of actions."""
        return (self.current.PLACE, Where.LISTS) if self.current is not None else ()

    @property
    def size_note(self) -> str:
        """A word about the size, where it is too small for more than one pane."""
        if self._arrangement is not Layout.ONE:
            return ""
        return f"{self.size.width}x{self.size.height}: one pane; more from {FULL_FROM[0]}x{FULL_FROM[1]} "

    def go_to(self, number: int) -> None:
        """Focus a pane, and show it."""
        pane = self.panes[number - 1]
        if number > 1:
            self._tab = number
        pane.display = True
        self.set_focus(pane)
        self._lay_out(focus=number)

    def action_pane_queue(self) -> None:
        """To pane 1."""
        self.go_to(1)

    def action_pane_agents(self) -> None:
        """To pane 2."""
        self.go_to(2)

    def action_pane_logs(self) -> None:
        """To pane 3."""
        self.go_to(3)

    def action_pane_convergence(self) -> None:
        """To pane 4."""
        self.go_to(4)

    def action_pane_next(self) -> None:
        """To the next pane."""
        self.go_to(self._number % 4 + 1)

    def action_pane_previous(self) -> None:
        """To the previous pane."""
        self.go_to((self._number - 2) % 4 + 1)

    def action_pane_zoom(self) -> None:
        """One pane, or all."""
        self._zoomed = not self._zoomed
        self._lay_out()

    def action_pane_left(self) -> None:
        """The panes at the right get more room."""
        self._resize(left=-_STEP)

    def action_pane_right(self) -> None:
        """Those at the left do."""
        self._resize(left=_STEP)

    def action_pane_up(self) -> None:
        """The lower panes get more room."""
        self._resize(upper=-_STEP)

    def action_pane_down(self) -> None:
        """The upper ones do."""
        self._resize(upper=_STEP)

    def offers(self, name: str) -> bool:
        """`back` gives the other panes their place back; dividers move where there are some."""
        if name in ("pane.left", "pane.right"):
            return self._arrangement is Layout.FOUR and not self._zoomed
        if name in ("pane.up", "pane.down"):
            return self._arrangement is not Layout.ONE and not self._zoomed
        return name != "list.back" or self._zoomed

    def action_list_back(self) -> None:
        """All panes."""
        self.action_pane_zoom()

    def _resize(self, *, left: int = 0, upper: int = 0) -> None:
        four = self._arrangement is Layout.FOUR
        known = self._memory.known
        self._memory.known = known.resized(left=left, upper=upper) if four else known.resized(queue=upper)
        self._share_out(single=False)
        self.app.run_worker(asyncio.to_thread(self._memory.write), name="memory", exit_on_error=False)

    def _share_out(self, *, single: bool) -> None:
        """How much of the place each pane has."""
        known, styles = self._memory.known, self.query_one("#panes").styles
        columns, rows = "1fr", "1fr"
        if not single and self._arrangement is Layout.FOUR:
            columns, rows = f"{known.left}fr {100 - known.left}fr", f"{known.upper}fr {100 - known.upper}fr"
        elif not single:
            rows = f"{known.queue}fr {100 - known.queue}fr"
        styles.grid_columns, styles.grid_rows = columns, rows

    @property
    def _number(self) -> int:
        return self.current.NUMBER if self.current is not None else 1

    def _lay_out(self, focus: int | None = None) -> None:
        number = focus or self._number
        single = self._zoomed or self._arrangement is Layout.ONE
        tabs = tuple((pane.NUMBER, pane.NAME) for pane in self.panes[1:])
        for pane in self.panes:
            shown = number == pane.NUMBER if single else self._arrangement is Layout.FOUR or pane.NUMBER in (1, self._tab)
            if pane.display != shown:
                pane.display = shown
            pane.tabs = tabs if self._arrangement is Layout.TABS and not single and pane.NUMBER > 1 else ()
        self._share_out(single=single)
        self.set_classes([self._arrangement.value, *(["-single"] if single else []), *(["-typing"] if self.has_class("-typing") else [])])

    def _figures_changed(self, store: Store) -> None:
        self.query_one(Header).show(store.figures)
