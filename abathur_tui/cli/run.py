"""`abathur run`: submit, follow, print the result."""

import asyncio
from typing import Annotated

import typer

from abathur_tui.cli import output
from abathur_tui.cli.following import follow_to_result
from abathur_tui.cli.interrupts import Interrupted, Interrupts
from abathur_tui.cli.invocation import Command, Invocation, invocation, loose
from abathur_tui.cli.opening import opened, tell_files, tell_notices
from abathur_tui.cli.runtimes import Model, Runtime
from abathur_tui.cli.text import read_text
from abathur_tui.domain.errors import Exit
from abathur_tui.project import Project, Wish
from abathur_tui.project.answers import execution_name

commands = loose()


@commands.command(
    "run",
    cls=Command,
    epilog="""
    abathur run 'ABYSSAL[ROADMAP]("a habit tracker for two people")'
    abathur run "Explain what src/gateway.py does"
    abathur run release.abyssal --json | jq -r .output
    git diff | abathur run - --runtime local
    abathur run 'ABYSSAL[CODE]("auth service")' --detach
    """,
)
def run(
    context: typer.Context,
    text: Annotated[str, typer.Argument(metavar="TEXT|FILE|-", help="ABYSSAL commands, a prompt, a file of either, or - for standard input.")],
    runtime: Runtime = None,
    model: Model = None,
    detach: Annotated[bool, typer.Option("--detach", help="Return at once; `abathur watch` follows it.")] = False,
) -> int:
    """Run ABYSSAL commands or a prompt, show the agents at work, print the result.

    Ctrl-C cancels the execution and waits for its end; a second one stops waiting.
    """
    call = invocation(context)
    wanted = read_text(text)
    with opened(call, create=True) as project:
        tell_notices(call, project.loaded.notices)
        tell_files(call, project.workbench, wanted)
        return asyncio.run(_run(project, wanted, Wish(runtime=runtime, model=model), call, detach=detach))


async def _run(project: Project, text: str, wish: Wish, call: Invocation, *, detach: bool) -> int:
    with Interrupts() as interrupts:
        try:
            plan = await interrupts.unless_pressed(project.plan(text, wish))
        except Interrupted:
            return Exit.INTERRUPTED  # nothing was queued
        submitted = await project.submit_plan(plan, wish)
        if not detach:
            return await follow_to_result(project, submitted, call, interrupts)
    await project.ensure_engine()
    name = execution_name(submitted.execution)
    if call.json:
        output.document({"execution": name})
    else:
        output.lines(str(name))
        if not call.quiet:
            output.note(f"It runs by itself. Follow it with `abathur watch {name}`, see `abathur result {name}` later.")
    return Exit.DONE
