"""The chart of a loop. Importing this loads textual-plot and numpy (0.1 to 0.6 s): only when there is something to draw."""

from collections.abc import Sequence

from textual_hires_canvas import Canvas
from textual_plot import NumericAxisFormatter, PlotWidget
from textual_plot.plot_widget import FloatScalar

from abathur_tui.screen import figures
from abathur_tui.screen.panes.series import Axis, Chart
from abathur_tui.screen.roles import Role
from abathur_tui.screen.theme import looks_of

_FEWEST_TICK_CELLS = 4
_MARGIN_LEFT = 8
_LIGHT = dict(zip("┃━┏┓┗┛┣┫┳┻╋", "││┌┐└┘├┤┬┴┼", strict=True)) | {"━": "─", "┻": "─", "┗": "└", "┛": "─"}


class _ShortNumbers(NumericAxisFormatter):
    """Ticks whose labels always fit into the margin."""

    def get_labels_for_ticks(self, ticks: Sequence[float]) -> list[str]:
        """At most six characters each."""
        return [figures.short_number(tick) for tick in ticks]


class LoopPlot(PlotWidget):
    """Points, target line, and only the two axes that are read."""

    ALLOW_SELECT = False

    def __init__(self) -> None:
        """Empty until `show_chart` is called."""
        super().__init__(allow_pan_and_zoom=False)
        self.can_focus = False
        self.set_y_formatter(_ShortNumbers())
        self._chart: Chart | None = None

    def on_mount(self) -> None:
        """No line is spent on margins."""
        self.margin_top, self.margin_bottom, self.margin_left = 0, 1, _MARGIN_LEFT

    def show_chart(self, chart: Chart) -> None:
        """Draw it."""
        if chart != self._chart:
            self._chart = chart
            self.draw()

    def draw(self) -> None:
        """Draw what was shown last in the present size and theme."""
        chart = self._chart
        if chart is None:
            return
        self.clear()
        low, high = chart.horizontal
        self.set_xlimits(low, high)
        self.set_ylimits(*chart.vertical)
        if chart.axis is Axis.PASS:
            step = max(1, round((high - low) * _FEWEST_TICK_CELLS / max(1, self.size.width - _MARGIN_LEFT)))
            self.set_xticks([float(number) for number in range(step, int(high) + 1, step)])
        else:
            self.set_xticks(None)
        if chart.target is not None:
            cells = max(2, self.size.width)
            xs = [low + (high - low) * cell / cells for cell in range(cells)]
            self.scatter(xs, [chart.target] * len(xs), marker="┄", marker_style=self._style(Role.DIM))
        if chart.other:
            self.scatter(*_columns(chart.other), marker="○", marker_style=self._style(Role.DIM))
        if chart.better:
            self.scatter(*_columns(chart.better), marker="●", marker_style=self._style(Role.DONE))
        if chart.chosen is not None:
            self.scatter([chart.chosen[0]], [chart.chosen[1]], marker="◆", marker_style=self._style(Role.ACCENT))

    def on_resize(self) -> None:
        """Ticks and the target line depend on the size."""
        self.draw()

    def get_pixel_from_coordinate(self, x: FloatScalar, y: FloatScalar) -> tuple[int, int]:
        """The cell whose middle is nearest, so that a point stands beside its value's tick; on the target's line only what is at the target."""
        area = self._scale_rectangle
        across = (float(x) - self._x_min) / (self._x_max - self._x_min)
        row = self._row(float(y))
        target = self._chart.target if self._chart is not None else None
        if target is not None and float(y) != target and row == self._row(target):
            row += -1 if float(y) > target else 1
        return area.x + round(across * (area.width - 1)), row

    def _row(self, y: float) -> int:
        area = self._scale_rectangle
        return area.bottom - 1 - round((y - self._y_min) / (self._y_max - self._y_min) * (area.height - 1))

    def _style(self, role: Role) -> str:
        return str(looks_of(self.app.theme).roles[role])

    def _render_plot(self) -> None:
        """The plot with light axes, and without the frame's upper and right side, which say nothing."""
        super()._render_plot()
        canvas = self.query_one("#plot", Canvas)
        width, height = canvas._canvas_size  # it may lag behind `canvas.size` while the layout settles
        for y in range(height):
            self._lighten(canvas, 0, y)
            canvas.set_pixel(width - 1, y, " ", "")
        for x in range(width):
            canvas.set_pixel(x, 0, " ", "")
            self._lighten(canvas, x, height - 1)

    def _lighten(self, canvas: Canvas, x: int, y: int) -> None:
        character, style = canvas.get_pixel(x, y)
        if character in _LIGHT:
            canvas.set_pixel(x, y, _LIGHT[character], style)


def _columns(points: tuple[tuple[float, float], ...]) -> tuple[list[float], list[float]]:
    return [x for x, _ in points], [y for _, y in points]
