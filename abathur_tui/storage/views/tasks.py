"""Tasks, as lists show them."""

import json
import time
from array import array
from collections.abc import Sequence
from sqlite3 import Connection
from typing import Any

from abathur_tui.domain.errors import NotFound
from abathur_tui.domain.filters import SortKey, TaskFilter
from abathur_tui.domain.plan import Kind
from abathur_tui.domain.status import Status
from abathur_tui.domain.tasks import Task
from abathur_tui.storage.records import error_of, tags_of
from abathur_tui.storage.sql import named
from abathur_tui.storage.views.conditions import where_clause

_SQL = named("views")

_SORTS: dict[SortKey, str] = {
    "priority": "t.priority DESC, t.id",
    "age": "t.id",
    "status": "t.status",
    "name": "t.name COLLATE NOCASE",
    "agent": "t.agent COLLATE NOCASE",
    "cost": "t.cost_usd",
    "tokens": "t.tokens_input + t.tokens_output",
    "attempt": "t.attempt",
    "started": "t.started_at",
    "finished": "t.finished_at",
}


def task(c: Connection, id: int) -> Task:
    """One task. Raises NotFound."""
    found = c.execute(f"{_SQL['task_columns']} WHERE t.id = ?", (id,)).fetchone()
    if found is None:
        raise NotFound(f"There is no task t{id}.")
    return task_from(found)


def tasks(c: Connection, filter: TaskFilter, limit: int, offset: int = 0, now: float | None = None) -> list[Task]:
    """A page of the tasks that the filter lets through, in its order. `now` is what ages are counted from; None: the clock."""
    if filter == TaskFilter(statuses=filter.statuses) and filter.statuses:
        return tasks_by_id(c, _first_by_status(c, sorted(filter.statuses), limit, offset))
    where = where_clause(filter, time.time() if now is None else now)
    statement = f"{_SQL['task_columns']} {where.text} ORDER BY {_order(filter)} LIMIT :limit OFFSET :offset"
    return [task_from(row) for row in c.execute(statement, where.values | {"limit": limit, "offset": offset})]


def task_ids(c: Connection, filter: TaskFilter, now: float | None = None) -> "array[int]":
    """The ids (type `q`) of all tasks that the filter lets through, in its order."""
    where = where_clause(filter, time.time() if now is None else now)
    return array("q", (id for (id,) in c.execute(f"SELECT t.id FROM tasks AS t {where.text} ORDER BY {_order(filter)}", where.values)))


def tasks_by_id(c: Connection, ids: Sequence[int]) -> list[Task]:
    """These tasks, in this order; those that are not there are left out."""
    rows = c.execute(f"{_SQL['task_columns']} WHERE t.id IN (SELECT value FROM json_each(?))", (json.dumps(list(ids)),))
    found = {row[0]: task_from(row) for row in rows}
    return [found[id] for id in ids if id in found]


def task_from(row: Sequence[Any]) -> Task:
    """A row of `task_columns` as a task."""
    id, execution, parent, kind, name, template, template_version, agent, status, why, *rest = row
    progress, priority, attempt, unmet, depends_on, tags, created_at, started_at, finished_at, due_at, *rest = rest
    error_code, error_message, tokens_input, tokens_output, cost_usd, instance, instances, cleared_at, phase = rest
    return Task(
        id=id,
        execution=execution,
        parent=parent,
        kind=Kind(kind),
        name=name,
        template=template,
        template_version=template_version,
        agent=agent,
        status=Status(status),
        why=why,
        progress=progress,
        priority=priority,
        attempt=attempt,
        unmet=unmet,
        depends_on=tuple(json.loads(depends_on)) if depends_on != "[]" else (),
        tags=tags_of(tags),
        created_at=created_at,
        started_at=started_at,
        finished_at=finished_at,
        due_at=due_at,
        error=error_of(error_code, error_message),
        tokens_input=tokens_input,
        tokens_output=tokens_output,
        cost_usd=cost_usd,
        instance=instance,
        instances=instances,
        phase=phase,
        cleared_at=cleared_at,
    )


def _first_by_status(c: Connection, statuses: Sequence[Status], limit: int, offset: int) -> list[int]:
    """A page of several statuses' tasks, each read from its own place in the index: sorting them all would take as long as there are tasks."""
    parts = [_SQL["first_of_status"].replace(":statusN", f":status{number}") for number in range(len(statuses))]
    values: dict[str, object] = {f"status{number}": status.value for number, status in enumerate(statuses)}
    statement = f"SELECT id FROM ({' UNION ALL '.join(parts)}) ORDER BY priority DESC, id LIMIT :limit OFFSET :offset"
    return [id for (id,) in c.execute(statement, values | {"most": limit + offset, "limit": limit, "offset": offset})]


def _order(filter: TaskFilter) -> str:
    column = _SORTS[filter.sort]
    return column if filter.sort == "priority" else f"{column} {'DESC' if filter.descending else 'ASC'}, t.id"
