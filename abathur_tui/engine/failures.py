"""What a failed attempt means for its task: tried again, given up, or held back with all of its lane."""

from abathur_tui.domain.conversation import FailureKind
from abathur_tui.domain.errors import (
    AbathurError,
    AgentStalled,
    DatabaseDamaged,
    DatabaseNewer,
    MemoryExhausted,
    ProjectGone,
    RuntimeFailure,
    TaskTimedOut,
    Unexpected,
)


def kind_of(error: AbathurError) -> FailureKind | None:
    """How the queue treats an attempt's failure; None is a verdict on the task itself, which another attempt would not change."""
    match error:
        case RuntimeFailure():
            return error.kind
        case TaskTimedOut() | AgentStalled() | MemoryExhausted():
            return FailureKind.TRANSIENT
        case Unexpected():
            return FailureKind.UNKNOWN
        case _:
            return None


def ends_the_engine(error: AbathurError) -> bool:
    """Whether there is nothing left to work in: every worker lets go, and the engine ends."""
    return isinstance(error, ProjectGone | DatabaseDamaged | DatabaseNewer)
