"""Dead letters: tasks that failed for good, until somebody decides to try them again or to leave them."""

from collections.abc import Sequence
from sqlite3 import Connection

from abathur_tui.domain.errors import ChangeRefused, NotFound
from abathur_tui.domain.leases import Changed
from abathur_tui.domain.status import Status
from abathur_tui.storage.queue.changes import one_by_one, retry
from abathur_tui.storage.records import clean
from abathur_tui.storage.sql import named

_SQL = named("dead_letters")


def retry_dead_letters(c: Connection, ids: Sequence[int], actor: str, now: float) -> list[Changed]:
    """`retry`, for dead letters only; for those that were cleared too."""
    looked_at = one_by_one(c, ids, lambda id: _refuse_others(c, id))
    back = {change.id: change for change in retry(c, [change.id for change in looked_at if change.error is None], actor, now)}
    return [back.get(change.id, change) for change in looked_at]


def clear_dead_letters(c: Connection, ids: Sequence[int], actor: str, reason: str, now: float) -> list[Changed]:
    """Leave dead letters as they are: they wait for no decision any more, and all that is known of them stays."""

    def change(id: int) -> None:
        if _refuse_others(c, id) is not None:
            raise ChangeRefused(f"t{id} is cleared already.")
        c.execute(_SQL["audit_clear"], {"id": id, "actor": actor, "reason": clean(reason) or "cleared", "now": now})
        c.execute(_SQL["clear"], {"id": id, "now": now})

    return one_by_one(c, ids, change)


def _refuse_others(c: Connection, id: int) -> float | None:
    """When a dead letter was cleared; None where it waits for a decision. Raises NotFound, ChangeRefused for what is no dead letter."""
    found = c.execute(_SQL["state"], (id,)).fetchone()
    if found is None:
        raise NotFound(f"There is no task t{id}.")
    if found[0] != Status.DEAD:
        raise ChangeRefused(f"t{id} is {found[0]}, no dead letter.", hint="`abathur task dlq list` shows those that there are.")
    cleared_at: float | None = found[1]
    return cleared_at
