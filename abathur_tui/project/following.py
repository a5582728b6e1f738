"""Following an execution: its journal entries as they come, until its root has ended."""

import asyncio
from collections.abc import AsyncGenerator, Awaitable, Callable, Sequence

from abathur_tui.domain.clock import Clock
from abathur_tui.domain.errors import AccountRefused, Detail, PersonNeeded
from abathur_tui.domain.ids import ExecutionId, QuestionId, TaskId, execution_text, question_text, task_text
from abathur_tui.domain.journal import LogCursor, LogEntry
from abathur_tui.domain.leases import LaneState
from abathur_tui.domain.questions import Question
from abathur_tui.domain.status import ENDED, Status, Why
from abathur_tui.domain.tasks import Task
from abathur_tui.project.patience import Patience
from abathur_tui.storage import questions, queue, views

POLL_SECONDS = 1 / 30
"""How often the database is asked whether anybody committed (3 µs each); between processes nothing can be awaited."""
CHECK_SECONDS = 1.0
"""How often an attended execution's engine and account are looked at."""
PAGE = 1000
_MOST_TOLD = 20
"""Questions that an error lists."""


async def follow(database: Patience, execution: int) -> AsyncGenerator[LogEntry, None]:
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


async def tail(database: Patience, until: asyncio.Event | None = None) -> AsyncGenerator[LogEntry, None]:
    """All entries from now on, up to the last that was there when `until` was set; without it, it never ends. Raises ProjectGone."""
    _, cursor = await database.read(views.log_since, None, limit=1)
    async for _ in changes(database, until):
        while True:
            entries, cursor = await database.read(views.log_since, cursor, limit=PAGE)
            for entry in entries:
                yield entry
            if not entries:
                break


async def changes(database: Patience, until: asyncio.Event | None = None) -> AsyncGenerator[None, None]:
    """Something each time that somebody has committed, the first at once, the last once `until` is set; else never ends. Raises ProjectGone."""
    seen: int | None = None
    while True:
        last, version = until is not None and until.is_set(), await database.data_version()
        if version == seen and not last:
            await asyncio.sleep(POLL_SECONDS)
            continue
        seen = version
        yield
        if last:
            return


async def attend(
    database: Patience,
    execution: int,
    *,
    clock: Clock,
    engine_lives: Callable[[], bool],
    ensure_engine: Callable[[], Awaitable[object]] | None,
    answers: bool = False,
    patience_seconds: float = 3.0,
) -> None:
    """See to it that an execution can go on: starts an engine where none has lived for `patience_seconds` (not where `ensure_engine` is None).

    Never returns. Raises AccountRefused when nothing of the execution can run because an account refuses, and PersonNeeded where it waits for a
    person and nobody is there (`answers`: somebody is).
    """
    lived = clock.monotonic()
    while True:
        await asyncio.sleep(CHECK_SECONDS)
        if ensure_engine is None or engine_lives():
            lived = clock.monotonic()
        elif clock.monotonic() - lived > patience_seconds:  # its guard starts it again sooner than that
            await database.until_well(ensure_engine)
            lived = clock.monotonic()
        if (reason := await stuck(database, execution)) is not None and not (answers and isinstance(reason, PersonNeeded)):
            raise reason


async def stuck(database: Patience, execution: int) -> AccountRefused | PersonNeeded | None:
    """The error, where all that is left of an execution waits for a person: for an account's key or billing, or for an answer."""
    lanes = await database.read(queue.lanes)
    held = [lane for lane in lanes if lane.held_why == Why.KEY]
    asked = await database.read(questions.open_questions, execution=execution)
    if not held and not asked:
        return None
    waits = _waits_for(await database.read(views.members, execution))
    if Why.ASKS in waits:
        return _person_needed(asked, execution)
    if Why.KEY not in waits or not held:
        return None
    return AccountRefused(
        f"{_message(held)} All that is left of {execution_text(ExecutionId(execution))} waits for it; nothing is lost.",
        hint=f"Set a valid ANTHROPIC_API_KEY (or settle the account), then `abathur engine start` and `abathur watch x{execution}`.",
    )


def _person_needed(asked: Sequence[Question], execution: int) -> PersonNeeded:
    """What waits, and how to answer it."""
    details = [Detail(f"{question_text(QuestionId(one.id))} of {task_text(TaskId(one.task))}: {one.asking.text}") for one in asked]
    count = "a question waits" if len(asked) == 1 else f"{len(asked)} questions wait"
    name = execution_text(ExecutionId(execution))
    return PersonNeeded(
        f"All that is left of {name} waits for a person: {count} for an answer. Nothing is lost.",
        hint=f"`abathur task answer {name}` shows what is offered and answers; then it goes on, and `abathur watch {name}` follows it.",
        details=details[:_MOST_TOLD],
    )


def _waits_for(tasks: Sequence[Task]) -> frozenset[str]:
    """What an execution waits for that only a person can give; empty where anything of it runs or could."""
    waits: set[str] = set()
    for task in tasks:
        if task.status is Status.RUNNING and task.why not in (Why.CHILDREN, Why.ASKS):
            return frozenset()
        if task.status in (Status.PENDING, Status.INTERRUPTED) and task.why not in (Why.KEY, Why.ASKS):
            return frozenset()
        if task.status in (Status.RUNNING, Status.PENDING, Status.INTERRUPTED):
            waits.add(task.why)
    return frozenset(waits) & {Why.KEY, Why.ASKS}


def _message(lanes: Sequence[LaneState]) -> str:
    message = lanes[0].message or "The account refuses."
    return message if message.endswith(".") else f"{message}."
