"""What a worker does with the task that it holds. All of these raise LeaseLost where the lease does not hold any more."""

from sqlite3 import Connection

from abathur_tui.domain.data import JsonObject, canonical
from abathur_tui.domain.errors import LeaseLost
from abathur_tui.domain.leases import Lease
from abathur_tui.domain.status import Status, Why
from abathur_tui.domain.tasks import TaskError
from abathur_tui.storage.folding import fold_open_turns
from abathur_tui.storage.questions import still_asks
from abathur_tui.storage.queue.asked import cancel_steps, follow_asked, pause_steps
from abathur_tui.storage.queue.settling import fail_the_doomed
from abathur_tui.storage.records import Text, clean, keep
from abathur_tui.storage.sql import named

_SQL = named("ending")


def complete(c: Connection, lease: Lease, result: str | Text, now: float, detail: JsonObject | None = None) -> None:
    """The task is done; its dependents are freed in the same transaction. `detail` goes into `tasks.detail`."""
    _change(c, lease, "complete", now=now, result=keep(c, result), detail=canonical(detail or {}))
    _leave(c, lease, "completed", now)
    fail_the_doomed(c, now)


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
    _change(
        c,
        lease,
        "fail",
        now=now,
        status=status.value,
        result=None if result is None else keep(c, result),
        code=error.code,
        message=clean(error.message),
        reason=clean(error.message) or error.code,
        skip=skip,
        detail=canonical(detail or {}),
    )
    cancel_steps(c, lease.task, now)
    _leave(c, lease, "failed", now, error)
    fail_the_doomed(c, now)


def retry_later(c: Connection, lease: Lease, error: TaskError, due_at: float, now: float) -> None:
    """The attempt has failed, and another one is due at `due_at`; the failure counts."""
    reason = clean(error.message) or error.code
    _change(c, lease, "retry_later", now=now, due=due_at, code=error.code, message=clean(error.message), reason=reason)
    _leave_for_now(c, lease, "retrying", now, error)


def release(c: Connection, lease: Lease, reason: str, now: float, *, why: str = "", due_at: float | None = None) -> None:
    """Back to the queue by an ordered stop or because the account refused: neither attempt nor crash nor failure counts."""
    _change(c, lease, "release", now=now, why=why, due=due_at, reason=clean(reason) or "released")
    _leave_for_now(c, lease, "released", now)


def note(c: Connection, lease: Lease, detail: JsonObject) -> None:
    """Keep something beside the result that the task will have, in `tasks.detail`."""
    _change(c, lease, "note", detail=canonical(detail))


def park(c: Connection, lease: Lease, why: str, now: float) -> None:
    """The task stays running and holds no slot (`why`: `children`…)."""
    _change(c, lease, "set_why", why=why)


def unpark(c: Connection, lease: Lease, now: float) -> None:
    """The task holds a slot again."""
    _change(c, lease, "set_why", why=Why.NONE.value)


def end_cancelled(c: Connection, lease: Lease, now: float, *, result: str | None = None) -> None:
    """The worker has ended its agent because somebody cancelled the task; partial output is kept. Closes the request."""
    _change(c, lease, "end_cancelled", now=now, result=None if result is None else keep(c, result))
    cancel_steps(c, lease.task, now)
    _leave(c, lease, "cancelled", now)
    fail_the_doomed(c, now)


def end_paused(c: Connection, lease: Lease, now: float) -> None:
    """The worker has stopped its agent because somebody paused the task. Closes the request; where it was taken back, the task goes on."""
    if c.execute(_SQL["pause_asked"], (lease.task, lease.epoch)).fetchone() is None:
        release(c, lease, "resumed", now)
        return
    _change(c, lease, "end_paused", now=now)
    pause_steps(c, lease.task, now)
    _leave_for_now(c, lease, "paused", now)


def report_progress(c: Connection, lease: Lease, progress: float | None, now: float, *, phase: str = "") -> None:
    """0 to 1 and what it is at, as lists show them."""
    _change(c, lease, "set_progress", progress=None if progress is None else min(max(progress, 0.0), 1.0), phase=clean(phase))


def leave_attempt(c: Connection, task: int, epoch: int, outcome: str, now: float, error: TaskError | None = None) -> None:
    """What goes with every end of an attempt, whoever ends it: its record, its turn, its agent, and what was asked of it."""
    c.execute(
        _SQL["end_attempt"],
        {
            "task": task,
            "epoch": epoch,
            "now": now,
            "outcome": outcome,
            "code": None if error is None else error.code,
            "message": None if error is None else clean(error.message),
        },
    )
    unfinished, busy, asked = c.execute(_SQL["left_over"], {"task": task}).fetchone()
    if unfinished:
        fold_open_turns(c, task, outcome, now)
    if busy:
        c.execute(_SQL["free_agent"], {"task": task, "now": now, "reason": outcome})
    if asked:
        c.execute(_SQL["close_requests"], {"task": task, "now": now, "outcome": outcome})


def _change(c: Connection, lease: Lease, query: str, **values: object) -> None:
    changed = c.execute(_SQL[query], {"task": lease.task, "epoch": lease.epoch, "engine": lease.engine} | values).rowcount
    if changed == 0:
        raise LeaseLost(f"t{lease.task} is not held by this worker any more.")


def _leave(c: Connection, lease: Lease, outcome: str, now: float, error: TaskError | None = None) -> None:
    leave_attempt(c, lease.task, lease.epoch, outcome, now, error)


def _leave_for_now(c: Connection, lease: Lease, outcome: str, now: float, error: TaskError | None = None) -> None:
    """The task is to go on later, unless somebody has asked for something else in the meantime."""
    asked = follow_asked(c, lease.task, now)
    if asked is None:
        still_asks(c, [lease.task])
    _leave(c, lease, asked or outcome, now, error)
    if asked == "cancelled":
        fail_the_doomed(c, now)
