"""All of one task, for a reader or a worker."""

import json
from sqlite3 import Connection
from typing import Any

from abathur_tui.domain.conversation import message_from_data
from abathur_tui.domain.data import JsonObject, JsonValue
from abathur_tui.domain.errors import NotFound, RowUnreadable
from abathur_tui.domain.joins import quality_from, report_from
from abathur_tui.domain.leases import Input, Work
from abathur_tui.domain.plan import Kind, OnFailure
from abathur_tui.domain.status import Status
from abathur_tui.domain.success import unmet_from
from abathur_tui.domain.tasks import Attempt, AuditEvent, Task, TaskDetail, ToolCall, Turn
from abathur_tui.storage.eras import eras_of_ends
from abathur_tui.storage.queue.once import key_of
from abathur_tui.storage.queue.scheduling import schedule_of
from abathur_tui.storage.records import (
    error_of,
    fallback_from,
    fell_back_from,
    join_from,
    json_object,
    json_value,
    kept,
    loop_from,
    object_as_far_as_readable,
    parameters_of,
    runtime_from,
    success_from,
)
from abathur_tui.storage.sql import named
from abathur_tui.storage.views.tasks import task

_SQL = named("views")

_AUDITED = ("from", "to", "version", "attempt", "engine", "cause", "error", "result", "reason")
"""What an audit event's detail is made of besides the column of that name."""
_ANCESTRY = 20_000
"""Steps that are looked back to find out which results are nearest."""
_EVENTS = 1000
"""Audit rows that a task's detail shows."""


def detail(c: Connection, id: int) -> TaskDetail:
    """A task with all that belongs to it. Raises NotFound."""
    shown = task(c, id)
    spec = _spec(c, id)
    parameters = object_as_far_as_readable(spec["given"] or kept(c, spec["parameters"]) or "{}")
    turns = [(_turn(c, row), row[12]) for row in c.execute(_SQL["turns"], (id,)).fetchall()]
    outcome = result(c, id)
    speaking = "".join(text for (text,) in c.execute(_SQL["speaking"], (id,)))
    said = [turn.text for turn, round in turns if round == spec["round"] and turn.text] + ([speaking] if speaking else [])
    left = object_as_far_as_readable(spec["detail"])
    return TaskDetail(
        task=shown,
        prompt=kept(c, spec["rendered"]) or _subject(parameters),
        parameters=parameters,
        result=outcome,
        partial="\n\n".join(said) if outcome is None else "",
        attempts=tuple(
            Attempt(number, agent, started_at, ended_at, outcome, error_of(code, message))
            for number, agent, started_at, ended_at, outcome, code, message in c.execute(_SQL["attempts"], (id,))
        ),
        turns=tuple(turn for turn, _ in turns),
        events=tuple(audit(c, task=id, limit=_EVENTS)),
        join=report_from(left),
        fell_back=fell_back_from(left),
        quality=quality_from(left),
        purged_at=spec["purged_at"],
        schedule=schedule_of(c, shown.execution),
        key=key_of(c, shown.execution),
    )


def work(c: Connection, id: int) -> Work:
    """All that a worker needs to know of its task. Raises NotFound."""
    shown = task(c, id)
    spec = _spec(c, id)
    references = {pointer: _number(other) for pointer, other in json_object(spec["refs"]).items()}
    return Work(
        task=shown,
        prompt=kept(c, spec["prompt"]) or "",
        parameters=parameters_of(c, spec["parameters"], spec["given"]),
        references=references,
        runtime=runtime_from(spec["runtime"], spec["model"]),
        model=spec["model"],
        timeout_seconds=spec["timeout_seconds"],
        retries=spec["retries"],
        failures=spec["failures"],
        crashes=spec["crashes"],
        on_failure=OnFailure(spec["on_failure"]),
        loop=loop_from(spec["loop_spec"]),
        join=join_from(spec["join_spec"]),
        lead=spec["lead"],
        inputs=_inputs(c, shown),
        depth=spec["depth"],
        pass_number=spec["pass"],
        is_root=bool(spec["is_root"]),
        fallback=fallback_from(spec["fallback"]),
        success=success_from(spec["success"]),
        unmet=unmet_from(json_object(spec["detail"])),
    )


def _inputs(c: Connection, dependent: Task) -> tuple[Input, ...]:
    """What a task depends on, in its order. A join takes all of it alike, so only for others it is asked what is how far away."""
    ended_in = eras_of_ends(c, dependent.depends_on) if dependent.kind is Kind.JOIN else {}
    distances = {} if dependent.kind is Kind.JOIN or len(dependent.depends_on) < 2 else _distances(c, dependent.id)
    return tuple(
        Input(
            task=other,
            name=name,
            status=Status(status),
            result=text,
            error=error_of(code, message),
            required=bool(required),
            instance=instance,
            instances=instances,
            priority=priority,
            finished_at=finished_at,
            era=ended_in.get(other, 0),
            quality=quality,
            kind=Kind(kind),
            distance=distances.get(other, 1),
        )
        for other, name, status, text, code, message, required, instance, instances, priority, finished_at, quality, kind in c.execute(
            _SQL["inputs"], (dependent.id,)
        )
    )


def _distances(c: Connection, id: int) -> dict[int, int]:
    """How many steps away what a task depends on is at most; 1 is left out."""
    built_on: dict[int, list[int]] = {}
    for input, other in c.execute(_SQL["built_on"], {"id": id, "most": _ANCESTRY}):
        built_on.setdefault(other, []).append(input)
    distances: dict[int, int] = {}
    # Each time a step further away; there are no circles, so it ends with the longest way.
    level = set(built_on)
    while level:
        for other in level:
            distances[other] = distances.get(other, 1) + 1
        level = {other for other in level if any(input in level for input in built_on[other])}
    return distances


def result(c: Connection, id: int) -> str | None:
    """A task's result; None while there is none. Raises NotFound where there is no such task."""
    found = c.execute(_SQL["result"], (id,)).fetchone()
    if found is None:
        raise NotFound(f"There is no task t{id}.")
    text: str | None = found[0]
    return text


def said_beside(c: Connection, join: int) -> list[tuple[str, str]]:
    """Name and result of the members of a join that completed, without its lead."""
    found: list[tuple[str, str]] = c.execute(_SQL["said_beside"], {"task": join}).fetchall()
    return found


def audit(
    c: Connection, *, task: int | None = None, execution: int | None = None, agent: int | None = None, since_id: int = 0, limit: int = 1000
) -> list[AuditEvent]:
    """Audit rows after `since_id`, oldest first; a tool call's detail has its arguments, as long as they are kept."""
    of = {"audit_of_task": task, "audit_of_execution": execution, "audit_of_agent": agent}
    query = next((name for name, id in of.items() if id is not None), "audit")
    values = {"task": task, "execution": execution, "agent": agent, "since": since_id, "most": limit}
    rows = c.execute(_SQL[query], values).fetchall()
    return [_event(c, row) for row in rows]


def _spec(c: Connection, id: int) -> dict[str, Any]:
    cursor = c.execute(_SQL["spec"], (id,))
    found = cursor.fetchone()
    if found is None:
        raise RowUnreadable(f"t{id} has no row in specs, or its execution is not there: what it was asked is lost.")
    return dict(zip((column[0] for column in cursor.description), found, strict=True))


def _number(value: JsonValue) -> int:
    if not isinstance(value, int):
        raise ValueError(f"not the number of a task: {value!r:.80}")
    return value


def _turn(c: Connection, row: tuple[Any, ...]) -> Turn:
    id, number, attempt, answer, said, model, stop_reason, tokens_input, tokens_output, cost_usd, started_at, ended_at, _ = row
    text = kept(c, answer)
    return Turn(
        id=id,
        number=number,
        attempt=attempt,
        text=(said or "") if text is None else message_from_data(json.loads(text)).text,
        model=model or "",
        stop_reason=stop_reason,
        tokens_input=tokens_input,
        tokens_output=tokens_output,
        cost_usd=cost_usd,
        started_at=started_at,
        ended_at=ended_at,
        tool_calls=tuple(
            ToolCall(call, tool, object_as_far_as_readable(arguments or "{}"), status, outcome or "", summary, begun, ended)
            for call, tool, arguments, status, outcome, summary, begun, ended in c.execute(_SQL["tool_calls"], (id,))
        ),
    )


def _event(c: Connection, row: tuple[Any, ...]) -> AuditEvent:
    id, at, actor, action, execution, task, agent, *columns, detail = row
    found: JsonObject = {name: value for name, value in zip(_AUDITED, columns, strict=True) if value is not None}
    found |= object_as_far_as_readable(detail)
    if action.startswith("tool."):
        found |= _arguments(c, found)
    return AuditEvent(id, at, actor, action, execution, task, agent, found)


def _arguments(c: Connection, detail: JsonObject) -> JsonObject:
    """A tool call's arguments instead of their hash, as long as they are kept."""
    hash = detail.get("arguments")
    text = kept(c, hash) if isinstance(hash, str) else None
    return {} if text is None else {"arguments": json_value(text)}


def _subject(parameters: JsonObject) -> str:
    """What a task is about before its prompt is rendered: its prompt, or the first text among its parameters."""
    prompt = parameters.get("prompt")
    texts = [prompt] if isinstance(prompt, str) else [value for value in parameters.values() if isinstance(value, str)]
    return texts[0] if texts else ""
