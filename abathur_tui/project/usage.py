"""How templates have done in this project, from the tasks that were made of them."""

from collections.abc import Sequence
from dataclasses import dataclass

from abathur_tui.domain.filters import TaskFilter
from abathur_tui.domain.status import ENDED, Status
from abathur_tui.domain.tasks import Task
from abathur_tui.project.project import Project

NEWEST = 1000
"""How many of a template's tasks count: older ones say little about it."""


@dataclass(frozen=True, slots=True)
class Usage:
    """A template's record. None where nothing was measured."""

    uses: int = 0
    success_rate: float | None = None
    """0 to 1, of those that have ended otherwise than by being cancelled."""
    mean_seconds: float | None = None
    """Of those that completed."""
    mean_cost_usd: float | None = None
    """Of those whose price is known."""


async def usage(project: Project, template: str) -> Usage:
    """The record of a template's newest tasks."""
    return usage_of(await project.tasks(TaskFilter(template=template, sort="age", descending=True), limit=NEWEST))


def usage_of(tasks: Sequence[Task]) -> Usage:
    """The record that these tasks make."""
    judged = [task for task in tasks if task.status in ENDED and task.status is not Status.CANCELLED]
    completed = [task for task in judged if task.status is Status.COMPLETED]
    seconds = [task.finished_at - task.started_at for task in completed if task.started_at is not None and task.finished_at is not None]
    costs = [task.cost_usd for task in completed if task.cost_usd is not None]
    return Usage(
        uses=len(tasks),
        success_rate=len(completed) / len(judged) if judged else None,
        mean_seconds=sum(seconds) / len(seconds) if seconds else None,
        mean_cost_usd=sum(costs) / len(costs) if costs else None,
    )
