"""Dead letters: looked at, tried again, or left."""

from collections.abc import Callable, Sequence
from dataclasses import replace
from sqlite3 import Connection
from typing import TYPE_CHECKING, Concatenate, ParamSpec

from abathur_tui.domain.clock import Clock
from abathur_tui.domain.filters import TaskFilter
from abathur_tui.domain.leases import Changed
from abathur_tui.domain.tasks import Task
from abathur_tui.storage import queue, views

if TYPE_CHECKING:
    from abathur_tui.project.project import Project

P = ParamSpec("P")

_PART = 200
"""Tasks that one transaction changes, so that nobody else has to wait long."""


class DeadLetters:
    """Tasks that failed for good."""

    def __init__(self, project: "Project", clock: Clock) -> None:
        """`Project.dead_letters` makes it."""
        self._project = project
        self._clock = clock

    async def waiting(self, filter: TaskFilter | None = None, *, limit: int = 50) -> list[Task]:
        """Those that wait for a decision and that the filter lets through, the most urgent first."""
        return await self._project.database.read(views.tasks, _undecided(filter), limit, 0, self._clock.now())

    async def ids(self, filter: TaskFilter | None = None) -> Sequence[int]:
        """All of those."""
        return await self._project.database.read(views.task_ids, _undecided(filter), self._clock.now())

    async def retry(self, tasks: Sequence[int]) -> Sequence[Changed]:
        """Put them back into the queue, also those that were cleared; what failed because of them comes back with them."""
        return await self._in_parts(tasks, queue.retry_dead_letters, self._project.actor, self._clock.now())

    async def clear(self, tasks: Sequence[int], *, reason: str = "") -> Sequence[Changed]:
        """Leave them as they are: they wait for no decision any more, and all that is known of them stays."""
        return await self._in_parts(tasks, queue.clear_dead_letters, self._project.actor, reason, self._clock.now())

    async def _in_parts(
        self, tasks: Sequence[int], change: Callable[Concatenate[Connection, Sequence[int], P], Sequence[Changed]], *args: P.args, **kwargs: P.kwargs
    ) -> Sequence[Changed]:
        answers: dict[int, Changed] = {}
        for start in range(0, len(tasks), _PART):
            part = tasks[start : start + _PART]
            answers |= {one.id: one for one in await self._project.database.write(change, part, *args, **kwargs)}
        return tuple(answers.values())


def _undecided(filter: TaskFilter | None) -> TaskFilter:
    return replace(filter or TaskFilter(), undecided=True)
