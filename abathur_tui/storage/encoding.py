"""Dataclasses as JSON in a column, and back by their own types: what the domain adds to them needs no change here."""

import dataclasses
import json
import math
import types
import typing
from enum import Enum
from functools import cache
from typing import Any, TypeVar

from abathur_tui.domain.data import JsonValue, canonical

T = TypeVar("T")

_PLAIN = frozenset({bool, int, float, str})

_KIND = "kind_of"
"""The key under which a dataclass's name stands, by which the right member of a union is found."""


def encoded(value: object) -> str:
    """A dataclass of plain values, enums, tuples, dicts and other such dataclasses as canonical JSON."""
    return canonical(_plain(value))


def decoded(kind: type[T], text: str) -> T:
    """What `encoded` wrote. A field that was added since has its default. Raises ValueError on anything else."""
    try:
        value: T = _built(kind, json.loads(text))
    except (ValueError, KeyError, TypeError, OverflowError, RecursionError) as error:
        raise ValueError(f"no {kind.__name__}: {str(error) or type(error).__name__}") from error
    return value


def _plain(value: object) -> JsonValue:
    match value:
        case Enum():
            plain: JsonValue = value.value
            return plain
        case None | bool() | int() | float() | str():
            return value
        case tuple() | list():
            return [_plain(item) for item in value]
        case dict():
            return {str(key): _plain(item) for key, item in value.items()}
        case _ if dataclasses.is_dataclass(value) and not isinstance(value, type):
            fields = {field.name: _plain(getattr(value, field.name)) for field in dataclasses.fields(value)}
            return {_KIND: type(value).__name__} | fields
        case _:
            raise TypeError(f"{type(value).__name__} cannot be kept")


def _built(kind: Any, data: Any) -> Any:
    origin, arguments = typing.get_origin(kind), typing.get_args(kind)
    if origin in (typing.Union, types.UnionType):
        return None if data is None else _built(_member(arguments, data), data)
    if origin in (tuple, list) and not isinstance(data, list):
        raise TypeError(f"{data!r:.80} is no list")
    if (origin is dict or dataclasses.is_dataclass(kind)) and not isinstance(data, dict):
        raise TypeError(f"{data!r:.80} is no object")
    if origin is tuple:
        each = arguments[:1] * len(data) if arguments[-1] is Ellipsis else arguments
        return tuple(_built(one, item) for one, item in zip(each, data, strict=True))
    if origin is list:
        return [_built(arguments[0], item) for item in data]
    if origin is dict:
        return {key: _built(arguments[1], item) for key, item in data.items()}
    if isinstance(kind, type) and issubclass(kind, Enum):
        return kind(data)
    if isinstance(kind, type) and dataclasses.is_dataclass(kind):
        return kind(**{name: _built(type_, data[name]) for name, type_ in _fields(kind).items() if name in data})
    return _plainly(kind, data)


def _plainly(kind: Any, data: Any) -> Any:
    """A plain value, where it is of the type that it must be of."""
    if kind not in _PLAIN:
        return data
    if kind in (int, float) and type(data) in (int, float) and math.isfinite(data) and (kind is float or int(data) == data):
        return kind(data)
    if kind in (int, float) or type(data) is not kind:
        raise TypeError(f"{data!r:.80} is no {kind.__name__}")
    return data


def _member(members: tuple[Any, ...], data: Any) -> Any:
    """The type in a union that the data is of; `object` where any value will do."""
    wanted = data.get(_KIND) if isinstance(data, dict) else None
    others = [member for member in members if member is not type(None)]
    if len(others) == 1:
        return others[0]
    if wanted is None and isinstance(data, dict) and all(dataclasses.is_dataclass(member) for member in others):
        return others[0]  # written when the union had only this one
    named = [member for member in others if getattr(member, "__name__", None) == wanted or type(data) is member]
    if not named and all(dataclasses.is_dataclass(member) or member in _PLAIN for member in others):
        raise TypeError(f"{data!r:.80} is none of what it could be")
    return named[0] if named else object


@cache
def _fields(kind: Any) -> dict[str, Any]:
    # JsonValue names itself; what is JSON already is taken as it is.
    hints = typing.get_type_hints(kind, localns={"JsonValue": object})
    return {field.name: hints[field.name] for field in dataclasses.fields(kind)}
