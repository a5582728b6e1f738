"""Long ways: what follows from a change goes as far as it must, level by level."""

import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager

import pytest

from abathur_tui.domain.execution import Submitted
from abathur_tui.domain.status import Status
from abathur_tui.storage import Database, queue, views
from tests.storage.building import NOW, chain, claim_one, fail, finish, fork, submit

LENGTH = 10_000
SECONDS = 10.0
"""Generous, for a busy machine: it takes about half a second."""


@pytest.fixture
def long_chain(database: Database) -> Submitted:
    """Ten thousand tasks, each of which needs the one before."""
    return submit(database, chain(LENGTH))


@contextmanager
def within(seconds: float) -> Iterator[None]:
    """What is inside takes no longer."""
    begun = time.perf_counter()
    yield
    assert time.perf_counter() - begun < seconds


def counts(database: Database) -> dict[str, int]:
    """Those statuses that a task has."""
    return {status.value: number for status, number in database.read_now(views.counts).items() if number}


def test_a_chain_of_ten_thousand_fails_and_comes_back(database: Database, long_chain: Submitted) -> None:
    with within(SECONDS):
        fail(database, claim_one(database))
    assert counts(database) == {"failed": LENGTH}
    last = database.read_now(views.task, long_chain.root)
    assert last.error is not None
    assert last.error.message.startswith(f"t{long_chain.tasks['n0']} (do n0) failed")
    with within(SECONDS):
        database.write_now(queue.retry, [long_chain.tasks["n0"]], "me", NOW)
    assert counts(database) == {"pending": 1, "waiting": LENGTH - 1}
    finish(database, claim_one(database))
    assert claim_one(database).lease.task == long_chain.tasks["n1"]


def test_the_far_end_of_a_chain_of_ten_thousand_brings_it_all_back(database: Database, long_chain: Submitted) -> None:
    fail(database, claim_one(database))
    with within(SECONDS):
        database.write_now(queue.retry, [long_chain.root], "me", NOW)
    assert counts(database) == {"pending": 1, "waiting": LENGTH - 1}


@pytest.mark.parametrize("what", [queue.cancel, queue.pause])
def test_a_chain_of_ten_thousand_is_cancelled_or_paused_at_once(database: Database, long_chain: Submitted, what: Callable[..., object]) -> None:
    with within(SECONDS):
        if what is queue.cancel:
            database.write_now(queue.cancel, [long_chain.root], "me", "enough", NOW)
        else:
            database.write_now(queue.pause, [long_chain.root], "me", NOW)
    assert counts(database) == {"cancelled" if what is queue.cancel else "paused": LENGTH}


def test_a_fork_of_ten_thousand_settles(database: Database) -> None:
    submitted = submit(database, fork(LENGTH - 1))
    with within(SECONDS):
        database.write_now(queue.cancel, [id for name, id in submitted.tasks.items() if name != "join"], "me", "", NOW)
    assert counts(database) == {"cancelled": LENGTH - 1, "pending": 1}
    assert claim_one(database).lease.task == submitted.root
    assert database.read_now(views.task, submitted.root).status is Status.RUNNING
