"""The merged tail of the journal."""

from collections.abc import Iterator
from dataclasses import dataclass, replace
from sqlite3 import Connection
from typing import Any

from abathur_tui.domain.data import JsonObject
from abathur_tui.domain.journal import LogCursor, LogEntry
from abathur_tui.storage.eras import SOURCES, Eras, Source, eras
from abathur_tui.storage.records import object_as_far_as_readable
from abathur_tui.storage.sql import named

_SQL = named("logs")

_Key = tuple[int, float]
"""The era and the moment of a row: moments of different eras are not compared."""

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
    keys: list[_Key]
    since: int
    read_to: int
    whole: bool
    """There is no more of it."""

    def up_to(self, horizon: _Key) -> "_Rows":
        """Without what comes after a place in the merged order."""
        kept = next((place for place, key in enumerate(self.keys) if key > horizon), len(self.keys))
        if kept == len(self.keys):
            return self
        return replace(self, rows=self.rows[:kept], keys=self.keys[:kept], read_to=self.rows[kept - 1][0] if kept else self.since)


def log_since(
    c: Connection,
    cursor: LogCursor | None,
    *,
    task: int | None = None,
    execution: int | None = None,
    agent: int | None = None,
    limit: int = 1000,
) -> tuple[list[LogEntry], LogCursor]:
    """What the journal has after `cursor`, in the order in which it happened, and the cursor to read on from.

    That is the order of the moments, but where the clock was set back: all that was written before that comes first.
    None as cursor gives the last `limit` entries. At most `limit` rows of each source are read, and of those that have more, no other runs
    ahead; an empty answer means that there is no more.
    What a turn says comes in pieces while it runs and once only: a reader that comes late gets the rest from the finished turn.
    """
    wanted = {name: value for name, value in (("task", task), ("execution", execution), ("agent", agent)) if value is not None}
    since = cursor or LogCursor()
    ends = c.execute(_SQL["ends"]).fetchone()
    tail, known = cursor is None, eras(c)
    places = zip(SOURCES, (since.audit, since.log, since.output), ends, strict=True)
    sources = [_read(c, source, begin, end, wanted, limit, tail, known) for source, begin, end in places]
    if not all(one.whole for one in sources):
        horizon = min(max(one.keys) for one in sources if not one.whole)
        sources = [one.up_to(horizon) for one in sources]
    audit, logs, output = sources
    spoken = dict(since.spoken)
    merged = list(_entries(audit, logs, output, spoken))
    merged.sort(key=lambda one: one[0])
    entries = [entry for _, entry in merged]
    if tail:
        entries = entries[-limit:]
    return entries, LogCursor(audit.read_to, logs.read_to, output.read_to, spoken)


def _entries(audit: _Rows, logs: _Rows, output: _Rows, spoken: dict[int, int]) -> Iterator[tuple[_Key, LogEntry]]:
    for key, row in zip(audit.keys, audit.rows, strict=True):
        yield key, _status_entry(row)
    for key, row in zip(logs.keys, logs.rows, strict=True):
        for entry in _log_entries(row, spoken):
            yield key, entry
    for key, row in zip(output.keys, output.rows, strict=True):
        if (piece := _output_entry(row, spoken)) is not None:
            yield key, piece


def _read(c: Connection, source: Source, since: int, end: int, wanted: dict[str, int], limit: int, tail: bool, known: Eras | None) -> _Rows:
    conditions = "".join(f" AND {_CONDITIONS[name][source]}" for name in wanted)
    statement = _SQL[source].replace("CONDITION", conditions).replace("a.id ORDER", "a.id DESC" if tail else "a.id")
    rows = c.execute(statement, wanted | {"since": since, "most": limit}).fetchall()
    if tail:
        rows.reverse()
    # Whoever has read all that there was goes on from the end, not from the last row that fitted the filter.
    whole = tail or len(rows) < limit
    keys = [(0 if known is None else known.of(source, row[0]), row[1]) for row in rows]
    return _Rows(rows, keys, since, end if whole else rows[-1][0], whole)


def _status_entry(row: tuple[Any, ...]) -> LogEntry:
    id, at, task, agent, execution, action, reason, detail, name = row
    thing, _, change = action.partition(".")
    kind = "agent" if thing == "agent" else "status"
    level = _LEVELS.get(action, "debug" if thing == "agent" else "info")
    return LogEntry(
        at, task, agent, execution, level, kind, _status_text(thing, change, name, reason or "", object_as_far_as_readable(detail), agent), id
    )


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
