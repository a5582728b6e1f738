"""Waiting for the end of tasks."""

import asyncio
from collections.abc import Sequence

from abathur_tui.domain.clock import Clock
from abathur_tui.domain.status import ENDED, Status
from abathur_tui.project.following import POLL_SECONDS, changes
from abathur_tui.project.patience import Patience
from abathur_tui.storage import Database, views


async def has_ended(database: Patience, execution: int) -> bool:
    """Whether the last task of an execution has ended."""
    return all(task.status in ENDED for task in await database.read(views.members, execution))


async def until_ended(database: Patience, execution: int) -> None:
    """Waits until the last task of an execution has ended. Raises ProjectGone."""
    async for _ in changes(database):
        if await has_ended(database, execution):
            return


async def last_statuses(database: Database, tasks: Sequence[int], clock: Clock, seconds: float) -> dict[int, Status]:
    """The tasks' last statuses, once all have ended or the time is over."""
    deadline = clock.monotonic() + seconds
    while True:
        statuses = {task.id: task.status for task in await database.read(views.tasks_by_id, tasks)}
        if all(status in ENDED for status in statuses.values()) or clock.monotonic() > deadline:
            return statuses
        await asyncio.sleep(POLL_SECONDS)
