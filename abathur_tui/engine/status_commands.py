"""Commands of the user's that run when a task's status has changed.

They run after the change, outside of its transaction, one after the other, in the order of the changes. Each is run at least once for each
change: a place in the audit says how far they have come, and where the engine dies in the middle of one it is run again, three times at most,
so that a command that ends the engine does not do so for ever. What comes of one changes nothing for the task.
"""

import asyncio
import json
import os
from collections.abc import Sequence
from pathlib import Path
from sqlite3 import Connection

from abathur_tui.domain.clock import Clock, iso
from abathur_tui.domain.data import JsonObject
from abathur_tui.domain.errors import AbathurError, CommandFailed
from abathur_tui.domain.status import Status
from abathur_tui.domain.task_data import execution_name, task_data, task_name
from abathur_tui.domain.tasks import Task
from abathur_tui.engine.log import EngineLog
from abathur_tui.engine.patient import PatientDatabase
from abathur_tui.processes import Children
from abathur_tui.settings.model import OnStatus
from abathur_tui.storage import journal, status_commands, views
from abathur_tui.storage.status_commands import Change

_MOST_TRIES = 3
_PAGE = 100
_SAID = 300
_NEVER_PASSED_ON = ("KEY", "TOKEN", "SECRET", "PASSWORD", "CREDENTIAL")


class StatusCommands:
    """One per engine; `run` it beside the work."""

    def __init__(
        self, commands: Sequence[OnStatus], database: PatientDatabase, children: Children, project: Path, clock: Clock, log: EngineLog
    ) -> None:
        """Nothing is looked at yet."""
        self._commands: Sequence[OnStatus] = ()
        self._statuses: frozenset[Status] = frozenset()
        self._begun: bool | None = None
        """Whether the database has a place to go on from; None: nobody knows."""
        self._database = database
        self._children = children
        self._project = project
        self._clock = clock
        self._log = log
        self._wake = asyncio.Event()
        self._stopping = False
        self._failing: set[int] = set()
        """The commands whose last run did not do well, which was told."""
        self.use(commands)

    def use(self, commands: Sequence[OnStatus]) -> None:
        """Run these from now on."""
        self._commands = commands
        self._statuses = frozenset(status for command in commands for status in command.statuses)
        self._failing.clear()
        self._wake.set()

    def changed(self) -> None:
        """Somebody has changed the database."""
        self._wake.set()

    async def begin(self) -> None:
        """See to it that changes from now on are followed, if any are: an engine does that before it claims anything."""
        if self._begun is not bool(self._commands):
            self._begun = bool(self._commands)
            await self._database.write(status_commands.begin if self._begun else status_commands.forget)

    async def run(self) -> None:
        """Until it is cancelled, or told to stop."""
        try:
            while not self._stopping:
                self._wake.clear()
                await self.begin()
                if not self._commands or not await self._look():
                    await self._wake.wait()
        except AbathurError as error:  # the database is gone for good: the engine ends of that itself
            self._log.warning("status_command.lost", error.message, code=error.code)

    async def close(self, running: "asyncio.Task[None]", seconds: float) -> None:
        """Let the command that runs come to its end, if it does so soon; what is left is the next engine's."""
        self._stopping = True
        self._wake.set()
        if running.done():
            return
        await asyncio.wait({running}, timeout=seconds)
        running.cancel()
        await asyncio.wait({running})

    async def _look(self) -> bool:
        """Run what is to be run; whether there may be more."""
        place = await self._database.read(status_commands.place)
        if place is None:
            return False  # an engine on another host has no commands
        found, to = await self._database.read(status_commands.changes, self._statuses, place.audit, _PAGE)
        for change in found:
            if self._stopping:
                return False
            try:
                await self._follow(change)
            except AbathurError:
                raise
            except Exception as error:  # nobody has foreseen it: the changes after this one are followed all the same
                self._log.broke("status_command.lost", error, task=change.task)
                await self._database.write(status_commands.done_to, change.id)
        if to > place.audit:
            await self._database.write(status_commands.done_to, to)  # also for whoever waits for what is left, and does not know the commands
        return len(found) == _PAGE

    async def _follow(self, change: Change) -> None:
        for number, command in enumerate(self._commands):
            if change.after not in command.statuses:
                continue
            if await self._database.write(status_commands.try_command, change.id, number, _MOST_TRIES):
                await self._run(number, command, change)
                await self._database.write(status_commands.command_ended, number)
        await self._database.write(status_commands.done_to, change.id)

    async def _run(self, number: int, command: OnStatus, change: Change) -> None:
        task = await self._database.read(views.task, change.task)
        about = json.dumps(_told(task, change), ensure_ascii=False)
        try:
            ran = await self._children.run(
                command.command,
                cwd=self._project,
                env=self._environment(task),
                stdin=about.encode("utf-8", "replace"),
                timeout_seconds=command.timeout_seconds,
            )
        except CommandFailed as error:
            await self._say(number, command, error.message)
            return
        said = " ".join((ran.stderr.strip() or ran.stdout.strip()).split())[-_SAID:]
        if ran.timed_out:
            await self._say(number, command, f"it took longer than its {command.timeout_seconds:g} seconds, and was ended")
        elif ran.exit_code != 0:
            await self._say(number, command, f"it ended with {ran.exit_code}" + (f": {said}" if said else ""))
        else:
            self._failing.discard(number)

    async def _say(self, number: int, command: OnStatus, what: str) -> None:
        """Once, until it does well again."""
        if number in self._failing:
            return
        self._failing.add(number)
        text = f"The command on {', '.join(command.statuses)}, {command.command[0]}: {what}. It is not told again until it does well."
        self._log.warning("status_command.failed", text)
        await self._database.write(_notice, text, self._clock.now())

    def _environment(self, task: Task) -> dict[str, str]:
        own = {name: value for name, value in os.environ.items() if not any(word in name.upper() for word in _NEVER_PASSED_ON)}
        names = {"ABATHUR_PROJECT": str(self._project), "ABATHUR_TASK": task_name(task.id), "ABATHUR_EXECUTION": execution_name(task.execution)}
        return own | {name: value for name, value in names.items() if value is not None}


def _told(task: Task, change: Change) -> JsonObject:
    """The task as it is now, and the change of its status."""
    before = None if change.before is None else change.before.value
    return task_data(task) | {
        "change": {"from": before, "to": Status(change.after).value, "at": iso(change.at), "actor": change.actor, "reason": change.reason}
    }


def _notice(c: Connection, text: str, now: float) -> None:
    journal.notice(c, "warning", text, now)
