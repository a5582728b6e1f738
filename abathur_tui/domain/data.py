"""JSON as types, and the one way in which it is written where bytes are compared or hashed."""

import hashlib
import json
from collections.abc import Mapping
from typing import TypeAlias

JsonValue: TypeAlias = "bool | int | float | str | list[JsonValue] | dict[str, JsonValue] | None"
JsonObject: TypeAlias = dict[str, JsonValue]


_CANONICAL = json.JSONEncoder(ensure_ascii=False, sort_keys=True, separators=(",", ":"), allow_nan=False)


def canonical(value: object) -> str:
    """Compact JSON with sorted keys: equal values give equal text."""
    return _CANONICAL.encode(value)


def content_hash(text: str) -> str:
    """SHA-256 of the text's UTF-8, in hex: the name under which content is stored once."""
    return hashlib.sha256(text.encode("utf-8", "surrogatepass")).hexdigest()


def with_values(value: JsonObject, replacements: Mapping[str, JsonValue]) -> JsonObject:
    """A copy in which the value at each JSON Pointer is replaced."""
    copy: JsonObject = json.loads(json.dumps(value))
    for pointer, replacement in replacements.items():
        *path, last = _steps(pointer)
        holder: JsonValue = copy
        for step in path:
            holder = holder[int(step)] if isinstance(holder, list) else holder[step]  # type: ignore[index]
        if isinstance(holder, list):
            holder[int(last)] = replacement
        elif isinstance(holder, dict):
            holder[last] = replacement
    return copy


def pointer_to(*steps: str | int) -> str:
    """The JSON Pointer (RFC 6901) made of these steps."""
    return "".join("/" + str(step).replace("~", "~0").replace("/", "~1") for step in steps)


def _steps(pointer: str) -> list[str]:
    return [step.replace("~1", "/").replace("~0", "~") for step in pointer.split("/")[1:]]
