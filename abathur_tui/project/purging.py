"""Purging: the content of executions that have ended goes, and its hashes stay, so that the audit still verifies."""

from collections.abc import Sequence
from dataclasses import dataclass
from sqlite3 import Connection
from typing import TYPE_CHECKING

from abathur_tui.domain.clock import Clock
from abathur_tui.domain.filters import TaskFilter
from abathur_tui.engine.tidying import purge
from abathur_tui.storage import retention, views

if TYPE_CHECKING:
    from abathur_tui.project.project import Project


@dataclass(frozen=True, slots=True)
class Purgeable:
    """What a purge would take."""

    executions: tuple[int, ...]
    """The oldest first."""
    kept: int
    """Executions that it would leave: they have not ended, are not meant, or others wait for their results."""
    partly: tuple[int, ...] = ()
    """Those of them that have ended and hold tasks that the filter lets through, beside others."""
    waited_for: tuple[int, ...] = ()
    """Those of them that have ended and are meant, and whose results tasks of other executions are still to get."""


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
        """Executions that have ended (before a Unix time), and whose root task, or all of whose tasks, the filter lets through."""
        return await self._project.read(_look, before, filter, self._clock.now())

    async def purge(self, executions: tuple[int, ...]) -> Purged:
        """Take the content of these away; those that were purged before stay so.

        Raises ChangeRefused where one has not ended, or a task of another one that has not gets a result of it.
        """
        collected = await purge(self._project.database, executions, self._project.actor, self._clock.now())
        return Purged(executions, collected.texts, collected.bytes)


def _look(c: Connection, before: float | None, filter: TaskFilter | None, now: float) -> Purgeable:
    meant: list[int] = []
    partly: list[int] = []
    waited_for: list[int] = []
    like = None if filter is None else _Ids(views.task_ids(c, filter, now))
    for one in retention.purgeable(c):
        if before is not None and one.ended_at >= before:
            continue
        tasks = [True] if like is None or one.root in like else [task in like for task in retention.asked_for(c, one.id)]
        if tasks and all(tasks):
            (waited_for if one.waited_for else meant).append(one.id)
        elif any(tasks):
            partly.append(one.id)
    return Purgeable(tuple(meant), retention.kept_executions(c) - len(meant), tuple(partly), tuple(waited_for))


class _Ids:
    """A set of ids, a bit for each up to the highest: there may be millions of them."""

    def __init__(self, ids: Sequence[int]) -> None:
        self._bits = bytearray((max(ids, default=0) >> 3) + 1)
        for id in ids:
            self._bits[id >> 3] |= 1 << (id & 7)

    def __contains__(self, id: int) -> bool:
        return id >> 3 < len(self._bits) and bool(self._bits[id >> 3] & 1 << (id & 7))
