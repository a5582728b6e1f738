"""Template texts that are handed in, TOML or JSON: one source for the checks, and the TOML that is kept."""

import json
import re
from typing import Any

from abathur_tui.domain.errors import Detail
from abathur_tui.settings.toml import Key, Source, read

_TOKEN = re.compile(r'"(?:[^"\\]|\\.)*"|[{}\[\]:,]|[^\s{}\[\]:,"]+')


class _Twice(ValueError):
    """A key stands twice in an object."""


def source_of(text: str, file: str) -> Source | Detail:
    """The data with the lines of their keys, or the one mistake that makes it neither TOML nor JSON. TOML never begins with `{`."""
    text = text.removeprefix("\ufeff").replace("\r\n", "\n")
    return _read_json(text, file) if file.endswith(".json") or text.lstrip().startswith("{") else read(text, file)


def as_toml(source: Source) -> str:
    """The text to keep: TOML as it was handed in, JSON put into TOML. Raises ValueError where the data have no TOML."""
    if not source.text.lstrip().startswith("{"):
        return source.text.rstrip("\n") + "\n"
    import tomli_w  # only where JSON is taken in

    text = tomli_w.dumps(_without_nulls(source.data), multiline_strings=True)
    text.encode()  # JSON can name half a character, which is a ValueError here
    return text


def _read_json(text: str, file: str) -> Source | Detail:
    try:
        data = json.loads(text, object_pairs_hook=_each_once, parse_constant=_no_number)
    except json.JSONDecodeError as error:
        line = error.doc.split("\n")[error.lineno - 1]
        return Detail(f"this is no valid JSON: {error.msg[:1].lower()}{error.msg[1:]}", error.lineno, error.colno, line, file=file)
    except (ValueError, RecursionError) as error:
        reason = "it is nested too deeply" if isinstance(error, RecursionError) else str(error)
        return Detail(f"this is no JSON that can be read: {reason}", file=file)
    if not isinstance(data, dict):
        return Detail("a template in JSON is an object", 1, 1, text.split("\n")[0], file=file)
    return Source(file, text, data, _key_lines(text))


def _each_once(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    names = [name for name, _ in pairs]
    for name in names:
        if names.count(name) > 1:
            raise _Twice(f"the key {name!r} stands twice in one object")
    return dict(pairs)


def _no_number(word: str) -> None:
    raise ValueError(f"{word} is no number")


def _without_nulls(value: Any) -> Any:
    """The value for TOML, which has no null: a key without a value is left out."""
    match value:
        case dict():
            return {name: _without_nulls(item) for name, item in value.items() if item is not None}
        case list():
            if None in value:
                raise ValueError("TOML, in which templates are kept, has no null: an array cannot hold one")
            return [_without_nulls(item) for item in value]
        case _:
            return value


def _key_lines(text: str) -> dict[Key, int]:
    """The line of each key and item of a valid JSON text."""
    lines: dict[Key, int] = {}
    inside: list[tuple[Key, bool]] = []
    """The objects (False) and arrays (True) around the place."""
    at: Key = ()
    names_next = False
    line, end = 1, 0
    for token in _TOKEN.finditer(text):
        line += text.count("\n", end, token.start())
        end = token.start()
        match token[0]:
            case "{" | "[":
                lines.setdefault(at, line)
                names_next = token[0] == "{"
                inside.append((at, not names_next))
                at = at if names_next else (*at, 0)
            case "}" | "]":
                at, _ = inside.pop()
                names_next = False
            case ",":
                around, is_array = inside[-1]
                last = at[-1]
                at = (*around, last + 1) if is_array and isinstance(last, int) else around
                names_next = not is_array
            case ":":
                names_next = False
            case word if names_next:
                at = (*inside[-1][0], str(json.loads(word)))
                lines.setdefault(at, line)
            case _:
                lines.setdefault(at, line)
    return lines
