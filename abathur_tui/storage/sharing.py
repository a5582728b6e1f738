"""The state that agents of an execution share. A write names the version that it builds on: an older one is refused."""

import json
from sqlite3 import Connection

from abathur_tui.domain.data import JsonValue, canonical, content_hash
from abathur_tui.domain.errors import ArgumentInvalid, LeaseLost, StateChanged
from abathur_tui.domain.ids import AgentId, TaskId, agent_text, task_text
from abathur_tui.domain.leases import Lease
from abathur_tui.domain.sharing import Entry
from abathur_tui.storage.records import clean
from abathur_tui.storage.sql import named

_SQL = named("state")

MOST_KEYS = 1000
"""Of one execution."""
MOST_CHARACTERS = 65_536
"""Of one value, as JSON."""
LONGEST_KEY = 200


def entry(c: Connection, execution: int, key: str) -> Entry | None:
    """What stands under a key; None where nothing does."""
    found = c.execute(_SQL["entry"], (execution, clean(key))).fetchone()
    return None if found is None else _entry(*found)


def entries(c: Connection, execution: int) -> list[Entry]:
    """All that an execution's agents share, by key."""
    return [_entry(*row) for row in c.execute(_SQL["entries"], (execution,))]


def write(c: Connection, lease: Lease, key: str, value: JsonValue, version: int, now: float) -> Entry:
    """Put a value under a key; `version` is the one that the writer has read, 0 where there was none.

    Raises StateChanged where there is another one by now, ArgumentInvalid where it is too much, LeaseLost.
    """
    held = c.execute(_SQL["holder"], (lease.task, lease.epoch, lease.engine)).fetchone()
    if held is None:
        raise LeaseLost(f"t{lease.task} is not held by this worker any more.")
    execution, agent = held
    key, text = clean(key), clean(canonical(value))
    if len(text) > MOST_CHARACTERS:
        raise ArgumentInvalid(f"The value is longer than {MOST_CHARACTERS:,} characters.")
    before = entry(c, execution, key)
    present = 0 if before is None else before.version
    if version != present:
        raise _changed(key, version, before)
    if before is None and c.execute(_SQL["keys"], (execution,)).fetchone()[0] >= MOST_KEYS:
        raise ArgumentInvalid(f"An execution shares at most {MOST_KEYS:,} keys.")
    by = task_text(TaskId(lease.task)) + ("" if agent is None else f" ({agent_text(AgentId(agent))})")
    values = {"execution": execution, "key": key, "value": text, "by": by, "now": now}
    c.execute(_SQL["first" if before is None else "next"], values)
    kept = {"task": lease.task, "agent": agent, "engine": lease.engine, "version": present + 1, "detail": canonical({"value": content_hash(text)})}
    c.execute(_SQL["audit"], values | kept)
    return Entry(key, value, present + 1, by, now)


def _changed(key: str, version: int, before: Entry | None) -> StateChanged:
    if before is None:
        return StateChanged(f"{key!r} is not there; version 0 makes it, not {version}.")
    return StateChanged(f"{key!r} has version {before.version}, not {version}: {before.written_by} wrote last.")


def _entry(key: str, value: str, version: int, written_by: str, written_at: float) -> Entry:
    return Entry(key, json.loads(value), version, written_by, written_at)
