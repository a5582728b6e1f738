"""`abathur agent list`, `show` and `keep`."""

import asyncio
import json
import time
from typing import Annotated

import typer

from abathur_tui.cli import output
from abathur_tui.cli.describing import cost, duration
from abathur_tui.cli.invocation import Command, group, invocation
from abathur_tui.cli.names import agent_id
from abathur_tui.cli.opening import opened
from abathur_tui.cli.quantities import MOST_LISTED
from abathur_tui.domain.errors import Exit
from abathur_tui.domain.ids import AgentId, agent_text
from abathur_tui.domain.tasks import Agent
from abathur_tui.project.answers import execution_name, task_name
from abathur_tui.project.swarm import AgentDetail, agent_data, in_tree_order

commands = group(
    "List and show agents, keep those that were made for a run.",
    """
    abathur agent list
    abathur agent list --all --json
    abathur agent show a57
    abathur agent keep a57
    """,
)


@commands.command(
    "list",
    cls=Command,
    epilog="""
    abathur agent list
    abathur agent list --all
    abathur agent list --json | jq '.[] | select(.state == "BUSY")'
    """,
)
def list_agents(
    context: typer.Context,
    everybody: Annotated[bool, typer.Option("--all", help="Those that have ended too, the newest of them.")] = False,
    limit: Annotated[int, typer.Option("--limit", metavar="N", min=1, max=MOST_LISTED, help="How many at most.", show_default=True)] = 500,
) -> int:
    """List the agents that live, sub-agents under the agent that spawned them."""
    call = invocation(context)
    with opened(call) as project:
        found = in_tree_order(asyncio.run(project.swarm.agents(ended=everybody, limit=limit)))
    if call.json:
        output.document([agent_data(agent) for _, agent in found])
    elif found:
        header = ("ID", "STATE", "SINCE", "TURN", "TOKENS", "COST", "TASK", "AGENT", "DOES")
        now = time.time()
        output.table(header, [_row(depth, agent, now) for depth, agent in found], right=frozenset({2, 3, 4, 5}))
    elif not call.quiet:
        output.note("No agent has worked here yet." if everybody else "No agent lives just now; --all shows those that have ended.")
    return Exit.DONE


@commands.command(
    "show",
    cls=Command,
    epilog="""
    abathur agent show a57
    abathur agent show a57 --json | jq .tokens
    """,
)
def show(context: typer.Context, agent: Annotated[str, typer.Argument(metavar="ID", help="The agent's id, such as a57.")]) -> int:
    """Show an agent: what it does, for which task, since when, and what happened to it."""
    call = invocation(context)
    with opened(call) as project:
        detail = asyncio.run(project.swarm.agent(agent_id(agent)))
    if call.json:
        output.document(detail.data())
    else:
        output.lines(*_lines(detail, time.time()))
    return Exit.DONE


@commands.command(
    "keep",
    cls=Command,
    epilog="""
    abathur agent keep a57
    """,
)
def keep(context: typer.Context, agent: Annotated[str, typer.Argument(metavar="ID", help="An agent, such as a57.")]) -> int:
    """Keep a definition that was made for one run, as a file that Claude Code reads too.

    It goes to .claude/agents in the project; a file that is there already and says something else is left as it is.
    """
    call = invocation(context)
    with opened(call) as project:
        file = asyncio.run(project.swarm.keep(agent_id(agent)))
    if call.json:
        output.document({"name": file.stem, "file": str(file)})
    else:
        output.lines(str(file))
    return Exit.DONE


def _row(depth: int, agent: Agent, now: float) -> tuple[str, ...]:
    tokens = agent.tokens_input + agent.tokens_output
    return (
        agent_text(AgentId(agent.id)),
        agent.state,
        duration(now - agent.changed_at),
        str(agent.turn) if agent.turn else "",
        f"{tokens:,}" if tokens else "",
        cost(agent.cost_usd) if tokens else "",
        task_name(agent.task) or "",
        "  " * depth + agent.definition,
        f"{agent.activity} · {agent.task_name}" if agent.activity else agent.task_name,
    )


def _lines(detail: AgentDetail, now: float) -> list[str]:
    agent = detail.agent
    tokens = f"{agent.tokens_input:,} in, {agent.tokens_output:,} out, {cost(agent.cost_usd)}" if agent.tokens_input or agent.tokens_output else ""
    ended = agent.ended_at or now
    rows = [
        ("agent", f"{agent_text(AgentId(agent.id))}, {agent.definition}" + (f", of a{agent.parent}" if agent.parent else "")),
        ("state", f"{agent.state} for {duration(now - agent.changed_at)}" + (f" ({agent.reason})" if agent.reason else "")),
        ("task", f"{task_name(agent.task)} of {execution_name(agent.execution)}: {agent.task_name}" if agent.task else ""),
        ("does", f"{agent.activity}, turn {agent.turn}" if agent.activity else ""),
        ("turn", "" if agent.activity or not agent.turn else str(agent.turn)),
        ("tokens", tokens),
        ("lives" if agent.ended_at is None else "lived", duration(ended - agent.started_at)),
        ("engine", agent.engine + (f" on {agent.host}" if agent.host else "")),
        ("spawned", " ".join(agent_text(AgentId(child.id)) for child in detail.children)),
    ]
    lines = [f"{name:<9}{value}" for name, value in rows if value]
    lines += ["", "Events"]
    for event in detail.events:
        at = time.strftime("%H:%M:%S", time.localtime(event.at))
        lines.append(f"  {at}  {event.action}  {task_name(event.task) or ''}  {json.dumps(event.detail, ensure_ascii=False)}")
    return lines
