"""The merged tail of the journal."""

from sqlite3 import Connection

from abathur_tui.domain.journal import LogCursor, LogEntry


def log_since(
    c: Connection,
    cursor: LogCursor | None,
    *,
    task: int | None = None,
    execution: int | None = None,
    agent: int | None = None,
    limit: int = 1000,
) -> tuple[list[LogEntry], LogCursor]:
    """What the journal has after `cursor`, in order of time, and the cursor to read on from.

    None as cursor gives the last `limit` entries. At most `limit` rows of each source are read; an empty answer means that there is no more.
    What a turn says comes in pieces while it runs and once only: a reader that comes late gets the rest from the finished turn.
    """
    raise NotImplementedError
