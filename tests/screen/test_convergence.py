"""The convergence pane: loops, metrics, axes, and the pass under the cursor."""

from collections.abc import Callable

import pytest

from abathur_tui.domain.criteria import AllOf, Direction, JudgeCriterion, ThresholdCriterion
from abathur_tui.domain.journal import LoopSeries
from abathur_tui.domain.loops import LoopSpec, Pass, Verdict
from abathur_tui.domain.status import Status
from abathur_tui.screen.panes.convergence import ConvergencePane, Words
from abathur_tui.screen.panes.series import Axis, chart, curves_of
from abathur_tui.screen.screens.loop_pass import PassScreen, diff_lines, verdict_lines
from abathur_tui.screen.widgets.drawn import Drawn
from abathur_tui.screen.widgets.text_view import TextView
from tests.screen.conftest import Opener
from tests.waiting import eventually_async

CRITERION = AllOf((ThresholdCriterion("ms", 100.0, Direction.MINIMIZE, "./bench"), JudgeCriterion("clear")))


def series(values: list[float], value_of_judge: Callable[[int], float] = lambda number: 0.5) -> LoopSeries:
    passes = tuple(
        Pass(number, number, "", {"ms": value}, Verdict.CONTINUE, "", 10, 5, 1.0, 0.01, float(number), {"ms": 0.5, "judge": value_of_judge(number)})
        for number, value in enumerate(values, 1)
    )
    return LoopSeries(1, 1, 1, "a loop", LoopSpec(CRITERION, None), passes, Status.RUNNING, None, "", 1, None, 0.0, None, None)


def test_each_metric_and_score_is_a_curve_with_its_target() -> None:
    loop = series([300, 200])

    curves = {curve.name: curve for curve in curves_of(loop)}

    assert [(name, curve.target.value if curve.target else None) for name, curve in curves.items()] == [("ms", 100.0), ("judge", 0.9)]
    assert chart(loop, curves["judge"], Axis.PASS).better == ((1.0, 0.5),)


def test_a_thousand_passes_are_thinned_and_keep_their_extremes() -> None:
    values = [200.0 + number % 7 for number in range(1000)]
    values[333], values[777] = 900.0, 150.0
    loop = series(values)

    drawn = chart(loop, curves_of(loop)[0], Axis.PASS)

    assert len(drawn.better) + len(drawn.other) <= 800
    assert (334.0, 900.0) in drawn.other
    assert (778.0, 150.0) in drawn.better


def test_the_cursor_has_a_point_of_its_own() -> None:
    assert chart(series([300, 200]), curves_of(series([300]))[0], Axis.PASS, 2).chosen == (2.0, 200.0)


def text_of(lines: list[object]) -> str:
    return "\n".join("".join(span.text for span in line) for line in lines)  # type: ignore[attr-defined]


def test_a_diff_shows_signs_and_says_where_there_is_none() -> None:
    assert "+new" in text_of(list(diff_lines("old", "new")))
    assert "-old" in text_of(list(diff_lines("old", "new")))
    assert text_of(list(diff_lines("same", "same"))) == "The same as the pass before."
    assert text_of(list(diff_lines(None, "new"))) == "It is the first pass."


def test_the_verdict_tells_reason_figures_and_tokens() -> None:
    text = text_of(list(verdict_lines(series([300]).passes[0])))

    assert text.startswith("continue")
    assert "ms 300" in text
    assert "10 in, 5 out" in text


@pytest.mark.parametrize("size", [(80, 24), (120, 40)])
async def test_the_pass_under_the_cursor_is_opened(opened: Opener, size: tuple[int, int]) -> None:
    async with opened("busy", size) as (app, pilot, _):
        await pilot.press("4")
        pane = app.screen.query_one(ConvergencePane)
        await pilot.press("j")
        await eventually_async(lambda: any("▸ pass 6" in span.text for line in pane.query_one(Words)._lines for span in line))
        await pilot.press("k", "enter")
        await eventually_async(lambda: isinstance(app.screen, PassScreen))
        await eventually_async(lambda: "continue" in "".join(span.text for span in app.screen.query_one(TextView).row_line(0)))
        assert app.screen.query_one("#pass-head", Drawn).render_line(0).text.count("pass 5") == 1
        assert app.screen.query_one("#footer").size.height == 1
        assert app.screen.query_one(TextView).size.height == size[1] - 2
        await pilot.press("]", "]")
        await eventually_async(lambda: "+pass 5" in text_of(list(app.screen.query_one(TextView)._wrapped)))
        await pilot.press("escape")
        await eventually_async(lambda: not isinstance(app.screen, PassScreen))
        await pilot.press("escape", "x", "m")
