"""Claims: the right task, once, as fast in a deep queue as in a short one."""

import time
from dataclasses import replace
from sqlite3 import Connection

import pytest

from abathur_tui.domain.execution import RuntimeName, SubmitOptions
from abathur_tui.domain.leases import Claim
from abathur_tui.domain.plan import Edge, Kind, Need
from abathur_tui.domain.status import Status, Why
from abathur_tui.storage import Database, queue, views
from abathur_tui.storage.queue.claiming import claim_statement
from tests.storage.building import ENGINE, LANE, NOW, RUNTIME, claim, claim_one, finish, fork, node, plan, status, submit

OTHER = replace(RUNTIME, runtime=RuntimeName.COMMAND)


def test_the_order_is_priority_then_execution_then_the_plans_own(database: Database) -> None:
    first = submit(database, plan(["a", node("b", priority=9), "c"]))
    second = submit(database, plan([node("d", priority=9), "e"]))
    claims = claim(database, 10)
    expected = [first.tasks["b"], second.tasks["d"], first.tasks["a"], first.tasks["c"], second.tasks["e"]]
    assert [one.lease.task for one in claims] == expected
    assert [one.priority for one in claims] == [9, 9, 5, 5, 5]


def test_a_claim_takes_no_more_than_the_limit_and_no_more_than_each_lane_has_free(database: Database) -> None:
    here = submit(database, plan(["a", "b", "c"]))
    there = submit(database, plan(["d", "e", "f"]), SubmitOptions(OTHER))
    # When lane one has one free slot and lane two has two,
    claims = database.write_now(queue.claim, ENGINE, {RUNTIME.lane: 1, OTHER.lane: 2}, 10, NOW)
    assert [one.lease.task for one in claims] == [here.tasks["a"], there.tasks["d"], there.tasks["e"]]
    # and with a limit of one, only the most urgent is taken, of whichever lane.
    claims = database.write_now(queue.claim, ENGINE, {RUNTIME.lane: 1, OTHER.lane: 2}, 1, NOW)
    assert [one.lease.task for one in claims] == [here.tasks["b"]]
    assert database.write_now(queue.claim, ENGINE, {RUNTIME.lane: 1}, 0, NOW) == []
    assert database.write_now(queue.claim, ENGINE, {"elsewhere": 1}, 1, NOW) == []


def test_a_claim_raises_the_epoch_and_makes_an_attempt(database: Database) -> None:
    submit(database, plan(["a"]))
    first = claim_one(database)
    assert (first.lease.epoch, first.attempt, first.failures, first.agent, first.kind) == (1, 1, 0, "generalist", Kind.AGENT)
    database.write_now(queue.release, first.lease, "stop", NOW)
    second = claim_one(database)
    assert (second.lease.epoch, second.attempt) == (2, 1)
    assert [(one.number, one.outcome) for one in database.read_now(views.detail, second.lease.task).attempts] == [(1, "released"), (1, "running")]


def test_nothing_is_claimed_twice(database: Database) -> None:
    submit(database, plan([f"n{i}" for i in range(100)]))
    taken = [one.lease.task for _ in range(30) for one in claim(database, 4)]
    assert sorted(taken) == sorted(set(taken))
    assert len(taken) == 100


def test_joins_are_claimed_whatever_lanes_are_free(database: Database) -> None:
    submitted = submit(database, fork(1))
    finish(database, claim_one(database))
    claims = database.write_now(queue.claim, ENGINE, {}, 1, NOW)
    assert [(one.lease.task, one.lane, one.kind) for one in claims] == [(submitted.root, queue.JOIN_LANE, Kind.JOIN)]


def test_a_nodes_own_model_is_a_lane_of_its_own(database: Database) -> None:
    submit(database, plan([node("a", model="big"), "b"]))
    assert {state.lane: state.pending for state in database.read_now(queue.lanes)} == {"local:big": 1, LANE: 1}
    assert database.write_now(queue.claim, ENGINE, {"local:big": 1}, 5, NOW)[0].lane == "local:big"


def test_a_held_lane_gives_nothing_and_its_tasks_say_why(database: Database) -> None:
    task = submit(database, plan(["a"])).root
    database.write_now(queue.hold_lane, LANE, Why.QUOTA, NOW + 60, "the limit is reached", "engine", NOW)
    assert claim(database) == []
    shown = database.read_now(views.task, task)
    assert (shown.status, shown.why, shown.due_at, shown.state.word) == (Status.PENDING, Why.QUOTA, NOW + 60, "quota")
    (state,) = database.read_now(queue.lanes)
    assert (state.ready, state.held_why, state.until, state.message) == (False, Why.QUOTA, NOW + 60, "the limit is reached")
    # It goes on when its time has come,
    assert database.write_now(queue.due, NOW) == NOW + 60
    database.write_now(queue.due, NOW + 60)
    assert database.read_now(queue.lanes)[0].ready
    # or when somebody frees it.
    database.write_now(queue.hold_lane, LANE, Why.KEY, None, "no key", "engine", NOW)
    assert database.read_now(views.task, task).state.word == "asks you"
    database.write_now(queue.free_lane, LANE, "me", NOW)
    assert claim_one(database).lease.task == task
    assert [event.action for event in database.read_now(views.audit) if event.action.startswith("lane.")] == [
        "lane.held",
        "lane.freed",
        "lane.held",
        "lane.freed",
    ]


def test_a_lane_is_ready_only_where_something_could_be_claimed_now(database: Database) -> None:
    submit(database, plan(["a"]), SubmitOptions(RUNTIME, not_before=NOW + 60))
    (state,) = database.read_now(queue.lanes)
    assert (state.pending, state.ready, state.runtime) == (1, False, RUNTIME)
    database.write_now(queue.due, NOW + 60)
    assert database.read_now(queue.lanes)[0].ready


def test_suspects_run_one_at_a_time(database: Database) -> None:
    # Given two tasks whose workers died twice in a row, and one that is well,
    suspects = submit(database, plan(["a", "b"]))
    for _ in range(2):
        claim(database, 2)
        database.write_now(queue.recover, ENGINE, NOW)
    well = submit(database, plan(["c"]))
    # when ten slots are free, then one suspect runs, with the one that is well,
    claims = claim(database, 10)
    assert {one.lease.task for one in claims} == {suspects.tasks["a"], well.root}
    assert claim(database, 10) == []
    # and the other one after it, which says why it does not move.
    assert database.read_now(views.task, suspects.tasks["b"]).why == Why.ALONE
    finish(database, claims[0] if claims[0].lease.task == suspects.tasks["a"] else claims[1])
    assert [one.lease.task for one in claim(database, 10)] == [suspects.tasks["b"]]


@pytest.mark.parametrize("lanes", [1, 2, 5])
def test_the_claim_reads_each_lane_by_its_index_only(database: Database, lanes: int) -> None:
    values = {"engine": "e", "now": NOW, "most": 1} | {f"lane{i}": "x" for i in range(lanes)} | {f"free{i}": 1 for i in range(lanes)}
    steps = database.read_now(lambda c: [row[3] for row in c.execute("EXPLAIN QUERY PLAN " + claim_statement(lanes), values)])
    assert (
        sum("tasks USING INDEX tasks_claimable (lane=?)" in step or "tasks USING COVERING INDEX tasks_claimable (lane=?)" in step for step in steps)
        == lanes
    )
    assert not any(step.startswith("SCAN tasks") for step in steps)
    # No lane's candidates are sorted: the index has them in order.
    assert sum("TEMP B-TREE" in step for step in steps) <= 1


def claim_seconds(c: Connection) -> float:
    """The processor's time for a claim, which a busy machine does not change."""
    begun = time.thread_time()
    (one,) = queue.claim(c, ENGINE, {LANE: 1}, 1, NOW)
    taken = time.thread_time() - begun
    queue.complete(c, one.lease, "ok", NOW)
    return taken


def test_claim_time_does_not_grow_with_the_queue(database: Database) -> None:
    """Nor with what waits, is done, or is blocked in another lane."""

    def usual() -> float:
        return sorted(database.write_now(claim_seconds) for _ in range(40))[20]

    submit(database, plan([f"n{i}" for i in range(200)]))
    short = usual()
    waiting = [f"w{i}" for i in range(4000)]
    for runtime, nodes, edges in (
        (RUNTIME, [f"n{i}" for i in range(4000)], []),
        (OTHER, [node(f"o{i}", priority=9) for i in range(4000)], []),
        (RUNTIME, ["first", *waiting], [Edge(name, "first", Need.NEEDS) for name in waiting]),
    ):
        submit(database, plan(nodes, edges), SubmitOptions(runtime, max_size=1_000_000))
    done = claim(database, 3000)
    database.write_now(complete_all, done)
    assert usual() < 2 * short + 0.0005


def complete_all(c: Connection, claims: list[Claim]) -> None:
    """Complete them in one transaction."""
    for one in claims:
        queue.complete(c, one.lease, "ok", NOW)


def test_a_completed_task_frees_its_dependents_in_the_same_transaction(database: Database) -> None:
    submitted = submit(database, plan(["a", "b", "c"], [("c", "a"), ("c", "b")]))
    first, second = claim(database, 2)
    finish(database, first)
    assert database.read_now(views.task, submitted.root).unmet == 1
    assert status(database, submitted.root) is Status.WAITING
    finish(database, second)
    assert status(database, submitted.root) is Status.PENDING


def test_a_suspect_that_waits_for_another_suspect_does_not_keep_it_from_running(database: Database) -> None:
    # Given a loop and its pass, both of which were at work when their engines died, twice,
    submit(database, plan([node("loop", kind=Kind.LOOP)]))
    loop = claim_one(database)
    step = database.write_now(queue.add_child, loop.lease, node("pass-1"), NOW, pass_number=1)
    assert claim_one(database).lease.task == step
    for _ in range(2):
        database.write_now(queue.recover, ENGINE, NOW)
        claim(database, 2)
        claim(database, 2)
    database.write_now(queue.recover, ENGINE, NOW)
    # when the loop runs alone and waits for the pass, then the pass runs.
    resumed = claim_one(database)
    assert resumed.lease.task == loop.lease.task
    assert claim(database) == []
    database.write_now(queue.park, resumed.lease, Why.CHILDREN, NOW)
    assert claim_one(database).lease.task == step
