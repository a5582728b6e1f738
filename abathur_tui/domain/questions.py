"""Questions that only a person can answer, and what they said."""

from dataclasses import dataclass
from typing import TypeAlias

from abathur_tui.domain.data import JsonValue


@dataclass(frozen=True, slots=True)
class Possible:
    """One of the values that are offered."""

    value: JsonValue
    members: tuple[int, ...]
    """The tasks that state it."""


@dataclass(frozen=True, slots=True)
class Asking:
    """What a task wants to know."""

    kind: str
    """`key` (of structured results) or `lines` (of a file)."""
    where: str
    """`server.port`, `src/app.py:12`."""
    text: str
    """The question in a sentence."""
    options: tuple[Possible, ...]


@dataclass(frozen=True, slots=True)
class Answer:
    """What somebody said."""

    value: JsonValue
    members: tuple[int, ...]
    """The tasks whose value it is; empty where somebody wrote another one."""
    by: str
    at: float
    """Unix seconds."""


@dataclass(frozen=True, slots=True)
class Question:
    """A question as it stands."""

    id: int
    task: int
    execution: int
    task_name: str
    asking: Asking
    asked_at: float
    answer: Answer | None
    """None while it is open."""


@dataclass(frozen=True, slots=True)
class OfMember:
    """The answer is what this task states."""

    task: int


@dataclass(frozen=True, slots=True)
class OfOption:
    """The answer is the option of this number, from 1."""

    number: int


@dataclass(frozen=True, slots=True)
class OfValue:
    """The answer is this value, whether anybody states it or not."""

    value: JsonValue


Given: TypeAlias = OfMember | OfOption | OfValue
"""How somebody answers."""
