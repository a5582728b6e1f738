"""`abathur purge`: taking the content of what has ended away."""

import asyncio
import sys
import time
from datetime import datetime
from typing import Annotated

import typer

from abathur_tui.cli import output
from abathur_tui.cli.invocation import Command, Invocation, invocation, loose
from abathur_tui.cli.opening import opened
from abathur_tui.cli.quantities import size_text
from abathur_tui.domain.errors import ArgumentInvalid, Exit
from abathur_tui.domain.filter_language import parse_filter
from abathur_tui.domain.quantities import seconds_of
from abathur_tui.project.answers import execution_name
from abathur_tui.project.purging import Purgeable

commands = loose()


@commands.command(
    "purge",
    cls=Command,
    epilog="""
    abathur purge --before 90d
    abathur purge --before 2026-01-31 --filter 'tag:draft'
    abathur purge --all --yes
    """,
)
def purge(
    context: typer.Context,
    before: Annotated[
        str | None, typer.Option("--before", metavar="D", help="What ended before this day (2026-01-31), or longer ago than this (90d).")
    ] = None,
    filter: Annotated[
        str,
        typer.Option(
            "--filter", metavar="EXPR", help="Executions whose root task is like that, or all of their tasks; the same words as for `task list`."
        ),
    ] = "",
    everything: Annotated[bool, typer.Option("--all", help="Everything that has ended.")] = False,
) -> int:
    """Take the prompts, outputs, results, messages and logs of executions away that have ended.

    Their hashes stay, so the audit still verifies; tasks, counts, times and costs stay too. It cannot be undone, and what was purged cannot
    be retried. An execution whose results tasks of others are still to get stays until those have ended.
    """
    call = invocation(context)
    if not (before or filter or everything):
        raise ArgumentInvalid("Say what to purge: --before, --filter or --all.", hint="See `abathur purge --help`.")
    if everything and (before or filter):
        raise ArgumentInvalid("--all goes with neither --before nor --filter.")
    moment, wanted = None if before is None else _moment(before), parse_filter(filter) if filter else None
    with opened(call) as project:
        found = asyncio.run(project.purging.look(before=moment, filter=wanted))
        if found.executions and not _sure(call, found):
            output.note("Nothing was purged.")
            return Exit.DONE
        done = asyncio.run(project.purging.purge(found.executions))
    if call.json:
        names, partly, waited_for = ([execution_name(id) for id in ids] for ids in (done.executions, found.partly, found.waited_for))
        output.document(
            {"executions": names, "texts": done.texts, "bytes": done.bytes, "kept": found.kept, "partly": partly, "waited_for": waited_for}
        )
    elif done.executions:
        output.lines(f"Purged {_count(len(done.executions))}: {done.texts} texts, {size_text(done.bytes)}.")
    elif not call.quiet:
        output.note(_nothing(found))
    if found.partly and not call.json and not call.quiet:
        first = execution_name(found.partly[0])
        output.note(f"Not purged, for only some of their tasks are like that: {_count(len(found.partly))}, such as {first}.")
        output.note(f"`abathur purge --filter execution:{first}` takes all of that one.")
    if found.waited_for and not call.json and not call.quiet:
        first = execution_name(found.waited_for[0])
        output.note(f"Not purged, for tasks of others that have not ended get their results: {_count(len(found.waited_for))}, such as {first}.")
    return Exit.DONE


def _nothing(found: Purgeable) -> str:
    """What is said where nothing was purged."""
    if found.waited_for:
        return "Nothing was purged."
    return "Nothing that has ended is like that." if found.kept else "There is nothing to purge."


def _moment(text: str) -> float:
    """The Unix time of a day, a moment, or so long ago. Raises ArgumentInvalid."""
    try:
        return datetime.fromisoformat(text).timestamp()
    except (ValueError, OverflowError, OSError):
        pass
    try:
        return time.time() - seconds_of(text)
    except ValueError:
        raise ArgumentInvalid(f"--before is a day such as 2026-01-31, or an age such as 90d, not {text!r}.") from None


def _sure(call: Invocation, found: Purgeable) -> bool:
    """Whether the user wants it. Raises ArgumentInvalid where nobody can be asked."""
    if call.yes:
        return True
    if not sys.stdin.isatty():
        raise ArgumentInvalid(
            f"There is no terminal to ask on, and {_count(len(found.executions))} would be purged.", hint="Give --yes where you are sure."
        )
    first, last = execution_name(found.executions[0]), execution_name(found.executions[-1])
    span = f" ({first})" if first == last else f" ({first} to {last})"
    return typer.confirm(f"Purge the content of {_count(len(found.executions))}{span}? It cannot be undone.", err=True)


def _count(executions: int) -> str:
    return "1 execution" if executions == 1 else f"{executions} executions"
