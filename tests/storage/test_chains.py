"""Long ways: what follows from a change goes as far as it must, level by level."""

import time
from collections.abc import Iterator
from contextlib import contextmanager

from abathur_tui.domain.status import Status
from abathur_tui.storage import Database, queue, views
from tests.storage.building import NOW, chain, claim_one, fail, finish, fork, submit

LENGTH = 10_000
SECONDS = 20.0
"""Generous, for a busy machine: each takes about a second, and took minutes where the time grew by the square of the length."""


@contextmanager
def within(seconds: float) -> Iterator[None]:
    """What is inside takes no longer, by the processor's time in all threads."""
    begun = time.process_time()
    yield
    assert time.process_time() - begun < seconds


def counts(database: Database) -> dict[str, int]:
    """Those statuses that a task has."""
    return {status.value: number for status, number in database.read_now(views.counts).items() if number}


def test_a_chain_of_ten_thousand_fails_and_comes_back_from_either_end(database: Database) -> None:
    long_chain = submit(database, chain(LENGTH))
    with within(SECONDS):
        fail(database, claim_one(database))
    assert counts(database) == {"failed": LENGTH}
    last = database.read_now(views.task, long_chain.root)
    assert last.error is not None
    assert last.error.message.startswith(f"t{long_chain.tasks['n0']} (do n0) failed")
    # Retried at its near end,
    with within(SECONDS):
        database.write_now(queue.retry, [long_chain.tasks["n0"]], "me", NOW)
    assert counts(database) == {"pending": 1, "waiting": LENGTH - 1}
    # failed again, and retried at its far end,
    fail(database, claim_one(database))
    with within(SECONDS):
        database.write_now(queue.retry, [long_chain.root], "me", NOW)
    assert counts(database) == {"pending": 1, "waiting": LENGTH - 1}
    # it goes on from its beginning.
    finish(database, claim_one(database))
    assert claim_one(database).lease.task == long_chain.tasks["n1"]


def test_a_chain_of_ten_thousand_is_paused_resumed_and_cancelled_at_once(database: Database) -> None:
    long_chain = submit(database, chain(LENGTH))
    with within(SECONDS):
        database.write_now(queue.pause, [long_chain.root], "me", NOW)
    assert counts(database) == {"paused": LENGTH}
    with within(SECONDS):
        database.write_now(queue.resume, [long_chain.root], "me", NOW)
    assert counts(database) == {"pending": 1, "waiting": LENGTH - 1}
    with within(SECONDS):
        database.write_now(queue.cancel, [long_chain.root], "me", "enough", NOW)
    assert counts(database) == {"cancelled": LENGTH}


def test_a_fork_of_five_thousand_settles(database: Database) -> None:
    members = LENGTH // 2
    submitted = submit(database, fork(members))
    with within(SECONDS):
        database.write_now(queue.cancel, [id for name, id in submitted.tasks.items() if name != "join"], "me", "", NOW)
    assert counts(database) == {"cancelled": members, "pending": 1}
    assert claim_one(database).lease.task == submitted.root
    assert database.read_now(views.task, submitted.root).status is Status.RUNNING
