"""What a worker does with its task, and what follows from it."""

from collections.abc import Callable
from typing import Any

import pytest

from abathur_tui.domain.errors import LeaseLost
from abathur_tui.domain.execution import SubmitOptions
from abathur_tui.domain.leases import Lease
from abathur_tui.domain.plan import Edge, Kind, Need, OnFailure
from abathur_tui.domain.status import Status, Why
from abathur_tui.domain.tasks import TaskError
from abathur_tui.storage import Database, agents, journal, queue, views
from tests.storage.building import BAD, ENGINE, NOW, RUNTIME, chain, claim, claim_one, fail, finish, fork, node, plan, said, status, statuses, submit

ENDINGS: list[tuple[Callable[..., None], tuple[Any, ...]]] = [
    (queue.complete, ("done", NOW)),
    (queue.fail, (BAD, NOW)),
    (queue.retry_later, (BAD, NOW + 10, NOW)),
    (queue.release, ("stop", NOW)),
    (queue.park, ("children", NOW)),
    (queue.unpark, (NOW,)),
    (queue.end_cancelled, (NOW,)),
    (queue.end_paused, (NOW,)),
    (queue.report_progress, (0.5, NOW)),
    (journal.set_prompt, ("prompt", "system")),
    (journal.log, ("info", "notice", "text", NOW)),
    (journal.metric, (1, "latency", 1.0, NOW)),
    (journal.append_output, (1, 0, "text", NOW)),
    (journal.finish_turn, (1, said("text"), NOW)),
    (journal.abandon_turn, (1, "why", NOW)),
    (agents.assign, (1, NOW)),
]


@pytest.mark.parametrize(("operation", "arguments"), ENDINGS, ids=[operation.__name__ for operation, _ in ENDINGS])
def test_who_lost_the_lease_writes_nothing(database: Database, operation: Callable[..., None], arguments: tuple[Any, ...]) -> None:
    # Given a task that was taken over by another worker, with a turn of the first one,
    submit(database, plan(["a"]))
    old = claim_one(database).lease
    agent = database.write_now(agents.spawn, old, "generalist", None, NOW)
    database.write_now(journal.begin_turn, old, 1, agent, [], NOW)
    database.write_now(queue.recover, ENGINE, NOW)
    (claimed,) = database.write_now(queue.claim, "another", {RUNTIME.lane: 1}, 1, NOW)
    everything = database.read_now(lambda c: list(c.iterdump()))
    # when the first one writes, under its own epoch, or with the right epoch and its own name,
    for lease in (old, Lease(old.task, claimed.lease.epoch, ENGINE), Lease(old.task, old.epoch, "another")):
        with pytest.raises(LeaseLost):
            database.write_now(operation, lease, *arguments)
    # then nothing has changed.
    assert database.read_now(lambda c: list(c.iterdump())) == everything


def test_a_cancelled_task_takes_no_more_from_its_worker(database: Database) -> None:
    submit(database, plan(["a"]))
    lease = claim_one(database).lease
    # No engine of that name lives here, so the task is cancelled at once.
    database.write_now(queue.cancel, [lease.task], "me", "enough", NOW)
    with pytest.raises(LeaseLost):
        database.write_now(queue.complete, lease, "too late", NOW)
    assert database.read_now(views.result, lease.task) is None


def test_a_result_is_kept_whole(database: Database) -> None:
    submit(database, plan(["a"]))
    text = "naïve – 漢字\n" * 10_000
    finish(database, claimed := claim_one(database), text)
    shown = database.read_now(views.task, claimed.lease.task)
    assert (shown.status, shown.progress, shown.error, shown.finished_at) == (Status.COMPLETED, 1, None, NOW)
    assert database.read_now(views.result, claimed.lease.task) == text


def test_dependents_of_a_failed_task_fail_and_name_the_first_cause(database: Database) -> None:
    submitted = submit(database, chain(3))
    fail(database, claim_one(database))
    for name in ("n1", "n2"):
        shown = database.read_now(views.task, submitted.tasks[name])
        assert shown.status is Status.FAILED
        assert shown.error == TaskError("ABTH-ERR-010", f"t{submitted.tasks['n0']} (do n0) failed, and this needs it")


def test_of_a_dead_one_they_say_that_it_is_dead(database: Database) -> None:
    submitted = submit(database, chain(2))
    fail(database, claim_one(database), status=Status.DEAD)
    error = database.read_now(views.task, submitted.tasks["n1"]).error
    assert error is not None
    assert error.message == f"t{submitted.tasks['n0']} (do n0) is dead, and this needs it"


@pytest.mark.parametrize("end", [Status.FAILED, Status.DEAD])
def test_a_task_fails_when_the_last_of_its_needs_has_ended(database: Database, end: Status) -> None:
    submitted = submit(database, plan(["a", "b", "c"], [("c", "a"), ("c", "b")]))
    first, second = claim(database, 2)
    fail(database, first, status=end)
    assert statuses(database, submitted)["c"] == "waiting"
    finish(database, second)
    assert statuses(database, submitted)["c"] == "failed"


def test_a_join_waits_for_the_end_of_its_members_however_they_end(database: Database) -> None:
    submitted = submit(database, fork(4))
    members = claim(database, 4)
    finish(database, members[0])
    fail(database, members[1])
    fail(database, members[2], status=Status.DEAD)
    assert statuses(database, submitted)["join"] == "waiting"
    database.write_now(queue.end_cancelled, members[3].lease, NOW)
    join = claim_one(database)
    assert join.lease.task == submitted.root
    inputs = database.read_now(views.work, join.lease.task).inputs
    assert [(one.name, one.status.value, one.result) for one in inputs] == [
        ("do m0", "completed", "done"),
        ("do m1", "failed", None),
        ("do m2", "dead", None),
        ("do m3", "cancelled", None),
    ]


def test_with_skip_dependents_go_on_without_the_result(database: Database) -> None:
    by_node = submit(database, plan([node("a", on_failure=OnFailure.SKIP), "b"], [("b", "a")]))
    by_worker = submit(database, plan(["c", "d"], [("d", "c")]))
    fail(database, claim_one(database))
    assert statuses(database, by_node) == {"a": "failed", "b": "pending"}
    finish(database, claim_one(database))
    database.write_now(queue.fail, claim_one(database).lease, BAD, NOW, skip=True)
    assert statuses(database, by_worker) == {"c": "failed", "d": "pending"}


def test_a_skipped_task_in_the_middle_ends_the_row_of_failures(database: Database) -> None:
    submitted = submit(database, plan(["a", node("b", on_failure=OnFailure.SKIP), "c"], [("b", "a"), ("c", "b")]))
    fail(database, claim_one(database))
    assert statuses(database, submitted) == {"a": "failed", "b": "failed", "c": "pending"}


def test_a_failed_task_may_have_a_result_all_the_same(database: Database) -> None:
    submit(database, plan([node("loop", kind=Kind.LOOP)]))
    lease = claim_one(database).lease
    error = TaskError("ABTH-ERR-082", "short of its target")
    database.write_now(queue.fail, lease, error, NOW, result="best pass", detail={"ended_because": "iterations", "best": 2})
    assert database.read_now(views.task, lease.task).error == error
    assert database.read_now(views.result, lease.task) == "best pass"
    (series,) = database.read_now(views.loops)
    assert series.ended_because == "iterations"


def test_a_transient_failure_comes_back_when_it_is_due_and_counts(database: Database) -> None:
    submit(database, plan(["a"]))
    first = claim_one(database)
    database.write_now(queue.retry_later, first.lease, BAD, NOW + 10, NOW)
    shown = database.read_now(views.task, first.lease.task)
    assert (shown.status, shown.why, shown.due_at, shown.error) == (Status.PENDING, Why.RETRY, NOW + 10, BAD)
    assert claim(database) == []
    database.write_now(queue.due, NOW + 10)
    second = claim_one(database)
    assert (second.attempt, second.failures) == (2, 1)
    finish(database, second)
    attempts = database.read_now(views.detail, first.lease.task).attempts
    assert [(one.number, one.outcome, one.error) for one in attempts] == [(1, "retrying", BAD), (2, "completed", None)]


def test_an_ordered_stop_counts_nothing(database: Database) -> None:
    submit(database, plan(["a"]))
    for _ in range(10):
        claimed = claim_one(database)
        assert (claimed.attempt, claimed.failures) == (1, 0)
        database.write_now(queue.release, claimed.lease, "the engine stops", NOW)


def test_a_released_task_may_wait_for_its_account(database: Database) -> None:
    submit(database, plan(["a"]))
    database.write_now(queue.release, claim_one(database).lease, "quota", NOW, why=Why.QUOTA, due_at=NOW + 5)
    assert claim(database) == []
    assert database.write_now(queue.due, NOW + 5) is None
    assert claim_one(database)


def test_a_parked_task_stays_running_and_says_why(database: Database) -> None:
    submit(database, plan(["a"]))
    lease = claim_one(database).lease
    database.write_now(queue.park, lease, Why.CHILDREN, NOW)
    assert (shown := database.read_now(views.task, lease.task)).status is Status.RUNNING
    assert shown.why == Why.CHILDREN
    database.write_now(queue.unpark, lease, NOW)
    assert database.read_now(views.task, lease.task).why == ""


@pytest.mark.parametrize(("reported", "shown"), [(0.25, 0.25), (-1.0, 0.0), (7.0, 1.0), (None, None)])
def test_progress_is_between_nothing_and_all(database: Database, reported: float | None, shown: float | None) -> None:
    submit(database, plan(["a"]))
    lease = claim_one(database).lease
    database.write_now(queue.report_progress, lease, reported, NOW)
    assert database.read_now(views.task, lease.task).progress == shown


def test_the_end_of_a_task_frees_its_agent_and_closes_what_it_left(database: Database) -> None:
    # Given a task with a busy agent, an open turn and a tool call that was begun,
    submit(database, plan(["a"]))
    lease = claim_one(database).lease
    agent = database.write_now(agents.spawn, lease, "generalist", None, NOW)
    database.write_now(agents.assign, lease, agent, NOW)
    turn = database.write_now(journal.begin_turn, lease, 1, agent, [], NOW)
    database.write_now(journal.append_output, lease, turn, 0, "I was about to", NOW)
    # when it fails,
    database.write_now(queue.fail, lease, BAD, NOW)
    # then the agent is idle, and what was said is kept.
    assert [one.state for one in database.read_now(views.agents)] == ["IDLE"]
    detail = database.read_now(views.detail, lease.task)
    assert (detail.partial, detail.turns[0].stop_reason) == ("I was about to", None)


def test_what_waits_for_several_tasks_of_other_executions_is_freed_by_the_last(database: Database) -> None:
    first = submit(database, plan(["a", "b"]))
    later = submit(database, plan(["c"]), SubmitOptions(RUNTIME, after=tuple(first.tasks.values())))
    one, two = claim(database, 2)
    finish(database, one)
    assert status(database, later.root) is Status.WAITING
    finish(database, two)
    assert status(database, later.root) is Status.PENDING


def test_an_edge_named_twice_counts_once_and_strictly(database: Database) -> None:
    submitted = submit(database, plan(["a", "b"], [Edge("b", "a", Need.SETTLES), Edge("b", "a", Need.NEEDS)]))
    assert database.read_now(views.task, submitted.root).unmet == 1
    fail(database, claim_one(database))
    assert status(database, submitted.root) is Status.FAILED
