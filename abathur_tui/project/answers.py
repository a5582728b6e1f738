"""What the project answers, as the JSON that scripts rely on; the Python interface and `--json` give the same."""

import time
from collections.abc import Mapping, Sequence

from abathur_tui.domain.clock import iso
from abathur_tui.domain.data import JsonObject, JsonValue
from abathur_tui.domain.ids import AgentId, ScheduleId, agent_text, schedule_text
from abathur_tui.domain.joins import JoinReport, Quality
from abathur_tui.domain.leases import Changed, Hold
from abathur_tui.domain.permissions import Permissions
from abathur_tui.domain.plan import Amount, Edge, Fallback, Plan, PlanNode
from abathur_tui.domain.schedules import Schedule
from abathur_tui.domain.status import Status
from abathur_tui.domain.task_data import error_data
from abathur_tui.domain.task_data import execution_name as execution_name
from abathur_tui.domain.task_data import task_data as task_data
from abathur_tui.domain.task_data import task_name as task_name
from abathur_tui.domain.tasks import Attempt, AuditEvent, FellBack, Task, TaskDetail, Turn
from abathur_tui.storage.engines import Trouble

RESTARTS = "The engine died, and its guard is starting it again."


def detail_data(detail: TaskDetail) -> JsonObject:
    """A task with all that belongs to it."""
    return task_data(detail.task) | {
        "prompt": detail.prompt,
        "parameters": detail.parameters,
        "result": detail.result,
        "partial": detail.partial if detail.result is None else "",
        "attempts": [_attempt(attempt) for attempt in detail.attempts],
        "turns": [_turn(turn) for turn in detail.turns],
        "events": [audit_data(event) for event in detail.events],
        "join": None if detail.join is None else report_data(detail.join, detail.task.id),
        "fallback": fell_back_data(detail.fell_back),
        "quality": quality_data(detail.quality),
        "purged_at": iso(detail.purged_at),
        "schedule": schedule_name(detail.schedule),
        "key": detail.key,
    }


def audit_data(event: AuditEvent) -> JsonObject:
    """A row of the audit."""
    return {
        "at": iso(event.at),
        "actor": event.actor,
        "action": event.action,
        "task": task_name(event.task),
        "agent": None if event.agent is None else agent_text(AgentId(event.agent)),
        "execution": execution_name(event.execution),
        "detail": event.detail,
    }


def plan_data(plan: Plan, permissions: Permissions) -> JsonObject:
    """What `plan --json` gives."""
    levels = plan.levels()
    return {
        "nodes": _nodes(plan.nodes, plan.edges),
        "depth": max((node.depth for node in plan.nodes), default=0),
        "width": max(map(len, levels), default=0),
        "order": [list[JsonValue](level) for level in levels],
        "estimate": {
            "seconds": plan.estimate.seconds,
            "tokens": plan.estimate.tokens,
            "cost_usd": plan.estimate.cost_usd,
            "measured": plan.estimate.measured,
            "low": _amount(plan.estimate.low),
            "worst": _amount(plan.estimate.worst),
        },
        "permissions": permissions.data(),
    }


def _nodes(nodes: Sequence[PlanNode], edges: Sequence[Edge]) -> list[JsonValue]:
    needs: dict[str, list[JsonValue]] = {node.id: [] for node in nodes}
    for edge in edges:
        needs[edge.node].append(edge.needs)
    return [
        {
            "id": node.id,
            "name": node.name,
            "template": node.template,
            "version": node.template_version,
            "agent": node.agent,
            "kind": str(node.kind),
            "depth": node.depth,
            "parent": node.parent,
            "depends_on": needs[node.id],
            "priority": node.priority,
            "parameters": node.parameters,
            "results": {reference.pointer: reference.node for reference in node.references},
            "instance": node.instance,
            "instances": node.instances,
            "parallel_because": node.parallel_because,
            "join": None if node.join is None else str(node.join.strategy),
            "in_passes_of": node.in_passes_of,
            "fallback": _fallback(node.fallback),
        }
        for node in nodes
    ]


def _fallback(fallback: Fallback | None) -> JsonObject | None:
    """What would be done instead; of several tasks, these."""
    if fallback is None:
        return None
    nodes = [] if fallback.body is None else _nodes(fallback.body.nodes, fallback.body.edges)
    return {"template": fallback.template, "version": fallback.version, "agent": fallback.agent, "nodes": nodes}


def _amount(amount: Amount) -> JsonObject:
    return {"seconds": amount.seconds, "tokens": amount.tokens, "cost_usd": amount.cost_usd}


def member_data(task: Task, worked: float | None = None) -> JsonObject:
    """What a task contributed to its execution. `worked`: how long it was worked at, where that is not all of the time since it was begun."""
    return {
        "task": task_name(task.id),
        "name": task.name,
        "instance": task.instance,
        "status": str(task.status),
        "error": error_data(task.error),
        "seconds": _seconds(task.started_at, task.finished_at) if worked is None or task.finished_at is None else round(max(0.0, worked), 3),
        "tokens": {"input": task.tokens_input, "output": task.tokens_output},
        "cost_usd": task.cost_usd,
    }


def quality_data(quality: Quality | None) -> JsonObject:
    """How good a result is; null where nobody judged."""
    return {"score": None, "confidence": None, "criteria": []} if quality is None else quality.data()


def fell_back_data(fell_back: FellBack | None) -> JsonObject | None:
    """Who did a task in its place."""
    return None if fell_back is None else {"task": task_name(fell_back.task), "template": fell_back.template, "because": fell_back.because}


def report_data(report: JoinReport, join: int) -> JsonObject:
    """How a join came to its result."""
    return {
        "strategy": str(report.strategy),
        "account": report.account,
        "quality": quality_data(report.quality),
        "missing": list(report.missing),
        "contributions": [{"task": task_name(one.task), "used": one.used, "note": one.note} for one in report.contributions],
        "conflicts": conflicts_data(report, join),
    }


def conflicts_data(report: JoinReport, join: int) -> list[JsonValue]:
    """Where a join's members contradicted each other, and how that was settled."""
    told: list[JsonValue] = []
    for conflict in report.conflicts:
        values: list[JsonValue] = [{"value": stand.value, "members": [task_name(task) for task in stand.tasks]} for stand in conflict.stands]
        told.append({**conflict.data(), "values": values, "join": task_name(join)})
    return told


def changed_data(changes: Sequence[Changed]) -> list[JsonValue]:
    """What became of each task that was asked to change."""
    return [_changed(change) for change in changes]


def counts_data(counts: Mapping[Status, int]) -> JsonObject:
    """Tasks per status, every status there."""
    return {str(status): counts.get(status, 0) for status in Status}


def schedule_name(schedule: int | None) -> str | None:
    """`s12`; None stays None."""
    return None if schedule is None else schedule_text(ScheduleId(schedule))


def schedule_data(schedule: Schedule) -> JsonObject:
    """A recurring task, as lists give it."""
    return {
        "id": schedule_name(schedule.id),
        "name": schedule.name,
        "cron": schedule.recurrence.cron,
        "timezone": schedule.recurrence.timezone,
        "state": schedule.state.value,
        "next_at": iso(schedule.next_at),
        "last_at": iso(schedule.last_at),
        "last_execution": execution_name(schedule.last_execution),
        "runs": schedule.runs,
        "skipped": schedule.skipped,
        "error": schedule.error or None,
        "created_at": iso(schedule.created_at),
        "by": schedule.actor,
    }


def hold_data(hold: Hold | None) -> JsonObject | None:
    """Why nothing is claimed; null where claiming goes on."""
    return None if hold is None else {"why": hold.why.value, "until": iso(hold.until), "since": iso(hold.since), "by": hold.actor}


def hold_alert(hold: Hold) -> JsonObject:
    """That nothing is claimed, as an alert."""
    return {"kind": "queue", "message": hold_text(hold), "since": iso(hold.since)}


def restart_alert(since: float) -> JsonObject:
    """That an engine died and its guard starts another one, as an alert."""
    return {"kind": "engine", "message": RESTARTS, "since": iso(since)}


def trouble_text(trouble: Trouble) -> str:
    """What the engine waits for."""
    return f"The engine waits: {trouble.message} [{trouble.code}] It goes on by itself when that is over."


def trouble_alert(trouble: Trouble) -> JsonObject:
    """The same as an alert."""
    return {"kind": "storage", "code": trouble.code, "message": trouble_text(trouble)}


def hold_text(hold: Hold) -> str:
    """That nothing is claimed, and what ends it."""
    if hold.until is not None:
        return f"It is a quiet time until {time.strftime('%a %H:%M', time.localtime(hold.until))}: nothing new starts."
    return "The queue is paused: nothing new starts until `abathur task resume --all`."


def _changed(change: Changed) -> JsonObject:
    answer: JsonObject = {"id": task_name(change.id), "status": None if change.status is None else str(change.status)}
    return answer | change.error.data() if change.error else answer


def _attempt(attempt: Attempt) -> JsonObject:
    return {
        "number": attempt.number,
        "agent": None if attempt.agent is None else agent_text(AgentId(attempt.agent)),
        "started_at": iso(attempt.started_at),
        "ended_at": iso(attempt.ended_at),
        "outcome": attempt.outcome,
        "error": error_data(attempt.error),
    }


def _turn(turn: Turn) -> JsonObject:
    return {
        "number": turn.number,
        "attempt": turn.attempt,
        "text": turn.text,
        "model": turn.model,
        "stop_reason": turn.stop_reason,
        "tokens": {"input": turn.tokens_input, "output": turn.tokens_output},
        "cost_usd": turn.cost_usd,
        "started_at": iso(turn.started_at),
        "ended_at": iso(turn.ended_at),
        "tool_calls": [
            {
                "id": call.id,
                "tool": call.tool,
                "arguments": call.arguments,
                "status": call.status,
                "text": call.text,
                "started_at": iso(call.started_at),
                "ended_at": iso(call.ended_at),
            }
            for call in turn.tool_calls
        ],
    }


def _seconds(start: float | None, end: float | None) -> float | None:
    return None if start is None or end is None else round(max(0.0, end - start), 3)
