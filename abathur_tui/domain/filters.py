"""Which tasks a list shows, and in which order."""

import operator
from collections.abc import Callable
from dataclasses import dataclass
from typing import Literal, TypeAlias

from abathur_tui.domain.status import Status
from abathur_tui.domain.tasks import Task

SortKey: TypeAlias = Literal["priority", "age", "status", "name", "agent", "cost", "tokens", "attempt", "started", "finished"]

Quantity: TypeAlias = Literal["priority", "age", "cost", "tokens", "attempt"]
Operator: TypeAlias = Literal["<", "<=", ">", ">=", "="]

_COMPARE: dict[Operator, Callable[[float, float], bool]] = {
    "<": operator.lt,
    "<=": operator.le,
    ">": operator.gt,
    ">=": operator.ge,
    "=": operator.eq,
}


@dataclass(frozen=True, slots=True)
class Comparison:
    """A condition on a number: `age` is seconds since the task was made, `cost` US dollars, `tokens` input and output.

    Where the number is not known (a cost), it does not hold.
    """

    quantity: Quantity
    operator: Operator
    value: float


@dataclass(frozen=True, slots=True)
class TaskFilter:
    """Conditions that all hold; an empty one holds always."""

    statuses: frozenset[Status] = frozenset()
    words: tuple[str, ...] = ()
    """Each is somewhere in the task's name, template, agent or tags, whatever its case."""
    execution: int | None = None
    template: str | None = None
    agent: str | None = None
    """An agent definition's name."""
    tag: str | None = None
    parent: int | None = None
    undecided: bool = False
    """Only dead letters that nobody has cleared."""
    comparisons: tuple[Comparison, ...] = ()
    without: "tuple[TaskFilter, ...]" = ()
    """None of these may let the task through (their order says nothing)."""
    sort: SortKey = "priority"
    """`priority`: highest first, then age (oldest first). Others: ascending, then age."""
    descending: bool = False
    """Turns the order of a sort other than `priority` round."""


def admits(filter: TaskFilter, task: Task, now: float) -> bool:
    """Whether the filter lets the task through: what the conditions mean, for what reads tasks without SQL."""
    text = " ".join((task.name, task.template or "", task.agent or "", *task.tags)).casefold()
    return (
        (not filter.statuses or task.status in filter.statuses)
        and all(word.casefold() in text for word in filter.words)
        and filter.execution in (None, task.execution)
        and filter.template in (None, task.template)
        and filter.agent in (None, task.agent)
        and (filter.tag is None or filter.tag in task.tags)
        and filter.parent in (None, task.parent)
        and (not filter.undecided or (task.status is Status.DEAD and task.cleared_at is None))
        and all(_holds(comparison, task, now) for comparison in filter.comparisons)
        and not any(admits(other, task, now) for other in filter.without)
    )


def _holds(comparison: Comparison, task: Task, now: float) -> bool:
    quantities: dict[Quantity, float | None] = {
        "priority": task.priority,
        "age": now - task.created_at,
        "cost": task.cost_usd,
        "tokens": task.tokens_input + task.tokens_output,
        "attempt": task.attempt,
    }
    value = quantities[comparison.quantity]
    return value is not None and _COMPARE[comparison.operator](value, comparison.value)
