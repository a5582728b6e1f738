"""`abathur batch`: several executions at once, one table of results, one exit code."""

import asyncio
import os
import sys
from collections.abc import Sequence
from typing import Annotated

import typer

from abathur_tui.cli import output
from abathur_tui.cli.describing import cost, duration
from abathur_tui.cli.following import somebody_reads
from abathur_tui.cli.interrupts import Interrupted, Interrupts
from abathur_tui.cli.invocation import Command, Invocation, invocation, loose
from abathur_tui.cli.keys import Key, told_again
from abathur_tui.cli.opening import opened, tell_files, tell_notices
from abathur_tui.cli.outcome import exit_of
from abathur_tui.cli.progress import show_batch
from abathur_tui.cli.runtimes import Model, Runtime
from abathur_tui.cli.text import read_text
from abathur_tui.domain.errors import Exit
from abathur_tui.domain.status import Status
from abathur_tui.project import ExecutionResult, Project, Wish
from abathur_tui.project.answers import execution_name
from abathur_tui.project.batch import Batch, attend_batch, batch_with, cancel_batch, plan_batch, results_of
from abathur_tui.project.once import key_of

commands = loose()


@commands.command(
    "batch",
    cls=Command,
    epilog="""
    abathur batch release.abyssal
    abathur batch jobs.jsonl --json | jq '.[] | .status'
    abathur extract NOTES.md --json | abathur batch -
    """,
)
def batch(
    context: typer.Context,
    file: Annotated[
        str, typer.Argument(metavar="FILE|-", help="An ABYSSAL document, a JSON array of commands, or JSON lines; or - for standard input.")
    ],
    runtime: Runtime = None,
    model: Model = None,
    detach: Annotated[bool, typer.Option("--detach", help="Return at once; `abathur watch` follows each of them.")] = False,
    key: Key = None,
) -> int:
    """Run several commands, as an execution each.

    All are checked before any is queued. Statements that a name connects are one execution. Exit code 1 where one has failed.
    """
    call = invocation(context)
    wanted = read_text(file, prompts=False)
    with opened(call, create=True) as project:
        tell_notices(call, project.loaded.notices)
        tell_files(call, project.workbench, wanted)
        return asyncio.run(_run(project, wanted, Wish(runtime=runtime, model=model, key=key), call, detach=detach))


async def _run(project: Project, text: str, wish: Wish, call: Invocation, *, detach: bool) -> int:
    with Interrupts() as interrupts:
        key = key_of(wish, batch=text)
        submitted = await batch_with(project, key)
        if submitted is None:
            try:
                plans = await interrupts.unless_pressed(asyncio.to_thread(plan_batch, project.workbench, text))
            except Interrupted:
                return Exit.INTERRUPTED  # nothing was queued
            submitted = await project.submit_batch(plans, wish, key=key)
        more = told_again(call, wish.key, *submitted.executions, again=submitted.again)
        if not detach:
            try:
                return await followed(project, submitted, call, interrupts)
            finally:
                tell_results(await results_of(project, submitted), call)
    await project.ensure_engine_for(submitted.executions)
    names = [execution_name(execution) for execution in submitted.executions]
    if call.json:
        output.document([{"execution": name, **more} for name in names])
    else:
        output.lines(*(str(name) for name in names))
    return Exit.DONE


async def followed(project: Project, submitted: Batch, call: Invocation, interrupts: Interrupts) -> int:
    """Run a submitted batch to its end, showing it; gives the exit code, 1 where one has failed.

    The first Ctrl-C cancels all of it and waits for its end, the second one leaves at once.
    Raises AccountRefused or PersonNeeded when nothing of one of them can run.
    """
    showing = asyncio.ensure_future(show_batch(project, submitted, call))
    try:
        await interrupts.unless_pressed(attend_batch(project, submitted, answers=somebody_reads(call)))
        await interrupts.unless_pressed(showing)
    except Interrupted:
        await _cancel(project, submitted, call, interrupts)
        return Exit.INTERRUPTED
    finally:
        showing.cancel()
        await asyncio.gather(showing, return_exceptions=True)
    return max((exit_of(result) for result in await results_of(project, submitted)), default=Exit.DONE)


def tell_results(results: Sequence[ExecutionResult], call: Invocation) -> None:
    """Print what came of each; with `--json`, all about it."""
    if call.json:
        output.document([result.data() for result in results])
        return
    if not results:
        output.note("There was nothing to run.")
        return
    header = ("EXECUTION", "STATE", "TASKS", "TOOK", "TOKENS", "COST", "RESULT")
    output.table(header, [_row(result) for result in results], right=frozenset({2, 3, 4, 5}))
    if not call.quiet:
        done = sum(result.status is Status.COMPLETED for result in results)
        output.note(f"{done} of {len(results)} completed. `abathur result {execution_name(results[0].execution)}` prints one of them whole.")


def _row(result: ExecutionResult) -> tuple[str, ...]:
    tokens = result.tokens_input + result.tokens_output
    first = next((line.strip() for line in (result.output or "").splitlines() if line.strip()), "")
    return (
        str(execution_name(result.execution)),
        str(result.status),
        str(len(result.members)),
        duration(result.seconds),
        f"{tokens:,}" if tokens else "",
        cost(result.cost_usd) if tokens else "",
        first if result.status is Status.COMPLETED else result.error or "",
    )


async def _cancel(project: Project, submitted: Batch, call: Invocation, interrupts: Interrupts) -> None:
    if not call.quiet:
        output.note("Cancelling all of them. Press Ctrl-C again to stop waiting for their end.")
    try:
        await interrupts.unless_pressed(cancel_batch(project, submitted, reason="Ctrl-C"))
    except Interrupted:
        sys.stdout.flush()
        os._exit(Exit.INTERRUPTED)  # whoever presses twice does not want to wait for threads either
