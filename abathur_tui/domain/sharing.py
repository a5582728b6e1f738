"""What agents of an execution share: values by key, each with a version that every write raises by one."""

from dataclasses import dataclass

from abathur_tui.domain.data import JsonValue


@dataclass(frozen=True, slots=True)
class Entry:
    """A value that is shared."""

    key: str
    value: JsonValue
    version: int
    """From 1."""
    written_by: str
    """`t12 (a5)`: the task, and the agent that was at it."""
    written_at: float
