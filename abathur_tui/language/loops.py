"""The parameters of a loop: what it measures, and when that is good enough."""

import math
from collections.abc import Mapping

from abathur_tui.domain.errors import AbathurError, MissingParameter, NotYet, WrongValue
from abathur_tui.domain.loops import Direction, LoopSpec, ThresholdCriterion
from abathur_tui.domain.nearest import nearest
from abathur_tui.domain.templates import Template, TemplateKind
from abathur_tui.language.mistakes import Mistakes
from abathur_tui.language.resolved import Given, Lost, Place, Supplied

LOOP_NAMES = ("measure", "metric", "target", "direction", "max_iterations")
_MOST_ITERATIONS = 10_000


def is_loop(template: Template, supplied: Mapping[str, Supplied]) -> bool:
    """Whether the command is a loop: by its template, or because it says how its result is measured."""
    if template.kind is TemplateKind.LOOP:
        return True
    return "measure" in supplied and all(parameter.name != "measure" for parameter in template.parameters)


def read_loop(
    name: str, supplied: Mapping[str, Supplied], parameters: Mapping[str, Given], place: Place, max_iterations: int, mistakes: Mistakes
) -> LoopSpec | None:
    """The rule of the loop `name`, from what was supplied, else from its template's parameters; None where it has mistakes, which are noted."""
    reader = _Reader(supplied, parameters, place, mistakes)
    missing = [one for one in ("measure", "metric") if reader.value(one) is None]
    if missing:
        message = f"without `{missing[0]}` a judge would have to say when {name} is good enough; this version cannot do that yet"
        mistakes.add(NotYet, place, message, 'give measure="command", metric="name", target=number, direction="minimize" or "maximize"')
        return None
    for one in ("target", "direction"):
        if reader.value(one) is None:
            mistakes.add(MissingParameter, place, f"a loop needs `{one}`", "target=100" if one == "target" else 'direction="minimize" or "maximize"')
    measure, metric = reader.text("measure"), reader.text("metric")
    target, direction = reader.target(), reader.direction()
    passes = reader.passes(max_iterations)
    if measure is None or metric is None or target is None or direction is None or passes is None:
        return None
    return LoopSpec(ThresholdCriterion(metric, target, direction, measure), passes)


class _Reader:
    """Reads one loop's values; each gives None where there is no usable value, which is noted."""

    def __init__(self, supplied: Mapping[str, Supplied], parameters: Mapping[str, Given], place: Place, mistakes: Mistakes) -> None:
        self._supplied = supplied
        self._parameters = parameters
        self._place = place
        self._mistakes = mistakes

    def value(self, name: str) -> Given:
        """As it was given, else the template's default."""
        return self._supplied[name].value if name in self._supplied else self._parameters.get(name)

    def text(self, name: str) -> str | None:
        value = self.value(name)
        if isinstance(value, str) and value.strip() and "\0" not in value:
            return value
        self._wrong(name, f"`{name}` takes a text")
        return None

    def target(self) -> float | None:
        value = self.value("target")
        if value is None:
            return None
        if isinstance(value, int | float) and not isinstance(value, bool) and math.isfinite(value):
            return float(value)
        self._wrong("target", "`target` takes a number")
        return None

    def direction(self) -> Direction | None:
        value = self.value("direction")
        if value is None:
            return None
        if isinstance(value, str) and value.lower() in set(Direction):
            return Direction(value.lower())
        meant = nearest(value, [str(one) for one in Direction]) if isinstance(value, str) else None
        self._wrong("direction", "`direction` takes minimize or maximize", f'did you mean "{meant}"?' if meant else None)
        return None

    def passes(self, default: int) -> int | None:
        value = self.value("max_iterations")
        if value is None:
            return default
        if value == "unlimited":
            self._wrong("max_iterations", "this version cannot honour a loop without limit yet", "max_iterations=100", NotYet)
            return None
        if isinstance(value, int | float) and not isinstance(value, bool) and value == int(value) and 1 <= value <= _MOST_ITERATIONS:
            return int(value)
        self._wrong("max_iterations", f"`max_iterations` takes a whole number from 1 to {_MOST_ITERATIONS:,}")
        return None

    def _wrong(self, name: str, message: str, suggestion: str | None = None, kind: type[AbathurError] = WrongValue) -> None:
        place = self._supplied[name].value_place if name in self._supplied else self._place
        if not isinstance(self.value(name), Lost):
            self._mistakes.add(kind, place, message, suggestion)
