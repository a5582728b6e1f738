"""`abathur run`: submit, follow, print the result."""

import asyncio
from typing import Annotated

import typer

from abathur_tui.cli import output
from abathur_tui.cli.following import follow_to_result
from abathur_tui.cli.interrupts import Interrupted, Interrupts
from abathur_tui.cli.invocation import Command, Invocation, invocation, loose
from abathur_tui.cli.keys import Key, told_again
from abathur_tui.cli.opening import opened, tell_files, tell_notices
from abathur_tui.cli.runtimes import Model, Runtime
from abathur_tui.cli.text import read_text
from abathur_tui.domain.errors import Exit
from abathur_tui.project import Project, Wish
from abathur_tui.project.answers import execution_name
from abathur_tui.project.once import key_of, submitted_with

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
    abathur run nightly.abyssal --key "nightly $(date +%F)"
    """,
)
def run(
    context: typer.Context,
    text: Annotated[str, typer.Argument(metavar="TEXT|FILE|-", help="ABYSSAL commands, a prompt, a file of either, or - for standard input.")],
    runtime: Runtime = None,
    model: Model = None,
    detach: Annotated[bool, typer.Option("--detach", help="Return at once; `abathur watch` follows it.")] = False,
    key: Key = None,
) -> int:
    """Run ABYSSAL commands or a prompt, show the agents at work, print the result.

    Ctrl-C cancels the execution and waits for its end; a second one stops waiting.
    """
    call = invocation(context)
    wanted = read_text(text)
    with opened(call, create=True) as project:
        tell_notices(call, project.loaded.notices)
        tell_files(call, project.workbench, wanted)
        return asyncio.run(_run(project, wanted, Wish(runtime=runtime, model=model, key=key), call, detach=detach))


async def _run(project: Project, text: str, wish: Wish, call: Invocation, *, detach: bool) -> int:
    with Interrupts() as interrupts:
        key = key_of(wish, text=text)
        known = await submitted_with(project, key)
        try:
            plan = None if known else await interrupts.unless_pressed(project.plan(text, wish))
        except Interrupted:
            return Exit.INTERRUPTED  # nothing was queued
        submitted = known[0] if plan is None else await project.submit_plan(plan, wish, key=key)
        more = told_again(call, wish.key, submitted.execution, again=submitted.again)
        if not detach:
            return await follow_to_result(project, submitted, call, interrupts)
    await project.ensure_engine_for([submitted.execution])
    name = execution_name(submitted.execution)
    if call.json:
        output.document({"execution": name} | more)
    else:
        output.lines(str(name))
        if not call.quiet and not submitted.again:
            output.note(f"It runs by itself. Follow it with `abathur watch {name}`, see `abathur result {name}` later.")
    return Exit.DONE
