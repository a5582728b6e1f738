"""`abathur task schedule`: recurring tasks."""

import asyncio
import time
from collections.abc import Awaitable, Callable, Sequence
from typing import Annotated

import typer

from abathur_tui.cli import output
from abathur_tui.cli.confirming import sure
from abathur_tui.cli.invocation import Command, Invocation, group, invocation
from abathur_tui.cli.names import schedule_id
from abathur_tui.cli.opening import opened
from abathur_tui.cli.task.naming import commands
from abathur_tui.domain.clock import iso
from abathur_tui.domain.errors import Exit
from abathur_tui.domain.schedules import Schedule
from abathur_tui.project.answers import execution_name, schedule_data, schedule_name
from abathur_tui.project.schedules import Schedules, next_times

_SHOWN_TIMES = 5

schedule = group(
    "List, look at, pause, resume and remove recurring tasks.",
    """
    abathur task submit "Look for broken links" --cron "0 7 * * 1-5" --timezone Europe/Berlin
    abathur task schedule list
    abathur task schedule pause s1
    """,
)
commands.add_typer(schedule, name="schedule")

Ids = Annotated[list[str], typer.Argument(metavar="ID...", help="Ids of schedules, such as s1.")]


@schedule.command(
    "list",
    cls=Command,
    epilog="""
    abathur task schedule list
    abathur task schedule list --json | jq -r '.[] | [.id, .next_at] | @tsv'
    """,
)
def list_schedules(context: typer.Context) -> None:
    """List recurring tasks, with the next time of each.

    An engine submits them, so one must be at work then: `engine start --detach`. Times that pass without one are made up for once.
    """
    call = invocation(context)
    with opened(call) as project:
        found = asyncio.run(project.schedules.all())
    if call.json:
        output.document([schedule_data(one) for one in found])
    elif found:
        output.table(("ID", "STATE", "NEXT", "CRON", "ZONE", "RUNS", "LAST", "NAME"), [_row(one) for one in found], right=frozenset({5}))
    elif not call.quiet:
        output.note('There are no recurring tasks; try: abathur task submit "Look for broken links" --cron "0 7 * * 1-5"')


@schedule.command(
    "show",
    cls=Command,
    epilog="""
    abathur task schedule show s1
    abathur task schedule show s1 --json | jq -r '.next[]'
    """,
)
def show(context: typer.Context, id: Annotated[str, typer.Argument(metavar="ID", help="The schedule's id, such as s1.")]) -> None:
    """Show a recurring task, with its next five times."""
    call = invocation(context)
    with opened(call) as project:
        found = asyncio.run(project.schedules.one(schedule_id(id)))
    times = next_times(found.recurrence, time.time(), _SHOWN_TIMES) if found.next_at is not None else ()
    if call.json:
        output.document(schedule_data(found) | {"next": [iso(at) for at in times]})
    else:
        output.lines(*_lines(found, times))


@schedule.command("pause", cls=Command, epilog="abathur task schedule pause s1 s2")
def pause(context: typer.Context, ids: Ids) -> int:
    """Make nothing of recurring tasks until they are resumed.

    Where one of them cannot be paused, none is.
    """
    return _change(invocation(context), ids, Schedules.pause)


@schedule.command("resume", cls=Command, epilog="abathur task schedule resume s1 s2")
def resume(context: typer.Context, ids: Ids) -> int:
    """Let paused recurring tasks go on with their next time.

    Times that passed meanwhile are left out. Where one of them cannot be resumed, none is.
    """
    return _change(invocation(context), ids, Schedules.resume)


@schedule.command("remove", cls=Command, epilog="abathur task schedule remove s1 --yes")
def remove(context: typer.Context, ids: Ids) -> int:
    """Remove recurring tasks.

    What they have made stays, and what of it has not run yet still will.
    """
    call = invocation(context)
    return _change(call, ids, Schedules.remove, asks="Remove")


def _change(call: Invocation, names: Sequence[str], change: Callable[[Schedules, Sequence[int]], Awaitable[None]], asks: str = "") -> int:
    ids = list(dict.fromkeys(schedule_id(name) for name in names))
    with opened(call) as project:

        async def run() -> tuple[Schedule, ...]:
            await change(project.schedules, ids)
            return tuple(one for one in await project.schedules.all() if one.id in ids)

        if asks and not sure(call, f"{asks} {', '.join(names)}?"):
            return Exit.FAILED
        left = asyncio.run(run())
    states = {one.id: one.state.value for one in left}
    if call.json:
        output.document([{"id": schedule_name(id), "state": states.get(id)} for id in ids])
    else:
        output.lines(*(f"{schedule_name(id)} {states.get(id, 'removed')}" for id in ids))
    return Exit.DONE


def _row(one: Schedule) -> tuple[str, ...]:
    last = str(execution_name(one.last_execution) or "")
    return (
        str(schedule_name(one.id)),
        one.state.value,
        local_time(one.next_at),
        one.recurrence.cron,
        one.recurrence.timezone,
        str(one.runs),
        f"{last} (refused)" if one.error else last,
        one.name,
    )


def _lines(one: Schedule, times: Sequence[float]) -> list[str]:
    rows = [
        ("schedule", str(schedule_name(one.id))),
        ("name", one.name),
        ("state", one.state.value),
        ("when", f"{one.recurrence.cron} in {one.recurrence.timezone}"),
        ("next", ", ".join(local_time(at) for at in times)),
        ("last", f"{local_time(one.last_at)}, {execution_name(one.last_execution) or 'nothing made'}" if one.last_at else ""),
        ("made", f"{one.runs}" + (f"; {one.skipped} times came while the one before had not begun, and were left out" if one.skipped else "")),
        ("error", one.error),
    ]
    return [f"{name:<10}{value}" for name, value in rows if value]


def local_time(at: float | None) -> str:
    """A Unix time as this machine's date and time, with its zone; empty where there is none."""
    return "" if at is None else time.strftime("%a %Y-%m-%d %H:%M %Z", time.localtime(at))
