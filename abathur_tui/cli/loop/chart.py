"""A loop's chart for a plain terminal: characters only, shapes instead of colours."""

from collections.abc import Sequence
from dataclasses import dataclass

from abathur_tui.domain.criteria import Direction, Target
from abathur_tui.domain.journal import LoopSeries
from abathur_tui.domain.loops import Pass

_LABEL = 9


@dataclass(frozen=True, slots=True)
class Shapes:
    """The characters that a chart is drawn with."""

    better: str
    """A pass that was the best when it was made."""
    other: str
    target: str
    axis: str
    corner: str
    foot: str


UNICODE = Shapes("●", "○", "┄", "│", "└", "─")
ASCII = Shapes("*", "o", "-", "|", "+", "-")


def value_of(done: Pass, target: Target) -> float | None:
    """What a pass reached; None where it was not measured."""
    return (done.scores if target.is_score else done.metrics).get(target.name)


def chart(series: LoopSeries, target: Target, width: int, height: int, shapes: Shapes) -> list[str]:
    """The lines of a chart of one metric or score per pass, at most `width` cells wide and `height` lines high.

    More passes than columns share columns; each column shows its lowest and its highest value, so that no extreme is lost.
    """
    points = [(done.number, value) for done in series.passes if (value := value_of(done, target)) is not None]
    columns, rows = max(width - _LABEL - 2, 10), max(height - 2, 3)
    known = [value for _, value in points] + [target.value]
    low, high = min(known), max(known)
    room = abs(high) * 0.1 or 1.0  # a share, because 1 more than 1e17 is still 1e17
    low, high = (low - room, high + room) if low == high else (low, high)
    last = max((number for number, _ in points), default=1)
    grid = [[" "] * columns for _ in range(rows)]

    def nearest(value: float) -> int:
        return round((high - value) / (high - low) * (rows - 1))

    line_of_target = min(max(nearest(target.value), int(high > target.value)), rows - 1 - int(low < target.value))

    def row(value: float) -> int:
        """On the target's line stands only what is at the target."""
        if value == target.value:
            return line_of_target
        return min(nearest(value), line_of_target - 1) if value > target.value else max(nearest(value), line_of_target + 1)

    grid[row(target.value)] = [shapes.target] * columns
    better = _bests(points, target)
    marks = [(round((number - 1) / max(last - 1, columns - 1, 1) * (columns - 1)), row(value), number in better) for number, value in points]
    for column, line, is_better in sorted(marks, key=lambda mark: mark[2]):
        grid[line][column] = shapes.better if is_better else shapes.other
    labels = {row(value): _label(value) for value in (high, low, target.value)}
    lines = [f"{labels.get(number, ''):>{_LABEL}} {shapes.axis}{''.join(cells).rstrip()}" for number, cells in enumerate(grid)]
    sign = "<=" if target.direction is Direction.MINIMIZE else ">="
    lines.append(f"{'':>{_LABEL}} {shapes.corner}{shapes.foot * columns}")
    lines.append(f"{'':>{_LABEL}}  {target.name} {sign} {target.value:g}, pass 1 to {last}; {shapes.better} best so far, {shapes.other} not")
    return lines


def _label(value: float) -> str:
    """The value with as many digits as there is room for: a cut exponent would be another number."""
    return next(text for digits in range(6, -1, -1) if len(text := f"{value:.{digits}g}") <= _LABEL)


def _bests(points: Sequence[tuple[int, float]], target: Target) -> set[int]:
    """The passes that were the best when they were made."""
    found: set[int] = set()
    best: float | None = None
    for number, value in points:
        if best is None or (value < best if target.direction is Direction.MINIMIZE else value > best):
            best = value
            found.add(number)
    return found
