"""A task's details as lines of text: conversation, events, and all of it as it is kept."""

import json
import re
import time
from collections.abc import Iterator

from abathur_tui.domain.clock import iso
from abathur_tui.domain.data import JsonObject, JsonValue
from abathur_tui.domain.ids import AgentId, ExecutionId, TaskId, agent_text, execution_text, task_text
from abathur_tui.domain.joins import JoinReport
from abathur_tui.domain.journal import LoopSeries
from abathur_tui.domain.safe_text import safe, safe_line
from abathur_tui.domain.tasks import Task, TaskDetail, ToolCall
from abathur_tui.project import ExecutionResult
from abathur_tui.screen import figures
from abathur_tui.screen.panes.queue_rows import cost_text
from abathur_tui.screen.roles import Line, Role, Span, fit

_TOOL_SHAPES = {"done": ("✓", Role.DONE), "error": ("✗", Role.FAILED), "unknown": ("?", Role.PERSON), "intended": ("▶", Role.RUNNING)}
_MOST_TOOL_LINES = 12
_UNSAID = frozenset({"version", "engine"})
"""Details of events that only a program wants to know; `abathur audit` has them."""
_HASH = re.compile(r"\b([0-9a-f]{8})[0-9a-f]{56}\b")


def summary(task: Task, now: float, loop: LoopSeries | None = None) -> Line:
    """What the screen's head says: state, id, name, and the figures; `loop`: that of the task, where it is one."""
    state = task.state
    seconds = (task.finished_at or now) - task.started_at if task.started_at is not None else None
    spans = [
        Span(f" {state.shape} {state.word}", Role(state.role)),
        Span(f"  {task_text(TaskId(task.id))} ", Role.DIM),
        Span(safe_line(task.name), Role.STRONG),
    ]
    facts = [
        execution_text(ExecutionId(task.execution)),
        *([safe_line(task.agent)] if task.agent else []),
        f"priority {task.priority}",
        *([f"attempt {task.attempt}"] if task.attempt > 1 else []),
        *([figures.duration(seconds)] if seconds is not None else []),
        *([f"{figures.tokens(task.tokens_input)} in, {figures.tokens(task.tokens_output)} out"] if task.tokens_input or task.tokens_output else []),
        *([f"${cost}"] if (cost := cost_text(task, loop)) != "–" else []),
    ]
    return [*spans, Span("   " + " · ".join(facts), Role.DIM)]


def result_text(detail: TaskDetail) -> str:
    """What the result tab shows, as Markdown: the result, else how far it is. Foreign text."""
    if detail.purged_at is not None:
        return f"*Its content was purged on {time.strftime('%Y-%m-%d', time.localtime(detail.purged_at))}.*"
    if detail.result is not None:
        return safe(detail.result)
    task = detail.task
    if task.error is not None:
        lines = [f"**{safe_line(task.error.code)}**", "", _literal(safe(task.error.message))]
        if detail.partial:
            lines += ["", "What its agent had said:", "", safe(detail.partial)]
        return "\n".join(lines)
    return safe(detail.partial)


def conversation(detail: TaskDetail) -> Iterator[Line]:
    """Prompt, turns and tool calls, in order; of a join, who contributed what."""
    if detail.join is not None:
        yield from _joined(detail.join)
        return
    if detail.purged_at is not None:
        yield [Span("Its content was purged.", Role.DIM)]
        return
    yield [Span("prompt", Role.ACCENT)]
    yield from _text(detail.prompt, Role.INK)
    for turn in detail.turns:
        yield []
        cost = "" if turn.cost_usd is None else f" · ${figures.money(turn.cost_usd)}"
        usage = f"{figures.tokens(turn.tokens_input)} in · {figures.tokens(turn.tokens_output)} out{cost}"
        partial = "" if turn.stop_reason else " · broken off"
        yield [
            Span(f"turn {turn.number}", Role.ACCENT),
            Span(f"  {figures.clock(turn.ended_at)} · {safe_line(turn.model)} · {usage}{partial}", Role.DIM),
        ]
        yield from _text(turn.text, Role.INK)
        for call in turn.tool_calls:
            yield from _tool(call)
    if detail.partial and detail.result is None:
        yield []
        yield [Span("now", Role.ACCENT)]
        yield from _text(detail.partial, Role.INK)


def events(detail: TaskDetail) -> Iterator[Line]:
    """What happened to it, and who did it."""
    for event in detail.events:
        agent = agent_text(AgentId(event.agent)) if event.agent is not None else ""
        who = event.actor if agent in ("", event.actor) else f"{event.actor} {agent}"
        yield [
            Span(figures.date_and_clock(event.at), Role.DIM),
            Span(f"  {fit(safe_line(event.action), 19)}"),
            Span(f" {fit(safe_line(who), 12)}", Role.ACCENT),
            Span(f" {safe_line(_facts(event.detail))}", Role.DIM),
        ]


def raw(detail: TaskDetail, whole: ExecutionResult | None = None) -> Iterator[Line]:
    """Everything else that is kept, by name; `whole`: what its execution has come to, where that is its own result."""
    task = detail.task
    if whole is not None:
        yield [Span("the execution", Role.ACCENT)]
        yield from _whole(whole)
        yield []
    facts: dict[str, JsonValue] = {
        "id": task_text(TaskId(task.id)),
        "execution": execution_text(ExecutionId(task.execution)),
        "parent": task_text(TaskId(task.parent)) if task.parent is not None else None,
        "kind": str(task.kind),
        "template": f"{task.template}@{task.template_version}" if task.template else None,
        "agent": task.agent,
        "status": str(task.status),
        "why": task.why,
        "priority": task.priority,
        "depends on": ", ".join(task_text(TaskId(other)) for other in task.depends_on),
        "tags": ", ".join(task.tags),
        "created": iso(task.created_at),
        "started": iso(task.started_at),
        "finished": iso(task.finished_at),
        "error": f"{task.error.code}: {task.error.message}" if task.error else None,
        "instance": f"{task.instance} of {task.instances}" if task.instances > 1 else None,
        "quality": "; ".join(detail.quality.told) if detail.quality else None,
    }
    for name, value in facts.items():
        if value not in (None, ""):
            yield [Span(f"{name:<12}", Role.DIM), Span(safe_line(str(value)))]
    for attempt in detail.attempts:
        error = f" {attempt.error.code} {attempt.error.message}" if attempt.error else ""
        when = f"{figures.date_and_clock(attempt.started_at)} {attempt.outcome}"
        yield [Span(f"attempt {attempt.number:<4}", Role.DIM), Span(safe_line(when + error))]
    yield []
    yield [Span("parameters", Role.ACCENT)]
    yield from _text(json.dumps(detail.parameters, indent=2, ensure_ascii=False), Role.INK)


def _whole(whole: ExecutionResult) -> Iterator[Line]:
    cost = "not known" if whole.cost_usd is None else f"${figures.money(whole.cost_usd)}"
    facts = {
        "summary": whole.summary,
        "conflicts": "; ".join(f"{one.where}, settled by {one.rule or 'nobody'}" for report in whole.reports.values() for one in report.conflicts),
        "tokens": f"{whole.tokens_input:,} in, {whole.tokens_output:,} out",
        "cost": cost,
        "wall time": figures.duration(whole.seconds),
        "longest": " → ".join(task_text(TaskId(task)) for task in whole.critical_path),
    }
    for name, value in facts.items():
        if value:
            yield [Span(f"{name:<12}", Role.DIM), Span(safe_line(value))]
    for member, said in whole.contributions.items():
        yield [Span(f"{task_text(TaskId(member)):<12}", Role.DIM), Span(safe_line(said))]


def plain(lines: Iterator[Line]) -> str:
    """Lines as text, for the clipboard."""
    return "\n".join("".join(span.text for span in line) for line in lines)


def _joined(report: JoinReport) -> Iterator[Line]:
    yield [Span(f"joined by {report.strategy}", Role.ACCENT), Span(f"  {safe_line(report.account)}", Role.INK)]
    for one in report.contributions:
        mark = Span("  ✓ ", Role.DONE) if one.used else Span("  · ", Role.DIM)
        yield [mark, Span(task_text(TaskId(one.task))), Span(f"  {safe_line(one.note)}")]
    if report.conflicts:
        yield []
        yield [Span("contradictions", Role.ACCENT)]
    for conflict in report.conflicts:
        yield [Span(f"  {safe_line(conflict.where)}", Role.STRONG)]
        for stand in conflict.stands:
            who = ", ".join(task_text(TaskId(task)) for task in stand.tasks)
            yield [Span(f"      {safe_line(_value(stand.value))}"), Span(f"  {who}", Role.DIM)]
        if conflict.rule:
            yield [Span(f"      settled by {safe_line(conflict.rule)}: {safe_line(conflict.reason)}", Role.DIM)]


def _tool(call: ToolCall) -> Iterator[Line]:
    shape, role = _TOOL_SHAPES.get(call.status, ("·", Role.DIM))
    arguments = ", ".join(f"{key}={_value(value)}" for key, value in call.arguments.items())
    outcome = f"  {safe_line(call.summary)}" if call.summary else ""
    yield [Span(f"  {shape} ", role), Span(safe_line(call.tool), Role.RUNNING), Span(f"({safe_line(arguments)})"), Span(outcome, Role.DIM)]
    lines = call.text.splitlines()
    for text in lines[:_MOST_TOOL_LINES]:
        yield [Span("      " + safe_line(text), Role.DIM)]
    if len(lines) > _MOST_TOOL_LINES:
        yield [Span(f"      … {len(lines) - _MOST_TOOL_LINES} lines more", Role.DIM)]


def _text(text: str, role: Role) -> Iterator[Line]:
    for line in safe(text).split("\n"):
        yield [Span(line.replace("\t", "    "), role)]


def _facts(detail: JsonObject) -> str:
    """What an event says besides its kind; a body stands there by the beginning of its hash."""
    facts = {key: value for key, value in detail.items() if key not in _UNSAID and value not in (None, "", [], {})}
    before, after = facts.pop("from", None), facts.pop("to", None)
    reason = facts.pop("reason", None)
    change = f"{before} → {after}" if before and after else f"{after}" if after else ""
    rest = ", ".join(f"{key} {_short_hashes(_value(value))}" for key, value in facts.items())
    return "  ".join(part for part in (change, str(reason) if reason else "", rest) if part)


def _short_hashes(text: str) -> str:
    return _HASH.sub(r"\1…", text)


def _value(value: JsonValue) -> str:
    return value if isinstance(value, str) else json.dumps(value, ensure_ascii=False)


def _literal(text: str) -> str:
    """Text that Markdown is to show as it is."""
    return "\n".join("    " + line for line in text.split("\n"))
