"""A loop's measure: a shell command that prints one number, or a JSON object of numbers."""

import json
import math

from abathur_tui.domain.criteria import figure

_SHOWN = 120
"""Characters of a wrong output that a reason shows."""
_MOST_FIGURES = 64
"""Of an object's members; what prints more is not a measure's answer."""
_LONGEST_NAME = 100


class NotANumber(ValueError):
    """What the command printed holds no usable number; the text says why."""


def read_numbers(printed: str, metric: str) -> dict[str, float]:
    """The numbers that a measure printed; a single number is `metric`'s. Raises NotANumber.

    An object must have `metric`; its other members count where they are numbers, up to 64, and are passed over where they are not.
    """
    text = printed.strip()
    if not text:
        raise NotANumber("it printed nothing")
    try:
        value: object = json.loads(text)
    except (ValueError, RecursionError):
        return {metric: _plain_number(text)}
    if not isinstance(value, dict):
        return {metric: _number(value, text)}
    if metric not in value:
        raise NotANumber(f"it printed an object without {metric!r}: {_short(text)}")
    numbers = {metric: _number(value[metric], f"{metric}: {value[metric]!r}")}
    for name, other in value.items():
        number = figure(other)
        if number is not None and len(name) <= _LONGEST_NAME and len(numbers) < _MOST_FIGURES:
            numbers[name] = number
    return numbers


def _plain_number(text: str) -> float:
    # Python also reads "1_000" and full-width digits as numbers; a measure that prints such things is more likely to be wrong.
    if not text.isascii() or "_" in text:
        raise NotANumber(f"it printed no number: {_short(text)}")
    try:
        return _number(float(text), text)
    except ValueError as error:
        if isinstance(error, NotANumber):
            raise
        raise NotANumber(f"it printed no number: {_short(text)}") from None


def _number(value: object, text: str) -> float:
    if isinstance(value, bool) or not isinstance(value, int | float):
        raise NotANumber(f"it printed no number: {_short(text)}")
    number = figure(value)
    if number is None:
        what = "is too large" if isinstance(value, int) or math.isfinite(value) else "is not finite"
        raise NotANumber(f"it printed a number that {what}: {_short(text)}")
    return number


def _short(text: str) -> str:
    line = " ".join(text.split())
    return line if len(line) <= _SHOWN else line[: _SHOWN - 1] + "…"
