"""What joins say of an execution's result."""

from dataclasses import replace
from typing import Any

import pytest

from abathur_tui.domain.joins import Conflict, Contribution, JoinReport, Judged, Quality, Stand
from abathur_tui.domain.plan import JoinStrategy, Kind
from abathur_tui.domain.status import Status
from abathur_tui.domain.tasks import FellBack, TaskError
from abathur_tui.project.joined import Left, contributions, quality
from abathur_tui.project.results import critical_path, make_result
from tests.project.tasks import execution, task

GOOD = Quality(0.9, (Judged("correct", 0.9, "it is"),))
BEST = JoinReport(
    JoinStrategy.BEST,
    "the best of 2 is t2 with a score of 0.90: it is",
    contributions=(Contribution(2, True, "chosen, score 0.90: it is"), Contribution(3, False, "score 0.10: no")),
    conflicts=(Conflict("key", "port", (Stand(1, (2,)), Stand(2, (3,))), "priority", 1, "t2 comes first"),),
    quality=GOOD,
)
JUDGED = Left({1: BEST}, {1: GOOD})
JOIN = task(1, kind=Kind.JOIN, depends_on=(2, 3), started_at=103.0, finished_at=106.0, cost_usd=0.0, tokens_input=0, tokens_output=0)
TEAM = [
    JOIN,
    task(2, parent=1),
    task(3, parent=1, finished_at=103.0),
    # what the join asked a judge
    task(4, parent=1, agent="judge", created_at=103.5, started_at=103.6, finished_at=105.0, depends_on=(2, 3)),
]


def test_what_a_join_asks_is_no_member_but_costs() -> None:
    result = make_result(execution(1), TEAM, "x", 200.0, JUDGED)

    assert [member.id for member in result.members] == [2, 3]
    assert (result.tokens_input, result.cost_usd) == (30, 1.5)


def test_it_is_on_the_critical_path() -> None:
    assert critical_path(JOIN, {one.id: one for one in TEAM}) == (3, 4, 1)


@pytest.mark.parametrize("hours", [-24, -1, 1])
@pytest.mark.parametrize("begun", [False, True])
def test_members_stay_members_and_questions_stay_questions_when_the_clock_is_set(hours: int, begun: bool) -> None:
    # Given that the clock is set after the submit, or while the join is at work,
    by = hours * 3600.0
    asked = replace(TEAM[3], created_at=103.5 + by, started_at=103.6 + by, finished_at=105.0 + by)
    set_later = [replace(JOIN, finished_at=106.0 + by), *TEAM[1:3], asked]
    set_before = [replace(JOIN, started_at=103.0 + by, finished_at=106.0 + by), *TEAM[1:3], asked]

    result = make_result(execution(1), set_later if begun else set_before, "x", 200.0, JUDGED)

    assert [member.id for member in result.members] == [2, 3]


def test_the_result_says_how_good_it_is_and_who_contributed_what() -> None:
    data: Any = make_result(execution(1), TEAM, "x", 200.0, JUDGED).data()

    assert data["quality"] == {"score": 0.9, "confidence": None, "criteria": [{"name": "correct", "score": 0.9, "reason": "it is"}]}
    assert [member["contribution"] for member in data["members"]] == ["chosen, score 0.90: it is", "score 0.10: no"]
    assert data["conflicts"] == [
        {
            "kind": "key",
            "where": "port",
            "values": [{"value": 1, "members": ["t2"]}, {"value": 2, "members": ["t3"]}],
            "rule": "priority",
            "settled": 1,
            "reason": "t2 comes first",
            "join": "t1",
        }
    ]
    (join,) = data["joins"]
    assert (join["task"], join["strategy"], join["account"]) == ("t1", "best", BEST.account)


def test_the_summary_tells_of_joins_and_contradictions() -> None:
    summary = make_result(execution(1), TEAM, "x", 200.0, JUDGED).summary

    assert "All 2 tasks completed" in summary
    assert "t1 (best): the best of 2 is t2 with a score of 0.90: it is." in summary
    assert "One contradiction: port (settled by priority)." in summary


def test_a_lead_is_as_good_as_its_member_and_several_are_as_good_as_their_mean() -> None:
    lead = JoinReport(JoinStrategy.LEAD, "t1", contributions=(Contribution(1, True, "the result"), Contribution(9, False, "a part")))
    both = JoinReport(JoinStrategy.CONCATENATE, "two", contributions=(Contribution(5, True, ""), Contribution(6, True, "")))
    other = replace(BEST, quality=Quality(0.5, ()))

    left = Left({1: BEST, 5: lead, 6: other, 7: both}, {1: GOOD, 6: Quality(0.5, ())})
    assert quality(5, left) == GOOD
    mean = quality(7, left)
    assert mean is not None
    assert (mean.score, len(mean.criteria)) == (0.7, 1)


def test_where_nobody_judged_there_is_no_quality() -> None:
    both = JoinReport(JoinStrategy.CONCATENATE, "two", contributions=(Contribution(1, True, ""), Contribution(6, True, "")))
    synthesis = JoinReport(JoinStrategy.SYNTHESIZE, "one", contributions=(Contribution(1, True, ""),))

    assert quality(7, replace(JUDGED, reports={1: BEST, 7: both})) is None
    assert quality(7, replace(JUDGED, reports={1: BEST, 7: synthesis})) is None
    assert quality(2, JUDGED) is None
    assert make_result(execution(1), TEAM, "x", 200.0).data()["quality"] == {"score": None, "confidence": None, "criteria": []}


def test_what_no_join_speaks_of_was_given_to_others_or_is_the_result() -> None:
    tasks = [task(1), task(2, depends_on=(1,)), *(task(other, depends_on=(1,)) for other in (3, 4, 5))]

    assert contributions(tasks, 2, {}) == {1: "given to t2, t3, t4 and 1 more", 2: "the result"}


def test_a_member_that_failed_added_nothing() -> None:
    lost = JoinReport(JoinStrategy.VOTE, "x", missing=("t3 is dead",), contributions=(Contribution(3, False, "nothing: is dead: no model"),))
    dead = task(3, status=Status.DEAD, error=TaskError("ABTH-ERR-042", "no model"))

    assert contributions([JOIN, dead], 1, {1: lost}) == {3: "nothing: is dead: no model"}


def test_a_task_without_result_is_not_the_result() -> None:
    dead = task(1, status=Status.DEAD, error=TaskError("ABTH-ERR-042", "no model"))

    assert contributions([dead], 1, {}) == {}
    assert contributions([task(1)], 1, {}) == {1: "the result"}


def test_a_fallback_is_told() -> None:
    instead = task(2, parent=1, created_at=101.5)

    result = make_result(execution(1), [task(1), instead], "x", 200.0, Left(fallbacks={1: FellBack(2, "PLAIN@1.0.0", "no such model.")}))

    assert "t1 task 1 failed for good (no such model), and its fallback PLAIN (t2) was done instead." in result.summary
    data: Any = result.data()
    assert data["members"][0]["fallback"] == {"task": "t2", "template": "PLAIN@1.0.0", "because": "no such model."}
    assert result.critical_path == (2, 1)


def test_a_join_that_failed_says_why_there_is_no_result() -> None:
    failed = replace(JOIN, status=Status.FAILED, error=TaskError("ABTH-ERR-132", "The judge gave no usable answer."))

    summary = make_result(execution(1, Status.FAILED), [failed, *TEAM[1:]], None, 200.0).summary

    assert summary.startswith("All 2 tasks completed in 10.0 s: task 2; task 3. They have no result in common: The judge gave no usable answer.")
