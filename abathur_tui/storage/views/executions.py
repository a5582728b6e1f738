"""Executions and their members."""

from collections.abc import Sequence
from sqlite3 import Connection
from typing import Any

from abathur_tui.domain.data import JsonObject
from abathur_tui.domain.errors import NotFound
from abathur_tui.domain.joins import JoinReport, Quality, quality_from, report_from
from abathur_tui.domain.plan import Kind
from abathur_tui.domain.status import Status
from abathur_tui.domain.tasks import Execution, FellBack, Task
from abathur_tui.storage.records import fell_back_from, object_as_far_as_readable, runtime_from
from abathur_tui.storage.sql import named
from abathur_tui.storage.views.tasks import task_from

_SQL = named("views")


def execution(c: Connection, id: int) -> Execution:
    """One execution. Raises NotFound."""
    found = c.execute(_SQL["execution"], (id,)).fetchone()
    if found is None:
        raise NotFound(f"There is no execution x{id}.")
    return _execution_from(found)


def executions(c: Connection, limit: int = 50) -> list[Execution]:
    """The newest executions, the newest first."""
    return [_execution_from(row) for row in c.execute(_SQL["executions"], (limit,))]


def members(c: Connection, execution: int) -> list[Task]:
    """All tasks of an execution, in its order. Raises NotFound."""
    rows = c.execute(f"{_SQL['task_columns']} WHERE t.execution = ? ORDER BY t.seq, t.id", (execution,)).fetchall()
    if not rows:
        raise NotFound(f"There is no execution x{execution}.")
    return [task_from(row) for row in rows]


def reports(c: Connection, execution: int) -> dict[int, JoinReport]:
    """How the joins of an execution came to their results, by task; those that have not ended have none."""
    found = {id: report_from(detail) for id, kind, detail in _details(c, execution) if kind is Kind.JOIN}
    return {id: report for id, report in found.items() if report is not None}


def qualities(c: Connection, execution: int) -> dict[int, Quality]:
    """How good the results of an execution's tasks are, by task, where a judge scored them."""
    found = {id: quality_from(detail) for id, _, detail in _details(c, execution)}
    return {id: quality for id, quality in found.items() if quality is not None}


def fallbacks(c: Connection, execution: int) -> dict[int, FellBack]:
    """The tasks of an execution that others did in their place, by task."""
    found = {id: fell_back_from(detail) for id, _, detail in _details(c, execution)}
    return {id: fell_back for id, fell_back in found.items() if fell_back is not None}


def worked(c: Connection, execution: int) -> dict[int, float]:
    """The seconds that those tasks of an execution were worked at that were begun more than once, by task."""
    return {task: seconds for task, seconds in c.execute(_SQL["worked"], (execution,)) if seconds is not None}


def _details(c: Connection, execution: int) -> list[tuple[int, Kind, JsonObject]]:
    return [(id, Kind(kind), object_as_far_as_readable(detail)) for id, kind, detail in c.execute(_SQL["details"], (execution,))]


def root_of(c: Connection, execution: int) -> int:
    """The task whose result is the execution's. Raises NotFound."""
    found = c.execute(_SQL["execution"], (execution,)).fetchone()
    if found is None:
        raise NotFound(f"There is no execution x{execution}.")
    return int(found[1])


def _execution_from(row: Sequence[Any]) -> Execution:
    id, root, source, status, runtime, created_at, finished_at, actor, purged_at = row
    return Execution(id, root, source or "", Status(status), runtime_from(runtime), created_at, finished_at, actor, purged_at)
