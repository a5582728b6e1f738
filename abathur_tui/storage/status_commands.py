"""How far the commands on status changes have come: a place in the audit, kept so that a crash neither loses a change nor repeats it for ever."""

import json
from collections.abc import Collection
from dataclasses import dataclass
from sqlite3 import Connection

from abathur_tui.domain.status import Status
from abathur_tui.storage.sql import named

_SQL = named("status_commands")


@dataclass(frozen=True, slots=True)
class Change:
    """A task's change of status, as the audit has it."""

    id: int
    at: float
    actor: str
    task: int
    before: Status | None
    """None where the task was new."""
    after: Status
    reason: str


@dataclass(frozen=True, slots=True)
class Place:
    """Where the commands are."""

    audit: int
    """The last row that is done with."""
    command: int
    """The number of the command that is next for the change after that row; those before it are done."""
    tries: int
    """How often that one was begun."""


def begin(c: Connection) -> None:
    """Commands are run for changes from now on, or from where they were."""
    c.execute(_SQL["begin_here"])


def forget(c: Connection) -> None:
    """There are no commands: when there are some again, they begin with the changes of then."""
    c.execute(_SQL["forget"])


def place(c: Connection) -> Place | None:
    """Where they are; None before `begin`."""
    found = c.execute(_SQL["cursor"]).fetchone()
    return None if found is None else Place(*found)


def behind(c: Connection) -> bool:
    """Whether a task has changed its status, and the commands have not come to that yet; False where there are none."""
    (found,) = c.execute(_SQL["behind"]).fetchone()
    return bool(found)


def changes(c: Connection, statuses: Collection[Status], since: int, most: int) -> tuple[list[Change], int]:
    """Up to `most` changes to one of these statuses after that row, and the row up to which there are no others."""
    (newest,) = c.execute(_SQL["newest"]).fetchone()
    values = {"since": since, "statuses": json.dumps([status.value for status in statuses]), "most": most}
    found = [
        Change(id, at, actor, task, None if before is None else Status(before), Status(after), reason or "")
        for id, at, actor, task, before, after, reason in c.execute(_SQL["changes"], values)
    ]
    return found, found[-1].id if len(found) == most else newest


def try_command(c: Connection, change: int, command: int, most_tries: int) -> bool:
    """A command is about to be run for a change; False where that is done already (by another engine), or was tried often enough."""
    now = place(c)
    if now is None or now.audit >= change or now.command > command or (now.command == command and now.tries >= most_tries):
        return False
    c.execute(_SQL["try"], {"command": command})
    return True


def command_ended(c: Connection, command: int) -> None:
    """It has ended, however."""
    c.execute(_SQL["next_command"], {"command": command + 1})


def done_to(c: Connection, audit: int) -> None:
    """All changes up to that row are done with."""
    c.execute(_SQL["advance"], {"audit": audit})
