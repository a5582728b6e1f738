"""Recurring tasks: each time makes one execution, whoever looks, and none is lost or made twice."""

from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, datetime
from pathlib import Path

import pytest

from abathur_tui.domain.errors import ArgumentInvalid, ChangeRefused, NotFound, QueueFull
from abathur_tui.domain.execution import SubmitOptions
from abathur_tui.domain.plan import Edge, Kind, OnFailure, Plan
from abathur_tui.domain.recurrence import Recurrence
from abathur_tui.domain.schedules import Schedule, ScheduleState
from abathur_tui.domain.status import Status
from abathur_tui.storage import Database, queue, views
from abathur_tui.storage.encoding import decoded, encoded
from tests.storage.building import RUNTIME, chain, claim, finish, fork, node, plan, submit
from tests.storage.test_checking import lawless

HOURLY = Recurrence("0 * * * *", "UTC")
NOON = datetime(2026, 5, 4, 12, 0, tzinfo=UTC).timestamp()
HOUR = 3600.0


def add(database: Database, when: Recurrence = HOURLY, made: Plan | None = None, now: float = NOON - 60, *, max_size: int = 100) -> int:
    chosen = SubmitOptions(RUNTIME, max_size=max_size)
    return database.write_now(queue.add_schedule, "nightly", when, made or plan(["n1"]), chosen, now).schedule


def due(database: Database, now: float) -> float | None:
    return database.write_now(queue.due, now)


def one(database: Database) -> Schedule:
    (found,) = database.read_now(queue.schedules)
    return found


def executions(database: Database) -> list[int]:
    return [execution.id for execution in database.read_now(views.executions, 1000)]


def work_off(database: Database, now: float) -> None:
    for claimed in claim(database, 100, now=now):
        finish(database, claimed, now=now)


def test_each_time_makes_one_execution_and_moves_to_the_next(database: Database) -> None:
    add(database)
    assert due(database, NOON - 1) == NOON
    assert executions(database) == []

    assert due(database, NOON) == NOON + HOUR
    assert due(database, NOON) == NOON + HOUR

    (execution,) = executions(database)
    shown = one(database)
    assert (shown.runs, shown.last_at, shown.last_execution, shown.next_at, shown.error) == (1, NOON, execution, NOON + HOUR, "")
    task = database.read_now(views.execution, execution).root
    assert database.read_now(views.detail, task).schedule == shown.id
    events = [(event.action, event.execution) for event in database.read_now(views.audit) if event.action.startswith("schedule")]
    assert events == [("schedule.made", None), ("schedule.due", execution)]


def test_times_that_passed_while_no_engine_lived_make_one_execution(database: Database) -> None:
    add(database)

    assert due(database, NOON + 50 * HOUR + 600) == NOON + 51 * HOUR

    assert len(executions(database)) == 1


def test_a_queue_that_stands_still_is_not_filled(database: Database) -> None:
    add(database)
    for hours in range(5):
        due(database, NOON + hours * HOUR)
    assert (len(executions(database)), one(database).skipped) == (1, 4)

    # Once the first one has begun, the next time makes another one, whether that has ended or not.
    (claimed,) = claim(database, now=NOON)
    due(database, NOON + 5 * HOUR)
    assert (len(executions(database)), one(database).runs) == (2, 2)
    finish(database, claimed)


def test_one_that_was_cancelled_before_it_began_does_not_stand_in_the_way(database: Database) -> None:
    add(database)
    due(database, NOON)
    (execution,) = executions(database)
    database.write_now(queue.cancel, [database.read_now(views.execution, execution).root], "me", "", NOON)

    due(database, NOON + HOUR)

    assert len(executions(database)) == 2


def test_a_full_queue_refuses_a_time_and_the_next_one_is_tried(database: Database) -> None:
    add(database, max_size=1)
    other = submit(database, plan(["n1"]))

    assert due(database, NOON) == NOON + HOUR
    shown = one(database)
    assert (shown.runs, shown.last_at, shown.last_execution) == (0, NOON, None)
    assert "would pass 1" in shown.error
    (refused,) = [event for event in database.read_now(views.audit) if event.action == "schedule.refused"]
    assert refused.detail["error"] == QueueFull.code

    work_off(database, NOON)
    assert database.read_now(views.task, other.root).status is Status.COMPLETED
    due(database, NOON + HOUR)
    assert (one(database).runs, one(database).error) == (1, "")


def test_two_engines_that_look_at_the_same_moment_make_one(folder: Path) -> None:
    first, second = Database.open(folder, create=True), Database.open(folder)
    try:
        add(first)
        with ThreadPoolExecutor(2) as threads:
            for hours in range(20):
                now = NOON + hours * HOUR
                for outcome in [threads.submit(due, one, now) for one in (first, second)]:
                    outcome.result()
                work_off(first, now)
        assert (len(executions(first)), one(first).runs, one(first).skipped) == (20, 20, 0)
    finally:
        first.close()
        second.close()


def test_a_paused_schedule_makes_nothing_and_goes_on_with_its_next_time(database: Database) -> None:
    schedule = add(database)
    database.write_now(queue.pause_schedules, [schedule], "me", NOON - 30)
    assert (one(database).state, one(database).next_at) == (ScheduleState.PAUSED, None)

    assert due(database, NOON + 2 * HOUR) is None
    with pytest.raises(ChangeRefused):
        database.write_now(queue.pause_schedules, [schedule], "me", NOON)
    database.write_now(queue.resume_schedules, [schedule], "me", NOON + 2 * HOUR + 5)

    assert executions(database) == []
    assert one(database).next_at == NOON + 3 * HOUR
    with pytest.raises(ChangeRefused):
        database.write_now(queue.resume_schedules, [schedule], "me", NOON)


def test_a_removed_schedule_makes_nothing_and_what_it_made_stays(database: Database) -> None:
    schedule = add(database)
    due(database, NOON)

    database.write_now(queue.remove_schedules, [schedule], "me", NOON + 1)

    assert database.read_now(queue.schedules) == []
    assert due(database, NOON + HOUR) is None
    assert len(executions(database)) == 1
    for change in (queue.pause_schedules, queue.resume_schedules, queue.remove_schedules):
        with pytest.raises(NotFound):
            database.write_now(change, [schedule], "me", NOON)


def test_where_one_of_several_cannot_be_changed_none_is(database: Database) -> None:
    schedule = add(database)

    with pytest.raises(NotFound):
        database.write_now(queue.pause_schedules, [schedule, 99], "me", NOON)

    assert one(database).state is ScheduleState.ACTIVE


def test_what_never_comes_is_refused(database: Database) -> None:
    with pytest.raises(ArgumentInvalid, match="never comes"):
        add(database, Recurrence("* * */20 * 1L", "UTC"))


def test_a_zone_that_is_not_known_any_more_ends_the_schedule_and_is_told(database: Database) -> None:
    add(database)
    lawless(database.folder, "UPDATE schedules SET timezone = 'Mars/Olympus'")

    due(database, NOON)

    assert (one(database).state, one(database).runs) == (ScheduleState.OVER, 1)
    assert "Mars/Olympus" in one(database).error


@pytest.mark.parametrize("change", ["plan = '{}'", "plan = '['", "plan = '[]'", "options = '{}'", "options = '7'"])
def test_one_that_cannot_be_read_any_more_is_told_and_holds_up_no_other(database: Database, change: str) -> None:
    # Given two that are due together, of which something has damaged the first,
    damaged, other = add(database), add(database)
    lawless(database.folder, f"UPDATE schedules SET {change} WHERE id = {damaged}")
    # when their time comes,
    assert due(database, NOON) == NOON + HOUR
    # then the other one is submitted.
    told = {schedule.id: (schedule.runs, "cannot be read" in schedule.error) for schedule in database.read_now(queue.schedules)}
    assert told == {damaged: (0, True), other: (1, False)}


@pytest.mark.parametrize(
    "made",
    [
        chain(3),
        fork(3),
        plan([node("a", kind=Kind.LOOP), node("b", expires=30, tags=("x", "ü"), on_failure=OnFailure.SKIP)], [Edge("b", "a")]),
    ],
)
def test_a_plan_is_kept_as_it_was(database: Database, made: Plan) -> None:
    assert decoded(Plan, encoded(made)) == made
    add(database, made=made)

    due(database, NOON)

    (execution,) = executions(database)
    assert [task.name for task in database.read_now(views.members, execution)] == [one.name for one in made.nodes]
