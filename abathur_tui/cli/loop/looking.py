"""`abathur loop list`, `status` and `history`."""

import asyncio

import typer

from abathur_tui.cli import output
from abathur_tui.cli.invocation import Command, Invocation, invocation
from abathur_tui.cli.loop.naming import Id, commands, task_of
from abathur_tui.cli.opening import opened
from abathur_tui.domain.courses import standing
from abathur_tui.domain.criteria import told
from abathur_tui.domain.errors import Exit
from abathur_tui.domain.journal import LoopSeries
from abathur_tui.domain.loops import Pass
from abathur_tui.project import Project
from abathur_tui.project.loops import loop_data, loop_name, pass_data


@commands.command(
    "list",
    cls=Command,
    epilog="""
    abathur loop list
    abathur loop list --json
    """,
)
def list_loops(context: typer.Context) -> int:
    """List loops: those that have not ended first, then the newest."""
    call = invocation(context)
    with opened(call, looks=True) as project:
        loops = asyncio.run(project.loops())
    if call.json:
        output.document([{name: value for name, value in loop_data(series).items() if name != "best_output"} for series in loops])
    else:
        rows = [(loop_name(one.loop), _state(one), str(len(one.passes)), _best(one), one.name) for one in loops]
        output.table(("loop", "status", "passes", "best", "name"), rows, right=frozenset({2}))
    return Exit.DONE


@commands.command(
    "status",
    cls=Command,
    epilog="""
    abathur loop status l3
    abathur loop status l3 --json | jq -r .best_output
    """,
)
def status(context: typer.Context, loop: Id) -> int:
    """Show how a loop stands, why it ended, and which pass is the best."""
    call = invocation(context)
    with opened(call, looks=True) as project:
        return asyncio.run(_status(project, loop, call))


@commands.command(
    "history",
    cls=Command,
    epilog="""
    abathur loop history l3
    abathur loop history l3 --json | jq '.[].metrics'
    """,
)
def history(context: typer.Context, loop: Id) -> int:
    """List a loop's passes: what was measured, the verdict and why."""
    call = invocation(context)
    with opened(call, looks=True) as project:
        return asyncio.run(_history(project, loop, call))


async def _status(project: Project, name: str, call: Invocation) -> int:
    series = await project.loop(await task_of(project, name))
    if call.json:
        output.document(loop_data(series))
    else:
        output.lines(*summary(series))
    _tell_lost(series, call)
    return Exit.DONE


async def _history(project: Project, name: str, call: Invocation) -> int:
    series = await project.loop(await task_of(project, name))
    if call.json:
        output.document([pass_data(done) for done in series.passes])
        _tell_lost(series, call)
        return Exit.DONE
    rows = [
        (f"{done.number}{' *' if done.number == series.best else ''}", str(done.verdict), values(done), f"{done.seconds:.1f} s", done.reason)
        for done in series.passes
    ]
    output.table(("pass", "verdict", "measured", "time", "reason"), rows, right=frozenset({3}))
    _tell_lost(series, call)
    return Exit.DONE


def _tell_lost(series: LoopSeries, call: Invocation) -> None:
    if series.lost_pass is not None and not call.quiet:
        output.note(f"What was kept of pass {series.lost_pass} is damaged or gone: it and those after it are not shown. See `abathur db check`.")


def summary(series: LoopSeries) -> list[str]:
    """A loop in a few lines."""
    limit = series.spec.max_iterations
    return [
        f"{loop_name(series.loop)}  {series.name}",
        f"status    {_state(series)}",
        f"until     {told(series.spec.criterion)}",
        f"passes    {len(series.passes)} of {'unlimited' if limit is None else limit}",
        f"best      {_best(series)}",
        *([f"course    {series.course}"] if series.course else []),
        *([f"reason    {series.reason}"] if series.reason else []),
    ]


def values(done: Pass) -> str:
    """What was measured of a pass, and its scores."""
    said = [f"{name} {value:g}" for name, value in done.metrics.items()]
    said += [f"{name} {value:.2f}" for name, value in done.scores.items() if name not in done.metrics]
    return ", ".join(said) or "–"


def _best(series: LoopSeries) -> str:
    best = next((done for done in series.passes if done.number == series.best), None)
    if best is None:
        return "–"
    if standing(series.spec.criterion, best) is None:
        return f"nothing was measured; pass {best.number} is the last"
    return f"pass {best.number}: {values(best)}"


def _state(series: LoopSeries) -> str:
    if series.ended_because is not None:
        return f"{series.status} ({str(series.ended_because).replace('_', ' ')})"
    return f"{series.status}, pass {series.running_pass}" if series.running_pass else str(series.status)
