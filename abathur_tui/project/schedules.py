"""Recurring tasks: planned now, submitted by an engine at each of their times."""

import asyncio
from collections.abc import Sequence
from typing import TYPE_CHECKING

from abathur_tui.domain.clock import Clock
from abathur_tui.domain.data import JsonObject
from abathur_tui.domain.errors import ArgumentInvalid, NotFound
from abathur_tui.domain.plan import Plan
from abathur_tui.domain.recurrence import Recurrence, recurrence
from abathur_tui.domain.schedules import Schedule, Scheduled
from abathur_tui.domain.time_zones import machine_zone_name
from abathur_tui.project.wish import Wish
from abathur_tui.storage import queue

if TYPE_CHECKING:
    from abathur_tui.project.project import Project


class Schedules:
    """A project's recurring tasks."""

    def __init__(self, project: "Project", clock: Clock) -> None:
        """`Project.schedules` makes it."""
        self._project = project
        self._clock = clock

    def recurrence(self, cron: str, timezone: str | None = None) -> Recurrence:
        """What a cron expression says, in the zone that it or `timezone` names, else the machine's own. Raises ArgumentInvalid."""
        try:
            return recurrence(cron, timezone, machine_zone_name)
        except ValueError as error:
            raise ArgumentInvalid(f"--cron: {error}.", hint='Write it as "0 7 * * 1-5", or "CRON_TZ=Europe/Berlin 0 7 * * 1-5".') from error

    async def add(self, text: str, when: Recurrence, wish: Wish | None = None) -> Scheduled:
        """Submit ABYSSAL commands or a prompt, as it is planned now, at each time. Raises DocumentInvalid, NoRuntime, ArgumentInvalid."""
        return await self.add_plan(await self._project.plan(text, wish), when, wish)

    async def add_template(self, name: str, parameters: JsonObject, when: Recurrence, wish: Wish | None = None) -> Scheduled:
        """The same with a template and its parameters."""
        plan = await asyncio.to_thread(self._project.workbench.plan_template, name, parameters, wish)
        return await self.add_plan(plan, when, wish)

    async def add_plan(self, plan: Plan, when: Recurrence, wish: Wish | None = None) -> Scheduled:
        """The same with a plan."""
        project = self._project
        options = await asyncio.to_thread(project.workbench.options, plan, wish or Wish(), actor=project.actor)
        name = next(node.name for node in plan.nodes if node.id == plan.root)
        return await project.database.write(queue.add_schedule, name, when, plan, options, self._clock.now())

    async def all(self) -> Sequence[Schedule]:
        """All that were not removed, the oldest first."""
        return await self._project.read(queue.schedules)

    async def one(self, schedule: int) -> Schedule:
        """One of them. Raises NotFound."""
        for found in await self.all():
            if found.id == schedule:
                return found
        raise NotFound(f"There is no schedule s{schedule}.", hint="`abathur task schedule list` shows them.")

    async def pause(self, schedules: Sequence[int]) -> None:
        """Make nothing of these until they are resumed, or of none of them. Raises NotFound, ChangeRefused."""
        await self._project.database.write(queue.pause_schedules, schedules, self._project.actor, self._clock.now())

    async def resume(self, schedules: Sequence[int]) -> None:
        """Let these go on with their next times from now; times that have passed are left out. Raises NotFound, ChangeRefused."""
        await self._project.database.write(queue.resume_schedules, schedules, self._project.actor, self._clock.now())

    async def remove(self, schedules: Sequence[int]) -> None:
        """Make nothing of these any more; what they have made stays. Raises NotFound."""
        await self._project.database.write(queue.remove_schedules, schedules, self._project.actor, self._clock.now())


def next_times(when: Recurrence, now: float, most: int) -> tuple[float, ...]:
    """Its next times."""
    times: list[float] = []
    while len(times) < most and (at := when.after(times[-1] if times else now)) is not None:
        times.append(at)
    return tuple(times)
