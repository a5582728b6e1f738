"""Recurring tasks, as they are listed."""

from dataclasses import dataclass
from enum import StrEnum

from abathur_tui.domain.recurrence import Recurrence


class ScheduleState(StrEnum):
    """Whether a schedule makes executions."""

    ACTIVE = "active"
    """At its next time it makes one."""
    PAUSED = "paused"
    """Somebody has paused it."""
    OVER = "over"
    """No further time comes, or its next one cannot be found out: see its error."""


@dataclass(frozen=True, slots=True)
class Schedule:
    """A recurring task. Times are Unix seconds."""

    id: int
    name: str
    recurrence: Recurrence
    state: ScheduleState
    next_at: float | None
    """None while it is paused, or where no further time comes."""
    last_at: float | None
    """When it was due last."""
    last_execution: int | None
    """What it made then."""
    runs: int
    """How many executions it has made."""
    skipped: int
    """How many times came while the execution before had not begun, and made none."""
    error: str
    """Why the last time made no execution; empty where it did."""
    actor: str
    created_at: float


@dataclass(frozen=True, slots=True)
class Scheduled:
    """What making a schedule gives."""

    schedule: int
    next_at: float
