"""How a loop ended, with its best pass, in words that are true of it."""

from dataclasses import dataclass

from abathur_tui.domain.courses import standing
from abathur_tui.domain.criteria import Criterion, JudgeCriterion, leaves, targets
from abathur_tui.domain.data import JsonObject
from abathur_tui.domain.errors import AbathurError
from abathur_tui.domain.joins import Judged, Quality
from abathur_tui.domain.loops import EndedBecause, Pass
from abathur_tui.domain.tasks import TaskError


@dataclass(frozen=True, slots=True)
class LoopEnd:
    """How a loop ended, with its best pass."""

    because: EndedBecause
    reason: str
    best: Pass | None
    error: TaskError | None
    """None where it converged."""
    quality: Quality | None = None
    """Of the best pass; None where no judge scored it."""

    def detail(self) -> JsonObject:
        """What is kept with the task."""
        return {
            "ended_because": self.because,
            "reason": self.reason,
            "best_pass": self.best.number if self.best else None,
            "quality": None if self.quality is None else self.quality.data(),
        }


def end_with(because: EndedBecause, reason: str, criterion: Criterion, best: Pass | None, error: type[AbathurError] | str | None) -> LoopEnd:
    """The end; `error` is an error's class or code, None where the loop has converged. `best` has its output."""
    if best is not None:
        reason += f"; {_told(criterion, best)}"
    failed = None if error is None else TaskError(error if isinstance(error, str) else error.code, f"The loop ended: {reason}.")
    return LoopEnd(because, reason, best, failed, _quality(criterion, best))


def _told(criterion: Criterion, best: Pass) -> str:
    """`the best is pass 3 with latency_ms 120, judge 0.8`."""
    if standing(criterion, best) is None:
        return f"nothing was measured, so its result is the last output, of pass {best.number}"
    values = [(one.name, (best.scores if one.is_score else best.metrics).get(one.name)) for one in targets(criterion)]
    said = ", ".join(f"{name} {value:.4g}" for name, value in values if value is not None)
    return f"the best is pass {best.number}" + (f" with {said}" if said else "")


def _quality(criterion: Criterion, best: Pass | None) -> Quality | None:
    """What judges gave the pass, on the average."""
    rubrics = {name: leaf.rubric for name, leaf in leaves(criterion) if isinstance(leaf, JudgeCriterion)}
    given = {name: score for name, score in best.scores.items() if name in rubrics} if best is not None else {}
    if best is None or not given:
        return None
    criteria = tuple(Judged(rubrics[name], score, best.reason) for name, score in given.items())
    return Quality(sum(given.values()) / len(given), criteria)
