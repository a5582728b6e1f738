"""Tasks, as lists show them."""

from array import array
from collections.abc import Sequence
from sqlite3 import Connection

from abathur_tui.domain.filters import TaskFilter
from abathur_tui.domain.tasks import Task


def task(c: Connection, id: int) -> Task:
    """One task. Raises NotFound."""
    raise NotImplementedError


def tasks(c: Connection, filter: TaskFilter, limit: int, offset: int = 0) -> list[Task]:
    """A page of the tasks that the filter lets through, in its order."""
    raise NotImplementedError


def task_ids(c: Connection, filter: TaskFilter) -> "array[int]":
    """The ids (type `q`) of all tasks that the filter lets through, in its order."""
    raise NotImplementedError


def tasks_by_id(c: Connection, ids: Sequence[int]) -> list[Task]:
    """These tasks, in this order; those that are not there are left out."""
    raise NotImplementedError
