"""Purging: the content of executions that have ended goes, and its hashes stay, so that the audit still verifies."""

import asyncio
from dataclasses import dataclass
from typing import TYPE_CHECKING

from abathur_tui.domain.clock import Clock
from abathur_tui.domain.filters import TaskFilter
from abathur_tui.engine.tidying import purge
from abathur_tui.project.filtering import filtered
from abathur_tui.storage import retention

if TYPE_CHECKING:
    from abathur_tui.project.project import Project

_ALL = 2**62


@dataclass(frozen=True, slots=True)
class Purgeable:
    """What a purge would take."""

    executions: tuple[int, ...]
    """The oldest first."""
    kept: int
    """Executions that it would leave: they have not ended, or are not meant."""


@dataclass(frozen=True, slots=True)
class Purged:
    """What a purge took."""

    executions: tuple[int, ...]
    texts: int
    """Prompts, outputs, results and messages that nothing else names."""
    bytes: int


class Purging:
    """Takes the content of executions away."""

    def __init__(self, project: "Project", clock: Clock) -> None:
        """For an open project."""
        self._project = project
        self._clock = clock

    async def look(self, *, before: float | None = None, filter: TaskFilter | None = None) -> Purgeable:
        """Executions that have ended (before a Unix time), and whose root task the filter lets through."""
        read = self._project.read
        ended, kept = await asyncio.gather(read(retention.purgeable), read(retention.kept_executions))
        found = [one for one in ended if before is None or one.ended_at < before]
        if filter is not None:
            roots = {task.id for task in await read(filtered, filter, _ALL, 0, self._clock.now())}
            found = [one for one in found if one.root in roots]
        return Purgeable(tuple(one.id for one in found), kept - len(found))

    async def purge(self, executions: tuple[int, ...]) -> Purged:
        """Take the content of these away; those that were purged before stay so. Raises ChangeRefused where one has not ended."""
        collected = await purge(self._project.database, executions, self._project.actor, self._clock.now())
        return Purged(executions, collected.texts, collected.bytes)
