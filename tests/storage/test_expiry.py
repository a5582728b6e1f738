"""Expiry: what has not started in time fails, says why, and so do those that need it; what has started goes on."""

import pytest

from abathur_tui.domain.errors import DependencyFailed, TaskExpired
from abathur_tui.domain.plan import Edge, Kind, Need, OnFailure
from abathur_tui.domain.status import Status
from abathur_tui.domain.tasks import Task
from abathur_tui.storage import Database, queue, views
from tests.storage.building import NOW, claim, claim_one, finish, node, plan, status, submit


def shown(database: Database, task: int) -> Task:
    return database.read_now(views.task, task)


@pytest.mark.parametrize("where", ["waiting", "pending", "paused"])
def test_what_has_not_started_in_time_has_failed_and_says_so(database: Database, where: str) -> None:
    edges = [("b", "a")] if where == "waiting" else []
    submitted = submit(database, plan(["a", node("b", expires=10)], edges, root="b"))
    task = submitted.tasks["b"]
    if where == "paused":
        database.write_now(queue.pause, [task], "me", NOW)

    database.write_now(queue.due, NOW + 9.9)
    assert status(database, task) not in (Status.FAILED, Status.DEAD)
    database.write_now(queue.due, NOW + 10)

    failed = shown(database, task)
    assert failed.status is Status.FAILED
    assert failed.error is not None
    assert failed.error.code == TaskExpired.code
    assert database.read_now(views.audit, task=task)[-1].detail["reason"] == "expired"


def test_those_that_need_it_fail_and_name_it(database: Database) -> None:
    nodes = [node("a", expires=10), node("b"), node("c"), node("join", kind=Kind.JOIN), node("d")]
    edges = [Edge("b", "a"), Edge("c", "b"), Edge("join", "a", Need.SETTLES), Edge("d", "join")]
    submitted = submit(database, plan(nodes, edges, root="d"))

    database.write_now(queue.due, NOW + 10)

    for name in ("b", "c"):
        error = shown(database, submitted.tasks[name]).error
        assert error is not None
        assert (error.code, error.message) == (DependencyFailed.code, f"t{submitted.tasks['a']} (do a) expired, and this needs it")
    # A join waits for its members' end, however that came; who goes on without a result goes on.
    assert status(database, submitted.tasks["join"]) is Status.PENDING
    assert status(database, submitted.tasks["d"]) is Status.WAITING


def test_dependents_go_on_where_the_task_says_so(database: Database) -> None:
    submitted = submit(database, plan([node("a", expires=10, on_failure=OnFailure.SKIP), "b"], [("b", "a")]))

    database.write_now(queue.due, NOW + 10)

    assert status(database, submitted.tasks["b"]) is Status.PENDING


def test_what_runs_does_not_expire_nor_does_what_ran_and_is_tried_again(database: Database) -> None:
    submitted = submit(database, plan([node("a", expires=10), node("b", expires=10)]))
    running, interrupted = claim(database, 2)
    database.write_now(queue.release, interrupted.lease, "stop", NOW)

    database.write_now(queue.due, NOW + 100)

    assert status(database, running.lease.task) is Status.RUNNING
    assert status(database, interrupted.lease.task) is Status.PENDING
    finish(database, running)
    assert status(database, submitted.tasks["a"]) is Status.COMPLETED


def test_a_task_that_comes_back_has_time_without_end(database: Database) -> None:
    submitted = submit(database, plan([node("a", expires=10)]))
    database.write_now(queue.due, NOW + 10)

    database.write_now(queue.retry, [submitted.root], "me", NOW + 20)
    database.write_now(queue.due, NOW + 10_000)

    assert claim_one(database).lease.task == submitted.root
