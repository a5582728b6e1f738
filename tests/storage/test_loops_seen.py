"""Viewers of loops read only what is new, and see the same as those who read all."""

import time
from dataclasses import replace

from abathur_tui.domain.criteria import Direction, ThresholdCriterion
from abathur_tui.domain.execution import SubmitOptions
from abathur_tui.domain.leases import Lease
from abathur_tui.domain.loops import LoopSpec, Pass, Verdict
from abathur_tui.domain.plan import Kind, Plan
from abathur_tui.storage import Database, journal, queue, views
from tests.engine.bench import ANY_CHOICE, node

RULE = LoopSpec(ThresholdCriterion("n", 1e9, Direction.MAXIMIZE), None)


def running_loops(database: Database, number: int) -> list[Lease]:
    """So many loops at work."""
    for _ in range(number):
        database.write_now(queue.submit, Plan((replace(node(), kind=Kind.LOOP, loop=RULE),), (), "n1"), SubmitOptions(ANY_CHOICE), 1.0)
    claims = database.write_now(queue.claim, "e", {ANY_CHOICE.lane: number}, number, 2.0)
    return [claim.lease for claim in claims]


def keep(database: Database, lease: Lease, *numbers: int, value: float | None = None, at: float = 3.0) -> None:
    def write(c: object) -> None:
        for number in numbers:
            done = Pass(number, lease.task, "out", {"n": value or number}, Verdict.CONTINUE, "why", 1, 1, 1.0, 0.0, at, {"n": 0.5})
            journal.finish_pass(c, lease, done, at)  # type: ignore[arg-type]

    database.write_now(write)


def test_what_is_new_is_added_to_what_is_known(database: Database) -> None:
    first, second = running_loops(database, 2)
    known = views.KnownLoops()
    for step in ((1,), (2, 3), (), (4,)):
        keep(database, first, *step)
        seen = database.read_now(views.loops_seen, 50, known)
        assert seen == database.read_now(views.loops_seen)
    keep(database, second, 1)
    assert database.read_now(views.loops_seen, 50, known) == database.read_now(views.loops_seen)
    assert {task: len(one.passes) for task, one in known.by_task.items()} == {first.task: 4, second.task: 1}


def test_a_pass_that_was_made_again_is_seen(database: Database) -> None:
    [lease] = running_loops(database, 1)
    known = views.KnownLoops()
    keep(database, lease, 1, 2, 3)
    database.read_now(views.loops_seen, 50, known)

    keep(database, lease, 2, 3, value=77, at=9.0)

    [series] = database.read_now(views.loops_seen, 50, known)
    assert [done.metrics["n"] for done in series.passes] == [1, 77, 77]


def test_fifty_loops_of_a_thousand_passes_cost_a_look_next_to_nothing(database: Database) -> None:
    leases = running_loops(database, 50)
    for lease in leases:
        keep(database, lease, *range(1, 1001))
    known = views.KnownLoops()
    database.read_now(views.loops_seen, 50, known)

    looks = []
    for number in range(1001, 1006):
        keep(database, leases[0], number)
        began = time.thread_time()
        found = database.read_now(views.loops_seen, 50, known)
        looks.append(time.thread_time() - began)
    assert len(next(series for series in found if series.task == leases[0].task).passes) == 1005
    assert min(looks) < 0.05, looks
