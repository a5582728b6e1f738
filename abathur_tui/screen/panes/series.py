"""A loop's passes as points of a chart: which values, along which axis, and what is said beside them."""

from collections.abc import Sequence
from dataclasses import dataclass
from enum import StrEnum

from abathur_tui.domain.criteria import Target, targets
from abathur_tui.domain.journal import LoopSeries
from abathur_tui.domain.loops import Course, Direction, Pass
from abathur_tui.domain.safe_text import safe_line
from abathur_tui.domain.status import ENDED
from abathur_tui.screen import figures
from abathur_tui.screen.roles import Line, Role, Span

_COURSE_ROLES = {Course.IMPROVING: Role.DONE, Course.CONVERGED: Role.DONE, Course.DIVERGING: Role.FAILED}
_MINUTE = 60
_MOST_POINTS = 400
"""Points of one shape; a terminal has fewer columns."""


class Axis(StrEnum):
    """What the chart's horizontal axis measures."""

    PASS = "pass"
    TIME = "minutes"
    COST = "US $"


@dataclass(frozen=True, slots=True)
class Chart:
    """What is drawn."""

    better: tuple[tuple[float, float], ...]
    """Points that were the best when they were measured."""
    other: tuple[tuple[float, float], ...]
    target: float | None
    """None for a metric that has none."""
    horizontal: tuple[float, float]
    vertical: tuple[float, float]
    axis: Axis
    chosen: tuple[float, float] | None = None
    """The point that the cursor is on."""


@dataclass(frozen=True, slots=True)
class Curve:
    """Something that was measured of every pass: a criterion's metric or score, or another metric."""

    name: str
    """Foreign text."""
    target: Target | None
    """None for a metric that no criterion asks for."""

    def value(self, done: Pass) -> float | None:
        """What it was in a pass; None where it was not measured."""
        return (done.scores if self.target is not None and self.target.is_score else done.metrics).get(self.name)

    def better(self, value: float, than: float | None) -> bool:
        """Whether a value is the best so far; of a metric without a target nobody knows."""
        if self.target is None:
            return False
        return than is None or (value < than if self.target.direction is Direction.MINIMIZE else value > than)


def curves_of(series: LoopSeries) -> list[Curve]:
    """All that was measured, the criteria's own first."""
    curves = [Curve(target.name, target) for target in targets(series.spec.criterion)]
    known = {curve.name for curve in curves}
    others = dict.fromkeys(name for done in series.passes for name in done.metrics if name not in known)
    return [*curves, *(Curve(name, None) for name in others)]


def axes_of(series: LoopSeries) -> list[Axis]:
    """The axes that there are figures for."""
    known = all(done.cost_usd is not None for done in series.passes)
    return [Axis.PASS, Axis.TIME, *([Axis.COST] if known and any(done.cost_usd for done in series.passes) else [])]


def chart(series: LoopSeries, curve: Curve, axis: Axis, cursor: int | None = None) -> Chart:
    """The points of a curve along an axis, and limits in which all of it is in sight; `cursor` is the number of a pass."""
    chosen: tuple[float, float] | None = None
    better: list[tuple[float, float]] = []
    other: list[tuple[float, float]] = []
    best: float | None = None
    spent = 0.0
    for done in series.passes:
        spent += done.cost_usd or 0.0
        value = curve.value(done)
        if value is None:
            continue
        point = (_place(series, done, axis, spent), value)
        if done.number == cursor:
            chosen = point
        if curve.better(value, best):
            best = value
            better.append(point)
        else:
            other.append(point)
    target = None if curve.target is None else curve.target.value
    points = [*better, *other]
    limits = _horizontal(series, axis, points), _vertical(points, target)
    return Chart(_thinned(better), _thinned(other), target, *limits, axis, chosen)


def _thinned(points: Sequence[tuple[float, float]]) -> tuple[tuple[float, float], ...]:
    """At most so many points that they can be told apart: of each stretch its lowest and its highest, so that no extreme is lost."""
    if len(points) <= _MOST_POINTS:
        return tuple(points)
    stretches = _MOST_POINTS // 2
    kept: dict[tuple[float, float], None] = {}
    for number in range(stretches):
        stretch = points[number * len(points) // stretches : (number + 1) * len(points) // stretches]
        kept[min(stretch, key=lambda point: point[1])] = None
        kept[max(stretch, key=lambda point: point[1])] = None
    return tuple(kept)


def of_pass(series: LoopSeries, curve: Curve, number: int) -> Line:
    """The pass that the cursor is on, in a line."""
    done = next(one for one in series.passes if one.number == number)
    value = curve.value(done)
    return [Span(f"▸ pass {number}", Role.ACCENT), Span(f" {'–' if value is None else figures.number(value)} {done.verdict}")]


def summary(series: LoopSeries, curve: Curve, now: float, cursor: int | None = None) -> list[Line]:
    """What is said beside the chart, the most telling first."""
    lines: list[Line] = [] if cursor is None else [of_pass(series, curve, cursor)]
    if series.course is not None:
        lines.append([Span(str(series.course), _COURSE_ROLES.get(series.course, Role.STRONG))])
    best = next((done for done in series.passes if done.number == series.best), None)
    value = None if best is None else curve.value(best)
    if best is not None and value is not None:
        lines.append([Span(f"best {figures.number(value)}"), Span(f" · pass {best.number}", Role.DIM)])
    if curve.target is not None:
        bound = "≤" if curve.target.direction is Direction.MINIMIZE else "≥"
        lines.append([Span(f"target {bound} {figures.number(curve.target.value)}", Role.DIM)])
    if series.status in ENDED:
        why = str(series.ended_because).replace("_", " ") if series.ended_because else str(series.status)
        lines.append([Span(f"ended: {why}", Role.DIM)])
        if not series.reason:
            lines.append([Span(f"{len(series.passes)} passes", Role.DIM)])
    else:
        lines.append([Span(f"pass {progress(series, ' of ')}", Role.DIM)])
    costs = [done.cost_usd for done in series.passes]
    cost = "$?" if None in costs else f"${figures.money(sum(value or 0.0 for value in costs))}"
    if series.started_at is not None:
        end = series.finished_at or now
        lines.append([Span(f"{cost} · {figures.duration(end - series.started_at)}", Role.DIM)])
    if series.reason:
        lines.append([Span(safe_line(series.reason), Role.DIM)])
    return lines


def progress(series: LoopSeries, between: str) -> str:
    """Which pass is at work, and of how many at most where there is a limit: `7 of 20`."""
    number = series.running_pass or len(series.passes)
    limit = series.spec.max_iterations
    return str(number) if limit is None else f"{number}{between}{limit}"


def _place(series: LoopSeries, done: Pass, axis: Axis, spent: float) -> float:
    match axis:
        case Axis.PASS:
            return float(done.number)
        case Axis.TIME:
            return max(0.0, done.ended_at - (series.started_at or done.ended_at)) / _MINUTE
        case Axis.COST:
            return spent


def _horizontal(series: LoopSeries, axis: Axis, points: Sequence[tuple[float, float]]) -> tuple[float, float]:
    if axis is Axis.PASS:
        last = max([point[0] for point in points], default=1.0)
        limit = series.spec.max_iterations
        end = max(last + 1, 6.0)
        return 0.0, (end if limit is None else min(end, max(float(limit), last))) + 0.5
    return 0.0, max([point[0] for point in points], default=1.0) * 1.05 or 1.0


def _vertical(points: Sequence[tuple[float, float]], target: float | None) -> tuple[float, float]:
    values = [point[1] for point in points] + ([target] if target is not None else [])
    low, high = min(values, default=0.0), max(values, default=1.0)
    room = (high - low) * 0.08 or abs(high) * 0.1 or 1.0
    return low - room, high + room
