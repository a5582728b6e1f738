"""Submissions with a key: made once, however often they are asked for."""

from collections.abc import Sequence
from sqlite3 import Connection

from abathur_tui.domain.errors import KeyTaken
from abathur_tui.domain.execution import Key, SubmitOptions, Submitted
from abathur_tui.domain.plan import Plan
from abathur_tui.storage.queue.submitting import submit
from abathur_tui.storage.sql import named

_SQL = named("once")


def submit_once(c: Connection, key: Key, pairs: Sequence[tuple[Plan, SubmitOptions]], now: float) -> list[Submitted]:
    """Queue plans as an execution each, all or none of them; where the key was given before, what was made then.

    Raises KeyTaken, and as `submit` does.
    """
    known = submitted_with(c, key)
    if known or not pairs:
        return known
    made = [submit(c, plan, options, now) for plan, options in pairs]
    c.execute(_SQL["keep"], (made[0].execution, made[-1].execution, key.name, key.asked))
    return made


def submitted_with(c: Connection, key: Key) -> list[Submitted]:
    """What was made with a key; nothing where it was not given yet. Raises KeyTaken where something else was asked for with it."""
    found = c.execute(_SQL["known"], (key.name,)).fetchone()
    if found is None:
        return []
    asked, first, last = found
    if asked != key.asked:
        which = f"x{first}" if first == last else f"x{first} to x{last}"
        raise KeyTaken(f"Something else was submitted with the key {key.name!r}: {which}.")
    executions = c.execute(_SQL["made"], (first, last)).fetchall()
    return [Submitted(execution, root, dict(c.execute(_SQL["nodes"], (execution,)).fetchall()), again=True) for execution, root in executions]


def key_of(c: Connection, execution: int) -> str | None:
    """The key with which an execution was submitted; None where it has none."""
    found = c.execute(_SQL["key_of"], {"execution": execution}).fetchone()
    return None if found is None else str(found[0])


def members(c: Connection, task: int) -> list[int]:
    """What a task was submitted to wait for, in its order."""
    return [int(other) for (other,) in c.execute(_SQL["members"], (task,))]
