"""What the screen reads in one go: one snapshot of the database, made in a reader thread."""

from collections.abc import Container, Mapping, Sequence
from dataclasses import dataclass, field
from sqlite3 import Connection

from abathur_tui.domain.journal import LogCursor, LogEntry, LoopSeries
from abathur_tui.domain.leases import LaneState
from abathur_tui.domain.tasks import Agent, Task
from abathur_tui.screen.messages import LogScope
from abathur_tui.storage import queue, views

LOG_PAGE = 1000
"""Entries that one snapshot brings at most, and that a log begins with."""


@dataclass(frozen=True, slots=True)
class Wanted:
    """What a snapshot is to hold besides the figures of the whole."""

    visible: Sequence[int]
    """Tasks whose rows are in sight."""
    cursor: LogCursor | None
    """How far everybody's log was read; None: not yet."""
    scope: LogScope
    """Whose log is shown."""
    scope_cursor: LogCursor | None
    """How far that one's log was read; None: not yet, or everybody's is shown."""
    named: Container[int] = ()
    """Executions whose names are known."""
    loops: views.KnownLoops = field(default_factory=views.KnownLoops)
    """What is known of loops; each snapshot adds to it."""


@dataclass(frozen=True, slots=True)
class Snapshot:
    """The database at one moment, as far as the screen shows it."""

    totals: views.Totals
    rows: Mapping[int, Task]
    execution_names: Mapping[int, str]
    """Names of the root tasks of the agents' executions that were not known."""
    agents: Sequence[Agent]
    loops: Sequence[LoopSeries]
    lanes: Sequence[LaneState]
    entries: Sequence[LogEntry]
    cursor: LogCursor
    scope_entries: Sequence[LogEntry]
    scope_cursor: LogCursor | None


def read_snapshot(c: Connection, wanted: Wanted, now: float) -> Snapshot:
    """All that the panes show of this moment, but for the order of the queue."""
    entries, cursor = views.log_since(c, wanted.cursor, limit=LOG_PAGE)
    scope_entries: Sequence[LogEntry] = ()
    scope_cursor = None
    scope = wanted.scope
    if scope.task is not None or scope.agent is not None:
        scope_entries, scope_cursor = views.log_since(c, wanted.scope_cursor, task=scope.task, agent=scope.agent, limit=LOG_PAGE)
    agents = views.agents(c)
    return Snapshot(
        totals=views.status(c, now),
        rows={task.id: task for task in views.tasks_by_id(c, wanted.visible)},
        execution_names={each: _name(c, each) for each in {agent.execution for agent in agents} if each not in wanted.named},
        agents=agents,
        loops=views.loops_seen(c, known=wanted.loops),
        lanes=queue.lanes(c),
        entries=entries,
        cursor=cursor,
        scope_entries=scope_entries,
        scope_cursor=scope_cursor,
    )


def _name(c: Connection, execution: int) -> str:
    root = views.tasks_by_id(c, [views.root_of(c, execution)])
    return root[0].name if root else ""
