"""Criteria: what must be true of a pass for its loop to have converged, alone or combined."""

from collections.abc import Iterator
from dataclasses import dataclass
from enum import StrEnum
from typing import TypeAlias

STABILITY_WINDOW = 3
"""How many passes in a row must be alike."""
STABILITY_SIMILARITY = 0.95
"""How alike, from 0 to 1."""
JUDGE_TARGET = 0.9
"""The score that a judge must give, from 0 to 1."""

LARGEST_FIGURE = 1e300
"""What a metric or a target may be at most, so that two of them can always be subtracted."""


class Direction(StrEnum):
    """Which way a metric gets better."""

    MINIMIZE = "minimize"
    MAXIMIZE = "maximize"


@dataclass(frozen=True, slots=True)
class ThresholdCriterion:
    """Converged when `metric` reaches `target`."""

    metric: str
    target: float
    direction: Direction
    measure: str | None = None
    """A shell command in the project's folder; it prints one number, or a JSON object of numbers. None: the agent reports the metric with a
    tool, or another criterion's command gives it."""

    def met(self, value: float) -> bool:
        """True where `value` is at the target or beyond it."""
        return value <= self.target if self.direction is Direction.MINIMIZE else value >= self.target

    def better(self, value: float, than: float) -> bool:
        """True where `value` is strictly better than `than`: ties go to the earlier pass."""
        return value < than if self.direction is Direction.MINIMIZE else value > than

    def closeness(self, value: float) -> float:
        """How near a value is to the target, from 0 to 1, so that metrics of different units can be compared; 1 only where it is met."""
        if self.met(value):
            return 1.0
        scale = abs(self.target) or 1.0
        return min(scale / (scale + abs(value - self.target)), 0.9999)


@dataclass(frozen=True, slots=True)
class StabilityCriterion:
    """Converged when the last `window` passes are alike: their outputs, or one metric of theirs."""

    window: int = STABILITY_WINDOW
    similarity: float = STABILITY_SIMILARITY
    """0 to 1; of outputs."""
    metric: str | None = None
    """The metric that must not move; None: the output."""
    tolerance: float = 0.0
    """How far the metric's values may lie apart."""
    measure: str | None = None
    """The command that gives the metric, as for a threshold."""


@dataclass(frozen=True, slots=True)
class PassingTestsCriterion:
    """Converged when a command that runs tests exits 0 and reports no failed one."""

    command: str


@dataclass(frozen=True, slots=True)
class CustomCriterion:
    """Converged when a command exits 0; 1 is go on, all else is inconclusive. It gets the pass and the history as JSON on standard input."""

    command: str


@dataclass(frozen=True, slots=True)
class FunctionCriterion:
    """Converged when a Python function `f(result, history)` returns True; False is go on, all else, an exception too, is inconclusive."""

    function: str
    """`module:function` or `file.py:function`, seen from the project's folder."""


@dataclass(frozen=True, slots=True)
class JudgeCriterion:
    """Converged when a judge scores the output at `target` or above."""

    rubric: str
    """What the judge scores by."""
    target: float = JUDGE_TARGET
    """0 to 1."""


@dataclass(frozen=True, slots=True)
class AllOf:
    """Converged when all of these are."""

    criteria: "tuple[Criterion, ...]"


@dataclass(frozen=True, slots=True)
class AnyOf:
    """Converged when one of these is."""

    criteria: "tuple[Criterion, ...]"


Leaf: TypeAlias = ThresholdCriterion | StabilityCriterion | PassingTestsCriterion | CustomCriterion | FunctionCriterion | JudgeCriterion
Criterion: TypeAlias = Leaf | AllOf | AnyOf


def figure(value: object) -> float | None:
    """The value as a metric or a target; None where it is no number, not finite, or too large."""
    if isinstance(value, bool) or not isinstance(value, int | float) or not abs(value) <= LARGEST_FIGURE:
        return None
    return float(value)


@dataclass(frozen=True, slots=True)
class Target:
    """What a chart draws of one criterion: a value per pass, and where it should be."""

    name: str
    """The metric's, or the criterion's name among a pass's scores."""
    value: float
    direction: Direction
    is_score: bool
    """It stands among a pass's scores, not its metrics."""


def leaves(criterion: Criterion) -> list[tuple[str, Leaf]]:
    """The single criteria in written order, each with the name of its score; the second judge is `judge 2`."""
    found: list[tuple[str, Leaf]] = []
    used: dict[str, int] = {}
    for leaf in _leaves(criterion):
        name = name_of(leaf)
        used[name] = used.get(name, 0) + 1
        found.append((name if used[name] == 1 else f"{name} {used[name]}", leaf))
    return found


def name_of(leaf: Leaf) -> str:
    """The word for a criterion among scores."""
    match leaf:
        case ThresholdCriterion(metric=metric):
            return metric
        case StabilityCriterion():
            return "stability"
        case PassingTestsCriterion():
            return "tests"
        case CustomCriterion() | FunctionCriterion():
            return "custom"
        case JudgeCriterion():
            return "judge"


def targets(criterion: Criterion) -> list[Target]:
    """What is drawn of a loop, in written order."""
    return [_target(name, leaf) for name, leaf in leaves(criterion)]


def told(criterion: Criterion) -> str:
    """The criterion in words: `latency_ms at most 100`."""
    match criterion:
        case ThresholdCriterion():
            return f"{criterion.metric} {'at most' if criterion.direction is Direction.MINIMIZE else 'at least'} {criterion.target:g}"
        case StabilityCriterion(metric=None):
            return f"{criterion.window} passes in a row that are alike ({criterion.similarity:g})"
        case StabilityCriterion():
            return f"{criterion.window} passes in a row in which {criterion.metric} stays within {criterion.tolerance:g}"
        case PassingTestsCriterion():
            return "all tests pass"
        case CustomCriterion():
            return "a command is content"
        case FunctionCriterion():
            return f"{criterion.function} is content"
        case JudgeCriterion():
            return f"a judge's score of at least {criterion.target:g} for: {criterion.rubric}"
        case AllOf():
            return _joined(criterion.criteria, " and ")
        case AnyOf():
            return _joined(criterion.criteria, " or ")


def commands(criterion: Criterion) -> list[str]:
    """The commands and functions that it runs, each once."""
    found: dict[str, None] = {}
    for leaf in _leaves(criterion):
        match leaf:
            case ThresholdCriterion(measure=str() as command) | StabilityCriterion(measure=str() as command):
                found[command] = None
            case PassingTestsCriterion(command=command) | CustomCriterion(command=command):
                found[command] = None
            case FunctionCriterion(function=function):
                found[function] = None
            case _:
                pass
    return list(found)


def _target(name: str, leaf: Leaf) -> Target:
    match leaf:
        case ThresholdCriterion():
            return Target(leaf.metric, leaf.target, leaf.direction, False)
        case StabilityCriterion():
            return Target(name, leaf.similarity if leaf.metric is None else 1.0, Direction.MAXIMIZE, True)
        case JudgeCriterion():
            return Target(name, leaf.target, Direction.MAXIMIZE, True)
        case PassingTestsCriterion() | CustomCriterion() | FunctionCriterion():
            return Target(name, 1.0, Direction.MAXIMIZE, True)


def _leaves(criterion: Criterion) -> Iterator[Leaf]:
    match criterion:
        case AllOf(criteria) | AnyOf(criteria):
            for inner in criteria:
                yield from _leaves(inner)
        case _:
            yield criterion


def _joined(criteria: tuple[Criterion, ...], word: str) -> str:
    return word.join(f"({told(one)})" if isinstance(one, AllOf | AnyOf) else told(one) for one in criteria)
