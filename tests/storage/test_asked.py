"""What was asked of a running task is done, whatever its worker does in that moment, and done to the tasks that it has made."""

from collections.abc import Iterator

import pytest

from abathur_tui.domain.plan import Kind
from abathur_tui.domain.status import Status, Why
from abathur_tui.storage import Database, engines, queue, requests
from tests.storage.building import BAD, ENGINE, NOW, claim, claim_one, node, plan, status, submit


@pytest.fixture(autouse=True)
def engine(database: Database) -> Iterator[None]:
    """An engine that lives: what runs is asked, not ended at once."""
    lock = engines.hold_life_lock(database.folder, ENGINE)
    yield
    lock.release()


def _leave(database: Database, how: str) -> int:
    """A task whose cancelling was asked for, and whose worker does something else with it before it hears of that."""
    task = submit(database, plan(["a"])).root
    lease = claim_one(database).lease
    (change,) = database.write_now(queue.cancel, [task], "me", "enough", NOW)
    assert change.status is Status.RUNNING
    if how == "retry":
        database.write_now(queue.retry_later, lease, BAD, NOW + 1, NOW)
    elif how == "release":
        database.write_now(queue.release, lease, "the engine stopped", NOW)
    else:
        database.write_now(queue.end_paused, lease, NOW)
    return task


@pytest.mark.parametrize("how", ["retry", "release", "pause"])
def test_a_cancel_is_not_lost_where_the_task_goes_back_to_the_queue_in_that_moment(database: Database, how: str) -> None:
    task = _leave(database, how)
    assert status(database, task) is Status.CANCELLED
    assert database.read_now(requests.open_for, ENGINE) == []
    assert database.write_now(queue.due, NOW) is None
    assert claim(database) == []


@pytest.mark.parametrize("how", ["retry", "release"])
def test_a_pause_is_not_lost_either(database: Database, how: str) -> None:
    task = submit(database, plan(["a"])).root
    lease = claim_one(database).lease
    database.write_now(queue.pause, [task], "me", NOW)
    if how == "retry":
        database.write_now(queue.retry_later, lease, BAD, NOW + 1, NOW)
    else:
        database.write_now(queue.release, lease, "the engine stopped", NOW)
    assert status(database, task) is Status.PAUSED


@pytest.mark.parametrize("running", [False, True])
def test_a_pass_that_was_added_after_its_loop_was_cancelled_ends_with_it(database: Database, running: bool) -> None:
    # Given a loop that is asked to end, and adds its next pass before it hears of it,
    loop = submit(database, plan([node("loop", kind=Kind.LOOP)])).root
    lease = claim_one(database).lease
    database.write_now(queue.cancel, [loop], "me", "enough", NOW)
    step = database.write_now(queue.add_child, lease, node("pass-1"), NOW, pass_number=1)
    database.write_now(queue.park, lease, Why.CHILDREN, NOW)
    if running:
        assert claim_one(database).lease.task == step
    # when its worker ends it, then nobody goes on to work at the pass.
    database.write_now(queue.end_cancelled, lease, NOW)
    assert status(database, loop) is Status.CANCELLED
    if running:
        assert [(one.task, one.kind) for one in database.read_now(requests.open_for, ENGINE)] == [(step, "cancel")]
    else:
        assert status(database, step) is Status.CANCELLED


def test_a_pass_that_was_added_after_its_loop_was_paused_stops_and_goes_on_with_it(database: Database) -> None:
    loop = submit(database, plan([node("loop", kind=Kind.LOOP)])).root
    lease = claim_one(database).lease
    database.write_now(queue.pause, [loop], "me", NOW)
    step = database.write_now(queue.add_child, lease, node("pass-1"), NOW, pass_number=1)
    database.write_now(queue.end_paused, lease, NOW)
    assert status(database, step) is Status.PAUSED
    database.write_now(queue.resume, [loop], "me", NOW)
    assert {status(database, loop), status(database, step)} == {Status.PENDING}


@pytest.mark.parametrize("how", [Status.FAILED, Status.DEAD])
def test_nobody_works_at_the_pass_of_a_loop_that_has_failed(database: Database, how: Status) -> None:
    loop = submit(database, plan([node("loop", kind=Kind.LOOP)])).root
    lease = claim_one(database).lease
    step = database.write_now(queue.add_child, lease, node("pass-1"), NOW, pass_number=1)
    database.write_now(queue.fail, lease, BAD, NOW, status=how)
    assert status(database, step) is Status.CANCELLED
    # One that died goes on where it was when it is retried, with that pass.
    database.write_now(queue.retry, [loop], "me", NOW)
    assert status(database, step) is (Status.PENDING if how is Status.DEAD else Status.CANCELLED)


def test_nobody_works_at_the_pass_of_a_loop_that_crashed_too_often(database: Database) -> None:
    loop = submit(database, plan([node("loop", kind=Kind.LOOP)])).root
    step = database.write_now(queue.add_child, claim_one(database).lease, node("pass-1"), NOW, pass_number=1)
    database.write_now(queue.pause, [step], "me", NOW)
    for _ in range(5):
        database.write_now(queue.recover, ENGINE, NOW)
        claim(database)
    assert status(database, loop) is Status.DEAD
    assert status(database, step) is Status.CANCELLED


def test_a_pause_that_was_taken_back_while_the_worker_followed_it_does_not_stand(database: Database) -> None:
    task = submit(database, plan(["a"])).root
    lease = claim_one(database).lease
    database.write_now(queue.pause, [task], "me", NOW)
    (change,) = database.write_now(queue.resume, [task], "me", NOW)
    assert change.error is None
    # When its worker, which was told of the pause and not of its end, has stopped,
    database.write_now(queue.end_paused, lease, NOW)
    # then the task goes on.
    assert claim_one(database).lease.task == task
