"""Commands that have been checked against their templates: what expansion works on."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import TypeAlias

from abathur_tui.domain.data import JsonValue
from abathur_tui.domain.loops import LoopSpec
from abathur_tui.domain.plan import JoinWish, OnFailure
from abathur_tui.domain.success import Success
from abathur_tui.domain.templates import Template
from abathur_tui.language.drafts import Result

Place: TypeAlias = tuple[int, int]
"""Start and end offset in the text."""
NOWHERE: Place = (-1, -1)
"""The place of what was not written in a text."""


@dataclass(frozen=True, slots=True)
class Bound:
    """A place that takes the result of the statement that binds `name`."""

    name: str
    place: Place


class Elsewhere(str):
    """A text that was read from a file, the environment or git: nobody typed it, so nothing of it is run."""

    __slots__ = ()


@dataclass(frozen=True, slots=True)
class Lost:
    """A place whose value has a mistake that has been told."""


Given: TypeAlias = "bool | int | float | str | list[Given] | dict[str, Given] | Bound | Lost | ResolvedCommand | Result | None"
"""A value as it was given: JSON, with places for results; a `Result` is one that a template passes on to what is nested in it."""


@dataclass(frozen=True, slots=True)
class Supplied:
    """A value given under a name."""

    name: str
    value: Given
    place: Place
    """Of the name, or of the value where it has none."""
    value_place: Place


@dataclass(frozen=True, slots=True)
class Options:
    """The parameters that every command takes; None where they were not given."""

    priority: int | None = None
    sequential: bool = False
    """Children run in written order, each fed by the one before."""
    after: "tuple[Bound | ResolvedCommand, ...]" = ()
    agent: str | None = None
    model: str | None = None
    timeout_seconds: float | None = None
    retries: int | None = None
    on_failure: OnFailure | None = None
    tags: tuple[str, ...] = ()
    expires_in_seconds: float | None = None
    memory_bytes: int | None = None
    cores: float | None = None
    join: JoinWish | None = None
    success: Success | None = None
    """Of `success_criteria`."""
    confidence: float | None = None
    parallel: int = 1
    """Instances of the same node; 0: as many as fit."""
    parallel_because: str = ""
    """What decided how many fit."""


@dataclass(frozen=True, slots=True)
class ResolvedCommand:
    """A command with its template, and parameters of the declared names and types."""

    template: Template
    parameters: dict[str, Given]
    """All declared ones (None where there is neither value nor default), then the undeclared ones that the template lets through."""
    options: Options
    place: Place
    """Of the template's name."""
    loop: LoopSpec | None = None


@dataclass(frozen=True, slots=True)
class ResolvedStatement:
    """A statement of the document; `command` is None where it has mistakes."""

    name: str | None
    command: ResolvedCommand | None
    place: Place
    needs: tuple[Bound, ...]
    """Where it refers to names, in values and in `after`."""
    uses: frozenset[str]
    """The names whose results stand in its values."""


def has_lost(command: ResolvedCommand) -> bool:
    """Whether a value anywhere in the command has a mistake: what comes of it would be told a second time."""
    rest: list[Given] = [command]
    while rest:
        match rest.pop():
            case Lost():
                return True
            case ResolvedCommand() as inner:
                rest.extend((*inner.parameters.values(), *inner.options.after))
            case list() as items:
                rest.extend(items)
            case dict() as pairs:
                rest.extend(pairs.values())
            case _:
                pass
    return False


def elsewhere(value: object) -> list[str]:
    """The texts anywhere in a value that were read from elsewhere."""
    found: list[str] = []
    rest: list[object] = [value]
    while rest:
        match rest.pop():
            case Elsewhere() as text:
                found.append(text)
            case list() as items:
                rest.extend(items)
            case dict() as pairs:
                rest.extend(pairs.values())
            case _:
                pass
    return found


def given(value: JsonValue) -> Given:
    """The same value, as one in which places for results might stand."""
    match value:
        case list():
            return [given(item) for item in value]
        case dict():
            return {key: given(item) for key, item in value.items()}
        case _:
            return value


def supplied_from(values: Mapping[str, JsonValue] | None) -> list[Supplied]:
    """Values that were not written in a text, as arguments of their names."""
    return [Supplied(name, given(value), NOWHERE, NOWHERE) for name, value in (values or {}).items()]
