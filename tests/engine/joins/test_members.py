"""A join takes place where enough members completed, and names those that are missing."""

import asyncio
from collections.abc import Callable
from dataclasses import replace

import pytest

from abathur_tui.domain.errors import ForkFailed
from abathur_tui.domain.leases import Input
from abathur_tui.domain.plan import JoinStrategy
from abathur_tui.engine.joins.members import Present, gathered, listed
from tests.engine.bench import Bench, join_node, node, settles
from tests.engine.joins.team import WORK, done, failed, spec
from tests.scripted import Say, Script, Wait


def present(*members: Input, threshold: float = 0.8, useless: dict[int, str] | None = None, lead: int | None = None) -> Present:
    strategy = JoinStrategy.CONCATENATE if lead is None else JoinStrategy.LEAD
    return gathered(replace(WORK, inputs=members, lead=lead), spec(strategy, threshold), useless or {})


def test_what_is_missing_is_named() -> None:
    there = present(done(1), done(2), done(3), done(4), failed(5))

    assert [member.task for member in there.members] == [1, 2, 3, 4]
    assert there.missing == ("CODE 5 (t5) is dead: no such model",)
    assert [(one.task, one.used, one.note) for one in there.lost] == [(5, False, "nothing: is dead: no such model")]


def test_below_the_threshold_it_fails_with_the_rate_and_each_failure() -> None:
    with pytest.raises(ForkFailed) as caught:
        present(done(1), failed(2), failed(3))

    assert caught.value.message == (
        "1 of 3 members completed (33%), and 80% must. CODE 2 (t2) is dead: no such model; CODE 3 (t3) is dead: no such model."
    )


def test_a_required_member_fails_it_whatever_the_share() -> None:
    with pytest.raises(ForkFailed, match=r"A member that must complete did not\. CODE 5"):
        present(done(1), done(2), done(3), done(4), failed(5, required=True))


def test_the_leads_failure_is_the_joins() -> None:
    with pytest.raises(ForkFailed):
        present(failed(1), *(done(task) for task in range(2, 9)), lead=1)


def test_four_of_five_are_eighty_percent() -> None:
    assert len(present(done(1), done(2), done(3), done(4), failed(5)).members) == 4


def test_a_threshold_of_nothing_takes_whatever_there_is() -> None:
    assert present(failed(1), threshold=0).members == ()


def test_a_member_whose_result_is_of_no_use_counts_as_missing() -> None:
    there = present(done(1), done(2), threshold=0.5, useless={2: "gave no JSON"})

    assert there.missing == ("CODE 2 (t2) gave no JSON",)
    with pytest.raises(ForkFailed, match=r"1 of 2 members completed with something that can be joined \(50%\), and 80% must"):
        present(done(1), done(2), useless={2: "gave no JSON"})


def test_a_join_of_nobody_has_no_members() -> None:
    assert present().members == ()


def test_tasks_are_listed_as_a_sentence() -> None:
    assert (listed([2]), listed([2, 3]), listed([2, 3, 4])) == ("t2", "t2 and t3", "t2, t3 and t4")


async def test_a_member_that_hangs_is_ended_and_named(bench: Callable[[Script], Bench]) -> None:
    never = asyncio.Event()
    project = bench(lambda request: [Wait(never)] if "hang" in request.messages[0].text else [Say("fine")])
    members = [node(f"n{number}", "do it") for number in range(1, 5)]
    hanging = node("n5", "hang", timeout_seconds=0.2, retries=0)
    *_, join = project.submit(*members, hanging, join_node("all"), edges=settles("all", *(f"n{number}" for number in range(1, 6))))
    await project.drain()

    assert (project.result(join) or "").endswith("## Missing\n\n- n5 (t5) is dead: The task took longer than its 0.2 seconds.")


async def test_the_end_of_a_level_is_an_event(bench: Callable[[Script], Bench]) -> None:
    project = bench(lambda _: [Say("fine")])
    *_, join = project.submit(node("n1"), node("n2"), join_node("all"), edges=settles("all", "n1", "n2"))
    await project.drain()

    assert "its 2 members have ended: 2 completed" in [entry.text for entry in project.log(join)]
