"""A loop's chart in a plain terminal."""

from collections.abc import Sequence

import pytest

from abathur_tui.cli.loop.chart import ASCII, UNICODE, chart
from abathur_tui.domain.criteria import LARGEST_FIGURE, Direction, ThresholdCriterion, targets
from abathur_tui.domain.journal import LoopSeries
from abathur_tui.domain.loops import LoopSpec, Pass, Verdict
from abathur_tui.domain.status import Status


def drawn(values: Sequence[float], target: float = 100.0, width: int = 80, height: int = 10, shapes: object = UNICODE) -> list[str]:
    criterion = ThresholdCriterion("ms", target, Direction.MINIMIZE, "./bench")
    passes = tuple(Pass(number, number, "", {"ms": value}, Verdict.CONTINUE, "", 1, 1, 1.0, None, 0.0) for number, value in enumerate(values, 1))
    series = LoopSeries(1, 1, 1, "a loop", LoopSpec(criterion, None), passes, Status.RUNNING, None, "", 1, None, 0.0, None, None)
    assert isinstance(shapes, type(UNICODE))
    return chart(series, targets(criterion)[0], width, height, shapes)


@pytest.mark.parametrize(
    ("values", "target"),
    [
        ([], 100.0),
        ([100.0], 100.0),
        ([1e17, 1e17], 1e17),
        ([0.0, 0.0], 0.0),
        ([LARGEST_FIGURE, -LARGEST_FIGURE], LARGEST_FIGURE),
        ([5e-324, 0.0], 1.0),
        ([0.1 + 0.2], 0.3),
        ([-123456789.123, -1.5e-300], -1e300),
    ],
)
def test_whatever_was_measured_can_be_drawn(values: list[float], target: float) -> None:
    lines = drawn(values, target)

    assert len(lines) == 10
    assert all(len(line) <= 80 for line in lines)
    assert "".join(lines).count("●") + "".join(lines).count("○") >= min(len(values), 1) + 2 - 1


def test_a_value_beside_the_axis_is_never_cut_into_another_one() -> None:
    lines = drawn([-123456789.123], target=100.0)

    label = lines[-3].split("│")[0]
    assert float(label) == pytest.approx(-123456789.123, rel=0.01)


def test_a_thousand_passes_keep_their_extremes() -> None:
    values = [200.0 + number % 7 for number in range(1000)]
    values[333], values[777] = 900.0, 50.0

    lines = drawn(values)

    assert all(len(line) <= 80 for line in lines)
    assert "○" in lines[0]
    assert lines[0].lstrip().startswith("900")
    assert "●" in lines[7]
    assert lines[7].lstrip().startswith("50")


@pytest.mark.parametrize(
    ("values", "target"), [([1000.0, 101.0], 100.0), ([100.0001, 100.00005], 100.0), ([5.0, 99.9], 100.0), ([99.0, 101.0], 100.0)]
)
def test_on_the_targets_line_stands_only_what_is_at_the_target(values: list[float], target: float) -> None:
    [line] = [line for line in drawn(values, target)[:-2] if "┄" in line]

    assert "●" not in line
    assert "○" not in line
    assert any({"●", "○"} & set(line) for line in drawn([*values, target], target)[:-2] if "┄" in line)


def test_a_terminal_without_unicode_has_shapes_of_its_own() -> None:
    assert "\n".join(drawn([300, 200, 250], shapes=ASCII)).isascii()
