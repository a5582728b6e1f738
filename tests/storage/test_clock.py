"""The wall clock is set back: what waits waits no longer for it, and what was named on the clock stays there."""

from datetime import UTC, datetime

import pytest

from abathur_tui.domain.execution import SubmitOptions
from abathur_tui.domain.plan import ConflictRule
from abathur_tui.domain.recurrence import Recurrence
from abathur_tui.domain.status import Why
from abathur_tui.engine.joins.settling import Option, by_rule
from abathur_tui.storage import Database, queue, views
from abathur_tui.storage.checking import check_folder
from tests.storage.building import BAD, LANE, NOW, RUNTIME, chain, claim, claim_one, finish, fork, node, plan, submit

HOUR = 3600.0


def set_back(database: Database, seconds: float) -> float:
    """The new time."""
    database.write_now(queue.clock_set_back, NOW - seconds)
    return NOW - seconds


def due_of(database: Database, task: int) -> float | None:
    return database.read_now(views.task, task).due_at


def test_a_wait_is_as_long_as_it_was_to_be(database: Database) -> None:
    retried = submit(database, plan(["a"])).root
    database.write_now(queue.retry_later, claim_one(database).lease, BAD, NOW + 30, NOW)
    later = submit(database, plan(["b"]), SubmitOptions(RUNTIME, not_before=NOW + 600)).root

    now = set_back(database, 5 * HOUR)

    assert (due_of(database, retried), due_of(database, later)) == (now + 30, now + 600)
    set_back(database, 5 * HOUR)
    assert (due_of(database, retried), due_of(database, later)) == (now + 30, now + 600)


def test_a_file_whose_clock_was_set_back_is_well(database: Database) -> None:
    retried = submit(database, plan(["a"])).root
    database.write_now(queue.retry_later, claim_one(database).lease, BAD, NOW + 30, NOW)
    submit(database, plan([node("b", expires=HOUR)]), SubmitOptions(RUNTIME, not_before=NOW + 600))

    now = set_back(database, HOUR)
    assert check_folder(database.folder).ok
    database.write_now(queue.due, now + 30)
    finish(database, claim_one(database, now=now + 31), now=now + 32)

    assert database.read_now(views.task, retried).status == "completed"
    assert check_folder(database.folder).ok


@pytest.mark.parametrize("hours", [1, 2, 24])
def test_what_is_left_of_a_wait_stays_where_somebody_saw_how_far_the_clock_was_set(database: Database, hours: int) -> None:
    # Given what waits for two hours, one and a half of them are over, and the clock is set back,
    later = submit(database, plan(["a"]), SubmitOptions(RUNTIME, not_before=NOW + 2 * HOUR)).root
    named = submit(database, plan(["b"]), SubmitOptions(RUNTIME, not_before=NOW + 2 * HOUR, on_the_clock=True)).root
    expiring = submit(database, plan([node("c", expires=2 * HOUR)])).root
    database.write_now(queue.hold_lane, LANE, Why.QUOTA, NOW + 2 * HOUR, "", "engine", NOW)
    now = NOW + 1.5 * HOUR - hours * HOUR
    # and what was queued since, by the new time, when an engine sees it two seconds later,
    new = submit(database, plan(["d"]), SubmitOptions(RUNTIME, not_before=now + 2 * HOUR), now=now).root
    now += 2
    database.write_now(queue.clock_set_back, now, -hours * HOUR, 2.5)
    database.write_now(queue.clock_set_back, now)  # as an engine does that starts

    # then half an hour is left of each.
    left = HOUR / 2 - 2
    assert due_of(database, later) == now + left
    assert database.read_now(queue.lanes)[0].until == now + left
    assert due_of(database, named) == NOW + 2 * HOUR
    assert due_of(database, new) == now - 2 + 2 * HOUR
    database.write_now(queue.due, now + left - 1)
    assert database.read_now(views.task, expiring).status == "pending"
    database.write_now(queue.due, now + left)
    assert database.read_now(views.task, expiring).status == "failed"


def test_a_moment_that_somebody_named_stays(database: Database) -> None:
    named = submit(database, chain(2), SubmitOptions(RUNTIME, not_before=NOW + 600, on_the_clock=True))

    set_back(database, 5 * HOUR)

    assert due_of(database, named.tasks["n0"]) == NOW + 600


def test_what_was_made_before_the_clock_was_wrong_stays(database: Database) -> None:
    earlier = NOW - 10 * HOUR
    task = submit(database, plan(["a"]), SubmitOptions(RUNTIME, not_before=NOW + 600), now=earlier).root

    set_back(database, 5 * HOUR)

    assert due_of(database, task) == NOW + 600


def test_nothing_expires_later_for_it(database: Database) -> None:
    task = submit(database, plan([node("a", expires=60)])).root

    now = set_back(database, 5 * HOUR)
    database.write_now(queue.due, now + 59)
    assert database.read_now(views.task, task).status == "pending"
    database.write_now(queue.due, now + 60)

    assert database.read_now(views.task, task).status == "failed"


def test_an_accounts_reset_comes_no_later_for_it(database: Database) -> None:
    submit(database, plan(["a"]))
    database.write_now(queue.hold_lane, LANE, Why.QUOTA, NOW + 60, "", "engine", NOW)

    now = set_back(database, 5 * HOUR)

    assert database.read_now(queue.lanes)[0].until == now + 60
    assert database.write_now(queue.due, now + 60) is None
    assert database.read_now(queue.lanes)[0].held_why == ""


def test_which_of_a_joins_members_was_done_last_does_not_depend_on_the_clock(database: Database) -> None:
    submitted = submit(database, fork(3))
    claims = {one.lease.task: one for one in claim(database, 3)}
    first, second, third = (submitted.tasks[name] for name in ("m0", "m1", "m2"))
    finish(database, claims[second], now=NOW + 60)
    now = set_back(database, HOUR)
    finish(database, claims[third], now=now + 5)
    finish(database, claims[first], now=now + 7)

    inputs = database.read_now(views.work, submitted.tasks["join"]).inputs

    options = [Option(one.task, (one,)) for one in inputs]
    assert by_rule(ConflictRule.NEWEST, options, inputs).option == 0
    assert [one.task for one in sorted(inputs, key=lambda one: (one.era, one.finished_at))] == [second, third, first]


@pytest.mark.parametrize(
    ("hours", "following"),
    [
        # As with cron: a small change of the clock makes no time come twice, a large one is a correction.
        (1, "13:00"),
        (2, "13:00"),
        (8, "05:00"),
    ],
)
def test_a_recurring_task_follows_the_clock(database: Database, hours: int, following: str) -> None:
    noon = datetime(2026, 5, 4, 12, 0, tzinfo=UTC).timestamp()
    database.write_now(queue.add_schedule, "x", Recurrence("0 * * * *", "UTC"), plan(["a"]), SubmitOptions(RUNTIME), noon - 60)
    database.write_now(queue.due, noon)

    database.write_now(queue.clock_set_back, noon - hours * HOUR)

    (schedule,) = database.read_now(queue.schedules)
    assert schedule.next_at is not None
    assert f"{datetime.fromtimestamp(schedule.next_at, UTC):%H:%M}" == following
