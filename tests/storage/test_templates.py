"""How templates have done is counted from the tasks that were made of them, by name and version."""

from dataclasses import replace

import pytest

from abathur_tui.domain.plan import Kind
from abathur_tui.domain.status import Status
from abathur_tui.domain.templates import TemplateUse
from abathur_tui.storage import Database, journal, queue
from abathur_tui.storage.views.templates import template_records, template_uses
from tests.storage.building import NOW, claim_one, fail, finish, node, plan, said, submit

KEY = ("CODE", "1.0.0")


def use(database: Database, seconds: float, *, cost: float | None = 0.01, version: str = "1.0.0", starts: float = NOW) -> None:
    """A task of CODE that takes so long, with one turn."""
    submit(database, plan([replace(node("a", template="CODE"), template_version=version)]))
    claimed = claim_one(database, now=starts)
    turn = database.write_now(journal.begin_turn, claimed.lease, 1, None, [], starts)
    database.write_now(journal.finish_turn, claimed.lease, turn, said("x", cost=cost), starts)
    finish(database, claimed, now=starts + seconds)


def rounded(one: TemplateUse) -> TemplateUse:
    """Without what is lost in sums of fractions."""
    seconds, cost = one.mean_seconds, one.mean_cost_usd
    return replace(one, mean_seconds=seconds and round(seconds, 3), mean_cost_usd=cost and round(cost, 6))


def test_without_tasks_there_are_no_records(database: Database) -> None:
    assert database.read_now(template_uses) == {}
    assert TemplateUse().success_rate is None


def test_uses_and_means_are_those_of_a_name_and_version(database: Database) -> None:
    for seconds in (10, 20):
        use(database, seconds)
    use(database, 5, version="1.1.0")
    submit(database, plan([node("plain")]))

    found = database.read_now(template_uses)

    assert set(found) == {KEY, ("CODE", "1.1.0")}
    assert rounded(found[KEY]) == TemplateUse(2, 2, 2, 15, 120, 0.01)
    assert found[KEY].success_rate == 1
    assert found["CODE", "1.1.0"].mean_seconds == pytest.approx(5)


def test_what_failed_counts_against_it_and_what_never_ran_does_not(database: Database) -> None:
    use(database, 10)
    first = submit(database, plan([node("a", template="CODE"), node("b", template="CODE")], [("b", "a")]))
    fail(database, claim_one(database))
    ended = submit(database, plan([node("a", template="CODE")]))
    database.write_now(queue.cancel, [ended.root], "user", "", NOW)
    submit(database, plan([node("a", template="CODE")]))

    record = database.read_now(template_uses)[KEY]

    assert first.tasks
    assert (record.uses, record.judged, record.completed, record.success_rate) == (5, 2, 1, 0.5)
    assert record.mean_seconds == pytest.approx(10)


def test_the_time_between_two_attempts_is_not_its_own(database: Database) -> None:
    submit(database, plan([node("a", template="CODE")]))
    fail(database, claimed := claim_one(database), NOW + 3, status=Status.DEAD)
    database.write_now(queue.retry, [claimed.lease.task], "user", NOW + 1000)
    finish(database, claim_one(database, now=NOW + 2000), now=NOW + 2004)

    assert database.read_now(template_records)[KEY].mean_seconds == pytest.approx(7)


def test_a_price_that_is_not_known_leaves_the_mean_to_the_others(database: Database) -> None:
    use(database, 1, cost=None)
    assert database.read_now(template_records)[KEY].mean_cost_usd is None

    use(database, 1, cost=0.03)
    assert database.read_now(template_records)[KEY].mean_cost_usd == pytest.approx(0.03)


def test_a_loops_passes_are_part_of_its_own_use(database: Database) -> None:
    submit(database, plan([node("loop", kind=Kind.LOOP, template="OPTIMIZE")]))
    loop = claim_one(database)
    for number in (1, 2):
        database.write_now(queue.add_child, loop.lease, node(f"pass {number}", template="OPTIMIZE"), NOW, pass_number=number)
        claimed = claim_one(database)
        turn = database.write_now(journal.begin_turn, claimed.lease, 1, None, [], NOW)
        database.write_now(journal.finish_turn, claimed.lease, turn, said("x"), NOW)
        finish(database, claimed)
    finish(database, loop, now=NOW + 60)

    ((key, record),) = database.read_now(template_uses).items()
    assert key == ("OPTIMIZE", "1.0.0")
    assert rounded(record) == TemplateUse(1, 1, 1, 60, 240, 0.02)
