"""What people ask of tasks: cancel, retry, pause, resume, reprioritise."""

from collections.abc import Iterator

import pytest

from abathur_tui.domain.errors import ArgumentInvalid, ChangeRefused, NotFound
from abathur_tui.domain.plan import Edge, Kind, Need, PlanNode
from abathur_tui.domain.status import Status, Why
from abathur_tui.domain.tasks import TaskError
from abathur_tui.storage import Database, engines, queue, requests, views
from tests.storage.building import BAD, ENGINE, NOW, chain, claim, claim_one, fail, finish, fork, node, plan, status, statuses, submit


@pytest.fixture
def living_engine(database: Database) -> Iterator[str]:
    """An engine that lives: somebody holds its lock."""
    lock = engines.hold_life_lock(database.folder, ENGINE)
    yield ENGINE
    lock.release()


def test_what_does_not_run_is_cancelled_at_once(database: Database) -> None:
    submitted = submit(database, chain(2))
    answers = database.write_now(queue.cancel, [submitted.tasks["n0"]], "me", "not needed", NOW)
    assert [(one.id, one.status, one.error) for one in answers] == [(submitted.tasks["n0"], Status.CANCELLED, None)]
    assert statuses(database, submitted) == {"n0": "cancelled", "n1": "failed"}
    event = database.read_now(views.audit, task=submitted.tasks["n0"])[-1]
    assert (event.actor, event.detail["reason"]) == ("me", "not needed")


def test_what_is_inside_goes_with_it(database: Database) -> None:
    # Given a parent with two children, one with a child of its own, and a stranger beside them,
    nodes: list[PlanNode | str] = [
        node("inner", parent="child"),
        node("child", parent="top"),
        node("sister", parent="top"),
        "top",
        "stranger",
        node("root", kind=Kind.JOIN),
    ]
    edges = [
        Edge("child", "inner"),
        Edge("top", "child"),
        Edge("top", "sister"),
        Edge("root", "top", Need.SETTLES),
        Edge("root", "stranger", Need.SETTLES),
    ]
    submitted = submit(database, plan(nodes, edges))
    database.write_now(queue.cancel, [submitted.tasks["top"]], "me", "", NOW)
    assert statuses(database, submitted) == {
        "inner": "cancelled",
        "child": "cancelled",
        "sister": "cancelled",
        "top": "cancelled",
        "stranger": "pending",
        "root": "waiting",
    }
    # None of them became pending on its way: what still waits is cancelled first.
    assert "pending" not in [event.detail["to"] for event in database.read_now(views.audit, task=submitted.tasks["top"])]


def test_cancelling_a_root_cancels_its_whole_execution(database: Database) -> None:
    submitted = submit(database, fork(3))
    finish(database, claim_one(database))
    database.write_now(queue.cancel, [submitted.root], "me", "", NOW)
    assert sorted(statuses(database, submitted).values()) == ["cancelled", "cancelled", "cancelled", "completed"]


def test_tasks_that_are_cancelled_together_are_cancelled_though_they_need_each_other(database: Database) -> None:
    submitted = submit(database, chain(4))
    first, second, third, last = submitted.tasks.values()

    answers = database.write_now(queue.cancel, [first, third, second], "me", "", NOW)

    assert [(answer.status, answer.error) for answer in answers] == [(Status.CANCELLED, None)] * 3
    assert status(database, last) is Status.FAILED


def test_what_is_inside_another_one_that_is_named_goes_with_it_and_is_no_mistake(database: Database) -> None:
    submitted = submit(database, fork(2))
    named = [submitted.root, *submitted.tasks.values()]

    for change, end in ((queue.pause, Status.PAUSED), (queue.resume, Status.PENDING)):
        answers = database.write_now(change, named, "me", NOW)
        assert {answer.error for answer in answers} == {None}
        assert {answer.status for answer in answers} - {Status.WAITING} == {end}
    answers = database.write_now(queue.cancel, named, "me", "", NOW)
    assert {(answer.status, answer.error) for answer in answers} == {(Status.CANCELLED, None)}
    told = database.read_now(lambda c: c.execute("SELECT count(*) FROM audit").fetchone())
    assert database.write_now(queue.cancel, named, "me", "", NOW) == answers  # asked again, it is as it was asked for
    assert database.read_now(lambda c: c.execute("SELECT count(*) FROM audit").fetchone()) == told


def test_a_running_task_of_a_living_engine_gets_a_request(database: Database, living_engine: str) -> None:
    # Given a running task,
    submitted = submit(database, plan(["a"]))
    lease = claim_one(database).lease
    # when it is cancelled twice, then it runs on with one request,
    for _ in range(2):
        (answer,) = database.write_now(queue.cancel, [lease.task], "me", "wrong way", NOW)
        assert (answer.status, answer.error) == (Status.RUNNING, None)
    (request,) = database.read_now(requests.open_for, living_engine)
    assert (request.task, request.epoch, request.kind, request.actor, request.payload) == (lease.task, 1, "cancel", "me", {"reason": "wrong way"})
    # and when its worker has ended the agent, the one who asked is named, and nothing is asked any more.
    database.write_now(queue.end_cancelled, lease, NOW, result="half of it")
    assert status(database, submitted.root) is Status.CANCELLED
    assert database.read_now(requests.open_for, living_engine) == []
    event = database.read_now(views.audit, task=lease.task)[-1]
    assert (event.action, event.actor, event.detail["reason"]) == ("task.cancelled", "me", "wrong way")
    assert database.read_now(views.result, lease.task) == "half of it"


def test_a_running_task_of_a_dead_engine_is_cancelled_at_once(database: Database) -> None:
    submit(database, plan(["a"]))
    lease = claim_one(database).lease
    (answer,) = database.write_now(queue.cancel, [lease.task], "me", "", NOW)
    assert answer.status is Status.CANCELLED
    assert database.read_now(views.detail, lease.task).attempts[0].outcome == "cancelled"
    assert database.write_now(queue.recover, ENGINE, NOW) == []


def test_a_request_is_of_an_epoch(database: Database, living_engine: str) -> None:
    submit(database, plan(["a"]))
    lease = claim_one(database).lease
    database.write_now(queue.pause, [lease.task], "me", NOW)
    database.write_now(queue.release, lease, "stop", NOW)
    # The pause was done with that; the next worker is not asked again.
    database.write_now(queue.resume, [lease.task], "me", NOW)
    assert claim_one(database).lease.epoch == 2
    assert database.read_now(requests.open_for, living_engine) == []


def test_a_request_can_be_refused_and_is_closed_once(database: Database, living_engine: str) -> None:
    submit(database, plan(["a"]))
    lease = claim_one(database).lease
    database.write_now(queue.pause, [lease.task], "me", NOW)
    (request,) = database.read_now(requests.open_for, living_engine)
    database.write_now(requests.close, request.id, "refused", NOW)
    database.write_now(requests.close, request.id, "done", NOW)
    outcomes = database.read_now(lambda c: c.execute("SELECT outcome FROM requests").fetchall())
    assert outcomes == [("refused",)]


def test_each_id_is_answered_on_its_own(database: Database) -> None:
    one, two = submit(database, plan(["a"])).root, submit(database, plan(["b"])).root
    finish(database, claim_one(database))
    answers = database.write_now(queue.cancel, [one, 99, two, two], "me", "", NOW)
    assert [(answer.id, answer.status) for answer in answers] == [(one, Status.COMPLETED), (99, None), (two, Status.CANCELLED)]
    assert [type(answer.error) for answer in answers] == [ChangeRefused, NotFound, type(None)]


@pytest.mark.parametrize("end", [Status.FAILED, Status.DEAD])
def test_a_retried_task_comes_back_with_the_dependents_that_failed_because_of_it(database: Database, end: Status) -> None:
    submitted = submit(database, chain(3))
    fail(database, claim_one(database), status=end)
    (answer,) = database.write_now(queue.retry, [submitted.tasks["n0"]], "me", NOW)
    assert answer.status is Status.PENDING
    assert statuses(database, submitted) == {"n0": "pending", "n1": "waiting", "n2": "waiting"}
    shown = database.read_now(views.task, submitted.tasks["n2"])
    assert (shown.unmet, shown.error, shown.finished_at, shown.why) == (1, None, None, Why.AFTER)
    for _ in range(3):
        finish(database, claim_one(database))
    assert set(statuses(database, submitted).values()) == {"completed"}


def test_a_dependent_comes_back_only_when_nothing_is_broken_any_more(database: Database) -> None:
    submitted = submit(database, plan(["a", "b", "c"], [("c", "a"), ("c", "b")]))
    for claimed in claim(database, 2):
        fail(database, claimed)
    database.write_now(queue.retry, [submitted.tasks["a"]], "me", NOW)
    assert statuses(database, submitted) == {"a": "pending", "b": "failed", "c": "failed"}
    database.write_now(queue.retry, [submitted.tasks["b"]], "me", NOW)
    assert statuses(database, submitted) == {"a": "pending", "b": "pending", "c": "waiting"}


def test_retrying_what_failed_because_of_others_brings_those_back(database: Database) -> None:
    submitted = submit(database, chain(3))
    fail(database, claim_one(database))
    (answer,) = database.write_now(queue.retry, [submitted.tasks["n2"]], "me", NOW)
    assert answer.status is Status.WAITING
    assert statuses(database, submitted) == {"n0": "pending", "n1": "waiting", "n2": "waiting"}


def test_a_failed_join_comes_back_with_the_member_that_is_retried(database: Database) -> None:
    submitted = submit(database, fork(2))
    good, bad = claim(database, 2)
    finish(database, good)
    fail(database, bad)
    database.write_now(queue.fail, claim_one(database).lease, TaskError("ABTH-ERR-131", "one of two"), NOW)
    database.write_now(queue.retry, [bad.lease.task], "me", NOW)
    assert statuses(database, submitted) == {"m0": "completed", "m1": "pending", "join": "waiting"}
    finish(database, claim_one(database))
    assert claim_one(database).lease.task == submitted.root


def test_retrying_a_failed_join_retries_the_members_that_did_not_complete(database: Database) -> None:
    submitted = submit(database, fork(3))
    first, second, third = claim(database, 3)
    finish(database, first)
    fail(database, second)
    fail(database, third, status=Status.DEAD)
    database.write_now(queue.fail, claim_one(database).lease, TaskError("ABTH-ERR-131", "one of three"), NOW)
    (answer,) = database.write_now(queue.retry, [submitted.root], "me", NOW)
    assert answer.status is Status.WAITING
    assert statuses(database, submitted) == {"m0": "completed", "m1": "pending", "m2": "pending", "join": "waiting"}


def test_a_join_that_has_used_a_member_stays_as_it_is(database: Database) -> None:
    submitted = submit(database, fork(2))
    good, bad = claim(database, 2)
    finish(database, good)
    fail(database, bad)
    finish(database, claim_one(database), "joined")
    database.write_now(queue.retry, [bad.lease.task], "me", NOW)
    assert statuses(database, submitted) == {"m0": "completed", "m1": "pending", "join": "completed"}


def test_a_join_that_could_start_waits_for_a_member_that_comes_back(database: Database) -> None:
    submitted = submit(database, fork(2))
    good, bad = claim(database, 2)
    finish(database, good)
    fail(database, bad)
    assert statuses(database, submitted)["join"] == "pending"
    database.write_now(queue.retry, [bad.lease.task], "me", NOW)
    assert database.read_now(views.task, submitted.root).why == Why.AFTER
    assert [one.lease.task for one in claim(database, 10)] == [bad.lease.task]


def test_a_cancelled_execution_comes_back_whole(database: Database) -> None:
    submitted = submit(database, fork(3))
    finish(database, claim_one(database))
    database.write_now(queue.cancel, [submitted.root], "me", "", NOW)
    answers = database.write_now(queue.retry, [submitted.root, submitted.tasks["m1"]], "me", NOW)
    assert [(one.status, one.error) for one in answers] == [(Status.WAITING, None), (Status.PENDING, None)]
    assert statuses(database, submitted) == {"m0": "completed", "m1": "pending", "m2": "pending", "join": "waiting"}


def test_a_cancelled_chain_comes_back_and_runs_to_its_end(database: Database) -> None:
    submitted = submit(database, chain(4))
    database.write_now(queue.cancel, [submitted.root], "me", "", NOW)
    assert set(statuses(database, submitted).values()) == {"cancelled"}
    database.write_now(queue.retry, [submitted.root], "me", NOW)
    for _ in range(4):
        finish(database, claim_one(database))
    assert set(statuses(database, submitted).values()) == {"completed"}


@pytest.mark.parametrize("name", ["completed", "pending", "running", "waiting"])
def test_only_what_has_ended_without_completing_can_be_retried(database: Database, name: str) -> None:
    submitted = submit(database, chain(2))
    task = submitted.tasks["n1" if name == "waiting" else "n0"]
    if name in ("running", "completed"):
        claimed = claim_one(database)
        if name == "completed":
            finish(database, claimed)
    (answer,) = database.write_now(queue.retry, [task], "me", NOW)
    assert answer.status == name
    assert isinstance(answer.error, ChangeRefused)


def test_a_retried_task_begins_anew(database: Database) -> None:
    submitted = submit(database, plan(["a"]))
    for _ in range(3):
        claimed = claim_one(database)
        database.write_now(queue.retry_later, claimed.lease, BAD, NOW, NOW)
        database.write_now(queue.due, NOW)
    database.write_now(queue.fail, claim_one(database).lease, BAD, NOW, status=Status.DEAD, result="best so far")
    database.write_now(queue.retry, [submitted.root], "me", NOW)
    shown = database.read_now(views.task, submitted.root)
    assert (shown.error, shown.finished_at, shown.due_at, shown.progress) == (None, None, None, None)
    assert database.read_now(views.result, submitted.root) is None
    claimed = claim_one(database)
    assert (claimed.attempt, claimed.failures) == (5, 0)


def test_paused_tasks_are_not_claimed_and_go_on_where_they_were(database: Database) -> None:
    submitted = submit(database, plan(["a", "b"], [("b", "a")]))
    database.write_now(queue.pause, list(submitted.tasks.values()), "me", NOW)
    assert statuses(database, submitted) == {"a": "paused", "b": "paused"}
    assert database.read_now(views.task, submitted.root).why == Why.USER
    assert claim(database) == []
    database.write_now(queue.resume, list(submitted.tasks.values()), "me", NOW)
    assert statuses(database, submitted) == {"a": "pending", "b": "waiting"}


def test_a_paused_task_whose_needs_fail_meanwhile_fails_when_it_is_resumed(database: Database) -> None:
    submitted = submit(database, chain(3))
    claimed, paused = claim_one(database), submitted.tasks["n1"]
    database.write_now(queue.pause, [paused], "me", NOW)
    fail(database, claimed)
    assert statuses(database, submitted)["n1"] == "paused"
    (answer,) = database.write_now(queue.resume, [paused], "me", NOW)
    assert answer.status is Status.FAILED


def test_a_running_task_is_paused_by_its_worker(database: Database, living_engine: str) -> None:
    submit(database, plan(["a"]))
    lease = claim_one(database).lease
    (answer,) = database.write_now(queue.pause, [lease.task], "me", NOW)
    assert answer.status is Status.RUNNING
    assert [one.kind for one in database.read_now(requests.open_for, living_engine)] == ["pause"]
    database.write_now(queue.end_paused, lease, NOW)
    assert status(database, lease.task) is Status.PAUSED
    database.write_now(queue.resume, [lease.task], "me", NOW)
    assert claim_one(database).attempt == 1


def test_resuming_takes_back_a_pause_that_nobody_has_followed_yet(database: Database, living_engine: str) -> None:
    submit(database, plan(["a"]))
    lease = claim_one(database).lease
    database.write_now(queue.pause, [lease.task], "me", NOW)
    (answer,) = database.write_now(queue.resume, [lease.task], "me", NOW)
    assert (answer.status, answer.error) == (Status.RUNNING, None)
    assert database.read_now(requests.open_for, living_engine) == []


def test_what_is_not_paused_cannot_be_resumed_and_what_has_ended_not_be_paused(database: Database) -> None:
    task = submit(database, plan(["a"])).root
    (answer,) = database.write_now(queue.resume, [task], "me", NOW)
    assert isinstance(answer.error, ChangeRefused)
    finish(database, claim_one(database))
    (answer,) = database.write_now(queue.pause, [task], "me", NOW)
    assert isinstance(answer.error, ChangeRefused)


def test_a_new_priority_changes_the_order_and_is_in_the_audit(database: Database) -> None:
    submit(database, plan(["a"]))
    later = submit(database, fork(1))
    (answer,) = database.write_now(queue.reprioritize, [later.root], "me", NOW, 9)
    assert (answer.status, answer.error) == (Status.WAITING, None)
    assert claim_one(database).lease.task == later.tasks["m0"]
    (event,) = [one for one in database.read_now(views.audit, task=later.root) if one.action == "task.priority"]
    assert (event.actor, event.detail) == ("me", {"from": 5, "to": 9})


def test_a_priority_is_0_to_10_and_only_for_what_has_not_ended(database: Database) -> None:
    task = submit(database, plan(["a"])).root
    with pytest.raises(ArgumentInvalid):
        database.write_now(queue.reprioritize, [task], "me", NOW, 11)
    finish(database, claim_one(database))
    (answer,) = database.write_now(queue.reprioritize, [task], "me", NOW, 3)
    assert isinstance(answer.error, ChangeRefused)


def test_a_new_priority_is_of_use_also_while_tasks_wait_or_run(database: Database) -> None:
    first = submit(database, chain(2))
    second = submit(database, chain(2))
    running = claim_one(database)
    assert running.lease.task == first.tasks["n0"]

    database.write_now(queue.reprioritize, [second.root], "me", NOW, 9)
    database.write_now(queue.reprioritize, [first.tasks["n0"]], "me", NOW, 1)

    # What runs goes on under its lease, and what it frees has its own priority.
    finish(database, running)
    assert claim_one(database).lease.task == second.tasks["n0"]
    assert {database.read_now(views.task, id).priority for id in second.tasks.values()} == {9}
    assert database.read_now(views.task, first.tasks["n0"]).priority == 1
    assert claim_one(database).lease.task == first.tasks["n1"]


def test_a_subtree_that_was_cancelled_comes_back_whole_and_the_rest_stays(database: Database) -> None:
    nodes = [node("root"), node("a", parent="root"), node("a1", parent="a"), node("a2", parent="a"), node("b", parent="root")]
    submitted = submit(database, plan(nodes, root="root"))
    ids = submitted.tasks
    database.write_now(queue.cancel, [ids["a"], ids["b"]], "me", "", NOW)
    assert statuses(database, submitted) == {"root": "pending", "a": "cancelled", "a1": "cancelled", "a2": "cancelled", "b": "cancelled"}

    database.write_now(queue.retry, [ids["a"]], "me", NOW)

    assert statuses(database, submitted) == {"root": "pending", "a": "pending", "a1": "pending", "a2": "pending", "b": "cancelled"}
