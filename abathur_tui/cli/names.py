"""Ids as people type them."""

from abathur_tui.domain.errors import ArgumentInvalid
from abathur_tui.domain.ids import parse_id


def execution_id(text: str) -> int:
    """The number of `x12`. Raises ArgumentInvalid."""
    return _id(text, "x", "an execution", "`abathur task list` shows them")


def task_id(text: str) -> int:
    """The number of `t12`. Raises ArgumentInvalid."""
    return _id(text, "t", "a task", "`abathur task list` shows them")


def agent_id(text: str) -> int:
    """The number of `a12`. Raises ArgumentInvalid."""
    return _id(text, "a", "an agent", "`abathur agent list` shows them")


def schedule_id(text: str) -> int:
    """The number of `s12`. Raises ArgumentInvalid."""
    return _id(text, "s", "a schedule", "`abathur task schedule list` shows them")


def _id(text: str, letter: str, what: str, where: str) -> int:
    number = parse_id(text, letter)
    if number is None:
        raise ArgumentInvalid(f"{text!r} is no id of {what}.", hint=f"It looks like {letter}12; {where}.")
    return number
