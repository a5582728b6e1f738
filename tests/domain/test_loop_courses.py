"""Which pass is the best, how a loop runs, and when it makes no progress."""

from collections.abc import Sequence

import pytest

from abathur_tui.domain.courses import best_pass, course_of, stale_passes
from abathur_tui.domain.criteria import (
    AllOf,
    AnyOf,
    Criterion,
    CustomCriterion,
    Direction,
    JudgeCriterion,
    PassingTestsCriterion,
    StabilityCriterion,
    ThresholdCriterion,
    commands,
    leaves,
    told,
)
from abathur_tui.domain.loops import Course, Pass, Verdict

MS = ThresholdCriterion("ms", 100.0, Direction.MINIMIZE, "cat ms")
JUDGE = JudgeCriterion("clear", 0.9)


def passes(values: Sequence[float | None], name: str = "ms", *, scores: bool = False) -> list[Pass]:
    """A pass for each value; None could not be measured."""
    return [
        Pass(
            number,
            number,
            "",
            {name: value} if value is not None and not scores else {},
            Verdict.INCONCLUSIVE if value is None else Verdict.CONTINUE,
            "",
            1,
            1,
            1.0,
            None,
            0.0,
            {name: value} if value is not None and scores else {},
        )
        for number, value in enumerate(values, 1)
    ]


def best_number(criterion: Criterion, done: Sequence[Pass]) -> int | None:
    best = best_pass(criterion, done)
    return None if best is None else best.number


@pytest.mark.parametrize(
    ("criterion", "name"),
    [
        (StabilityCriterion(), "stability"),
        (PassingTestsCriterion("make test"), "tests"),
        (CustomCriterion("./check"), "custom"),
        (JUDGE, "judge"),
    ],
)
def test_of_every_criterion_the_best_pass_has_the_highest_score_and_ties_go_to_the_earlier(criterion: Criterion, name: str) -> None:
    assert best_number(criterion, passes([0.1, 0.8, None, 0.8, 0.2], name, scores=True)) == 2


def test_of_a_threshold_the_best_pass_has_the_best_value_beyond_the_target_too() -> None:
    assert best_number(MS, passes([300, 90, 80, 80])) == 3


def test_where_nothing_was_measured_the_last_pass_stands_for_the_best() -> None:
    assert best_number(MS, passes([None, None])) == 2
    assert best_number(MS, []) is None


def test_of_all_of_the_best_pass_is_good_at_all_and_of_any_of_at_one() -> None:
    one = Pass(1, 1, "", {}, Verdict.CONTINUE, "", 1, 1, 1.0, None, 0.0, {"ms": 0.5, "judge": 0.5})
    other = Pass(2, 2, "", {}, Verdict.CONTINUE, "", 1, 1, 1.0, None, 0.0, {"ms": 0.9, "judge": 0.0})

    assert best_number(AllOf((MS, JUDGE)), [one, other]) == 1
    assert best_number(AnyOf((MS, JUDGE)), [one, other]) == 2


@pytest.mark.parametrize("criterion", [AllOf((MS, JUDGE)), AnyOf((MS, JUDGE))])
def test_what_has_converged_is_the_best_whatever_the_scores_of_another_pass(criterion: Criterion) -> None:
    almost = Pass(1, 1, "", {"ms": 101}, Verdict.CONTINUE, "", 1, 1, 1.0, None, 0.0, {"ms": 0.99, "judge": 1.0})
    there = Pass(2, 2, "", {"ms": 100}, Verdict.CONVERGED, "", 1, 1, 1.0, None, 0.0, {"ms": 1.0, "judge": 0.9})

    assert best_number(criterion, [almost, there]) == 2


def test_only_a_met_target_is_as_close_as_can_be() -> None:
    assert MS.closeness(100.0) == 1.0
    assert MS.closeness(100.0000001) < 1.0
    assert MS.closeness(200) < MS.closeness(150) < MS.closeness(101)


@pytest.mark.parametrize(
    ("values", "course"),
    [
        ([], None),
        ([300], None),
        ([300, 200], Course.IMPROVING),
        ([300, 200, 200.5, 199.9, 200], Course.PLATEAU),
        ([300, 200, 300, 200, 300], Course.OSCILLATING),
        ([200, 210, 300, 400], Course.DIVERGING),
        ([300, 200, 250, 180], Course.OSCILLATING),
        ([300, None, 200], Course.IMPROVING),
    ],
)
def test_the_course_is_named_from_the_numbers(values: Sequence[float | None], course: Course | None) -> None:
    assert course_of(MS, passes(values)) is course


def test_passes_without_a_better_one_are_counted_from_the_best() -> None:
    assert stale_passes(MS, passes([300, 200, 250, 250, 200])) == 3
    assert stale_passes(MS, []) == 0


def test_a_yes_or_no_says_nothing_of_progress() -> None:
    custom = CustomCriterion("./check")

    assert stale_passes(custom, passes([0.0] * 50, "custom", scores=True)) == 0


def test_criteria_of_the_same_kind_have_names_of_their_own() -> None:
    criterion = AllOf((JUDGE, AnyOf((MS, JudgeCriterion("short")))))

    assert [name for name, _ in leaves(criterion)] == ["judge", "ms", "judge 2"]
    assert told(criterion) == "a judge's score of at least 0.9 for: clear and (ms at most 100 or a judge's score of at least 0.9 for: short)"
    assert commands(AllOf((MS, MS, CustomCriterion("./check")))) == ["cat ms", "./check"]
