"""`abathur task cancel`, `retry`, `pause`, `resume` and `reprioritize`: each id on its own, the exit code is the worst."""

import asyncio
from collections.abc import Awaitable, Callable, Sequence
from typing import Annotated

import typer

from abathur_tui.cli import mistakes, output
from abathur_tui.cli.invocation import Command, Invocation, invocation
from abathur_tui.cli.opening import opened
from abathur_tui.cli.quantities import priority_of
from abathur_tui.cli.task.naming import Ids, MaybeIds, commands, tasks_named
from abathur_tui.domain.errors import AbathurError, ArgumentInvalid, Detail, Exit
from abathur_tui.domain.leases import Changed, Hold
from abathur_tui.project import Project
from abathur_tui.project.answers import changed_data, hold_data, hold_text, task_name

Change = Callable[[Project, Sequence[int]], Awaitable[list[Changed]]]


@commands.command(
    "cancel",
    cls=Command,
    epilog="""
    abathur task cancel t12
    abathur task cancel t12 t14 x3 --json
    """,
)
def cancel(context: typer.Context, tasks: Ids) -> int:
    """Cancel tasks, with all inside them.

    What they have said so far is kept. Waits up to five seconds for a running one to end.
    """
    return _change(invocation(context), tasks, lambda project, ids: project.cancel(ids))


@commands.command(
    "retry",
    cls=Command,
    epilog="""
    abathur task retry t12
    abathur task list --status dead --json | jq -r '.[].id' | xargs abathur task retry
    """,
)
def retry(context: typer.Context, tasks: Ids) -> int:
    """Put failed, dead or cancelled tasks back into the queue.

    What failed because of them comes back with them.
    """
    return _change(invocation(context), tasks, lambda project, ids: project.retry(ids))


@commands.command(
    "pause",
    cls=Command,
    epilog="""
    abathur task pause t12
    abathur task pause x3
    abathur task pause --all
    """,
)
def pause(context: typer.Context, tasks: MaybeIds = None, all: Annotated[bool, typer.Option("--all", help="The whole queue.")] = False) -> int:
    """Stop tasks, with all inside them, until they are resumed.

    With --all nothing new starts in the whole project, and what runs goes on; that stays so until `task resume --all`.
    """
    tasks = _named(tasks, all)
    if all:
        return _hold(invocation(context), Project.pause_queue)
    return _change(invocation(context), tasks, lambda project, ids: project.pause(ids))


@commands.command(
    "resume",
    cls=Command,
    epilog="""
    abathur task resume t12
    abathur task resume x3
    abathur task resume --all
    """,
)
def resume(context: typer.Context, tasks: MaybeIds = None, all: Annotated[bool, typer.Option("--all", help="The whole queue.")] = False) -> int:
    """Let paused tasks go on.

    With --all tasks start again in the whole project; those that were paused one by one stay paused.
    """
    tasks = _named(tasks, all)
    if all:
        return _hold(invocation(context), Project.resume_queue)
    return _change(invocation(context), tasks, lambda project, ids: project.resume(ids))


@commands.command(
    "reprioritize",
    cls=Command,
    epilog="""
    abathur task reprioritize t12 --priority 9
    abathur task reprioritize x3 --priority low
    """,
)
def reprioritize(
    context: typer.Context,
    tasks: Ids,
    priority: Annotated[str, typer.Option("--priority", metavar="N", help="0 to 10, or low, normal, high, critical.")],
) -> int:
    """Give tasks that have not ended another priority."""
    number = priority_of(priority)
    return _change(invocation(context), tasks, lambda project, ids: project.reprioritize(ids, number))


def _named(tasks: Sequence[str] | None, all: bool) -> list[str]:
    """The ids; with --all none. Raises ArgumentInvalid."""
    if bool(tasks) == all:
        raise ArgumentInvalid("Ids and --all exclude each other." if tasks else "No task is named.", hint="Give ids such as t12, or --all.")
    return list(tasks or ())


def _hold(call: Invocation, change: Callable[[Project], Awaitable[bool]]) -> int:
    with opened(call, create=True) as project:

        async def run() -> Hold | None:
            await change(project)
            return (await project.status(read_settings=False)).hold

        hold = asyncio.run(run())
    if call.json:
        output.document({"queue": hold_data(hold)})
    else:
        output.lines("Tasks start." if hold is None else hold_text(hold))
    return Exit.DONE


def _change(call: Invocation, names: Sequence[str], change: Change) -> int:
    with opened(call) as project:

        async def run() -> list[Changed]:
            return await change(project, await tasks_named(project, names))

        changes = asyncio.run(run())
    return tell_changes(changes, call)


def tell_changes(changes: Sequence[Changed], call: Invocation, *, done: str | None = None) -> int:
    """Tell what became of each task, and give the worst exit code. `done`: a word for what was done, where the status does not say it."""
    refused = [change for change in changes if change.error is not None]
    if call.json:
        output.document(changed_data(changes))
    else:
        output.lines(*(f"{task_name(change.id)} {done or change.status}" for change in changes if change.error is None))
    if not refused:
        return Exit.DONE
    worst = max(refused, key=_exit)
    mistakes.tell(_together(refused, worst, others=len(refused) < len(changes)), call, None)
    return _exit(worst)


def _exit(change: Changed) -> Exit:
    return change.error.exit if change.error is not None else Exit.DONE


def _together(refused: Sequence[Changed], worst: Changed, *, others: bool) -> AbathurError:
    """One error for all that was refused; `others`: some were not."""
    assert worst.error is not None
    if len(refused) == 1:
        return worst.error
    details = [Detail(f"{task_name(change.id)}: {change.error.message}", code=change.error.code) for change in refused if change.error]
    hint = "The others did." if others else "See `abathur task list`."
    return type(worst.error)(f"{len(refused)} of the tasks did not change.", hint=hint, details=details)
