"""Lists by all conditions that a filter may have."""

from dataclasses import replace
from itertools import count
from sqlite3 import Connection

from abathur_tui.domain.filters import TaskFilter, admits
from abathur_tui.domain.tasks import Task
from abathur_tui.storage import views

_PAGE = 1000


def filtered(c: Connection, filter: TaskFilter, limit: int, offset: int, now: float) -> list[Task]:
    """A page of what the filter lets through, in its order: the queries decide on words and equality, the rest is decided here."""
    if not (filter.comparisons or filter.without):
        return views.tasks(c, filter, limit, offset)
    found: list[Task] = []
    wide = replace(filter, comparisons=(), without=())
    for page in count():
        tasks = views.tasks(c, wide, _PAGE, page * _PAGE)
        found += [task for task in tasks if admits(filter, task, now)]
        if len(tasks) < _PAGE or len(found) >= offset + limit:
            break
    return found[offset : offset + limit]
