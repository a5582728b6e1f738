"""A task as the JSON that scripts rely on."""

from abathur_tui.domain.clock import iso
from abathur_tui.domain.data import JsonObject
from abathur_tui.domain.ids import ExecutionId, TaskId, execution_text, task_text
from abathur_tui.domain.tasks import Task, TaskError


def task_name(task: int | None) -> str | None:
    """`t12`; None stays None."""
    return None if task is None else task_text(TaskId(task))


def execution_name(execution: int | None) -> str | None:
    """`x12`; None stays None."""
    return None if execution is None else execution_text(ExecutionId(execution))


def task_data(task: Task) -> JsonObject:
    """A task, as lists give it."""
    return {
        "id": task_name(task.id),
        "execution": execution_name(task.execution),
        "parent": task_name(task.parent),
        "kind": str(task.kind),
        "name": task.name,
        "template": task.template,
        "agent": task.agent,
        "status": str(task.status),
        "why": str(task.why),
        "state": task.state.word,
        "progress": task.progress,
        "phase": task.phase,
        "priority": task.priority,
        "attempt": task.attempt,
        "depends_on": [task_name(other) for other in task.depends_on],
        "tags": list(task.tags),
        "created_at": iso(task.created_at),
        "started_at": iso(task.started_at),
        "finished_at": iso(task.finished_at),
        "due_at": iso(task.due_at),
        "error": error_data(task.error),
        "tokens": {"input": task.tokens_input, "output": task.tokens_output},
        "cost_usd": task.cost_usd,
    }


def error_data(error: TaskError | None) -> JsonObject | None:
    """Why it did not succeed; null where it did, or may still."""
    return None if error is None else {"code": error.code, "message": error.message}
