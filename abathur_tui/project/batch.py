"""Several executions at once: planned and checked together, queued together, followed and cancelled as one."""

from collections.abc import AsyncGenerator, Sequence
from dataclasses import dataclass, replace
from sqlite3 import Connection
from typing import TYPE_CHECKING

from abathur_tui.domain.errors import AbathurError, AccountRefused, Detail, DocumentInvalid, PersonNeeded
from abathur_tui.domain.execution import Key, SubmitOptions, Submitted
from abathur_tui.domain.journal import LogCursor, LogEntry
from abathur_tui.domain.plan import Plan, Start
from abathur_tui.domain.status import ENDED
from abathur_tui.project.ending import has_ended, until_ended
from abathur_tui.project.following import PAGE, changes
from abathur_tui.project.jobs import Job, invalid, is_json, read_jobs
from abathur_tui.project.once import submitted_with
from abathur_tui.project.patience import Patience
from abathur_tui.project.results import ExecutionResult
from abathur_tui.project.wish import Wish
from abathur_tui.storage import queue, views

if TYPE_CHECKING:
    from abathur_tui.project.project import Project
    from abathur_tui.project.workbench import Workbench


@dataclass(frozen=True, slots=True)
class Batch:
    """Executions that were queued together."""

    submitted: tuple[Submitted, ...]
    since: LogCursor
    """Where the journal ended before they were queued, or, where they were there already, asked for again."""

    @property
    def again(self) -> bool:
        """They were there already, by their key."""
        return any(one.again for one in self.submitted)

    @property
    def executions(self) -> tuple[int, ...]:
        """Their numbers."""
        return tuple(one.execution for one in self.submitted)


def plan_batch(bench: "Workbench", text: str) -> list[Plan]:
    """The plans of an ABYSSAL document (one for each group of statements that no name connects), a prompt, or JSON (one for each command).

    Raises DocumentInvalid with the mistakes of all of them.
    """
    if not is_json(text):
        return bench.plan_batch(text)
    plans: list[Plan] = []
    wrong: list[Detail] = []
    kinds: set[type[AbathurError]] = set()
    for job in read_jobs(text):
        if isinstance(job, Detail):
            wrong.append(job)
            continue
        if job.id is not None or job.after or job.ignore_dependency_failure:
            message = "`id`, `after` and `ignore_dependency_failure` are for tasks of one execution"
            wrong.append(job.where.placed(Detail(message, suggestion="use `abathur task batch-submit`", code=DocumentInvalid.code)))
            continue
        try:
            plans.append(plan_job(bench, job))
        except AbathurError as error:
            kinds.add(type(error))
            wrong += located(error, job)
    if wrong:
        only = kinds.pop() if len(kinds) == 1 and len({detail.code for detail in wrong}) == 1 else DocumentInvalid
        raise invalid(wrong, only)
    return plans


def plan_job(bench: "Workbench", job: Job) -> Plan:
    """What a job expands to. Raises DocumentInvalid with every mistake."""
    wish = Wish(common=job.common)
    name = job.template
    plan = bench.plan(job.text or "", wish) if name is None else bench.plan_template(name, job.parameters, wish, subject=job.text)
    return plan if job.start is None else _starting(plan, job.start)


def _starting(plan: Plan, start: Start) -> Plan:
    """The plan, none of whose first nodes starts before that."""
    waiting = {edge.node for edge in plan.edges}
    return replace(plan, nodes=tuple(node if node.id in waiting else replace(node, start=start) for node in plan.nodes))


def located(error: AbathurError, job: Job) -> list[Detail]:
    """What is wrong with a job, with its place among the others."""
    details = error.details or (Detail(error.message, suggestion=error.hint, code=error.code),)
    return [job.where.placed(detail) for detail in details]


async def submit_batch(project: "Project", plans: Sequence[Plan], wish: Wish, key: Key | None, now: float) -> Batch:
    """Queue plans as an execution each, all or none of them, and those with a key once. Raises NoRuntime, QueueFull, KeyTaken."""
    _, cursor = await project.read(views.log_since, None, limit=1)
    pairs = [(plan, project.workbench.options(plan, wish, actor=project.actor)) for plan in plans]
    if key is None:
        return Batch(tuple(await project.database.write(_submit_all, pairs, now)), cursor)
    return Batch(tuple(await project.database.write(queue.submit_once, key, pairs, now)), cursor)


async def batch_with(project: "Project", key: Key | None) -> Batch | None:
    """What was submitted with a key before; None where nothing was, or there is no key. Raises KeyTaken where that was something else."""
    _, cursor = await project.read(views.log_since, None, limit=1)
    known = await submitted_with(project, key)
    return Batch(tuple(known), cursor) if known else None


async def attend_batch(project: "Project", batch: Batch, *, answers: bool = False) -> None:
    """See to it that all of a batch goes on, until all of it has ended.

    Raises AccountRefused or PersonNeeded, at the end, where nothing of one of them can run any more; `answers` as for `attended`.
    """
    refusal: AbathurError | None = None
    for execution in batch.executions:
        if (await project.execution(execution)).status not in ENDED:
            try:
                await project.attended(execution, until_ended(project.patience, execution), answers=answers)
            except (AccountRefused, PersonNeeded) as error:
                refusal = refusal or error
    if refusal is not None:
        raise refusal


async def cancel_batch(project: "Project", batch: Batch, *, reason: str) -> None:
    """Cancel what has not ended, and wait until the last agent has."""
    await project.cancel([one.root for one in batch.submitted], reason=reason, wait_seconds=0)
    for execution in batch.executions:
        await project.cancel_execution(execution, reason=reason)


async def results_of(project: "Project", batch: Batch) -> list[ExecutionResult]:
    """The executions as they stand."""
    return [await project.result(execution) for execution in batch.executions]


async def follow_batch(database: Patience, batch: Batch) -> AsyncGenerator[LogEntry, None]:
    """All that happens in the executions until all have ended. Raises ProjectGone."""
    cursor, left, members = batch.since, list(batch.executions), frozenset(batch.executions)
    async for _ in changes(database):
        while left and await has_ended(database, left[-1]):  # asked first: what it wrote before its end is read below
            left.pop()
        while True:
            entries, cursor = await database.read(views.log_since, cursor, limit=PAGE)
            for entry in entries:
                if entry.execution in members:
                    yield entry
            if not entries:
                break
        if not left:
            return


def _submit_all(c: Connection, pairs: Sequence[tuple[Plan, SubmitOptions]], now: float) -> list[Submitted]:
    return [queue.submit(c, plan, options, now) for plan, options in pairs]
