"""`abathur watch` and `abathur result`: an execution, while it runs and after."""

import asyncio
from typing import Annotated

import typer

from abathur_tui.cli.anew import watch_anew
from abathur_tui.cli.describing import day
from abathur_tui.cli.following import somebody_reads
from abathur_tui.cli.interrupts import Interrupted, Interrupts
from abathur_tui.cli.invocation import Command, Invocation, invocation, loose
from abathur_tui.cli.names import execution_id
from abathur_tui.cli.opening import opened
from abathur_tui.cli.outcome import tell_result
from abathur_tui.cli.output import document, note
from abathur_tui.cli.progress import show
from abathur_tui.domain.errors import AccountRefused, ContentPurged, Exit, NoResult, PersonNeeded, ProjectGone
from abathur_tui.domain.status import ENDED
from abathur_tui.project import Project
from abathur_tui.project.answers import RESTARTS

commands = loose()

Name = Annotated[str, typer.Argument(metavar="EXECUTION", help="The execution's id, such as x12.")]


@commands.command(
    "watch",
    cls=Command,
    epilog="""
    abathur watch x12
    abathur watch x12 --json > result.json
    """,
)
def watch(context: typer.Context, execution: Name) -> int:
    """Follow an execution until it ends.

    Prints its result as `abathur run` does. Ctrl-C stops following; the execution goes on. Without a terminal, where nobody could answer, it ends
    with exit code 4 when all that is left waits for a person.
    """
    call = invocation(context)
    with opened(call) as project:
        return asyncio.run(_watch(project, execution_id(execution), call))


@commands.command(
    "result",
    cls=Command,
    epilog="""
    abathur result x12
    abathur result x12 --json | jq .members
    """,
)
def result(context: typer.Context, execution: Name) -> int:
    """Print an execution's result.

    With --json, what `abathur run --json` gives, also while it still runs. Exit code 1 where it has failed, or has no result yet.
    """
    call = invocation(context)
    with opened(call, looks=True) as project:
        return asyncio.run(_result(project, execution_id(execution), call))


async def _watch(project: Project, execution: int, call: Invocation) -> int:
    row = await project.execution(execution)
    if row.status not in ENDED and project.engine() is None and not call.quiet:
        note(RESTARTS if project.restarting_since() is not None else "No engine is at work: `abathur engine start` starts one.")
    with Interrupts() as interrupts:
        try:
            showing = show(project, execution, call)
            seen = somebody_reads(call)
            await interrupts.unless_pressed(project.relieved(showing) if seen else project.attended(execution, showing, starts=False))
        except Interrupted:
            return Exit.INTERRUPTED
        except ProjectGone as error:
            watch_anew(project, execution, call, error)
        except (AccountRefused, PersonNeeded):
            if call.json:
                document((await project.result(execution)).data())
            raise
    return await tell_result(project, execution, call)


async def _result(project: Project, execution: int, call: Invocation) -> int:
    answer = await project.result(execution)
    if answer.purged_at is not None and not call.json:
        raise ContentPurged(f"The content of x{execution} was purged on {day(answer.purged_at)}.")
    if answer.output is None and not call.json:
        if answer.status in ENDED:
            hint = f"`abathur watch x{execution}` lists what became of each task, `abathur task show ID` says more of one."
            raise NoResult(f"x{execution} has ended without a result." + (f" {answer.error}" if answer.error else ""), hint=hint)
        raise NoResult(f"x{execution} is still {answer.status}.", hint=f"Follow it with `abathur watch x{execution}`.")
    return await tell_result(project, execution, call)
