"""Waiting for other tasks to end: a loop for its pass."""

import asyncio
from collections.abc import Callable, Iterable

from abathur_tui.domain.status import ENDED
from abathur_tui.domain.tasks import Task


class Endings:
    """Who waits for which task. The engine looks at those tasks whenever the database has changed."""

    def __init__(self, look_again: Callable[[], None]) -> None:
        """Nobody waits. `look_again` is called when somebody does: the task may have ended before."""
        self._look_again = look_again
        self._waiting: dict[int, asyncio.Future[Task]] = {}

    @property
    def awaited(self) -> list[int]:
        """The tasks that somebody waits for."""
        return list(self._waiting)

    async def ended(self, task: int) -> Task:
        """The task, once it has ended. One waiter per task: each pass has one loop."""
        future = self._waiting.setdefault(task, asyncio.get_running_loop().create_future())
        self._look_again()
        try:
            return await future
        finally:
            self._waiting.pop(task, None)

    def looked(self, tasks: Iterable[Task]) -> None:
        """How these tasks stand now."""
        for task in tasks:
            future = self._waiting.get(task.id)
            if future is not None and task.status in ENDED and not future.done():
                future.set_result(task)
