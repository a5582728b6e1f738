"""`abathur plan` and `fmt`: what can be done with a text without doing what it says."""

from typing import Annotated

import typer

from abathur_tui import language
from abathur_tui.cli import output
from abathur_tui.cli.drawing import plan_lines
from abathur_tui.cli.invocation import Command, Form, invocation, loose
from abathur_tui.cli.opening import opened_if_there, tell_files, workbench
from abathur_tui.cli.text import read_text
from abathur_tui.project.answers import plan_data
from abathur_tui.storage.views.swarm import busy_agents
from abathur_tui.storage.views.templates import template_records

commands = loose()

Text = Annotated[str, typer.Argument(metavar="TEXT|FILE|-", help="ABYSSAL commands, a prompt, a file of either, or - for standard input.")]


@commands.command(
    "plan",
    cls=Command,
    epilog="""
    abathur plan 'ABYSSAL[CODE]("auth service", language="rust")'
    abathur plan release.abyssal --json | jq '.nodes[].name'
    """,
)
def plan(context: typer.Context, text: Text) -> None:
    """Show what a text would do, and do nothing.

    The tasks as a tree, the order in which they run, an estimate, and what they will use: tools, commands, files.
    """
    call = invocation(context)
    wanted = read_text(text)
    bench = workbench(call)
    tell_files(call, bench, wanted)
    with opened_if_there(call) as project:
        if project is not None:
            bench.remember(project.database.read_now(template_records), project.database.read_now(busy_agents))
    planned = bench.plan(wanted)
    if call.json:
        output.document(plan_data(planned, bench.permissions(planned)))
    elif call.form is Form.TABLE:
        needs = {node.id: [edge.needs for edge in planned.edges if edge.node == node.id] for node in planned.nodes}
        rows = [(node.id, str(node.kind), node.agent or "", str(node.priority), " ".join(needs[node.id]), node.name) for node in planned.nodes]
        output.table(("ID", "KIND", "AGENT", "PRIORITY", "NEEDS", "NAME"), rows, right=frozenset({3}))
    else:
        output.lines(*plan_lines(planned, bench.permissions(planned)))


@commands.command(
    "fmt",
    cls=Command,
    epilog="""
    abathur fmt release.abyssal
    abathur fmt release.abyssal > formatted && mv formatted release.abyssal
    """,
)
def fmt(context: typer.Context, text: Text) -> None:
    """Format an ABYSSAL document.

    Formatting it again changes nothing, and its plan stays the same.
    """
    call = invocation(context)
    formatted = language.format(read_text(text, prompts=False))
    if call.json:
        output.document({"text": formatted})
    else:
        output.result(formatted)
