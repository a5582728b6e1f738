"""Executions and their members."""

from sqlite3 import Connection

from abathur_tui.domain.tasks import Execution, Task


def execution(c: Connection, id: int) -> Execution:
    """One execution. Raises NotFound."""
    raise NotImplementedError


def members(c: Connection, execution: int) -> list[Task]:
    """All tasks of an execution, in its order. Raises NotFound."""
    raise NotImplementedError


def root_of(c: Connection, execution: int) -> int:
    """The task whose result is the execution's. Raises NotFound."""
    raise NotImplementedError
