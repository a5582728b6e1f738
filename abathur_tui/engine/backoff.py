"""When a failed attempt is tried again, and when it is not."""

from collections.abc import Callable
from dataclasses import dataclass

from abathur_tui.domain.conversation import FailureKind
from abathur_tui.settings.model import Queue

_JITTER = 0.1
"""Share of the delay that is added at most, so that tasks which failed together do not come back together."""


@dataclass(frozen=True, slots=True)
class Again:
    """Try it again after `seconds`."""

    seconds: float


@dataclass(frozen=True, slots=True)
class Dead:
    """It is not tried again."""

    reason: str


def after_failure(
    kind: FailureKind, failures: int, retries: int, queue: Queue, retry_after: float | None, chance: Callable[[], float]
) -> Again | Dead:
    """What follows the failure number `failures` (from 1) of a task that may be retried `retries` times.

    `chance` gives a number from 0 to 1 for the jitter. Account failures are not for here: they hold the lane.
    """
    if kind is FailureKind.PERMANENT:
        return Dead("it is a permanent error")
    allowed = min(retries, 1) if kind is FailureKind.UNKNOWN else retries
    if failures > allowed:
        return Dead("it may be tried only once" if failures == 1 else f"it failed {failures} times")
    if retry_after is not None:
        return Again(max(retry_after, 0.0) * (1 + _JITTER * chance()))
    delay = min(queue.retry_initial_seconds * queue.retry_factor ** (failures - 1), queue.retry_max_seconds)
    return Again(delay * (1 + _JITTER * chance()))
