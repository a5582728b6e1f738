"""Plans become rows: all or nothing, in order, and on disk."""

import sqlite3
from dataclasses import replace

import pytest

from abathur_tui.domain.errors import CyclicDependencies, LeaseLost, NotFound, QueueFull
from abathur_tui.domain.execution import SubmitOptions
from abathur_tui.domain.filters import TaskFilter
from abathur_tui.domain.leases import Lease
from abathur_tui.domain.plan import Edge, Kind, Need, Plan, Reference
from abathur_tui.domain.status import Status, Why
from abathur_tui.storage import Database, queue, views
from tests.storage.building import ENGINE, NOW, RUNTIME, chain, claim_one, fail, finish, fork, node, plan, status, statuses, submit


def test_a_submit_that_returned_is_in_the_file(database: Database) -> None:
    submitted = submit(database, plan(["a", "b"], [("b", "a")]))
    other = sqlite3.connect(database.folder / "abathur.db")
    rows = other.execute("SELECT id, status FROM tasks ORDER BY id").fetchall()
    other.close()
    assert rows == [(submitted.tasks["a"], "pending"), (submitted.tasks["b"], "waiting")]


def test_what_was_planned_is_what_a_worker_reads(database: Database) -> None:
    # Given a plan with a reference, a parent, a model of its own and a join,
    inner = node("a", parent="b", tags=("abyssal", "CODE"), template="CODE", model="m1")
    outer = replace(node("b"), references=(Reference("/prompt", "a"),))
    made = Plan(
        (inner, outer, node("join", kind=Kind.JOIN, required=("b",))),
        (Edge("b", "a"), Edge("join", "b", Need.SETTLES)),
        "join",
        'ABYSSAL[CODE]("x")',
    )
    # when it is submitted with a template's text,
    options = SubmitOptions(RUNTIME, templates={"CODE@1.0.0": "name = 'CODE'"}, max_retries=2, task_timeout_seconds=60.0)
    submitted = submit(database, made, options)
    # then execution, task and work have it all.
    a, b, join = (submitted.tasks[name] for name in ("a", "b", "join"))
    execution = database.read_now(views.execution, submitted.execution)
    assert (execution.root, execution.source, execution.runtime) == (join, 'ABYSSAL[CODE]("x")', RUNTIME)
    first = database.read_now(views.work, a)
    assert (first.task.parent, first.task.tags, first.runtime.model, first.retries, first.timeout_seconds) == (b, ("abyssal", "CODE"), "m1", 2, 60.0)
    second = database.read_now(views.work, b)
    assert second.references == {"/prompt": a}
    assert second.parameters == {"prompt": "the work of b"}
    last = database.read_now(views.work, join)
    assert [(one.task, one.required) for one in last.inputs] == [(b, True)]
    query = "SELECT x.template, c.body FROM execution_templates AS x JOIN content AS c ON c.hash = x.body"
    texts = database.read_now(lambda c: c.execute(query).fetchall())
    assert texts == [("CODE@1.0.0", "name = 'CODE'")]


def test_a_full_queue_takes_nothing_of_a_plan(database: Database) -> None:
    submit(database, plan(["a", "b"]))
    with pytest.raises(QueueFull):
        submit(database, plan(["c", "d"]), SubmitOptions(RUNTIME, max_size=3))
    assert len(database.read_now(views.task_ids, TaskFilter())) == 2


def test_a_join_comes_with_what_it_joins_and_takes_no_room(database: Database) -> None:
    # Given a queue for three tasks, when three come with their join, then they are taken,
    submit(database, fork(3), SubmitOptions(RUNTIME, max_size=3))
    # and the queue is full.
    with pytest.raises(QueueFull, match="holds 3 tasks"):
        submit(database, plan(["a"]), SubmitOptions(RUNTIME, max_size=3))


def test_ended_tasks_leave_room_in_the_queue(database: Database) -> None:
    submit(database, plan(["a", "b"]))
    finish(database, claim_one(database))
    submit(database, plan(["c", "d"]), SubmitOptions(RUNTIME, max_size=3))
    with pytest.raises(QueueFull):
        submit(database, plan(["e"]), SubmitOptions(RUNTIME, max_size=3))


def test_what_a_running_execution_adds_is_never_refused(database: Database) -> None:
    submit(database, plan([node("loop", kind=Kind.LOOP)]), SubmitOptions(RUNTIME, max_size=1))
    lease = claim_one(database).lease
    assert database.write_now(queue.add_child, lease, node("pass"), NOW, pass_number=1)


def test_a_circle_is_refused_and_named(database: Database) -> None:
    with pytest.raises(CyclicDependencies, match=r"do (a|b) → do (a|b) → do \1"):
        submit(database, plan(["a", "b", "c"], [("a", "b"), ("b", "a"), ("c", "a")]))
    assert not database.read_now(views.task_ids, TaskFilter())


def test_after_an_unknown_task_nothing_is_queued(database: Database) -> None:
    with pytest.raises(NotFound, match="t77"):
        submit(database, plan(["a"]), SubmitOptions(RUNTIME, after=(77,)))
    assert not database.read_now(views.task_ids, TaskFilter())


def test_first_nodes_wait_for_tasks_of_earlier_executions(database: Database) -> None:
    earlier = submit(database, plan(["a"])).root
    later = submit(database, chain(2), SubmitOptions(RUNTIME, after=(earlier,)))
    assert database.read_now(views.task, later.tasks["n0"]).depends_on == (earlier,)
    assert statuses(database, later) == {"n0": "waiting", "n1": "waiting"}
    finish(database, claim_one(database))
    assert statuses(database, later) == {"n0": "pending", "n1": "waiting"}


def test_after_a_task_that_has_ended_it_is_decided_at_once(database: Database) -> None:
    done, bad = submit(database, plan(["a"])).root, submit(database, plan(["b"])).root
    finish(database, claim_one(database))
    fail(database, claim_one(database))
    assert status(database, submit(database, plan(["c"]), SubmitOptions(RUNTIME, after=(done,))).root) is Status.PENDING
    doomed = submit(database, chain(2), SubmitOptions(RUNTIME, after=(bad,)))
    assert statuses(database, doomed) == {"n0": "failed", "n1": "failed"}
    stubborn = SubmitOptions(RUNTIME, after=(bad,), ignore_dependency_failure=True)
    assert status(database, submit(database, plan(["d"]), stubborn).root) is Status.PENDING


def test_with_ignore_dependency_failure_a_plan_goes_on_whatever_fails(database: Database) -> None:
    submitted = submit(database, chain(2), SubmitOptions(RUNTIME, ignore_dependency_failure=True))
    fail(database, claim_one(database))
    assert statuses(database, submitted) == {"n0": "failed", "n1": "pending"}


def test_a_start_in_the_future_is_due_then(database: Database) -> None:
    submitted = submit(database, chain(2), SubmitOptions(RUNTIME, not_before=NOW + 60))
    shown = database.read_now(views.task, submitted.tasks["n0"])
    assert (shown.status, shown.why, shown.due_at) == (Status.PENDING, Why.TIME, NOW + 60)
    assert database.write_now(queue.due, NOW + 59) == NOW + 60
    assert not database.write_now(queue.claim, ENGINE, {RUNTIME.lane: 1}, 1, NOW + 59)
    assert database.write_now(queue.due, NOW + 60) is None
    assert claim_one(database, now=NOW + 60).lease.task == submitted.tasks["n0"]


def test_a_pass_of_a_loop_takes_its_loops_place_in_the_order(database: Database) -> None:
    # Given a loop that has been claimed, and a deep queue of the same priority behind it,
    submitted = submit(database, plan([node("loop", kind=Kind.LOOP, priority=7)]))
    loop = claim_one(database)
    for _ in range(5):
        submit(database, plan([node("other", priority=7)]))
    # when it adds a pass,
    child = database.write_now(queue.add_child, loop.lease, node("pass"), NOW, pass_number=1)
    # then that is the next one, belongs to it, and is found again.
    assert claim_one(database).lease.task == child
    shown = database.read_now(views.work, child)
    assert (shown.task.parent, shown.task.execution, shown.pass_number, shown.task.priority) == (submitted.root, submitted.execution, 1, 7)
    assert database.read_now(queue.child_of, submitted.root, 1) == child
    assert database.read_now(queue.child_of, submitted.root, 2) is None


def test_only_the_holder_of_a_loop_adds_passes(database: Database) -> None:
    submit(database, plan([node("loop", kind=Kind.LOOP)]))
    lease = claim_one(database).lease
    with pytest.raises(LeaseLost):
        database.write_now(queue.add_child, Lease(lease.task, lease.epoch - 1, lease.engine), node("pass"), NOW, pass_number=1)


def test_nodes_may_come_in_any_order(database: Database) -> None:
    # Given a plan whose inner nodes come before what they are inside of, three deep,
    submitted = submit(database, plan([node("c", parent="b"), node("b", parent="a"), "a"], [("b", "c"), ("a", "b")]))
    assert database.read_now(views.task, submitted.tasks["c"]).parent == submitted.tasks["b"]
    assert statuses(database, submitted) == {"c": "pending", "b": "waiting", "a": "waiting"}


def test_text_that_utf8_cannot_write_is_kept_with_a_mark(database: Database) -> None:
    made = plan([node("a")])
    odd = Plan(made.nodes, made.edges, made.root, "half a \ud83d pair and a \0")
    submitted = submit(database, odd)
    assert database.read_now(views.execution, submitted.execution).source == "half a ? pair and a \0"


def test_a_thousand_nodes_come_in_one_transaction(database: Database) -> None:
    submitted = submit(database, fork(1000))
    assert len(submitted.tasks) == 1001
    assert database.read_now(views.task, submitted.root).unmet == 1000
