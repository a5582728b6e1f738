"""When a failed attempt is tried again."""

import pytest

from abathur_tui.domain.conversation import FailureKind
from abathur_tui.engine.backoff import Again, Dead, after_failure
from abathur_tui.settings.model import Queue

SETTINGS = Queue()


def after(kind: FailureKind, failures: int, retries: int = 3, retry_after: float | None = None, chance: float = 0.0) -> Again | Dead:
    return after_failure(kind, failures, retries, SETTINGS, retry_after, lambda: chance)


def test_waits_grow_by_the_factor_up_to_the_cap() -> None:
    waits = [after(FailureKind.TRANSIENT, failures, retries=10) for failures in range(1, 8)]

    assert waits == [Again(10), Again(20), Again(40), Again(80), Again(160), Again(300), Again(300)]


def test_jitter_adds_a_tenth_at_most() -> None:
    assert after(FailureKind.TRANSIENT, 1, chance=1.0) == Again(11)


def test_the_first_attempt_and_at_most_three_more() -> None:
    assert isinstance(after(FailureKind.TRANSIENT, 3), Again)
    assert isinstance(after(FailureKind.TRANSIENT, 4), Dead)


def test_the_servers_own_wait_wins_over_the_cap() -> None:
    assert after(FailureKind.TRANSIENT, 1, retry_after=1000) == Again(1000)


def test_permanent_errors_are_not_tried_again() -> None:
    assert isinstance(after(FailureKind.PERMANENT, 1), Dead)


def test_unknown_errors_are_tried_again_once() -> None:
    assert isinstance(after(FailureKind.UNKNOWN, 1), Again)
    assert isinstance(after(FailureKind.UNKNOWN, 2), Dead)


@pytest.mark.parametrize("kind", [FailureKind.TRANSIENT, FailureKind.UNKNOWN])
def test_a_task_that_may_not_be_retried_is_not(kind: FailureKind) -> None:
    assert after(kind, 1, retries=0) == Dead("it may be tried only once")
