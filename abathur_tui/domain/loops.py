"""Loops: what a loop repeats, when it has converged, and how it ended."""

from dataclasses import dataclass, field, replace
from enum import StrEnum

from abathur_tui.domain.criteria import Criterion, Direction, ThresholdCriterion

__all__ = ["Course", "Direction", "EndedBecause", "LoopSpec", "Pass", "ThresholdCriterion", "Verdict", "questions_about"]

PATIENCE = 10
"""Passes in a row that brought no better one, after which a loop has made no progress."""


QUESTIONS_OF_A_PASS = 128
"""How many numbers there are for what a loop asks about one pass: two for each criterion."""


def questions_about(number: int) -> range:
    """The numbers of what is asked about a pass, among the steps of its loop: passes count upwards, questions downwards."""
    return range(-QUESTIONS_OF_A_PASS * (number + 1), -QUESTIONS_OF_A_PASS * number)


class Verdict(StrEnum):
    """What the criterion says of a pass."""

    CONTINUE = "continue"
    CONVERGED = "converged"
    FAILED = "failed"
    INCONCLUSIVE = "inconclusive"
    """Nobody can say, as where a measure gave no usable number; three of them in a row end the loop."""


class EndedBecause(StrEnum):
    """Why a loop is over."""

    CONVERGED = "converged"
    ITERATIONS = "iterations"
    TIMEOUT = "timeout"
    BUDGET = "budget"
    NO_PROGRESS = "no_progress"
    FAILED = "failed"
    CANCELLED = "cancelled"


class Course(StrEnum):
    """How a loop's measurements run (named from the numbers, never from what an agent says of itself)."""

    IMPROVING = "improving"
    PLATEAU = "plateau"
    OSCILLATING = "oscillating"
    DIVERGING = "diverging"
    CONVERGED = "converged"


@dataclass(frozen=True, slots=True)
class LoopSpec:
    """A loop's rule: when it has converged, and what it may take until then."""

    criterion: Criterion
    max_iterations: int | None
    """None: no limit."""
    timeout_seconds: float | None = None
    """Of all passes together; None: the setting."""
    patience: int = PATIENCE
    """Passes in a row without a better one that end it; halfway, a pass starts afresh."""
    resumed_after: int = 0
    """How many passes there were when somebody last resumed it: what ended it before then does not end it again."""
    budget_usd: float | None = None
    """What all of its passes and judges may cost together, in US dollars; None: no ceiling."""

    def shared_by(self, instances: int) -> "LoopSpec":
        """The rule of each of several instances, which share the budget."""
        return self if self.budget_usd is None else replace(self, budget_usd=self.budget_usd / instances)


@dataclass(frozen=True, slots=True)
class Pass:
    """One pass of a loop, as it is kept."""

    number: int
    """From 1."""
    task: int
    """The task that was this pass."""
    output: str
    metrics: dict[str, float]
    verdict: Verdict
    reason: str
    tokens_input: int
    tokens_output: int
    seconds: float
    cost_usd: float | None
    """With its judges'; None where a price is not known."""
    ended_at: float
    scores: dict[str, float] = field(default_factory=dict)
    """For each single criterion how near it is, from 0 to 1; one that could not say is missing."""
