"""`abathur task dlq`: dead letters, and what is decided about them."""

import asyncio
import time
from collections.abc import Awaitable, Callable, Sequence
from typing import Annotated

import typer

from abathur_tui.cli import output
from abathur_tui.cli.confirming import sure
from abathur_tui.cli.describing import duration, section
from abathur_tui.cli.invocation import Command, Invocation, group, invocation
from abathur_tui.cli.names import task_id
from abathur_tui.cli.opening import opened
from abathur_tui.cli.quantities import MOST_LISTED
from abathur_tui.cli.task.changing import tell_changes
from abathur_tui.cli.task.naming import Id, commands
from abathur_tui.domain.clock import iso
from abathur_tui.domain.errors import ArgumentInvalid, ChangeRefused, Exit
from abathur_tui.domain.filter_language import parse_filter
from abathur_tui.domain.leases import Changed
from abathur_tui.domain.status import Status
from abathur_tui.domain.tasks import Task, TaskDetail
from abathur_tui.project.answers import detail_data, execution_name, task_data, task_name
from abathur_tui.project.dead_letters import DeadLetters

dlq = group(
    "List dead letters, look at them, try them again or leave them.",
    """
    abathur task dlq list
    abathur task dlq show t12
    abathur task dlq retry --filter 'template:CODE age<1d'
    abathur task dlq clear t12 --yes
    """,
)
commands.add_typer(dlq, name="dlq")

Filter = Annotated[str, typer.Option("--filter", metavar="EXPR", help="Words, template:, agent:, tag:, execution:, priority>=, age<, cost>.")]
Letters = Annotated[list[str] | None, typer.Argument(metavar="ID...", help="Ids of dead letters, such as t12.", show_default=False)]
All = Annotated[bool, typer.Option("--all", help="All that wait for a decision.")]


@dlq.command(
    "list",
    cls=Command,
    epilog="""
    abathur task dlq list
    abathur task dlq list --filter 'template:CODE -tag:old'
    abathur task dlq list --json | jq -r '.[] | [.id, .error.message] | @tsv'
    """,
)
def list_letters(
    context: typer.Context,
    filter: Filter = "",
    limit: Annotated[int, typer.Option("--limit", metavar="N", min=1, max=MOST_LISTED, help="How many at most.", show_default=True)] = 50,
) -> None:
    """List the tasks that failed for good and wait for a decision.

    Those that were cleared are still in `task list --status dead`.
    """
    call = invocation(context)
    wanted = parse_filter(filter)
    with opened(call) as project:
        found = asyncio.run(project.dead_letters.waiting(wanted, limit=limit + 1))
    shown = found[:limit]
    if call.json:
        output.document([task_data(task) for task in shown])
        return
    if shown:
        now = time.time()
        output.table(("ID", "DIED", "TRIES", "AGENT", "NAME", "ERROR"), [_row(task, now) for task in shown], right=frozenset({1, 2}))
    if call.quiet:
        return
    if not shown:
        output.note("There are no dead letters." if not filter else "No dead letter is like that.")
    elif len(found) > limit:
        output.note(f"These are the first {limit}; --limit shows more.")


@dlq.command(
    "show",
    cls=Command,
    epilog="""
    abathur task dlq show t12
    abathur task dlq show t12 --json | jq '.attempts[].error'
    """,
)
def show(context: typer.Context, task: Id) -> None:
    """Show a dead letter with the whole error, and each attempt with its own."""
    call = invocation(context)
    with opened(call) as project:
        detail = asyncio.run(project.task(task_id(task)))
    if detail.task.status is not Status.DEAD:
        raise ChangeRefused(f"{task} is {detail.task.status}, no dead letter.", hint=f"`abathur task show {task}` shows it.")
    if call.json:
        output.document(detail_data(detail) | {"cleared_at": iso(detail.task.cleared_at)})
    else:
        output.lines(*_lines(detail, time.time()))


@dlq.command(
    "retry",
    cls=Command,
    epilog="""
    abathur task dlq retry t12
    abathur task dlq retry --all
    abathur task dlq retry --filter 'error template:CODE'
    """,
)
def retry(context: typer.Context, tasks: Letters = None, all: All = False, filter: Filter = "") -> int:
    """Put dead letters back into the queue: those named, all, or those like the filter.

    They go on after their last finished turn, and what failed because of them comes back with them.
    """
    return _decide(invocation(context), tasks, all, filter, DeadLetters.retry, "")


@dlq.command(
    "clear",
    cls=Command,
    epilog="""
    abathur task dlq clear t12
    abathur task dlq clear --all --yes
    abathur task dlq clear --filter 'age>30d' --yes
    """,
)
def clear(context: typer.Context, tasks: Letters = None, all: All = False, filter: Filter = "") -> int:
    """Leave dead letters as they are, so that they are not listed any more.

    Nothing of them is deleted: `task show` has them, `audit` who cleared them, and `task retry` still works.
    """
    return _decide(invocation(context), tasks, all, filter, DeadLetters.clear, "Clear")


def _decide(
    call: Invocation,
    names: Sequence[str] | None,
    all: bool,
    filter: str,
    change: Callable[[DeadLetters, Sequence[int]], Awaitable[Sequence[Changed]]],
    asks: str,
) -> int:
    """`asks`: what is asked first; empty where nothing is."""
    if bool(names) + all + bool(filter) != 1:
        raise ArgumentInvalid("Which dead letters?", hint="Give their ids, or --all, or --filter EXPR; one of the three.")
    wanted = parse_filter(filter)
    with opened(call) as project:
        ids = [task_id(name) for name in names] if names else asyncio.run(project.dead_letters.ids(wanted))
        if ids and asks and not sure(call, f"{asks} {len(ids)} dead letter{'s' if len(ids) > 1 else ''}?"):
            return Exit.FAILED
        changes = asyncio.run(_all(change(project.dead_letters, ids)))
    if not changes and not call.json:
        output.note("There is no dead letter like that." if filter else "There are no dead letters.")
    return tell_changes(changes, call, done="cleared" if asks else None)


async def _all(change: Awaitable[Sequence[Changed]]) -> Sequence[Changed]:
    return await change


def _row(task: Task, now: float) -> tuple[str, ...]:
    died = duration(now - task.finished_at) if task.finished_at else ""
    error = f"{task.error.code}: {task.error.message}" if task.error else ""
    return (str(task_name(task.id)), died, str(task.attempt), task.agent or str(task.kind), task.name, error)


def _lines(detail: TaskDetail, now: float) -> list[str]:
    task = detail.task
    rows = [
        ("task", f"{task_name(task.id)} of {execution_name(task.execution)}"),
        ("name", task.name),
        ("agent", task.agent or ""),
        ("died", f"{duration(now - task.finished_at)} ago" if task.finished_at else ""),
        ("cleared", f"{duration(now - task.cleared_at)} ago" if task.cleared_at else ""),
    ]
    lines = [f"{name:<10}{value}" for name, value in rows if value]
    if task.error is not None:
        lines += section(f"Error {task.error.code}", task.error.message)
    for attempt in detail.attempts:
        took = f", {duration(attempt.ended_at - attempt.started_at)}" if attempt.ended_at else ""
        error = f"{attempt.error.message} [{attempt.error.code}]" if attempt.error else ""
        lines += section(f"Attempt {attempt.number}: {attempt.outcome}, {iso(attempt.started_at)}{took}", error)
    if detail.partial:
        lines += section("Said so far", detail.partial)
    return [*lines, "", f"`abathur task dlq retry {task_name(task.id)}` tries it again, `abathur task dlq clear {task_name(task.id)}` leaves it."]
