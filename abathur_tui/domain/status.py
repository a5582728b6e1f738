"""The statuses of a task, why it does not move, and the one function that makes the shown state of both.

The table of allowed changes is a law of the database (`storage/schema`); nothing else changes a status.
"""

from dataclasses import dataclass
from enum import StrEnum


class Status(StrEnum):
    """Where a task is in its life."""

    WAITING = "waiting"
    """It waits for other tasks."""
    PENDING = "pending"
    """Everything that it needs is there; the next free slot of its lane may claim it."""
    RUNNING = "running"
    """A worker holds its lease (it may hold no slot just now: see `Why`)."""
    PAUSED = "paused"
    """A person has stopped it until they resume it."""
    COMPLETED = "completed"
    """Done, with a result."""
    FAILED = "failed"
    """A verdict: criteria, a dependency, a fork below its threshold, expiry."""
    CANCELLED = "cancelled"
    """A person has ended it; partial output is kept."""
    INTERRUPTED = "interrupted"
    """Its worker died; it goes back to the queue and resumes from its last checkpoint."""
    DEAD = "dead"
    """Dead letter: retries used up, a permanent error, or five crashes that it caused."""


ENDED = frozenset({Status.COMPLETED, Status.FAILED, Status.CANCELLED, Status.DEAD})
"""Statuses that a task leaves only when somebody retries it."""


class Why(StrEnum):
    """Why a task does not move; empty where it does."""

    NONE = ""
    AFTER = "after"
    """It waits for other tasks (the number of open edges is `unmet`)."""
    SLOT = "slot"
    """All slots of its lane are taken."""
    RETRY = "retry"
    """It waits for its next attempt, due at `due_at`."""
    TIME = "time"
    """It is not to start before `due_at`."""
    CHILDREN = "children"
    """It is running, and waits for its children without holding a slot."""
    MODEL = "model"
    """Its model is not ready yet (the embedded model server is starting)."""
    KEY = "key"
    """The account's key or billing refuses; all tasks of that runtime wait for a person."""
    QUOTA = "quota"
    """The account's limit is reached until `due_at`."""
    QUEUE = "queue"
    """A person has paused the whole queue."""
    QUIET = "quiet"
    """It is a quiet time, in which nothing new starts, until `due_at`."""
    ASKS = "asks"
    """It wants to know something that only a person can say; it holds no slot."""
    MEMORY = "memory"
    """So much memory is taken that no agent starts, or not enough is left for what it declares."""
    CPU = "cpu"
    """The same with cores."""
    ALONE = "alone"
    """Its worker died twice in a row: such tasks run one at a time, and another one does just now."""
    USER = "by you"
    """A person paused it."""


@dataclass(frozen=True, slots=True)
class State:
    """What lists, screen and scripts show of a task: one word, one shape (one cell wide), its ASCII form, one colour role."""

    word: str
    shape: str
    ascii: str
    role: str
    """`running`, `done`, `failed`, `person` or `calm`: the theme's colour role."""


_BY_STATUS = {
    Status.WAITING: State("waiting", "◌", "o", "calm"),
    Status.PENDING: State("pending", "·", ".", "calm"),
    Status.RUNNING: State("running", "▶", ">", "running"),
    Status.PAUSED: State("paused", "‖", "=", "calm"),
    Status.COMPLETED: State("completed", "✓", "v", "done"),
    Status.FAILED: State("failed", "✗", "x", "failed"),
    Status.CANCELLED: State("cancelled", "⊘", "/", "calm"),
    Status.INTERRUPTED: State("interrupted", "↻", "~", "calm"),
    Status.DEAD: State("dead", "†", "+", "failed"),
}
_QUOTA = State("quota", "◷", "q", "calm")
_ASKS = State("asks you", "●", "!", "person")


def shown_state(status: Status, why: str) -> State:
    """The state that is shown of a task, from its status and why."""
    if status in (Status.PENDING, Status.RUNNING):
        if why == Why.QUOTA:
            return _QUOTA
        if why in (Why.KEY, Why.ASKS):
            return _ASKS
    return _BY_STATUS[status]
