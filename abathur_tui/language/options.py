"""The parameters that every command takes, read and checked: `priority`, `after`, `agent`, `timeout`…"""

import math
from collections.abc import Callable, Mapping, Sequence
from contextlib import suppress
from typing import Any

from abathur_tui.domain.errors import NotYet, UnknownAgent
from abathur_tui.domain.nearest import nearest
from abathur_tui.domain.plan import OnFailure
from abathur_tui.domain.quantities import TooLong, bytes_of, seconds_of
from abathur_tui.domain.templates import Registry
from abathur_tui.language.joining import read_join
from abathur_tui.language.mistakes import Mistakes
from abathur_tui.language.parallelism import AUTO
from abathur_tui.language.resolved import Bound, Given, Lost, Options, ResolvedCommand, Supplied
from abathur_tui.language.success import CRITERIA, read_confidence, read_success
from abathur_tui.language.values import Mistake, nearest_of, one_of, texts

PRIORITY_WORDS = {"low": 2, "normal": 5, "high": 8, "critical": 10}
_NOT_YET = {
    "budget": "ceilings in money",
    "repo": "a checkout of another repository",
    "touches": "declared files",
}
_LONGEST_SECONDS = 31_536_000.0  # a year
_MOST_RETRIES = 100
_MOST_BYTES = 1024**5
_MOST_CORES = 100_000


def read_options(given: Mapping[str, Supplied], registry: Registry, mistakes: Mistakes) -> Options:
    """The options that were given, by their names. Mistakes are noted, and their options left as if not given."""
    read: dict[str, Any] = {}
    for name, supplied in given.items():
        value = supplied.value
        if value is None:
            continue
        try:
            if name == "agent":
                read[name] = _agent(value, registry)
            else:
                field, reader = _READERS[name]
                parsed = reader(name, value)
                if field is not None:
                    read[field] = parsed
        except Mistake as mistake:
            place = supplied.place if mistake.kind is NotYet else supplied.value_place
            if not _lost(value):
                mistakes.add(mistake.kind, place, str(mistake), mistake.suggestion)
    return Options(**read)


def _lost(value: Given) -> bool:
    inside: Sequence[Given] = value if isinstance(value, list) else [*value.values()] if isinstance(value, dict) else [value]
    return any(isinstance(item, Lost) for item in inside)


def _priority(name: str, value: Given) -> int:
    if isinstance(value, str) and value.lower() in PRIORITY_WORDS:
        return PRIORITY_WORDS[value.lower()]
    if type(value) is int and 0 <= value <= 10:
        return value
    raise Mistake("`priority` takes 0 to 10, or low, normal, high, critical", nearest_of(value, PRIORITY_WORDS))


def _mode(name: str, value: Given) -> bool:
    return one_of(name, value, ("parallel", "sequential")) == "sequential"


def _parallel(name: str, value: Given) -> int:
    if value == "auto":
        return AUTO
    if type(value) is not int or value < 1:
        raise Mistake('`parallel` takes a number of instances from 1 on, or "auto"')
    return value


def _after(name: str, value: Given) -> tuple[Bound | ResolvedCommand, ...]:
    items: Sequence[Given] = value if isinstance(value, list) else (value,)
    if not all(isinstance(item, Bound | ResolvedCommand) for item in items):
        raise Mistake("`after` takes names of statements: after=[first, second]", "write the names without quotes" if texts(items) else None)
    return tuple(item for item in items if isinstance(item, Bound | ResolvedCommand))


def _agent(value: Given, registry: Registry) -> str:
    name = _text("agent", value)
    definition = registry.agent(name)
    if definition is None:
        meant = nearest(name, registry.agent_names())
        raise Mistake(f"there is no agent {name!r}", f"did you mean {meant}?" if meant else None, UnknownAgent)
    return definition.name


def _text(name: str, value: Given) -> str:
    if not isinstance(value, str) or not value.strip() or len(value) > 200:
        raise Mistake(f"`{name}` takes a name as text")
    return value.strip()


def _duration(name: str, value: Given) -> float:
    seconds: float | None = None
    if isinstance(value, str):
        try:
            seconds = seconds_of(value)
        except (TooLong, OverflowError):
            seconds = math.inf
        except ValueError:
            seconds = None
    elif isinstance(value, int | float) and not isinstance(value, bool):
        seconds = float(value)
    if seconds is None:
        raise Mistake(f"`{name}` takes a duration", 'seconds as a number, or "30s", "5m", "2h"')
    if not 0 < seconds <= _LONGEST_SECONDS:
        raise Mistake(f"`{name}` takes more than no time, and at most a year")
    return seconds


def _size(name: str, value: Given) -> int:
    size: int | None = None
    if isinstance(value, str):
        with suppress(ValueError, OverflowError):
            size = bytes_of(value)
    elif isinstance(value, int) and not isinstance(value, bool):
        size = value
    if size is None:
        raise Mistake(f"`{name}` takes a size", 'bytes as a number, or "512MB", "2GB"')
    if not 0 < size <= _MOST_BYTES:
        raise Mistake(f"`{name}` takes more than nothing, and at most a petabyte")
    return size


def _cores(name: str, value: Given) -> float:
    if isinstance(value, bool) or not isinstance(value, int | float) or not 0 < value <= _MOST_CORES:
        raise Mistake(f"`{name}` takes a number of cores, such as 2 or 0.5")
    return float(value)


def _retries(name: str, value: Given) -> int:
    if type(value) is not int or not 0 <= value <= _MOST_RETRIES:
        raise Mistake(f"`retries` takes a whole number from 0 to {_MOST_RETRIES}: the attempts after the first")
    return value


def _on_failure(name: str, value: Given) -> OnFailure:
    return OnFailure(one_of(name, value, tuple(OnFailure)))


def _tags(name: str, value: Given) -> tuple[str, ...]:
    items: Sequence[Given] = value if isinstance(value, list) else (value,)
    if not texts(items) or any(len(item) > 100 or not item.isprintable() or not item.strip() for item in items if isinstance(item, str)):
        raise Mistake('`tags` takes short texts: tags=["nightly", "backend"]')
    return tuple(dict.fromkeys(item.strip() for item in items if isinstance(item, str)))


def _to_come(name: str, value: Given) -> None:
    raise _not_yet(f"`{name}` ({_NOT_YET[name]})", "leave it out")


def _not_yet(what: str, suggestion: str) -> Mistake:
    return Mistake(f"this version cannot honour {what} yet", suggestion, NotYet)


_READERS: dict[str, tuple[str | None, Callable[[str, Given], object]]] = {
    "priority": ("priority", _priority),
    "parallel": ("parallel", _parallel),
    "mode": ("sequential", _mode),
    "join": ("join", read_join),
    "after": ("after", _after),
    "model": ("model", _text),
    "timeout": ("timeout_seconds", _duration),
    "retries": ("retries", _retries),
    "on_failure": ("on_failure", _on_failure),
    "tags": ("tags", _tags),
    "expires": ("expires_in_seconds", _duration),
    "memory": ("memory_bytes", _size),
    "cpu": ("cores", _cores),
    CRITERIA: ("success", read_success),
    "confidence": ("confidence", read_confidence),
    **{name: (None, _to_come) for name in _NOT_YET},
}
OPTION_NAMES = frozenset({*_READERS, "agent"})
"""The names that every command takes, those that are not honoured yet included."""
