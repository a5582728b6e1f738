"""What may go: audit groups that have outlived the retention, old lines of the log, and the content of executions that were purged."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from sqlite3 import Connection

from abathur_tui.domain.data import canonical, content_hash
from abathur_tui.domain.errors import ChangeRefused
from abathur_tui.storage.sql import named

_SQL = named("retention")


@dataclass(frozen=True, slots=True)
class Ended:
    """An execution that has ended, all of it, and whose content is kept."""

    id: int
    root: int
    ended_at: float
    waited_for: bool
    """Tasks of other executions that have not ended get results of it."""


@dataclass(frozen=True, slots=True)
class Tidied:
    """The last look for what may go."""

    at: float
    """When it began, as Unix time; 0 where nobody has looked."""
    unfinished: int
    """How many in a row, this one the last, have not come to the end: were killed or stopped, have failed, or are at it."""


def sweep_group(c: Connection, before: float, now: float) -> int:
    """Take the oldest group of the audit away if it was sealed before a moment; how many rows that were. This is audited.

    Its seal stays until it has been without its rows for that long, and the newest such seal for ever.
    """
    c.execute(_SQL["drop_seals"], (before,))
    found = c.execute(_SQL["oldest"], (before,)).fetchone()
    if found is None:
        return 0
    first, last = found
    c.execute(_SQL["mark_swept"], (now, first))
    _note_swept_to(c, first, last)
    rows = c.execute(_SQL["sweep"], (first, last)).rowcount
    c.execute(_SQL["audit"], (now, "engine", "audit.swept", None, canonical({"first": first, "last": last, "rows": rows})))
    return rows


def _note_swept_to(c: Connection, first: int, last: int) -> None:
    """Up to when changes may be missing in the audit, by the moments of the rows themselves: the clock may have been wrong when they were sealed."""
    (newest,) = c.execute(_SQL["newest_of_group"], (first, last)).fetchone()
    known = c.execute(_SQL["swept_to"]).fetchone()
    if newest is not None and (known is None or known[0] < newest):
        c.execute(_SQL["set_swept_to"], (repr(newest),))


def drop_old_logs(c: Connection, before: float) -> int:
    """Take some of the log's oldest lines away, as far as they are from before a moment; how many."""
    return c.execute(_SQL["drop_old_logs"], (before,)).rowcount


def tidied(c: Connection) -> Tidied:
    """When somebody last looked for what may go, and how that went."""
    at, unfinished = c.execute(_SQL["tidied"]).fetchone()
    return Tidied(at or 0.0, unfinished or 0)


def begin_tidying(c: Connection, now: float) -> None:
    """Somebody looks for what may go, from now on."""
    c.execute(_SQL["set_tidied"], (str(now),))
    c.execute(_SQL["begin_tidying"])


def end_tidying(c: Connection) -> None:
    """It has come to the end."""
    c.execute(_SQL["end_tidying"])


def purgeable(c: Connection) -> Iterator[Ended]:
    """Executions that have ended and were not purged, the oldest first."""
    return (Ended(id, root, ended_at or 0, bool(waited_for)) for id, root, ended_at, waited_for in c.execute(_SQL["purgeable"]))


def asked_for(c: Connection, execution: int) -> list[int]:
    """The tasks that an execution's text asked for: neither joins, nor what a loop, an agent or a join has made meanwhile."""
    return [id for (id,) in c.execute(_SQL["asked_for"], (execution,))]


def kept_executions(c: Connection) -> int:
    """How many executions have not been purged, whether they have ended or not."""
    (count,) = c.execute(_SQL["kept_executions"]).fetchone()
    return int(count)


def purge(c: Connection, executions: Sequence[int], actor: str, now: float) -> None:
    """Take the log and whatever else is not under a hash away, and mark them, so that their content goes next.

    A law refuses one that has not ended. Raises ChangeRefused where a task of another execution still needs what one of them has said.
    """
    for execution in executions:
        if (found := c.execute(_SQL["waited_for"], {"execution": execution}).fetchone()) is not None:
            raise ChangeRefused(
                f"x{execution} is not purged: t{found[0]}, which has not ended, gets the result of t{found[1]}.", hint="Purge it when that has ended."
            )
        if c.execute(_SQL["mark_purged"], (now, execution)).rowcount:
            for name in ("purge_logs", "purge_state", "purge_tasks", "purge_specs"):
                c.execute(_SQL[name], (execution,))
            for task, text in c.execute(_SQL["given"], (execution,)).fetchall():
                hash = content_hash(text)
                c.execute(_SQL["keep_hash"], (hash,))
                c.execute(_SQL["take_given"], (hash, task))
            c.execute(_SQL["audit"], (now, actor, "execution.purged", execution, "{}"))
