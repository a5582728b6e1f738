"""Dataclasses in columns come back as they were, by their own types."""

from dataclasses import dataclass
from enum import StrEnum

import pytest

from abathur_tui.domain.execution import RuntimeChoice, RuntimeName
from abathur_tui.domain.loops import Direction, LoopSpec, ThresholdCriterion
from abathur_tui.domain.plan import JoinSpec, JoinStrategy
from abathur_tui.storage.encoding import decoded, encoded


class Shape(StrEnum):
    """A closed set."""

    ROUND = "round"


@dataclass(frozen=True)
class Circle:
    """One member of a union."""

    radius: float
    shape: Shape = Shape.ROUND


@dataclass(frozen=True)
class Square:
    """Another one."""

    side: float


@dataclass(frozen=True)
class Drawing:
    """Of everything that may be kept."""

    parts: tuple[Circle | Square, ...]
    title: str | None = None
    pair: tuple[str, int] = ("a", 1)
    lines: list[float] | None = None
    sizes: dict[str, Circle] | None = None
    either: "str | int | Circle" = 3


@pytest.mark.parametrize(
    "value",
    [
        Drawing((Circle(1), Square(2.5), Circle(3, Shape.ROUND)), "x", ("b", 2), [1.0, 2.0], {"k": Circle(1.0)}, Circle(2.0)),
        Drawing(()),
        RuntimeChoice(RuntimeName.COMMAND, None, None, None, ("/bin/sh", "-c", "true"), "/work", (("PATH", "/bin"), ("A", ""))),
        LoopSpec(ThresholdCriterion("latency", 100, Direction.MINIMIZE, "measure"), 5),
        JoinSpec(JoinStrategy.LEAD, 0.8, "n1", ("n2", "n3")),
    ],
)
def test_what_was_kept_is_what_comes_back(value: object) -> None:
    assert decoded(type(value), encoded(value)) == value


def test_a_field_that_was_added_since_has_its_default() -> None:
    assert decoded(Circle, '{"radius": 2}') == Circle(2.0)
    assert decoded(Circle, '{"radius": 2, "gone": true}') == Circle(2.0)


def test_what_does_not_fit_is_an_error() -> None:
    with pytest.raises(ValueError, match="oval"):
        decoded(Circle, '{"radius": 2, "shape": "oval"}')
    with pytest.raises(TypeError):
        decoded(Circle, "{}")
    with pytest.raises(TypeError, match="object cannot be kept"):
        encoded(Drawing((), either=object()))  # type: ignore[arg-type]
