"""All of one task, for a reader or a worker."""

from sqlite3 import Connection

from abathur_tui.domain.leases import Work
from abathur_tui.domain.tasks import AuditEvent, TaskDetail


def detail(c: Connection, id: int) -> TaskDetail:
    """A task with all that belongs to it. Raises NotFound."""
    raise NotImplementedError


def work(c: Connection, id: int) -> Work:
    """All that a worker needs to know of its task. Raises NotFound."""
    raise NotImplementedError


def result(c: Connection, id: int) -> str | None:
    """A task's result; None while there is none. Raises NotFound where there is no such task."""
    raise NotImplementedError


def audit(c: Connection, *, task: int | None = None, execution: int | None = None, since_id: int = 0, limit: int = 1000) -> list[AuditEvent]:
    """Audit rows after `since_id`, oldest first."""
    raise NotImplementedError
