"""The course of a loop, and its best pass, named from its measurements."""

from collections.abc import Sequence
from itertools import pairwise

from abathur_tui.domain.criteria import AllOf, AnyOf, Criterion, Direction, ThresholdCriterion, leaves, name_of
from abathur_tui.domain.loops import Course, Pass, Verdict

WINDOW = 4
"""How many of the latest values say what the course is now."""
SAME = 0.01
"""Values that differ by less than this share of the largest of the window are the same."""


def standing(criterion: Criterion, done: Pass) -> float | None:
    """How good a pass is, the larger the better; None where nobody could say.

    Of one threshold its metric; of another criterion its score; of all-of the mean of the scores, of any-of the highest of them, nested.
    """
    match criterion:
        case ThresholdCriterion():
            value = done.metrics.get(criterion.metric)
            return value if value is None or criterion.direction is Direction.MAXIMIZE else -value
        case AllOf() | AnyOf():
            scores = {id(leaf): done.scores.get(name) for name, leaf in leaves(criterion)}
            return _combined(criterion, scores) if any(score is not None for score in scores.values()) else None
        case _:
            return done.scores.get(name_of(criterion))


class Progress:
    """The best pass so far, and how long ago that was, kept up pass by pass."""

    def __init__(self, criterion: Criterion) -> None:
        """Before the first pass."""
        self._criterion = criterion
        self._highest: float | None = None
        self._graded = isinstance(criterion, ThresholdCriterion)
        self._since = 0
        self.best: Pass | None = None
        """The one that converged; else the pass with the best standing, the earliest of equals; where none has one, the last."""

    def add(self, done: Pass) -> None:
        """The next pass."""
        value = standing(self._criterion, done)
        self._graded = self._graded or any(score not in (0.0, 1.0) for score in done.scores.values())
        self._since += 1
        # Of several criteria another pass may have the better mean, or score, and still not be what was asked for.
        if done.verdict is Verdict.CONVERGED or self._highest is None or (value is not None and value > self._highest):
            self.best, self._highest, self._since = done, value, 0

    @property
    def stale(self) -> int:
        """How many of the latest passes in a row were no better than one before them; 0 where no criterion gives degrees, only yes or no."""
        return self._since if self._graded else 0


def best_pass(criterion: Criterion, passes: Sequence[Pass]) -> Pass | None:
    """The best of all, as `Progress.best` says it; None where there is none."""
    return _progress(criterion, passes).best


def stale_passes(criterion: Criterion, passes: Sequence[Pass]) -> int:
    """How many of the latest passes were no better than one before them; see `Progress.stale`."""
    return _progress(criterion, passes).stale


def course_of(criterion: Criterion, passes: Sequence[Pass]) -> Course | None:
    """How the loop runs, from its passes in order; None while fewer than two could be measured and it has not converged.

    Converged: the last one says so. Plateau: the latest are the same. Oscillating: they go up and down in turn. Improving: the best of them
    is better than all before. Diverging: each is worse than the one before. A plateau otherwise: no progress.
    """
    if passes and passes[-1].verdict is Verdict.CONVERGED:
        return Course.CONVERGED
    values = [value for done in passes if (value := standing(criterion, done)) is not None]
    if len(values) < 2:
        return None
    latest = values[-WINDOW:]
    tolerance = SAME * max(abs(value) for value in latest)
    steps = [_step(before, after, tolerance) for before, after in pairwise(latest)]
    if not any(steps):
        return Course.PLATEAU
    if len(steps) >= 3 and all(one * other < 0 for one, other in pairwise(steps)):
        return Course.OSCILLATING
    best = values.index(max(values))
    if steps[-1] > 0 or (best >= len(values) - 2 and best > 0):
        return Course.IMPROVING
    if all(step < 0 for step in steps[-2:]):
        return Course.DIVERGING
    return Course.PLATEAU


def _step(before: float, after: float, tolerance: float) -> int:
    """1 for better, -1 for worse, 0 for the same."""
    if abs(after - before) <= tolerance:
        return 0
    return 1 if after > before else -1


def _combined(criterion: Criterion, scores: dict[int, float | None]) -> float:
    match criterion:
        case AllOf(criteria):
            return sum(_combined(one, scores) for one in criteria) / len(criteria)
        case AnyOf(criteria):
            return max(_combined(one, scores) for one in criteria)
        case _:
            return scores.get(id(criterion)) or 0.0


def _progress(criterion: Criterion, passes: Sequence[Pass]) -> Progress:
    progress = Progress(criterion)
    for done in passes:
        progress.add(done)
    return progress
