"""`abathur task list`, `show` and `result`."""

import asyncio
import time
from dataclasses import replace
from typing import Annotated, get_args

import typer

from abathur_tui.cli import output
from abathur_tui.cli.describing import day, detail_lines, task_table
from abathur_tui.cli.invocation import Command, invocation
from abathur_tui.cli.names import task_id
from abathur_tui.cli.opening import opened
from abathur_tui.cli.quantities import MOST_LISTED
from abathur_tui.cli.task.naming import Id, commands
from abathur_tui.domain.errors import ArgumentInvalid, ContentPurged, NoResult
from abathur_tui.domain.filter_language import parse_filter
from abathur_tui.domain.filters import SortKey, TaskFilter
from abathur_tui.domain.nearest import nearest
from abathur_tui.domain.status import ENDED, Status
from abathur_tui.domain.tasks import TaskDetail
from abathur_tui.project.answers import detail_data, task_data

_SORTS: tuple[SortKey, ...] = get_args(SortKey)


@commands.command(
    "list",
    cls=Command,
    epilog="""
    abathur task list
    abathur task list --status failed --status dead
    abathur task list --filter 'template:CODE priority>=7 age<1h -tag:old "auth service"'
    abathur task list --sort -cost --limit 10 --json
    """,
)
def list_tasks(
    context: typer.Context,
    filter: Annotated[str, typer.Option("--filter", metavar="EXPR", help="Words, status:, template:, agent:, tag:, priority>=, age<, cost>.")] = "",
    status: Annotated[list[Status] | None, typer.Option("--status", metavar="S", help="Only this status; may be repeated.")] = None,
    limit: Annotated[int, typer.Option("--limit", metavar="N", min=1, max=MOST_LISTED, help="How many at most.", show_default=True)] = 50,
    sort: Annotated[str, typer.Option("--sort", metavar="KEY", help=f"{', '.join(_SORTS)}; - in front turns it round.")] = "priority",
) -> None:
    """List tasks, the most urgent first, then the oldest."""
    call = invocation(context)
    wanted = _sorted(parse_filter(filter), sort)
    wanted = replace(wanted, statuses=wanted.statuses | frozenset(status or ()))
    with opened(call, looks=True) as project:
        found = asyncio.run(project.tasks(wanted, limit=limit + 1))
    shown = found[:limit]
    if call.json:
        output.document([task_data(task) for task in shown])
        return
    if shown:
        task_table(shown, time.time())
    if call.quiet:
        return
    if not shown:
        output.note('There are no tasks yet; try: abathur run "Summarise the files here"' if wanted == TaskFilter() else "No task is like that.")
    elif len(found) > limit:
        output.note(f"These are the first {limit}; --limit shows more.")


@commands.command("detail", cls=Command, hidden=True, epilog="abathur task show t12")
@commands.command(
    "show",
    cls=Command,
    epilog="""
    abathur task show t12
    abathur task show t12 --verbose
    abathur task show t12 --json | jq .attempts
    """,
)
def show(context: typer.Context, task: Id) -> None:
    """Show a task with its prompt, result, attempts and events.

    With --verbose, all that was said and every event too.
    """
    call = invocation(context)
    with opened(call, looks=True) as project:
        detail = asyncio.run(project.task(task_id(task)))
    if call.json:
        output.document(detail_data(detail))
    else:
        output.lines(*detail_lines(detail, time.time(), everything=call.verbose))


@commands.command(
    "result",
    cls=Command,
    epilog="""
    abathur task result t12
    abathur task result t12 > changelog.md
    """,
)
def result(context: typer.Context, task: Id) -> None:
    """Print a task's result, and nothing else.

    Exit code 1 while there is none.
    """
    call = invocation(context)
    with opened(call, looks=True) as project:
        detail = asyncio.run(project.task(task_id(task)))
    if detail.purged_at is not None:
        raise ContentPurged(f"The content of {task} was purged on {day(detail.purged_at)}.")
    if detail.result is None:
        raise _no_result(task, detail)
    if call.json:
        output.document({"task": task, "status": str(detail.task.status), "result": detail.result})
    else:
        output.result(detail.result)


def _no_result(name: str, detail: TaskDetail) -> NoResult:
    if detail.task.status not in ENDED:
        return NoResult(f"{name} is {detail.task.state.word}; it has no result yet.")
    reason = f": {detail.task.error.message}" if detail.task.error else "."
    said = "`abathur task show` has what was said until then" if detail.partial else "`abathur task show` says more"
    return NoResult(f"{name} has ended without a result ({detail.task.status}){reason}", hint=f"{said}; `abathur task retry {name}` tries it again.")


def _sorted(wanted: TaskFilter, sort: str) -> TaskFilter:
    name = sort.removeprefix("-")
    if name not in _SORTS:
        near = nearest(name, _SORTS)
        raise ArgumentInvalid(f"Tasks cannot be sorted by {name!r}.", hint=f"Did you mean {near}?" if near else f"By one of: {', '.join(_SORTS)}.")
    return replace(wanted, sort=name, descending=sort.startswith("-"))
