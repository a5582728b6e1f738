"""What a worker does with the task that it holds. All of these raise LeaseLost where the lease does not hold any more."""

from sqlite3 import Connection

from abathur_tui.domain.data import JsonObject
from abathur_tui.domain.leases import Lease
from abathur_tui.domain.status import Status
from abathur_tui.domain.tasks import TaskError


def complete(c: Connection, lease: Lease, result: str, now: float, detail: JsonObject | None = None) -> None:
    """The task is done; its dependents are freed in the same transaction. `detail` goes into the audit and into `tasks.detail`."""
    raise NotImplementedError


def fail(
    c: Connection,
    lease: Lease,
    error: TaskError,
    now: float,
    *,
    status: Status = Status.FAILED,
    result: str | None = None,
    skip: bool = False,
    detail: JsonObject | None = None,
) -> None:
    """The task has failed for good (`status` FAILED or DEAD), perhaps with a result all the same (a loop's best pass).

    Its dependents fail too, naming it, level by level; with `skip`, or where the task's `on_failure` says so, they go on without it.
    """
    raise NotImplementedError


def retry_later(c: Connection, lease: Lease, error: TaskError, due_at: float, now: float) -> None:
    """The attempt has failed, and another one is due at `due_at`; the failure counts."""
    raise NotImplementedError


def release(c: Connection, lease: Lease, reason: str, now: float, *, why: str = "", due_at: float | None = None) -> None:
    """Back to the queue by an ordered stop or because the account refused: neither attempt nor crash nor failure counts."""
    raise NotImplementedError


def park(c: Connection, lease: Lease, why: str, now: float) -> None:
    """The task stays running and holds no slot (`why`: `children`…)."""
    raise NotImplementedError


def unpark(c: Connection, lease: Lease, now: float) -> None:
    """The task holds a slot again."""
    raise NotImplementedError


def end_cancelled(c: Connection, lease: Lease, now: float, *, result: str | None = None) -> None:
    """The worker has ended its agent because somebody cancelled the task; partial output is kept. Closes the request."""
    raise NotImplementedError


def end_paused(c: Connection, lease: Lease, now: float) -> None:
    """The worker has stopped its agent because somebody paused the task. Closes the request."""
    raise NotImplementedError


def report_progress(c: Connection, lease: Lease, progress: float | None, now: float) -> None:
    """0 to 1, as lists show it."""
    raise NotImplementedError
