"""A loop's passes as points of a chart: which values, along which axis, and what is said beside them."""

from collections.abc import Sequence
from dataclasses import dataclass
from enum import StrEnum

from abathur_tui.domain.journal import LoopSeries
from abathur_tui.domain.loops import Course, Direction, Pass
from abathur_tui.domain.safe_text import safe_line
from abathur_tui.domain.status import ENDED
from abathur_tui.screen import figures
from abathur_tui.screen.roles import Line, Role, Span

_COURSE_ROLES = {Course.IMPROVING: Role.DONE, Course.CONVERGED: Role.DONE, Course.DIVERGING: Role.FAILED}
_MINUTE = 60


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


def metrics_of(series: LoopSeries) -> list[str]:
    """The names of all that was measured, the criterion's first."""
    names = dict.fromkeys([series.spec.criterion.metric])
    for done in series.passes:
        names.update(dict.fromkeys(done.metrics))
    return list(names)


def axes_of(series: LoopSeries) -> list[Axis]:
    """The axes that there are figures for."""
    known = all(done.cost_usd is not None for done in series.passes)
    return [Axis.PASS, Axis.TIME, *([Axis.COST] if known and any(done.cost_usd for done in series.passes) else [])]


def chart(series: LoopSeries, metric: str, axis: Axis) -> Chart:
    """The points of a metric along an axis, and limits in which all of it is in sight."""
    criterion = series.spec.criterion
    target = criterion.target if metric == criterion.metric else None
    minimize = criterion.direction is Direction.MINIMIZE
    better: list[tuple[float, float]] = []
    other: list[tuple[float, float]] = []
    best: float | None = None
    spent = 0.0
    for done in series.passes:
        spent += done.cost_usd or 0.0
        value = done.metrics.get(metric)
        if value is None:
            continue
        point = (_place(series, done, axis, spent), value)
        if best is None or (value < best if minimize else value > best):
            best = value
            better.append(point)
        else:
            other.append(point)
    return Chart(tuple(better), tuple(other), target, _horizontal(series, axis, [*better, *other]), _vertical([*better, *other], target), axis)


def summary(series: LoopSeries, metric: str, now: float) -> list[Line]:
    """What is said beside the chart, the most telling first."""
    criterion = series.spec.criterion
    lines: list[Line] = []
    if series.course is not None:
        lines.append([Span(str(series.course), _COURSE_ROLES.get(series.course, Role.STRONG))])
    best = next((done for done in series.passes if done.number == series.best), None)
    if best is not None and metric in best.metrics:
        lines.append([Span(f"best {figures.number(best.metrics[metric])}"), Span(f" · pass {best.number}", Role.DIM)])
    if metric == criterion.metric:
        bound = "≤" if criterion.direction is Direction.MINIMIZE else "≥"
        lines.append([Span(f"target {bound} {figures.number(criterion.target)}", Role.DIM)])
    if series.status in ENDED:
        why = str(series.ended_because).replace("_", " ") if series.ended_because else str(series.status)
        lines.append([Span(f"ended: {why}", Role.DIM)])
        if not series.reason:
            lines.append([Span(f"{len(series.passes)} passes", Role.DIM)])
    else:
        number = series.running_pass or len(series.passes)
        lines.append([Span(f"pass {number} of {series.spec.max_iterations}", Role.DIM)])
    costs = [done.cost_usd for done in series.passes]
    cost = "$?" if None in costs else f"${figures.money(sum(value or 0.0 for value in costs))}"
    if series.started_at is not None:
        end = series.finished_at or now
        lines.append([Span(f"{cost} · {figures.duration(end - series.started_at)}", Role.DIM)])
    if series.reason:
        lines.append([Span(safe_line(series.reason), Role.DIM)])
    return lines


def _place(series: LoopSeries, done: Pass, axis: Axis, spent: float) -> float:
    match axis:
        case Axis.PASS:
            return float(done.number)
        case Axis.TIME:
            return (done.ended_at - (series.started_at or done.ended_at)) / _MINUTE
        case Axis.COST:
            return spent


def _horizontal(series: LoopSeries, axis: Axis, points: Sequence[tuple[float, float]]) -> tuple[float, float]:
    if axis is Axis.PASS:
        last = max([point[0] for point in points], default=1.0)
        return 0.0, min(max(last + 1, 6.0), max(float(series.spec.max_iterations), last)) + 0.5
    return 0.0, max([point[0] for point in points], default=1.0) * 1.05 or 1.0


def _vertical(points: Sequence[tuple[float, float]], target: float | None) -> tuple[float, float]:
    values = [point[1] for point in points] + ([target] if target is not None else [])
    low, high = min(values, default=0.0), max(values, default=1.0)
    room = (high - low) * 0.08 or abs(high) * 0.1 or 1.0
    return low - room, high + room
