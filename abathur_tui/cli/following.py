"""Following an execution that this command has submitted, to its result; Ctrl-C cancels it."""

import os
import sys
from collections.abc import Awaitable, Callable
from typing import TypeAlias

from abathur_tui.cli import output
from abathur_tui.cli.anew import watch_anew
from abathur_tui.cli.interrupts import Interrupted, Interrupts
from abathur_tui.cli.invocation import Invocation
from abathur_tui.cli.outcome import tell_result
from abathur_tui.cli.progress import show
from abathur_tui.domain.errors import AccountRefused, Exit, PersonNeeded, ProjectGone
from abathur_tui.domain.execution import Submitted
from abathur_tui.domain.status import ENDED
from abathur_tui.project import Project
from abathur_tui.project.answers import execution_name

Tell: TypeAlias = Callable[[Project, int, Invocation], Awaitable[int]]
"""Prints what came of an execution; gives the exit code."""


async def follow_to_result(project: Project, submitted: Submitted, call: Invocation, interrupts: Interrupts, *, tell: Tell = tell_result) -> int:
    """Run a submitted execution to its end, showing it, and tell its result; gives the exit code.

    The first Ctrl-C cancels the execution and waits for its end, the second one leaves at once.
    Raises AccountRefused when nothing of it can run, and PersonNeeded where it waits for a person and nobody is there; with `--json` its state
    is told all the same.
    """
    try:
        showing = show(project, submitted.execution, call)
        if submitted.again and (await project.execution(submitted.execution)).status in ENDED:
            await interrupts.unless_pressed(showing)  # no engine is needed for that
        else:
            await interrupts.unless_pressed(project.attended(submitted.execution, showing, answers=somebody_reads(call)))
    except Interrupted:
        await _cancel(project, submitted, call, interrupts)
        await tell(project, submitted.execution, call)
        return Exit.INTERRUPTED
    except ProjectGone as error:
        if tell is not tell_result:
            raise
        watch_anew(project, submitted.execution, call, error)
    except (AccountRefused, PersonNeeded):
        if call.json:
            output.document((await project.result(submitted.execution)).data())
        raise
    return await tell(project, submitted.execution, call)


def somebody_reads(call: Invocation) -> bool:
    """Whether a person sees what is told of questions, and can answer them."""
    return sys.stderr.isatty() and not call.quiet


async def _cancel(project: Project, submitted: Submitted, call: Invocation, interrupts: Interrupts) -> None:
    name = execution_name(submitted.execution)
    if not call.quiet:
        output.note(f"Cancelling {name}. Press Ctrl-C again to stop waiting for its end.")
    try:
        await interrupts.unless_pressed(project.cancel_execution(submitted.execution, reason="Ctrl-C"))
    except Interrupted:
        sys.stdout.flush()
        os._exit(Exit.INTERRUPTED)  # whoever presses twice does not want to wait for threads either
