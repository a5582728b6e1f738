"""Following an execution that this command has submitted, to its result; Ctrl-C cancels it."""

import asyncio
import os
import sys

from abathur_tui.cli import output
from abathur_tui.cli.interrupts import Interrupted, Interrupts
from abathur_tui.cli.invocation import Invocation
from abathur_tui.cli.outcome import tell_result
from abathur_tui.cli.progress import show
from abathur_tui.domain.errors import AccountRefused, Exit
from abathur_tui.domain.execution import Submitted
from abathur_tui.project import Project
from abathur_tui.project.answers import execution_name


async def follow_to_result(project: Project, submitted: Submitted, call: Invocation, interrupts: Interrupts) -> int:
    """Run a submitted execution to its end, showing it, and tell its result; gives the exit code.

    The first Ctrl-C cancels the execution and waits for its end, the second one leaves at once.
    Raises AccountRefused when nothing of it can run; with `--json` its state is told all the same.
    """
    try:
        await interrupts.unless_pressed(_work(project, submitted.execution, call))
    except Interrupted:
        await _cancel(project, submitted, call, interrupts)
        await tell_result(project, submitted.execution, call)
        return Exit.INTERRUPTED
    except AccountRefused:
        if call.json:
            output.document((await project.result(submitted.execution)).data())
        raise
    return await tell_result(project, submitted.execution, call)


async def _work(project: Project, execution: int, call: Invocation) -> None:
    """Show an execution until it ends, with an engine at it all the time."""
    showing = asyncio.create_task(show(project, execution, call))
    attending = asyncio.create_task(_attend(project, execution))
    try:
        await asyncio.wait((showing, attending), return_when=asyncio.FIRST_COMPLETED)
        if not showing.done():
            await attending
        await showing
    finally:
        for task in (showing, attending):
            task.cancel()
        await asyncio.gather(showing, attending, return_exceptions=True)


async def _attend(project: Project, execution: int) -> None:
    await project.ensure_engine()
    await project.attend(execution)


async def _cancel(project: Project, submitted: Submitted, call: Invocation, interrupts: Interrupts) -> None:
    name = execution_name(submitted.execution)
    if not call.quiet:
        output.note(f"Cancelling {name}. Press Ctrl-C again to stop waiting for its end.")
    try:
        await interrupts.unless_pressed(_cancelled(project, submitted))
    except Interrupted:
        sys.stdout.flush()
        os._exit(Exit.INTERRUPTED)  # whoever presses twice does not want to wait for threads either


async def _cancelled(project: Project, submitted: Submitted) -> None:
    await project.cancel([submitted.root], reason="Ctrl-C")
    async for _ in project.watch(submitted.execution):
        pass
