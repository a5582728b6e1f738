"""Several pieces of work in one JSON text: an array, or an object or text a line."""

import json
import time
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field, replace

from abathur_tui.domain.data import JsonObject, JsonValue
from abathur_tui.domain.errors import AbathurError, Detail, DocumentInvalid
from abathur_tui.domain.nearest import nearest
from abathur_tui.domain.plan import Start
from abathur_tui.domain.quantities import LONGEST_SECONDS, moment_of, seconds_of

_COMMON = (
    *("priority", "agent", "model", "timeout", "retries", "on_failure", "expires", "tags", "mode", "join", "parallel"),
    *("budget", "memory", "cpu", "success_criteria", "confidence"),
)
"""What every command takes: handed to the language as it is, which checks it."""
_OTHER_NAMES = {"tag": "tags", "text": "prompt", "param": "params", "parameters": "params"}
_OWN = ("prompt", "template", "params", "id", "after", "ignore_dependency_failure", "at", "in")
_PLACE = frozenset({"line", "column"})
"""What `extract --json` says besides a command's text."""
_RECURRING = ("cron", "timezone")
_MOST_MISTAKES = 100
_LONGEST_SOURCE = 2000
"""Characters of a line that are shown as the source of a mistake."""


@dataclass(frozen=True, slots=True)
class Where:
    """A job's place among the others."""

    name: str
    """`line 3` of JSON lines, `command 2` of an array."""
    line: int | None = None
    text: str = ""
    """That line."""

    def placed(self, detail: Detail) -> Detail:
        """A mistake of the job with its place in the JSON text, where it names no file of its own."""
        if detail.file is not None:
            return detail
        if self.line is None:
            return replace(detail, file=self.name)
        source, column = detail.source, detail.column
        if source is None or column is None:
            return replace(detail, line=self.line, column=None)
        for ascii in (False, True):
            before, marked, rest = (
                json.dumps(part, ensure_ascii=ascii)[1:-1]
                for part in (source[: column - 1], source[column - 1 :][: detail.length], source[column - 1 :][detail.length :])
            )
            start = self.text.find(before + marked + rest)
            if start >= 0 and len(self.text) <= _LONGEST_SOURCE:
                return replace(detail, line=self.line, column=start + len(before) + 1, source=self.text, length=max(1, len(marked)))
        return replace(detail, line=self.line, column=None)


@dataclass(frozen=True, slots=True)
class Job:
    """A piece of work: a text, or a template with its parameters."""

    where: Where
    text: str | None = None
    """ABYSSAL commands, a prompt, or what fills the template's subject."""
    template: str | None = None
    parameters: JsonObject = field(default_factory=dict)
    common: JsonObject = field(default_factory=dict)
    """Parameters that every command takes, by name."""
    id: str | None = None
    after: tuple[str, ...] = ()
    """Ids of other jobs of the text, or tasks (`t12`)."""
    ignore_dependency_failure: bool = False
    start: Start | None = None


class _Wrong(Exception):
    """A job is not as it should be."""

    def __init__(self, message: str, suggestion: str | None = None) -> None:
        super().__init__(message)
        self.suggestion = suggestion


def is_json(text: str) -> bool:
    """Whether a text is meant as JSON; else it is ABYSSAL or a prompt."""
    return text.lstrip("\ufeff \t\r\n").startswith(("[", "{", '"'))


def read_jobs(text: str) -> Iterator[Job | Detail]:
    """The jobs of a JSON text, and at its place each mistake."""
    for where, value in _values(text.lstrip("\ufeff")):
        if isinstance(value, Detail):
            yield value
            continue
        try:
            yield _job(where, value)
        except _Wrong as mistake:
            yield where.placed(Detail(str(mistake), suggestion=mistake.suggestion, code=DocumentInvalid.code))


def invalid(wrong: list[Detail], kind: type[AbathurError] = DocumentInvalid) -> AbathurError:
    """The error that tells all of these mistakes, in the text's order."""
    wrong = sorted(wrong, key=lambda detail: (detail.line or 0, detail.column or 0))
    first, more = wrong[0], len(wrong) - 1
    column = f", column {first.column}" if first.column else ""
    place = f"{first.file}: " if first.file else f"line {first.line}{column}: " if first.line else ""
    return kind(f"{place}{first.message}{f' (and {more} more)' if more else ''}", details=tuple(wrong[:_MOST_MISTAKES]))


def _values(text: str) -> Iterator[tuple[Where, "JsonValue | Detail"]]:
    """Each job's value with its place, or that there is no JSON."""
    whole = text.lstrip()
    if whole.startswith(("[", "{")):
        try:
            value = _loaded(text)
        except json.JSONDecodeError as error:
            if whole.startswith("["):
                yield Where(""), _no_json(error, text, None)
                return
        else:
            yield from ((Where(f"command {number}"), item) for number, item in enumerate(value if isinstance(value, list) else [value], 1))
            return
    for number, line in enumerate(text.split("\n"), 1):
        if line.strip():
            where = Where(f"line {number}", number, line.rstrip("\r"))
            try:
                yield where, _loaded(line)
            except json.JSONDecodeError as error:
                yield where, _no_json(error, line, number)


def _loaded(text: str) -> JsonValue:
    try:
        value: JsonValue = json.loads(text, parse_constant=_no_constant)
    except json.JSONDecodeError:
        raise
    except (ValueError, RecursionError) as error:  # Infinity, a number of 5,000 digits, brackets without end
        raise json.JSONDecodeError(str(error) or "it is nested too deeply", text, 0) from error
    return value


def _no_constant(name: str) -> JsonValue:
    raise ValueError(f"{name} is no JSON")


def _no_json(error: json.JSONDecodeError, text: str, line: int | None) -> Detail:
    found = text.split("\n")[error.lineno - 1].rstrip("\r")[:_LONGEST_SOURCE]
    return Detail(f"this is no JSON: {error.msg}", line or error.lineno, error.colno, found, code=DocumentInvalid.code)


def _job(where: Where, value: JsonValue) -> Job:
    match value:
        case str():
            return Job(where, text=_text("a command", value))
        case dict():
            return _from_object(where, value)
        case _:
            raise _Wrong("a command is a text or an object", '{"prompt": "…"}, or {"template": "CODE", "params": {…}}')


def _from_object(where: Where, value: Mapping[str, JsonValue]) -> Job:
    given = _by_name(value)
    text, template = given.get("prompt"), given.get("template")
    if text is None and template is None:
        raise _Wrong("there is nothing to do", 'give "prompt" or "template"')
    if template is not None and (not isinstance(template, str) or not template.strip()):
        raise _Wrong("`template` takes a name", '"CODE" or "CODE@1.0.0"')
    parameters = _parameters(given.get("params"))
    if parameters and template is None:
        raise _Wrong("`params` belong to a template", "name it as `template`, or write them into the prompt")
    return Job(
        where,
        None if text is None else _text("`prompt`", text),
        template,
        parameters,
        {name: one for name, one in given.items() if name in _COMMON},
        _id(given.get("id")),
        _after(given.get("after")),
        _truth("ignore_dependency_failure", given.get("ignore_dependency_failure", False)),
        _start(given.get("at"), given.get("in"), time.time()),
    )


def _by_name(value: Mapping[str, JsonValue]) -> dict[str, JsonValue]:
    """What the object says, by the names that jobs have."""
    given: dict[str, JsonValue] = {}
    for key, one in value.items():
        plain = key.replace("-", "_")
        name = _OTHER_NAMES.get(plain, plain)
        if name in given:
            raise _Wrong(f"`{name}` is given twice")
        if name in _RECURRING:
            raise _Wrong("a recurring task is not one of several", "`abathur task submit --cron` takes a document of several commands too")
        if name in _PLACE and "text" in value:
            continue
        if name not in _OWN and name not in _COMMON:
            meant = nearest(name, (*_OWN, *_COMMON))
            raise _Wrong(f"there is no `{name}` here", f"did you mean {meant}?" if meant else None)
        if one is not None:
            given[name] = one
    return given


def _id(value: JsonValue) -> str | None:
    if isinstance(value, bool) or not isinstance(value, str | int | type(None)) or value == "":
        raise _Wrong("`id` takes a text")
    return None if value is None else str(value)


def _start(at: JsonValue, in_: JsonValue, now: float) -> Start | None:
    """What `at` (a date and time) or `in` (a duration) says."""
    if at is not None and in_ is not None:
        raise _Wrong("`at` and `in` exclude each other")
    try:
        if isinstance(at, str):
            return Start(moment_of(at), on_the_clock=True)
        if isinstance(in_, str):
            return Start(now + seconds_of(in_), on_the_clock=False)
    except ValueError as error:
        raise _Wrong(str(error)) from error
    if isinstance(in_, int | float) and not isinstance(in_, bool) and 0 <= in_ <= LONGEST_SECONDS:
        return Start(now + in_, on_the_clock=False)
    if at is None and in_ is None:
        return None
    raise _Wrong("`at` takes a date and time, and `in` a duration", 'such as "at": "2026-01-31T18:30" or "in": "2h"')


def _truth(name: str, value: JsonValue) -> bool:
    if not isinstance(value, bool):
        raise _Wrong(f"`{name}` takes true or false")
    return value


def _text(what: str, value: JsonValue) -> str:
    if not isinstance(value, str) or not value.strip():
        raise _Wrong(f"{what} takes a text that is not empty")
    return value


def _parameters(value: JsonValue) -> JsonObject:
    """An object, or `NAME=VALUE` texts as on the command line."""
    if value is None or isinstance(value, dict):
        return value or {}
    pairs = value if isinstance(value, list) else [value]
    parameters: dict[str, JsonValue] = {}
    for pair in pairs:
        name, separator, text = pair.partition("=") if isinstance(pair, str) else ("", "", "")
        if not separator or not name.strip():
            raise _Wrong("`params` takes an object", '{"language": "go"}')
        try:
            parameters[name.strip()] = _loaded(text)
        except json.JSONDecodeError:
            parameters[name.strip()] = text
    return parameters


def _after(value: JsonValue) -> tuple[str, ...]:
    items = [] if value is None else value if isinstance(value, list) else [value]
    if any(isinstance(item, bool) or not isinstance(item, str | int) for item in items):
        raise _Wrong("`after` takes ids", '["a", "b"]')
    return tuple(str(item) for item in items)
