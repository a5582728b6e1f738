"""Tasks, as people read them on the command line."""

import json
import sys
import time
from collections.abc import Sequence

from abathur_tui.cli import output
from abathur_tui.domain.data import JsonValue
from abathur_tui.domain.joins import JoinReport
from abathur_tui.domain.status import ENDED, Status, Why
from abathur_tui.domain.tasks import Task, TaskDetail
from abathur_tui.project.answers import execution_name, schedule_name, task_name


def task_table(tasks: Sequence[Task], now: float) -> None:
    """Print tasks as a table."""
    header = ("ID", "STATE", "PRI", "AGE", "TOKENS", "COST", "AGENT", "NAME")
    output.table(header, [_row(task, now) for task in tasks], right=frozenset({2, 3, 4, 5}))


def detail_lines(detail: TaskDetail, now: float, *, everything: bool) -> list[str]:
    """All that there is to say of a task."""
    task = detail.task
    rows = [
        ("task", f"{task_name(task.id)} of {execution_name(task.execution)}" + (f", inside {task_name(task.parent)}" if task.parent else "")),
        ("name", task.name),
        ("state", _state(task) + _progress(task) + _why(task)),
        ("kind", str(task.kind) + (f", template {task.template} {task.template_version or ''}".rstrip() if task.template else "")),
        ("agent", task.agent or ""),
        ("priority", str(task.priority)),
        ("needs", " ".join(str(task_name(other)) for other in task.depends_on)),
        ("schedule", str(schedule_name(detail.schedule) or "")),
        ("key", detail.key or ""),
        ("tags", " ".join(task.tags)),
        ("age", duration(now - task.created_at)),
        ("took", duration(task.finished_at - task.started_at) if task.finished_at and task.started_at else ""),
        ("attempts", str(task.attempt) if task.attempt else ""),
        ("tokens", f"{task.tokens_input:,} in, {task.tokens_output:,} out, {cost(task.cost_usd)}" if task.tokens_input or task.tokens_output else ""),
        ("joined", detail.join.account if detail.join else ""),
        *(("quality" if number == 0 else " ", line) for number, line in enumerate(detail.quality.told if detail.quality else ())),
        ("fallback", f"{task_name(detail.fell_back.task)}, because: {detail.fell_back.because}" if detail.fell_back else ""),
        ("error", f"{task.error.message} [{task.error.code}]" if task.error else ""),
        ("purged", f"on {day(detail.purged_at)}: what it was asked and said is gone" if detail.purged_at is not None else ""),
    ]
    lines = [f"{name:<10}{value}" for name, value in rows if value]
    for attempt in detail.attempts if len(detail.attempts) > 1 or everything else ():
        reason = f": {attempt.error.message} [{attempt.error.code}]" if attempt.error else ""
        lines.append(f"{'attempt':<10}{attempt.number} {attempt.outcome}{reason}")
    if detail.purged_at is None:
        lines += _joined(detail.join) if detail.join else section("Prompt", detail.prompt)
    if everything:
        for turn in detail.turns:
            lines += section(f"Turn {turn.number} ({turn.model})", turn.text)
            lines += [f"  {call.tool} {json.dumps(call.arguments, ensure_ascii=False)}: {call.summary or call.status}" for call in turn.tool_calls]
        lines += ["", "Events"] + [f"  {event.action} by {event.actor}  {json.dumps(event.detail, ensure_ascii=False)}" for event in detail.events]
    if detail.result is not None:
        lines += section("Result", detail.result)
    elif detail.partial:
        lines += section("Said so far", detail.partial)
    return lines


def _joined(report: JoinReport) -> list[str]:
    """Who contributed what to a join's result, and what contradicted what."""
    lines = ["", "Members"] + [f"  {task_name(one.task)}  {one.note}" for one in report.contributions]
    if report.conflicts:
        lines += ["", "Contradictions"]
    for conflict in report.conflicts:
        stands = "; ".join(f"{_value(stand.value):.60} ({', '.join(str(task_name(task)) for task in stand.tasks)})" for stand in conflict.stands)
        settled = f"; by {conflict.rule}: {conflict.reason}" if conflict.rule else ""
        lines.append(f"  {conflict.where}: {' '.join(stands.split())}{settled}")
    return lines


def duration(seconds: float) -> str:
    """`0.4s`, `12s`, `5m`, `3h`, `2d`."""
    if seconds < 10:
        return f"{max(0.0, seconds):.1f}s"
    for unit, size in (("d", 86_400), ("h", 3600), ("m", 60)):
        if seconds >= 2 * size:
            return f"{seconds / size:.0f}{unit}"
    return f"{seconds:.0f}s"


def day(moment: float) -> str:
    """The day of a Unix time, in local time."""
    return time.strftime("%Y-%m-%d", time.localtime(moment))


def cost(cost_usd: float | None) -> str:
    """`$0.0123`, or `?` where the price is not known."""
    return "?" if cost_usd is None else f"${cost_usd:.4f}" if cost_usd else "$0"


def _row(task: Task, now: float) -> tuple[str, ...]:
    tokens = task.tokens_input + task.tokens_output
    return (
        str(task_name(task.id)),
        _state(task) + _progress(task) + _until(task),
        str(task.priority),
        duration(now - task.created_at),
        f"{tokens:,}" if tokens else "",
        cost(task.cost_usd) if tokens else "",
        task.agent or str(task.kind),
        task.name,
    )


def _until(task: Task) -> str:
    """What a task waits for that comes by itself, and when: ` (retry 14:05:10)`; that the whole queue is paused."""
    if task.why == Why.QUEUE:
        return " (queue paused)"
    if task.why in (Why.MEMORY, Why.CPU, Why.ALONE):
        return f" ({task.why})"
    if task.due_at is None or task.status is not Status.PENDING:
        return ""
    moment = time.localtime(task.due_at)
    day = "" if moment[:3] == time.localtime()[:3] else "%Y-%m-%d "
    return f" ({task.why} {time.strftime(f'{day}%H:%M:%S', moment)})"


def _progress(task: Task) -> str:
    """` 40% testing` of a running task whose agent, or loop, has said so."""
    if task.status is not Status.RUNNING or task.progress is None:
        return ""
    return f" {task.progress:.0%} {task.phase}".rstrip()


def _state(task: Task) -> str:
    state = task.state
    return f"{state.shape if output.encodable(state.shape, sys.stdout) else state.ascii} {state.word}"


def _value(value: JsonValue) -> str:
    return value if isinstance(value, str) else json.dumps(value, ensure_ascii=False)


def _why(task: Task) -> str:
    if task.why == Why.ASKS and task.status not in ENDED:
        return f" (`abathur task answer {task_name(task.id)}` shows what, and answers)"
    return f" ({task.why})" if task.why else ""


def section(title: str, text: str) -> list[str]:
    """A text under its title."""
    return ["", title, *(f"  {line}" for line in text.splitlines())]
