"""Joins make one result of many and name what is missing."""

from dataclasses import replace

import pytest

from abathur_tui.domain.errors import ForkFailed
from abathur_tui.domain.execution import RuntimeChoice, RuntimeName
from abathur_tui.domain.leases import Input, Work
from abathur_tui.domain.plan import JoinSpec, JoinStrategy, Kind, OnFailure
from abathur_tui.domain.status import Status
from abathur_tui.domain.tasks import Task, TaskError
from abathur_tui.engine.join import join

TASK = Task(
    id=9, execution=1, parent=None, kind=Kind.JOIN, name="join", template=None, template_version=None, agent=None, status=Status.RUNNING, why="",
    progress=None, priority=5, attempt=1, unmet=0, depends_on=(), tags=(), created_at=0, started_at=0, finished_at=None, due_at=None, error=None,
    tokens_input=0, tokens_output=0, cost_usd=None, instance=1, instances=1,
)  # fmt: skip
WORK = Work(TASK, "", {}, {}, RuntimeChoice(RuntimeName.LOCAL), None, 60, 3, 0, OnFailure.RETRY, None, None, None, (), 1, None)
BROKEN = TaskError("ABTH-ERR-042", "no such model")


def done(task: int, text: str = "text") -> Input:
    return Input(task, f"CODE {task}", Status.COMPLETED, text, None, False)


def failed(task: int, *, required: bool = False) -> Input:
    return Input(task, f"CODE {task}", Status.DEAD, None, BROKEN, required)


def joined(*members: Input, strategy: JoinStrategy = JoinStrategy.CONCATENATE, threshold: float = 0.8, lead: int | None = None) -> str:
    return join(replace(WORK, inputs=members, lead=lead), JoinSpec(strategy, threshold)).text


def test_members_stand_one_after_the_other_under_their_names() -> None:
    assert joined(done(1, "one"), done(2, "two")) == "## CODE 1\n\none\n\n## CODE 2\n\ntwo"


def test_a_single_member_needs_no_heading() -> None:
    assert joined(done(1, "one")) == "one"


def test_what_is_missing_is_named() -> None:
    text = joined(done(1), done(2), done(3), done(4), failed(5))

    assert text.endswith("## Missing\n\n- CODE 5 (t5) is dead: no such model")


def test_below_the_threshold_it_fails_with_the_rate_and_each_failure() -> None:
    with pytest.raises(ForkFailed) as caught:
        joined(done(1), failed(2), failed(3))

    assert caught.value.message == (
        "1 of 3 members completed (33%), and 80% must. CODE 2 (t2) is dead: no such model; CODE 3 (t3) is dead: no such model."
    )


def test_a_required_member_fails_it_whatever_the_share() -> None:
    with pytest.raises(ForkFailed, match=r"A member that must complete did not\. CODE 5"):
        joined(done(1), done(2), done(3), done(4), failed(5, required=True))


def test_the_leads_output_is_the_joins_and_its_failure_too() -> None:
    assert joined(done(1, "brief"), done(2, "part"), strategy=JoinStrategy.LEAD, lead=1) == "brief"
    with pytest.raises(ForkFailed):
        joined(failed(1), *(done(task) for task in range(2, 9)), strategy=JoinStrategy.LEAD, lead=1)


def test_a_threshold_of_nothing_takes_whatever_there_is() -> None:
    assert "is dead" in joined(failed(1), threshold=0)


def test_a_join_of_nobody_is_empty() -> None:
    assert joined() == ""
