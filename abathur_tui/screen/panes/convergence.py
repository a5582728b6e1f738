"""The convergence pane: how a loop's metric moves towards its target, pass by pass."""

import asyncio
import importlib
from typing import TYPE_CHECKING

from textual import events
from textual.app import ComposeResult
from textual.strip import Strip

from abathur_tui.domain.journal import LoopSeries
from abathur_tui.domain.safe_text import safe_line
from abathur_tui.screen.actions import Where, bindings
from abathur_tui.screen.messages import OffersChanged, OpenTask
from abathur_tui.screen.panes.pane import Pane
from abathur_tui.screen.panes.series import Axis, Curve, axes_of, chart, curves_of, summary
from abathur_tui.screen.roles import Line, Role, Span, fit
from abathur_tui.screen.screens.loop_pass import PassScreen
from abathur_tui.screen.store import Store
from abathur_tui.screen.widgets.drawn import Drawn
from abathur_tui.screen.widgets.text_view import wrap

if TYPE_CHECKING:
    from abathur_tui.screen.panes.plot import LoopPlot


class Words(Drawn):
    """Lines beside the chart, or in its place."""

    def __init__(self) -> None:
        """Empty."""
        super().__init__(id="convergence-words")
        self._lines: list[Line] = []

    def show(self, lines: list[Line]) -> None:
        """Say this, wrapped to the width."""
        if lines != self._lines:
            self._lines = lines
            self.refresh()

    def render_line(self, y: int) -> Strip:
        """One of the lines."""
        width = self.size.width
        lines = [piece for line in self._lines for piece in wrap(line, width)]
        return self.strip(lines[y], width) if y < len(lines) else self.blank(width)


class ConvergencePane(Pane, can_focus=True):
    """One loop at a time: the running one first, then the newest."""

    NUMBER = 4
    NAME = "convergence"
    PLACE = Where.CONVERGENCE
    BINDINGS = bindings(Where.LISTS, Where.CONVERGENCE)

    def __init__(self, store: Store) -> None:
        """It shows what `store` has."""
        super().__init__(id="convergence")
        self._store = store
        self._loop: int | None = None
        """The loop that was chosen; None: the store's first."""
        self._metric = 0
        self._axis = 0
        self._cursor: int | None = None
        """The number of the pass that was chosen; None: none."""
        self._plot: LoopPlot | None = None
        self._loading = False

    def compose(self) -> ComposeResult:
        """Words; the chart comes when there is one to draw."""
        yield Words()

    def on_mount(self) -> None:
        """Follow the store."""
        self._store.loops_changed.subscribe(self, self._loops_changed, immediate=True)
        self.app.theme_changed_signal.subscribe(self, lambda _: self._redraw())
        self._loops_changed(self._store)

    def render_line(self, y: int) -> Strip:
        """Nothing of its own."""
        return self.blank(self.size.width)

    @property
    def series(self) -> LoopSeries | None:
        """The loop that is shown."""
        loops = self._store.loops
        return next((each for each in loops if each.task == self._loop), loops[0] if loops else None)

    def title_details(self) -> Line:
        """The loop's name, and which of how many."""
        series = self.series
        if series is None:
            return []
        loops = self._store.loops
        place = f"  {[each.task for each in loops].index(series.task) + 1} of {len(loops)}" if len(loops) > 1 else ""
        return [Span(fit(safe_line(series.name), 40).rstrip(), Role.ACCENT), Span(place, Role.DIM)]

    def foot(self) -> Line:
        """Metric and axis."""
        series = self.series
        return [Span(f"{safe_line(self._curve_of(series).name)} · by {self._axis_of(series)}", Role.DIM)] if series else []

    def offers(self, name: str) -> bool:
        """Whether it makes sense for the loop that is shown."""
        series = self.series
        match name:
            case "loop.previous" | "loop.next":
                return len(self._store.loops) > 1
            case "loop.metric":
                return series is not None and len(curves_of(series)) > 1
            case "loop.axis":
                return series is not None and bool(series.passes)
            case "list.open":
                return series is not None
            case "list.down" | "list.up" | "list.top" | "list.bottom" | "list.page_down" | "list.page_up":
                return series is not None and bool(series.passes)
            case "list.back":
                return self._cursor is not None
        return False

    def action_list_open(self) -> None:
        """The pass under the cursor, else the loop's task."""
        series = self.series
        if series is None:
            return
        if self._cursor is None:
            self.post_message(OpenTask(series.task))
        else:
            self.app.push_screen(PassScreen(self._store, series.task, self._cursor))

    def action_list_down(self) -> None:
        """To the next pass."""
        self._move(1)

    def action_list_up(self) -> None:
        """To the pass before."""
        self._move(-1)

    def action_list_page_down(self) -> None:
        """Ten passes on."""
        self._move(10)

    def action_list_page_up(self) -> None:
        """Ten passes back."""
        self._move(-10)

    def action_list_top(self) -> None:
        """To the first pass."""
        self._move(-len(self._numbers))

    def action_list_bottom(self) -> None:
        """To the last pass."""
        self._move(len(self._numbers))

    def action_list_back(self) -> None:
        """No pass is chosen any more."""
        self._cursor = None
        self._show()

    def action_loop_next(self) -> None:
        """The next loop."""
        self._choose(1)

    def action_loop_previous(self) -> None:
        """The previous loop."""
        self._choose(-1)

    def action_loop_metric(self) -> None:
        """The next metric."""
        self._metric += 1
        self._show()

    def action_loop_axis(self) -> None:
        """The next axis."""
        self._axis += 1
        self._show()

    def on_focus(self) -> None:
        """The border shows it."""
        self.show_border()

    def on_blur(self) -> None:
        """The border shows it."""
        self.show_border()

    def on_resize(self, event: events.Resize) -> None:
        """In a narrow pane the words stand under the chart's corner, in a wide one beside it."""
        self.set_class(event.size.width < 44, "-narrow")

    def _curve_of(self, series: LoopSeries) -> Curve:
        curves = curves_of(series)
        return curves[self._metric % len(curves)]

    def _axis_of(self, series: LoopSeries) -> Axis:
        axes = axes_of(series)
        return axes[self._axis % len(axes)]

    @property
    def _numbers(self) -> list[int]:
        return [done.number for done in self.series.passes] if self.series is not None else []

    def _move(self, step: int) -> None:
        """Move the cursor; the first time it comes to the best pass, or to that end of the passes."""
        numbers = self._numbers
        if not numbers or self.series is None:
            return
        if self._cursor is None and abs(step) < len(numbers):
            self._cursor = self.series.best or numbers[-1]
        else:
            place = numbers.index(self._cursor) if self._cursor in numbers else len(numbers) - 1
            self._cursor = numbers[min(max(place + step, 0), len(numbers) - 1)]
        self._show()

    def _choose(self, step: int) -> None:
        loops = [each.task for each in self._store.loops]
        if loops and self.series is not None:
            self._loop = loops[(loops.index(self.series.task) + step) % len(loops)]
            self._metric = 0
            self._cursor = None
            self._show()

    def _loops_changed(self, store: Store) -> None:
        self._show()

    def _show(self) -> None:
        series = self.series
        self.set_class(series is None, "-empty")
        words = self.query_one(Words)
        if series is None:
            words.show(self._hints() if self._store.loaded else [])
        else:
            cursor = self._cursor if self._cursor in self._numbers else None
            words.show(summary(series, self._curve_of(series), self._store.clock.now(), cursor))
            if self._plot is not None:
                self._plot.show_chart(chart(series, self._curve_of(series), self._axis_of(series), cursor))
            elif not self._loading:
                self._loading = True
                self.run_worker(self._load_plot(), name="textual-plot", exit_on_error=False)
        self.show_border()
        self.post_message(OffersChanged())

    async def _load_plot(self) -> None:
        # numpy and the plot take 0.1 to 0.6 s to import: only where a loop is shown, and beside the screen.
        module = await asyncio.to_thread(importlib.import_module, "abathur_tui.screen.panes.plot")
        self._plot = module.LoopPlot()
        await self.mount(self._plot, before=0)
        self._show()

    def _redraw(self) -> None:
        if self._plot is not None:
            self._plot.draw()

    def _hints(self) -> list[Line]:
        return [
            [],
            [Span("  No loop has run here yet.")],
            [],
            [Span("  c   ", Role.ACCENT), Span('new — try: ABYSSAL[OPTIMIZE]("a query",', Role.DIM)],
            [Span('      metric="latency_ms", target=100,', Role.DIM)],
            [Span('      direction="minimize", measure="./bench.sh")', Role.DIM)],
        ]
