"""What a worker is told of the tasks that its own depends on, and of those that were made for it."""

import time

from abathur_tui.domain.joins import Conflict, Contribution, JoinReport, Judged, Quality, Stand
from abathur_tui.domain.plan import JoinStrategy, Kind
from abathur_tui.storage import Database, queue, views
from tests.storage.building import NOW, chain, claim, claim_one, finish, fork, node, plan, submit

REPORT = JoinReport(
    JoinStrategy.BEST,
    "the best is m1",
    ("m0 is dead",),
    (Contribution(2, True, "chosen"),),
    (Conflict("key", "port", (Stand(None, (1,)), Stand(2, (2,))), "priority", None, "t1 comes first"),),
    Quality(0.9, (Judged("correct", 0.9, "it is"),)),
)


def test_results_of_which_others_were_made_are_further_away(database: Database) -> None:
    # last needs all of them; c was made of b by way of x, and b of a
    made = submit(database, plan(["a", "b", "x", "c", "d", "last"], [("b", "a"), ("x", "b"), ("c", "x"), *(("last", one) for one in "abcd")]))

    work = database.read_now(views.work, made.tasks["last"])

    assert {one.name: one.distance for one in work.inputs} == {"do a": 3, "do b": 2, "do c": 1, "do d": 1}


def test_a_long_ancestry_takes_no_time(database: Database) -> None:
    long_chain = chain(3000)
    made = submit(database, plan([*long_chain.nodes, "last"], [*long_chain.edges, ("last", "n0"), ("last", "n2999")]))

    begun = time.process_time()
    work = database.read_now(views.work, made.tasks["last"])

    assert [one.distance for one in work.inputs] == [2, 1]
    assert time.process_time() - begun < 2


def test_a_join_is_told_how_good_its_members_are_and_when_they_were_done(database: Database) -> None:
    inner = submit(database, plan(["m", node("best", kind=Kind.JOIN), node("outer", kind=Kind.JOIN)], [("best", "m"), ("outer", "best")]))
    finish(database, claim_one(database))
    database.write_now(queue.complete, claim_one(database).lease, "text", NOW + 7, REPORT.data())

    (member,) = database.read_now(views.work, inner.tasks["outer"]).inputs

    assert (member.quality, member.finished_at, member.priority) == (0.9, NOW + 7, 5)


def test_a_report_comes_back_as_it_was_written(database: Database) -> None:
    made = submit(database, fork())
    for claimed in claim(database, 2):
        finish(database, claimed)
    database.write_now(queue.complete, claim_one(database).lease, "text", NOW, REPORT.data())

    assert database.read_now(views.detail, made.root).join == REPORT
    assert database.read_now(views.reports, made.execution) == {made.root: REPORT}
    assert database.read_now(views.detail, made.tasks["m0"]).join is None


def test_a_child_is_given_results_and_waits_for_nothing(database: Database) -> None:
    made = submit(database, fork())
    for claimed in claim(database, 2):
        finish(database, claimed, f"result of {claimed.lease.task}")
    join = claim_one(database).lease

    child = database.write_now(lambda c: queue.add_child(c, join, node("ask"), NOW, pass_number=1, built_on=(made.tasks["m1"], made.tasks["m0"])))

    assert [one.result for one in database.read_now(views.work, child).inputs] == ["result of 2", "result of 1"]
    assert [one.lease.task for one in claim(database)] == [child]
