"""The merged tail of the journal."""

from dataclasses import dataclass
from itertools import chain
from sqlite3 import Connection
from typing import Any, Literal

from abathur_tui.domain.data import JsonObject
from abathur_tui.domain.journal import LogCursor, LogEntry
from abathur_tui.storage.records import json_object
from abathur_tui.storage.sql import named

_SQL = named("logs")

_Source = Literal["audit", "logs", "output"]

_LEVELS = {"task.failed": "error", "task.dead": "error", "task.interrupted": "warning", "agent.failed": "warning", "lane.held": "warning"}
_CONDITIONS = {
    "task": {"audit": "a.task = :task", "logs": "a.task = :task", "output": "a.task = :task"},
    "execution": {"audit": "a.execution = :execution", "logs": "a.execution = :execution", "output": "t.execution = :execution"},
    "agent": {"audit": "a.agent = :agent", "logs": "a.agent = :agent", "output": "u.agent = :agent"},
}


@dataclass(frozen=True, slots=True)
class _Rows:
    """What one source has: its rows in order, and how far it was read."""

    rows: list[tuple[Any, ...]]
    read_to: int


def log_since(
    c: Connection,
    cursor: LogCursor | None,
    *,
    task: int | None = None,
    execution: int | None = None,
    agent: int | None = None,
    limit: int = 1000,
) -> tuple[list[LogEntry], LogCursor]:
    """What the journal has after `cursor`, in order of time, and the cursor to read on from.

    None as cursor gives the last `limit` entries. At most `limit` rows of each source are read; an empty answer means that there is no more.
    What a turn says comes in pieces while it runs and once only: a reader that comes late gets the rest from the finished turn.
    """
    wanted = {name: value for name, value in (("task", task), ("execution", execution), ("agent", agent)) if value is not None}
    since = cursor or LogCursor()
    ends = dict(zip(("audit", "logs", "output"), c.execute(_SQL["ends"]).fetchone(), strict=True))
    tail = cursor is None
    audit = _read(c, "audit", since.audit, ends["audit"], wanted, limit, tail)
    logs = _read(c, "logs", since.log, ends["logs"], wanted, limit, tail)
    output = _read(c, "output", since.output, ends["output"], wanted, limit, tail)
    spoken = dict(since.spoken)
    entries = list(
        chain(
            (_status_entry(row) for row in audit.rows),
            *(_log_entries(row, spoken) for row in logs.rows),
            (entry for row in output.rows if (entry := _output_entry(row, spoken)) is not None),
        )
    )
    entries.sort(key=lambda entry: entry.at)
    if tail:
        entries = entries[-limit:]
    return entries, LogCursor(audit.read_to, logs.read_to, output.read_to, spoken)


def _read(c: Connection, source: _Source, since: int, end: int, wanted: dict[str, int], limit: int, tail: bool) -> _Rows:
    conditions = "".join(f" AND {_CONDITIONS[name][source]}" for name in wanted)
    statement = _SQL[source].replace("CONDITION", conditions).replace("a.id ORDER", "a.id DESC" if tail else "a.id")
    rows = c.execute(statement, wanted | {"since": since, "most": limit}).fetchall()
    if tail:
        rows.reverse()
    # Whoever has read all that there was goes on from the end, not from the last row that fitted the filter.
    whole = tail or len(rows) < limit
    return _Rows(rows, end if whole else rows[-1][0])


def _status_entry(row: tuple[Any, ...]) -> LogEntry:
    id, at, task, agent, execution, action, reason, detail, name = row
    thing, _, change = action.partition(".")
    kind = "agent" if thing == "agent" else "status"
    level = _LEVELS.get(action, "debug" if thing == "agent" else "info")
    return LogEntry(at, task, agent, execution, level, kind, _status_text(thing, change, name, reason or "", json_object(detail), agent), id)


def _status_text(thing: str, change: str, name: str | None, reason: str, detail: JsonObject, agent: int | None) -> str:
    because = f": {reason}" if reason not in ("", change, "completed", "claimed") else ""
    match thing:
        case "agent":
            return f"a{agent} {change}{because}"
        case "lane":
            why = detail.get("message") or detail.get("why") or ""
            return f"{detail.get('lane')} {change}" + (f": {why}" if why else "")
        case "request":
            return f"{name}: {change} requested"
        case _ if change == "priority":
            return f"{name}: priority {detail.get('from')} → {detail.get('to')}"
        case _:
            return f"{name} {change}{because}"


def _log_entries(row: tuple[Any, ...], spoken: dict[int, int]) -> list[LogEntry]:
    """A log line; for a finished turn the rest of what it said before it."""
    id, at, task, agent, execution, level, kind, text, turn, said = row
    entries = []
    if turn is not None:
        seen = spoken.pop(turn, 0)
        if said and len(said) > seen:
            entries.append(LogEntry(at, task, agent, execution, "info", "says", said[seen:], id, turn, seen))
    entries.append(LogEntry(at, task, agent, execution, level, kind, text, id, turn))
    return entries


def _output_entry(row: tuple[Any, ...], spoken: dict[int, int]) -> LogEntry | None:
    """A piece of what is being said, without what was given before."""
    id, at, task, agent, execution, turn, offset, text = row
    seen = spoken.get(turn, 0)
    end = offset + len(text)
    if end <= seen:
        return None
    if offset < seen:
        offset, text = seen, text[seen - offset :]
    spoken[turn] = end
    return LogEntry(at, task, agent, execution, "info", "says", text, id, turn, offset)
