"""What was asked of a task while it ran is done also where its worker did not come to it, and done to the tasks that it has made.

A task makes tasks of its own (a loop its passes, a join its questions). One made after somebody asked, and before the worker heard of it,
was not among those that were asked.
"""

from sqlite3 import Connection
from typing import Literal

from abathur_tui.storage.sql import named

_SQL = named("asked")


def follow_asked(c: Connection, task: int, now: float) -> Literal["cancelled", "paused"] | None:
    """Cancel or pause a task that has just gone back to the queue, if that was asked for; gives which. Before its requests are closed."""
    if c.execute(_SQL["cancel"], {"task": task, "now": now}).rowcount:
        cancel_steps(c, task, now)
        return "cancelled"
    if c.execute(_SQL["pause"], {"task": task, "now": now}).rowcount:
        pause_steps(c, task, now)
        return "paused"
    return None


def cancel_steps(c: Connection, task: int, now: float) -> None:
    """The task has ended without success: what it has made and nobody waits for any more ends too."""
    values = {"task": task, "kind": "cancel", "reason": f"t{task} has ended", "now": now}
    c.execute(_SQL["ask_steps"], values)
    for waits in (1, 0):  # so that none of them becomes pending on the way
        c.execute(_SQL["cancel_steps"], values | {"waits": waits})


def pause_steps(c: Connection, task: int, now: float) -> None:
    """The task is paused: so is what it has made."""
    values = {"task": task, "kind": "pause", "reason": f"t{task} is paused", "now": now}
    c.execute(_SQL["ask_steps"], values)
    c.execute(_SQL["pause_steps"], values)


def cancelled_steps(c: Connection, task: int) -> list[tuple[int, str]]:
    """Id and status of those that ended with the task: it takes them up again when it comes back in the same round."""
    found: list[tuple[int, str]] = c.execute(_SQL["cancelled_steps"], (task,)).fetchall()
    return found
