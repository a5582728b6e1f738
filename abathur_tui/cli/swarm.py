"""`abathur swarm`: the agents that run now, and the rules by which work is given to them."""

import asyncio
import json
import time
from collections.abc import Callable, Coroutine
from typing import Annotated, Any, TypeVar

import typer

from abathur_tui.cli import output
from abathur_tui.cli.describing import duration
from abathur_tui.cli.invocation import Command, group, invocation
from abathur_tui.cli.names import execution_id
from abathur_tui.cli.opening import opened
from abathur_tui.domain.data import JsonValue
from abathur_tui.domain.errors import Exit
from abathur_tui.domain.quantities import bytes_text
from abathur_tui.domain.resources import Sample, Starts
from abathur_tui.project.answers import hold_text
from abathur_tui.project.swarm import SwarmDesk, SwarmStatus, entry_data

T = TypeVar("T")

commands = group(
    "Look at the agents that run now, let them start or not, and say how many.",
    """
    abathur swarm status
    abathur swarm scale 40
    abathur swarm stop
    abathur swarm start
    """,
)


@commands.command(
    "status",
    cls=Command,
    epilog="""
    abathur swarm status
    abathur swarm status --json | jq .agents
    """,
)
def status(context: typer.Context) -> int:
    """Show how many agents are at work, of how many, and whether new ones start."""
    call = invocation(context)
    with opened(call) as project:
        answer = asyncio.run(project.swarm.status())
    if call.json:
        output.document(answer.data())
    else:
        output.lines(*_lines(answer))
    return Exit.DONE


@commands.command(
    "start",
    cls=Command,
    epilog="""
    abathur swarm start
    """,
)
def start(context: typer.Context) -> int:
    """Let tasks be given to agents again.

    It starts no engine: `abathur engine start` does that, and every command that needs one.
    """
    told = {True: "Tasks are given to agents again.", False: "Tasks are given to agents; nobody had stopped that."}
    return _order(context, lambda swarm: swarm.start(), lambda changed: ({"claiming": True, "changed": changed}, told[changed]))


@commands.command(
    "stop",
    cls=Command,
    epilog="""
    abathur swarm stop
    """,
)
def stop(context: typer.Context) -> int:
    """Give no more tasks to agents, until `abathur swarm start`.

    What runs goes on to its end, and the engine stays. `abathur engine stop` ends agents and engine, and their tasks go back to the queue.
    """
    told = {True: "No more tasks are given to agents; what runs goes on.", False: "No tasks are given to agents already."}
    return _order(context, lambda swarm: swarm.stop(), lambda changed: ({"claiming": False, "changed": changed}, told[changed]))


@commands.command(
    "scale",
    cls=Command,
    epilog="""
    abathur swarm scale 40
    """,
)
def scale(context: typer.Context, agents: Annotated[int, typer.Argument(metavar="N", help="1 to 500.", min=1, max=500)]) -> int:
    """Let so many agents work at once.

    It counts at once, also for later engines of this project, and wins over `swarm.max_agents`. Agents beyond it finish their tasks.
    """
    return _order(context, lambda swarm: swarm.scale(agents), lambda _: ({"limit": agents}, f"Up to {agents} agents work at once."))


@commands.command(
    "state",
    cls=Command,
    epilog="""
    abathur swarm state x3
    abathur swarm state x3 --json | jq '.[] | select(.key == "plan").value'
    """,
)
def state(context: typer.Context, execution: Annotated[str, typer.Argument(metavar="EXECUTION", help="Such as x3.")]) -> int:
    """Show the values that the agents of an execution share, with their versions and who wrote last."""
    call = invocation(context)
    with opened(call) as project:
        entries = asyncio.run(project.swarm.shared(execution_id(execution)))
    if call.json:
        output.document([entry_data(entry) for entry in entries])
    elif entries:
        now = time.time()
        rows = [
            (one.key, str(one.version), one.written_by, duration(now - one.written_at), json.dumps(one.value, ensure_ascii=False)) for one in entries
        ]
        output.table(("KEY", "VERSION", "BY", "AGE", "VALUE"), rows, right=frozenset({1, 3}))
    elif not call.quiet:
        output.note("Its agents share nothing.")
    return Exit.DONE


def _order(context: typer.Context, give: Callable[[SwarmDesk], Coroutine[Any, Any, T]], tell: Callable[[T], tuple[dict[str, JsonValue], str]]) -> int:
    """Give an order to the swarm, and tell what came of it: as JSON or as a line."""
    call = invocation(context)
    with opened(call, create=True) as project:
        document, line = tell(asyncio.run(give(project.swarm)))
    if call.json:
        output.document(document)
    else:
        output.lines(line)
    return Exit.DONE


def _lines(answer: SwarmStatus) -> list[str]:
    others = ", ".join(f"{number} {state.lower()}" for state, number in sorted(answer.states.items()) if state != "BUSY")
    rows = [
        ("agents", f"{answer.busy} of {answer.limit} busy" + (f", {others}" if others else "")),
        ("tasks", "are given to agents" if answer.hold is None else hold_text(answer.hold)),
        *_taken(answer.resources),
        ("engine", answer.engine or "none; `abathur engine start` starts one"),
    ]
    return [f"{name:<9}{value}" for name, value in rows]


def _taken(sample: Sample | None) -> list[tuple[str, str]]:
    if sample is None:
        return []
    rows = [("memory", f"{bytes_text(sample.memory_bytes)} of {bytes_text(sample.memory_limit)} in {sample.processes} processes")]
    if sample.cores is not None:
        rows.append(("cpu", f"{sample.cores:.1f} of {sample.cores_limit:g} cores"))
    if sample.gate.starts is not Starts.FREELY:
        starts = "one at a time" if sample.gate.starts is Starts.ONE else "not at all"
        rows.append(("starts", f"{starts}, because of {sample.gate.why}"))
    return rows
