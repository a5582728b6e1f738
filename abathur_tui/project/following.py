"""Following an execution: its journal entries as they come, until its root has ended."""

import asyncio
from collections.abc import AsyncGenerator, Awaitable, Callable, Sequence

from abathur_tui.domain.clock import Clock
from abathur_tui.domain.errors import AccountRefused
from abathur_tui.domain.ids import ExecutionId, execution_text
from abathur_tui.domain.journal import LogCursor, LogEntry
from abathur_tui.domain.leases import LaneState
from abathur_tui.domain.status import ENDED, Status, Why
from abathur_tui.domain.tasks import Task
from abathur_tui.storage import Database, queue, views

POLL_SECONDS = 1 / 30
"""How often the database is asked whether anybody committed (3 µs each); between processes nothing can be awaited."""
CHECK_SECONDS = 1.0
"""How often an attended execution's engine and account are looked at."""
PAGE = 1000


async def follow(database: Database, execution: int) -> AsyncGenerator[LogEntry, None]:
    """All entries of an execution from its beginning, and the new ones as they come; ends when its root has ended. Raises NotFound, ProjectGone."""
    cursor = LogCursor()
    async for _ in changes(database):
        ended = (await database.read(views.execution, execution)).status in ENDED  # asked first: what it wrote before its end is read below
        while True:
            entries, cursor = await database.read(views.log_since, cursor, execution=execution, limit=PAGE)
            for entry in entries:
                yield entry
            if not entries:
                break
        if ended:
            return


async def tail(database: Database) -> AsyncGenerator[LogEntry, None]:
    """All entries from now on; never ends. Raises ProjectGone."""
    _, cursor = await database.read(views.log_since, None, limit=1)
    async for _ in changes(database):
        while True:
            entries, cursor = await database.read(views.log_since, cursor, limit=PAGE)
            for entry in entries:
                yield entry
            if not entries:
                break


async def changes(database: Database) -> AsyncGenerator[None, None]:
    """Something each time that somebody has committed, the first at once. Raises ProjectGone."""
    seen: int | None = None
    while True:
        version = database.data_version()
        if version == seen:
            await asyncio.sleep(POLL_SECONDS)
            continue
        seen = version
        yield


async def attend(
    database: Database,
    execution: int,
    *,
    clock: Clock,
    engine_lives: Callable[[], bool],
    ensure_engine: Callable[[], Awaitable[object]],
    patience_seconds: float = 3.0,
) -> None:
    """See to it that an execution can go on: starts an engine where none has lived for `patience_seconds`.

    Never returns. Raises AccountRefused when nothing of the execution can run because an account refuses.
    """
    lived = clock.monotonic()
    while True:
        await asyncio.sleep(CHECK_SECONDS)
        if engine_lives():
            lived = clock.monotonic()
        elif clock.monotonic() - lived > patience_seconds:  # its guard starts it again sooner than that
            await ensure_engine()
            lived = clock.monotonic()
        if (refusal := await refused(database, execution)) is not None:
            raise refusal


async def refused(database: Database, execution: int) -> AccountRefused | None:
    """The error, where all that is left of an execution waits for an account's key or billing; None where something can run."""
    lanes = await database.read(queue.lanes)
    held = [lane for lane in lanes if lane.held_why == Why.KEY]
    if not held:
        return None
    tasks = await database.read(views.members, execution)
    if not _all_held(tasks):
        return None
    return AccountRefused(
        f"{_message(held)} All that is left of {execution_text(ExecutionId(execution))} waits for it; nothing is lost.",
        hint=f"Set a valid ANTHROPIC_API_KEY (or settle the account), then `abathur engine start` and `abathur watch x{execution}`.",
    )


def _all_held(tasks: Sequence[Task]) -> bool:
    """True where some task waits for its account, and none runs or could."""
    waits = False
    for task in tasks:
        if task.status is Status.RUNNING and task.why != Why.CHILDREN:
            return False
        if task.status in (Status.PENDING, Status.INTERRUPTED):
            if task.why != Why.KEY:
                return False
            waits = True
    return waits


def _message(lanes: Sequence[LaneState]) -> str:
    message = lanes[0].message or "The account refuses."
    return message if message.endswith(".") else f"{message}."
