"""The course of a loop, named from its measurements."""

from collections.abc import Sequence
from itertools import pairwise

from abathur_tui.domain.loops import Course, ThresholdCriterion

WINDOW = 4
"""How many of the latest values say what the course is now."""
SAME = 0.01
"""Values that differ by less than this share of the largest of the window are the same."""


def course_of(criterion: ThresholdCriterion, values: Sequence[float]) -> Course | None:
    """How the metric runs, from its values per pass in order; None while there are fewer than two and the target is not met.

    Converged: the last one meets the target. Plateau: the latest are the same. Oscillating: they go up and down in turn. Improving: the best
    of them is better than all before. Diverging: each is worse than the one before. A plateau otherwise: no progress.
    """
    if values and criterion.met(values[-1]):
        return Course.CONVERGED
    if len(values) < 2:
        return None
    latest = list(values[-WINDOW:])
    tolerance = SAME * max(abs(value) for value in latest)
    steps = [_step(criterion, before, after, tolerance) for before, after in pairwise(latest)]
    if not any(steps):
        return Course.PLATEAU
    if len(steps) >= 3 and all(one * other < 0 for one, other in pairwise(steps)):
        return Course.OSCILLATING
    if steps[-1] > 0 or _best_is_recent(criterion, values):
        return Course.IMPROVING
    if all(step < 0 for step in steps[-2:]):
        return Course.DIVERGING
    return Course.PLATEAU


def best_of(criterion: ThresholdCriterion, values: Sequence[float | None]) -> int | None:
    """The index of the best value, the earliest of equals; None where there is none."""
    best: int | None = None
    for index, value in enumerate(values):
        held = None if best is None else values[best]
        if value is not None and (held is None or criterion.better(value, held)):
            best = index
    return best


def _step(criterion: ThresholdCriterion, before: float, after: float, tolerance: float) -> int:
    """1 for better, -1 for worse, 0 for the same."""
    if abs(after - before) <= tolerance:
        return 0
    return 1 if criterion.better(after, before) else -1


def _best_is_recent(criterion: ThresholdCriterion, values: Sequence[float]) -> bool:
    best = best_of(criterion, values)
    return best is not None and best >= len(values) - 2 and best > 0
