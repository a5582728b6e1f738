"""Domain objects as the text in a column, and back."""

import json
from collections.abc import Iterable
from dataclasses import dataclass, replace
from functools import lru_cache
from sqlite3 import Connection

from abathur_tui.domain.data import JsonObject, JsonValue, content_hash
from abathur_tui.domain.execution import RuntimeChoice
from abathur_tui.domain.loops import LoopSpec
from abathur_tui.domain.plan import Fallback, JoinSpec
from abathur_tui.domain.success import Success
from abathur_tui.domain.tasks import FellBack, TaskError
from abathur_tui.storage.encoding import decoded, encoded
from abathur_tui.storage.sql import named

_SQL = named("content")


RECOVERY = "recover"
"""The actor of what a recovery writes; the law lets nobody else write as one."""
LONG = 1_000_000
"""Characters. What is longer takes a while to be hashed and written."""


@dataclass(frozen=True, slots=True)
class Text:
    """A text as it is stored."""

    body: str
    hash: str


def text_of(text: str) -> Text:
    """What `keep` stores, for whoever has the time to hash it before the transaction."""
    body = clean(text)
    return Text(body, content_hash(body))


def keep(c: Connection, text: str | Text) -> str:
    """Store a text once; gives its hash."""
    kept = text_of(text) if isinstance(text, str) else text
    long = len(kept.body) > LONG
    if long and c.execute(_SQL["is_kept"], (kept.hash,)).fetchone() is not None:
        return kept.hash
    c.execute(_SQL["keep"], (kept.hash, kept.body))
    if long:
        c.execute(_SQL["keep"], (kept.hash, ""))  # changes nothing; but a statement holds on to what it was given last
    return kept.hash


def keep_all(c: Connection, texts: Iterable[str]) -> dict[str, str]:
    """Store texts once each; text to hash."""
    cleaned = {text: clean(text) for text in texts}
    hashes = {text: content_hash(as_kept) for text, as_kept in cleaned.items()}
    c.executemany(_SQL["keep"], [(hashes[text], as_kept) for text, as_kept in cleaned.items()])
    return hashes


def kept(c: Connection, hash: str | None) -> str | None:
    """The text of a hash; None where there is no hash, or the text was purged."""
    if hash is None:
        return None
    row = c.execute(_SQL["kept"], (hash,)).fetchone()
    return None if row is None else row[0]


def parameters_of(c: Connection, hash: str, given: str | None) -> JsonObject:
    """A task's parameters, by the columns `parameters` and `given` of its spec; empty where they were purged."""
    return json_object(given or kept(c, hash) or "{}")


def clean(text: str) -> str:
    """The text with lone surrogates, which UTF-8 cannot write, replaced."""
    return text if text.isascii() else text.encode("utf-8", "replace").decode("utf-8")


def json_object(text: str) -> JsonObject:
    """The object that a column holds. Raises ValueError where it is something else."""
    value = json_value(text)
    if not isinstance(value, dict):
        raise ValueError(f"not an object: {text[:80]!r}")
    return value


def object_as_far_as_readable(text: str) -> JsonObject:
    """The same for who only looks, which nothing that is unreadable may keep from seeing all else: an empty one then."""
    try:
        return json_object(text)
    except ValueError:
        return {}


def json_value(text: str) -> JsonValue:
    """The JSON that a column holds. Raises ValueError where it is none."""
    try:
        value: JsonValue = json.loads(text)
    except RecursionError as error:
        raise ValueError(f"too deep: {text[:80]!r}") from error
    return value


@lru_cache(maxsize=256)
def tags_of(text: str) -> tuple[str, ...]:
    """A task's tags; none where they cannot be read: nothing is done by them."""
    try:
        return strings(text)
    except ValueError:
        return ()


@lru_cache(maxsize=256)
def strings(text: str) -> tuple[str, ...]:
    """The list of strings that a column holds. Raises ValueError where it is something else."""
    value = json_value(text)
    if not isinstance(value, list) or not all(isinstance(item, str) for item in value):
        raise ValueError(f"not a list of texts: {text[:80]!r}")
    return tuple(str(item) for item in value)


def error_of(code: str | None, message: str | None) -> TaskError | None:
    """The error in two columns; None where there is none."""
    return None if code is None else TaskError(code, message or "")


@lru_cache(maxsize=256)
def runtime_from(text: str, model: str | None = None) -> RuntimeChoice:
    """A runtime's choice, with another model where one is given."""
    choice = decoded(RuntimeChoice, text)
    return choice if model is None else replace(choice, model=model)


@lru_cache(maxsize=256)
def runtime_text(choice: RuntimeChoice) -> str:
    """What `runtime_from` reads."""
    return encoded(choice)


def loop_from(text: str | None) -> LoopSpec | None:
    """A loop's rule."""
    return None if text is None else decoded(LoopSpec, text)


def join_from(text: str | None) -> JoinSpec | None:
    """A join's rule; `lead` and `required` are the plan's names: columns of `specs` and `edges` have the tasks."""
    return None if text is None else decoded(JoinSpec, text)


def success_from(text: str | None) -> Success | None:
    """What a task's result must meet."""
    return None if text is None else decoded(Success, text)


def fallback_text(fallback: Fallback | None) -> str | None:
    """What is done instead of a node, as JSON."""
    return encoded_or_none(fallback)


def fallback_from(text: str | None) -> Fallback | None:
    """What `fallback_text` wrote."""
    return None if text is None else decoded(Fallback, text)


def fell_back_from(detail: JsonObject) -> FellBack | None:
    """Who did a task in its place, by the task's detail; None where it needed nobody."""
    match detail.get("fallback"):
        case {"task": int(task), "template": str(template), "because": str(because)}:
            return FellBack(task, template, because)
        case _:
            return None


def encoded_or_none(value: object) -> str | None:
    """JSON of a dataclass; None stays None."""
    return None if value is None else encoded(value)
