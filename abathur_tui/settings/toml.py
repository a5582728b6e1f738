"""TOML that comes in from outside: broken text and refused values become mistakes with file, line and what is allowed."""

import re
import tomllib
from collections.abc import Callable, Container, Iterable, Mapping
from dataclasses import dataclass
from typing import TypeAlias, get_origin

from pydantic import BaseModel, ValidationError

from abathur_tui.domain.errors import Detail
from abathur_tui.domain.nearest import nearest

Key: TypeAlias = tuple[str | int, ...]
"""A key with all the tables and array places around it: `("queue", "max_size")`, `("nested", 0, "template")`."""

_BROKEN_AT = re.compile(r" \(at (?:line (\d+), column (\d+)|end of document)\)$")
_IN_PLAIN_WORDS = {
    "a valid integer": "a whole number",
    "a valid number": "a number",
    "a valid string": "a text",
    "a valid boolean": "true or false",
    "a valid tuple": "an array",
    "a valid list": "an array",
    "a valid dictionary": "a table",
    "a valid dictionary or object to extract fields from": "a table",
}
_INSTANCE = re.compile(r"a valid dictionary or instance of \w+")
_TOML_NAMES = {"list": "an array", "dict": "a table", "NoneType": "nothing"}
_BARE_OR_QUOTED = r"""(?:[A-Za-z0-9_-]+|"(?:[^"\\]|\\.)*"|'[^']*')"""
_DOTTED = rf"{_BARE_OR_QUOTED}(?:\s*\.\s*{_BARE_OR_QUOTED})*"
_HEADER = re.compile(rf"\s*(\[\[?)\s*({_DOTTED})\s*\]\]?\s*(?:#.*)?")
_ASSIGNMENT = re.compile(rf"\s*({_DOTTED})\s*=(.*)")
_WORD = re.compile(_BARE_OR_QUOTED)
_STRING_OR_COMMENT = re.compile(r'"""|\'\'\'|"(?:[^"\\]|\\.)*"|\'[^\']*\'|#.*')
_SECRETS = (
    (re.compile(r"""((?:key|token|secret|passw|passphrase|credential)\w*["']?\s*=\s*).*""", re.IGNORECASE), r"\1…"),
    (re.compile(r"\bsk-[\w-]{6,}"), "sk-…"),
    (re.compile(r"://[^/\s\"']*@"), "://…@"),
)
"""What looks like a key or a password, and what is shown in its place."""


@dataclass(frozen=True, slots=True)
class Source:
    """A TOML text with the name of its file and the lines of its keys."""

    file: str
    text: str
    data: dict[str, object]
    lines: Mapping[Key, int]
    """Line, from 1, of each table and key that is written on a line of its own."""

    def mistake(self, key: Key, message: str, suggestion: str | None = None) -> Detail:
        """A mistake at this key, or at the nearest table around it that has a line."""
        place = key
        while place and place not in self.lines:
            place = place[:-1]
        line = self.lines.get(place)
        if line is None:
            return Detail(message, suggestion=suggestion, file=self.file)
        written = shown_line(self.text, line)
        quoted = f'"{place[-1]}"' if place and self.text.lstrip().startswith("{") else ""  # JSON: many keys may stand on one line
        if quoted and quoted in written:
            return Detail(message, line, written.index(quoted) + 1, written, len(quoted), suggestion, self.file)
        column = len(written) - len(written.lstrip()) + 1
        length = len(re.split(r"\s*(?:=|#|$)", written.strip(), maxsplit=1)[0])
        return Detail(message, line, column, written, max(length, 1), suggestion, self.file)


def read(text: str, file: str) -> Source | Detail:
    """The parsed text, or the one mistake that makes it no TOML."""
    try:
        data = tomllib.loads(text)
    except tomllib.TOMLDecodeError as error:
        return _broken(text, file, str(error))
    except RecursionError:
        return Detail("this is no TOML that can be read: it is nested too deeply", file=file)
    except ValueError as error:  # a number that is too long for Python
        return Detail(f"this is no TOML that can be read: {error}", file=file)
    return Source(file, text, data, key_lines(text))


def key_lines(text: str) -> dict[Key, int]:
    """The line of each table header and key of a valid TOML text; keys inside inline tables and arrays have none."""
    lines: dict[Key, int] = {}
    counts: dict[Key, int] = {}
    table: Key = ()
    open_quotes, open_brackets = "", 0
    for number, line in enumerate(text.split("\n"), 1):
        rest = line
        if not open_quotes and not open_brackets:
            if header := _HEADER.fullmatch(line):
                table = _inside_arrays(_words(header[2]), counts, opens=header[1] == "[[")
                for end in range(1, len(table) + 1):
                    lines.setdefault(table[:end], number)
                continue
            if not (assignment := _ASSIGNMENT.match(line)):
                continue
            key = (*table, *_words(assignment[1]))
            for end in range(len(table) + 1, len(key) + 1):
                lines.setdefault(key[:end], number)
            rest = assignment[2]
        open_quotes, open_brackets = _left_open(rest, open_quotes, open_brackets)
    return lines


def refusals(error: ValidationError, source: Source, model: type[BaseModel], is_not_yet: Callable[[Key], bool] = lambda _: False) -> list[Detail]:
    """Each refused value of a validation as a mistake with its place, what is allowed, and what was probably meant.

    Unknown keys for which `is_not_yet` holds belong to Abathur, but not to this version.
    """
    details = []
    for one in error.errors(include_url=False):
        key = tuple(part for part in one["loc"] if (isinstance(part, int) or not part.startswith(("function-", "tuple[", "union[", "[key]"))))
        if one["type"] == "extra_forbidden" and is_not_yet(key):
            details.append(source.mistake(key, f"{dotted(key)} is known, but this version cannot honour it yet", "leave it out"))
        elif one["type"] == "extra_forbidden":
            details.append(source.mistake(key, *_unknown(key, _known_keys(model, key[:-1]), model.model_fields)))
        else:
            suggestion = f"write [[{dotted(key)}]]" if one["type"] == "list_type" and isinstance(one["input"], dict) else None
            details.append(source.mistake(key, f"{dotted(key)}: {_reason(one['type'], one['msg'], one['input'])}", suggestion))
    return details


def _unknown(key: Key, known: Iterable[str], at_top: Container[str]) -> tuple[str, str | None]:
    """Message and suggestion for a key that is not known where it stands."""
    names = sorted(known)
    meant = nearest(str(key[-1]), names)
    suggestion = f"did you mean {meant}?" if meant else None
    if meant is None and len(key) > 1 and key[-1] in at_top:
        suggestion = "it belongs at the top, before the first [table]"
    where = f"in [{dotted(key[:-1])}]" if len(key) > 1 else "at the top"
    allowed = f"known {where}: {', '.join(names)}" if names else f"nothing may stand {where}"
    return f"unknown key {dotted(key)}; {allowed}", suggestion


def _known_keys(model: type[BaseModel], path: Key) -> list[str]:
    """The keys that the model knows in the table at this path; empty where that is no table of fixed keys."""
    named_by_user = False
    for part in path:
        if isinstance(part, int) or named_by_user:
            named_by_user = False
            continue
        field = model.model_fields.get(part)
        inner = None if field is None else _model_in(field.annotation)
        if field is None or inner is None:
            return []
        model, named_by_user = inner, get_origin(field.annotation) is dict
    return [field.alias or name for name, field in model.model_fields.items()]


def shown_line(text: str, line: int) -> str:
    """A line of the text (from 1) as an error may show it: without the secrets that may stand in it."""
    shown = text.split("\n")[line - 1].rstrip("\r")
    for secret, instead in _SECRETS:
        shown = secret.sub(instead, shown)
    return shown


def dotted(key: Key) -> str:
    """A key as it is spoken of: `queue.max_size`, `nested[0].template`."""
    text = ""
    for part in key:
        text += f"[{part}]" if isinstance(part, int) else f".{part}" if text else part
    return text


def _model_in(annotation: object) -> type[BaseModel] | None:
    if isinstance(annotation, type) and issubclass(annotation, BaseModel):
        return annotation
    for argument in getattr(annotation, "__args__", ()):
        if (inner := _model_in(argument)) is not None:
            return inner
    return None


def _broken(text: str, file: str, message: str) -> Detail:
    lines = text.split("\n")
    found = _BROKEN_AT.search(message)
    what = _BROKEN_AT.sub("", message)
    line, column = (int(found[1]), int(found[2])) if found and found[1] else (len(lines), len(lines[-1]) + 1)
    return Detail(f"this is no valid TOML: {what[:1].lower()}{what[1:]}", line, column, shown_line(text, line), file=file)


def _reason(kind: str, message: str, value: object) -> str:
    if kind == "value_error":
        return message.removeprefix("Value error, ")
    if kind == "missing":
        return "it must be given"
    allowed = message.removeprefix("Input should be ").split(", unable to", 1)[0]
    allowed = "a table" if _INSTANCE.fullmatch(allowed) else _IN_PLAIN_WORDS.get(allowed, allowed)
    shown = repr(value) if isinstance(value, str | int | float | bool) else _TOML_NAMES.get(type(value).__name__, type(value).__name__)
    return f"it must be {allowed}, not {shown if len(shown) <= 80 else shown[:79] + '…'}"


def _words(dotted_key: str) -> Key:
    return tuple(tomllib.loads(f"{word} = 0").popitem()[0] for word in _WORD.findall(dotted_key))


def _inside_arrays(path: Key, counts: dict[Key, int], *, opens: bool) -> Key:
    """The path with the place in each array of tables that it goes through; `[[…]]` begins the next place."""
    key: Key = ()
    for position, word in enumerate(path, 1):
        key = (*key, word)
        if opens and position == len(path):
            counts[key] = counts.get(key, -1) + 1
        if key in counts:
            key = (*key, counts[key])
    return key


def _left_open(line: str, quotes: str, brackets: int) -> tuple[str, int]:
    """Which multi-line quotes, and how many brackets, are still open at the end of this line."""
    position = 0
    while True:
        if quotes:
            end = line.find(quotes, position)
            if end < 0:
                return quotes, brackets
            position, quotes = end + 3, ""
        found = _STRING_OR_COMMENT.search(line, position)
        plain = line[position : found.start() if found else len(line)]
        brackets += sum(plain.count(mark) for mark in "[{") - sum(plain.count(mark) for mark in "]}")
        if found is None:
            return "", brackets
        position = found.end()
        if found[0] in ('"""', "'''"):
            quotes = found[0]
