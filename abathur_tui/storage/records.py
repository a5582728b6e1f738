"""Domain objects as the text in a column, and back."""

import json
from collections.abc import Mapping
from dataclasses import asdict, replace
from sqlite3 import Connection

from abathur_tui.domain.data import JsonObject, JsonValue, canonical, content_hash
from abathur_tui.domain.execution import RuntimeChoice, RuntimeName
from abathur_tui.domain.loops import Direction, LoopSpec, ThresholdCriterion
from abathur_tui.domain.plan import JoinSpec, JoinStrategy
from abathur_tui.domain.tasks import TaskError
from abathur_tui.storage.sql import named

_SQL = named("content")


def keep(c: Connection, text: str) -> str:
    """Store a text once; gives its hash."""
    text = clean(text)
    hash = content_hash(text)
    c.execute(_SQL["keep"], (hash, text))
    return hash


def kept(c: Connection, hash: str | None) -> str | None:
    """The text of a hash; None where there is no hash, or the text was purged."""
    if hash is None:
        return None
    row = c.execute(_SQL["kept"], (hash,)).fetchone()
    return None if row is None else row[0]


def clean(text: str) -> str:
    """The text with lone surrogates, which UTF-8 cannot write, replaced."""
    return text if text.isascii() else text.encode("utf-8", "replace").decode("utf-8")


def json_object(text: str) -> JsonObject:
    """The object that a column holds. Raises TypeError where it is something else."""
    value: JsonValue = json.loads(text)
    if not isinstance(value, dict):
        raise TypeError(f"not an object: {text[:80]!r}")
    return value


def strings(text: str) -> tuple[str, ...]:
    """The list of strings that a column holds."""
    return tuple(str(item) for item in json.loads(text))


def error_of(code: str | None, message: str | None) -> TaskError | None:
    """The error in two columns; None where there is none."""
    return None if code is None else TaskError(code, message or "")


def runtime_text(choice: RuntimeChoice) -> str:
    """A runtime's choice as JSON."""
    return canonical(asdict(choice))


def runtime_from(text: str, model: str | None = None) -> RuntimeChoice:
    """The choice that `runtime_text` wrote, with another model where one is given."""
    data = json.loads(text)
    choice = RuntimeChoice(
        runtime=RuntimeName(data["runtime"]),
        model=data["model"],
        base_url=data["base_url"],
        key_fingerprint=data["key_fingerprint"],
        argv=tuple(data["argv"]),
        working_folder=data["working_folder"],
        environment=tuple((name, value) for name, value in data["environment"]),
    )
    return choice if model is None else replace(choice, model=model)


def loop_text(spec: LoopSpec | None) -> str | None:
    """A loop's rule as JSON."""
    return None if spec is None else canonical(asdict(spec))


def loop_from(text: str | None) -> LoopSpec | None:
    """The rule that `loop_text` wrote."""
    if text is None:
        return None
    data = json.loads(text)
    criterion = data["criterion"]
    return LoopSpec(
        ThresholdCriterion(criterion["metric"], criterion["target"], Direction(criterion["direction"]), criterion["measure"]),
        data["max_iterations"],
    )


def join_text(spec: JoinSpec | None) -> str | None:
    """A join's rule as JSON; `lead` and `required` keep the plan's names, columns of `specs` and `edges` have the tasks."""
    return None if spec is None else canonical(asdict(spec))


def join_from(text: str | None) -> JoinSpec | None:
    """The rule that `join_text` wrote."""
    if text is None:
        return None
    data = json.loads(text)
    return JoinSpec(JoinStrategy(data["strategy"]), data["success_threshold"], data["lead"], tuple(data["required"]))


def references_text(references: Mapping[str, int]) -> str:
    """JSON Pointer to task, as JSON."""
    return canonical(dict(references))
