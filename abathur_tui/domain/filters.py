"""Which tasks a list shows, and in which order."""

from dataclasses import dataclass
from typing import Literal, TypeAlias

from abathur_tui.domain.status import Status

SortKey: TypeAlias = Literal["priority", "age", "status", "name", "agent", "cost", "tokens", "attempt", "started", "finished"]

Quantity: TypeAlias = Literal["priority", "age", "cost", "tokens", "attempt"]
Operator: TypeAlias = Literal["<", "<=", ">", ">=", "="]


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
    comparisons: tuple[Comparison, ...] = ()
    without: "tuple[TaskFilter, ...]" = ()
    """None of these may let the task through (their order says nothing)."""
    sort: SortKey = "priority"
    """`priority`: highest first, then age (oldest first). Others: ascending, then age."""
    descending: bool = False
    """Turns the order of a sort other than `priority` round."""
