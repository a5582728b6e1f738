"""`abathur status`."""

import asyncio
import time
from typing import Annotated

import typer

from abathur_tui.cli import output
from abathur_tui.cli.invocation import Command, Form, invocation, loose
from abathur_tui.cli.opening import opened
from abathur_tui.domain.status import Status
from abathur_tui.project import ProjectStatus

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
    with opened(call) as project:
        while True:
            answer = asyncio.run(project.status())
            if call.json and watch:
                output.record(answer.data())
            elif call.json:
                output.document(answer.data())
            else:
                _tell(answer, call.form)
            if not watch:
                return
            time.sleep(2)


def _tell(answer: ProjectStatus, form: Form) -> None:
    tasks = [f"{answer.counts[status]:,} {status}" for status in Status if answer.counts.get(status)]
    engine = answer.engine
    since = time.strftime("%Y-%m-%d %H:%M", time.localtime(engine.since)) if engine else ""
    cost = "at an unknown cost" if answer.cost_today_usd is None else f"${answer.cost_today_usd:.2f}"
    rows = [
        ("project", str(answer.project)),
        ("engine", f"pid {engine.pid} on {engine.host}, since {since}" if engine else "none; `abathur engine start` starts one"),
        ("tasks", ", ".join(tasks) if tasks else 'none yet; try: abathur run "Summarise the files here"'),
        ("agents", f"{answer.agents_busy} of {answer.agents_limit} busy"),
        ("today", f"{answer.tokens_today:,} tokens, {cost}"),
    ]
    if form is Form.TABLE:
        output.table(("WHAT", "VALUE"), rows)
    else:
        output.lines(*(f"{name:<9}{value}" for name, value in rows))
