"""One verdict made of what the single criteria say."""

from collections.abc import Mapping
from dataclasses import dataclass

from abathur_tui.domain.criteria import AllOf, AnyOf, Criterion
from abathur_tui.domain.loops import Verdict


@dataclass(frozen=True, slots=True)
class Reading:
    """What one criterion says of a pass."""

    verdict: Verdict
    score: float | None
    """0 to 1, 1 only where it has converged; None where it could not say."""
    reason: str


def combined(criterion: Criterion, readings: Mapping[int, Reading]) -> Verdict:
    """The verdict of a criterion, from those of its single ones by their `id`.

    All-of: inconclusive where one is, because nothing can be said then; converged where all are. Any-of: converged where one is, inconclusive
    only where all are.
    """
    match criterion:
        case AllOf(criteria):
            verdicts = [combined(one, readings) for one in criteria]
            if Verdict.INCONCLUSIVE in verdicts:
                return Verdict.INCONCLUSIVE
            return Verdict.CONVERGED if all(verdict is Verdict.CONVERGED for verdict in verdicts) else Verdict.CONTINUE
        case AnyOf(criteria):
            verdicts = [combined(one, readings) for one in criteria]
            if Verdict.CONVERGED in verdicts:
                return Verdict.CONVERGED
            return Verdict.INCONCLUSIVE if all(verdict is Verdict.INCONCLUSIVE for verdict in verdicts) else Verdict.CONTINUE
        case _:
            return readings[id(criterion)].verdict


def reason_of(criterion: Criterion, verdict: Verdict, named: Mapping[str, Reading]) -> str:
    """Why: the reason of the only criterion, or those of all, the ones that led to the verdict first."""
    if not isinstance(criterion, AllOf | AnyOf):
        return next(iter(named.values())).reason
    ordered = sorted(named.values(), key=lambda reading: (reading.verdict is not verdict, reading.verdict is Verdict.CONVERGED))
    return "; ".join(reading.reason for reading in ordered)
