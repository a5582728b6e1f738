"""Why an action would change nothing of some tasks, as a sentence."""

from collections.abc import Sequence

from abathur_tui.domain.ids import TaskId, task_text
from abathur_tui.domain.status import ENDED
from abathur_tui.domain.tasks import Task

_NEEDS_LIFE = {"task.cancel": "cancelled", "task.pause": "paused", "task.higher": "given another priority", "task.lower": "given another priority"}


def why_not(name: str, tasks: Sequence[Task]) -> str:
    """The reason; empty where there are no tasks, or no reason is known."""
    if not tasks:
        return ""
    who = task_text(TaskId(tasks[0].id)) if len(tasks) == 1 else f"none of these {len(tasks):,} tasks"
    word = tasks[0].state.word
    if name in _NEEDS_LIFE and all(task.status in ENDED for task in tasks):
        how = _NEEDS_LIFE[name]
        return f"{who} cannot be {how}: it has ended ({word})" if len(tasks) == 1 else f"{who} can be {how}: all have ended"
    if name == "task.retry":
        return f"{who} cannot be retried: it is {word}" if len(tasks) == 1 else f"{who} can be retried: none has failed or was cancelled"
    if name == "task.clear":
        return f"{who} is no dead letter" if len(tasks) == 1 else f"{who} is a dead letter"
    if name == "task.answer":
        return f"{who} asks nothing" if len(tasks) == 1 else f"{who} asks anything"
    return ""
