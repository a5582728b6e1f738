"""Loops: what a loop repeats, when it has converged, and how it ended."""

from dataclasses import dataclass
from enum import StrEnum


class Direction(StrEnum):
    """Which way a metric gets better."""

    MINIMIZE = "minimize"
    MAXIMIZE = "maximize"


class Verdict(StrEnum):
    """What the criterion says of a pass."""

    CONTINUE = "continue"
    CONVERGED = "converged"
    FAILED = "failed"
    INCONCLUSIVE = "inconclusive"
    """The measure gave no usable number; three of them in a row end the loop."""


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
class ThresholdCriterion:
    """Converged when `metric`, measured after each pass by the command `measure`, reaches `target`."""

    metric: str
    target: float
    direction: Direction
    measure: str
    """A shell command in the project's folder; it prints one number, or a JSON object of numbers."""

    def met(self, value: float) -> bool:
        """True where `value` is at the target or beyond it."""
        return value <= self.target if self.direction is Direction.MINIMIZE else value >= self.target

    def better(self, value: float, than: float) -> bool:
        """True where `value` is strictly better than `than`: ties go to the earlier pass."""
        return value < than if self.direction is Direction.MINIMIZE else value > than


@dataclass(frozen=True, slots=True)
class LoopSpec:
    """A loop's rule: one criterion and the limit of its passes."""

    criterion: ThresholdCriterion
    max_iterations: int


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
    ended_at: float
