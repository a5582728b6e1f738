"""`abathur status`."""

import time
from typing import Annotated

import typer

from abathur_tui.cli.glance import glance
from abathur_tui.cli.invocation import Command, invocation, loose

commands = loose()


@commands.command(
    "status",
    cls=Command,
    epilog="""
    abathur status
    abathur status --json | jq .tasks.pending
    abathur status --watch
    """,
)
def status(context: typer.Context, watch: Annotated[bool, typer.Option("--watch", help="Again every two seconds, until Ctrl-C.")] = False) -> None:
    """Show the project at a glance.

    The engine, tasks by status, agents, and what today has cost.
    """
    call = invocation(context)
    glance(call)
    while watch:
        time.sleep(2)
        glance(call, flush=True)
