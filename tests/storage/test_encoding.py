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


@pytest.mark.parametrize(
    ("kind", "text", "says"),
    [
        (Circle, '{"radius": 2, "shape": "oval"}', "oval"),
        (Circle, "{}", "radius"),
        (Circle, "", "no Circle"),
        (Circle, "[" * 100_000, "no Circle"),
        (Circle, "[1]", "no object"),
        (Circle, '"radius"', "no object"),
        (Circle, "5", "no object"),
        (Circle, '{"radius": "2"}', "'2' is no float"),
        (Circle, '{"radius": true}', "True is no float"),
        (Circle, '{"radius": NaN}', "nan is no float"),
        (Circle, '{"radius": 1e999}', "inf is no float"),
        (Circle, '{"radius": 1' + "0" * 400 + "}", "no Circle"),
        (Drawing, '{"parts": {}}', "no list"),
        (Drawing, '{"parts": [5]}', "5 is none of what it could be"),
        (Drawing, '{"parts": [], "title": 5}', "5 is no str"),
        (Drawing, '{"parts": [], "pair": ["a", 1.5]}', "1.5 is no int"),
        (Drawing, '{"parts": [], "pair": ["a"]}', "no Drawing"),
        (Drawing, '{"parts": [], "sizes": []}', "no object"),
        (RuntimeChoice, '{"runtime": "command", "argv": "/bin/sh"}', "no list"),
        (RuntimeChoice, "null", "no object"),
    ],
)
def test_what_does_not_fit_is_one_kind_of_error(kind: type, text: str, says: str) -> None:
    with pytest.raises(ValueError, match="no ") as refused:
        decoded(kind, text)
    assert says in str(refused.value)


def test_what_cannot_be_kept_is_refused() -> None:
    with pytest.raises(TypeError, match="object cannot be kept"):
        encoded(Drawing((), either=object()))  # type: ignore[arg-type]
