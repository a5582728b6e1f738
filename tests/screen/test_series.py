"""A loop as a chart: what is drawn, along which axis, and what is said beside it."""

from dataclasses import replace

from abathur_tui.domain.criteria import AllOf, Direction, JudgeCriterion, ThresholdCriterion
from abathur_tui.domain.journal import LoopSeries
from abathur_tui.domain.loops import Course, EndedBecause, LoopSpec, Pass, Verdict
from abathur_tui.domain.status import Status
from abathur_tui.screen.panes.series import Axis, axes_of, chart, curves_of, progress, summary
from abathur_tui.screen.roles import Line

LATENCY = ThresholdCriterion("latency", 100.0, Direction.MINIMIZE, "./bench")


def passes(*values: float, cost: float | None = 0.5) -> tuple[Pass, ...]:
    return tuple(
        Pass(
            number,
            number,
            "",
            {"latency": value, "size": value * 2},
            Verdict.CONTINUE,
            "",
            1,
            1,
            9.0,
            cost,
            1000.0 + 60 * number,
            {"judge": value / 1000},
        )
        for number, value in enumerate(values, 1)
    )


def series(*done: Pass, spec: LoopSpec | None = None) -> LoopSeries:
    return LoopSeries(
        task=1,
        loop=1,
        execution=1,
        name="loop",
        spec=spec or LoopSpec(LATENCY, 20),
        passes=done,
        status=Status.RUNNING,
        ended_because=None,
        reason="",
        best=2,
        course=Course.IMPROVING,
        started_at=1000.0,
        finished_at=None,
        running_pass=len(done) + 1,
    )


def said(lines: list[Line]) -> list[str]:
    return ["".join(span.text for span in line) for line in lines]


def test_points_that_were_the_best_when_they_were_measured_stand_out() -> None:
    loop = series(*passes(300, 200, 250, 200, 150))
    drawn = chart(loop, curves_of(loop)[0], Axis.PASS)

    assert list(drawn.better) == [(1, 300), (2, 200), (5, 150)]
    assert list(drawn.other) == [(3, 250), (4, 200)]


def test_everything_that_is_drawn_is_within_the_limits() -> None:
    loop = series(*passes(300, 200))
    drawn = chart(loop, curves_of(loop)[0], Axis.PASS)

    assert drawn.target == 100
    assert drawn.vertical[0] < 100 < 300 < drawn.vertical[1]
    assert drawn.horizontal[0] < 1 < 2 < drawn.horizontal[1]


def test_other_axes_need_their_figures() -> None:
    assert axes_of(series(*passes(3, 2))) == [Axis.PASS, Axis.TIME, Axis.COST]
    assert axes_of(series(*passes(3, 2, cost=None))) == [Axis.PASS, Axis.TIME]
    assert axes_of(series(*passes(3, 2, cost=0.0))) == [Axis.PASS, Axis.TIME]


def test_the_points_move_along_the_axis() -> None:
    loop = series(*passes(300, 200))
    curve = curves_of(loop)[0]

    assert list(chart(loop, curve, Axis.TIME).better) == [(1.0, 300), (2.0, 200)]
    assert list(chart(loop, curve, Axis.COST).better) == [(0.5, 300), (1.0, 200)]


def test_every_criterion_and_every_other_metric_has_its_curve() -> None:
    loop = series(*passes(300, 200), spec=LoopSpec(AllOf((LATENCY, JudgeCriterion("is it good?"))), None))
    curves = curves_of(loop)

    assert [curve.name for curve in curves] == ["latency", "judge", "size"]
    assert list(chart(loop, curves[1], Axis.PASS).better) == [(1, 0.3)]
    assert chart(loop, curves[1], Axis.PASS).target == 0.9
    # Nobody knows which way a metric without a target gets better.
    assert not chart(loop, curves[2], Axis.PASS).better
    assert chart(loop, curves[2], Axis.PASS).target is None


def test_a_loop_without_passes_can_be_drawn() -> None:
    loop = series()
    drawn = chart(loop, curves_of(loop)[0], Axis.COST)

    assert not drawn.better
    assert not drawn.other
    assert drawn.vertical[0] < drawn.vertical[1]
    assert drawn.horizontal[0] < drawn.horizontal[1]


def test_the_words_say_course_best_target_pass_and_cost() -> None:
    loop = series(*passes(300, 200))

    assert said(summary(loop, curves_of(loop)[0], 1130.0)) == ["improving", "best 200 · pass 2", "target ≤ 100", "pass 3 of 20", "$1.00 · 2 min 10 s"]


def test_a_loop_that_is_over_says_why() -> None:
    loop = replace(
        series(*passes(300, 200)),
        status=Status.FAILED,
        ended_because=EndedBecause.NO_PROGRESS,
        reason="nothing moved",
        finished_at=1200.0,
        running_pass=None,
    )
    words = said(summary(loop, curves_of(loop)[0], 9999.0))

    assert "ended: no progress" in words
    assert "nothing moved" in words


def test_without_a_limit_no_limit_is_told() -> None:
    assert progress(series(*passes(1)), "/") == "2/20"
    assert progress(series(*passes(1), spec=LoopSpec(LATENCY, None)), "/") == "2"
