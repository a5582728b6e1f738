"""Merging JSON objects key by key: what is said once or alike is taken, lists are united, and different values for one key are a conflict."""

import json
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field

from abathur_tui.domain.data import JsonObject, JsonValue, canonical

Key = tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Difference:
    """Values that differ for one key."""

    key: Key
    values: tuple[JsonValue, ...]
    """Each different one once, in the order of the members."""
    members: tuple[tuple[int, ...], ...]
    """Who states each of them, as places in what was merged."""

    @property
    def where(self) -> str:
        """`server.port`."""
        return ".".join(part if part.isidentifier() else json.dumps(part, ensure_ascii=False) for part in self.key)


@dataclass
class Merging:
    """Objects on their way to become one."""

    objects: Sequence[JsonObject]
    differences: list[Difference] = field(default_factory=list)

    def __post_init__(self) -> None:
        self._merged = self._object((), list(enumerate(self.objects)))

    def settled(self, values: Sequence[JsonValue]) -> JsonObject:
        """The object, with these values in the places of the differences, in their order."""
        for difference, value in zip(self.differences, values, strict=True):
            holder = self._merged
            for part in difference.key[:-1]:
                inner = holder[part]
                assert isinstance(inner, dict)
                holder = inner
            holder[difference.key[-1]] = value
        return self._merged

    def _object(self, key: Key, stated: list[tuple[int, JsonObject]]) -> JsonObject:
        names = dict.fromkeys(name for _, one in stated for name in one)
        return {name: self._value((*key, name), [(member, one[name]) for member, one in stated if name in one]) for name in names}

    def _value(self, key: Key, stated: list[tuple[int, JsonValue]]) -> JsonValue:
        objects = [(member, value) for member, value in stated if isinstance(value, dict)]
        if len(objects) == len(stated):
            return self._object(key, objects)
        lists = [value for _, value in stated if isinstance(value, list)]
        if len(lists) == len(stated):
            return _united(lists)
        groups: dict[str, list[int]] = {}
        values: dict[str, JsonValue] = {}
        for member, value in stated:
            groups.setdefault(identity(value), []).append(member)
            values.setdefault(identity(value), value)
        if len(values) > 1:
            self.differences.append(Difference(key, tuple(values.values()), tuple(tuple(members) for members in groups.values())))
        return next(iter(values.values()))


def identity(value: JsonValue) -> str:
    """Equal for equal values, whatever the order of keys; 1 and 1.0 are equal, 1 and true are not."""
    return canonical(_plain(value))


def leaves(value: JsonValue) -> int:
    """How many values that are no objects stand in it."""
    return sum(leaves(item) for item in value.values()) if isinstance(value, dict) else 1


def _united(lists: Iterable[list[JsonValue]]) -> list[JsonValue]:
    found: dict[str, JsonValue] = {}
    for items in lists:
        for item in items:
            found.setdefault(identity(item), item)
    return list(found.values())


def _plain(value: JsonValue) -> JsonValue:
    match value:
        case bool():
            return value
        case float() if value.is_integer():
            return int(value)
        case list():
            return [_plain(item) for item in value]
        case dict():
            return {name: _plain(item) for name, item in value.items()}
        case _:
            return value
