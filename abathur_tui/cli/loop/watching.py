"""`abathur loop watch`: the chart of a loop in a plain terminal, while it runs."""

import asyncio
import os
import shutil
import sys

import typer

from abathur_tui.cli import output
from abathur_tui.cli.following import somebody_reads
from abathur_tui.cli.interrupts import Interrupted, Interrupts
from abathur_tui.cli.invocation import Command, Invocation, invocation
from abathur_tui.cli.loop.chart import ASCII, UNICODE, Shapes, chart
from abathur_tui.cli.loop.looking import summary, values
from abathur_tui.cli.loop.naming import Id, commands, task_of
from abathur_tui.cli.opening import opened
from abathur_tui.domain.criteria import targets
from abathur_tui.domain.errors import AccountRefused, Exit, PersonNeeded
from abathur_tui.domain.journal import LoopSeries
from abathur_tui.domain.status import ENDED, Status
from abathur_tui.project import Project
from abathur_tui.project.loops import loop_data, pass_data
from abathur_tui.storage import views

_HEIGHT = 10
"""Lines of one chart where there is room for more."""
_MOST_CHARTS = 4


@commands.command(
    "watch",
    cls=Command,
    epilog="""
    abathur loop watch l3
    abathur loop watch l3 --json
    """,
)
def watch(context: typer.Context, loop: Id) -> int:
    """Follow a loop until it ends, with a chart of each metric and score against its target.

    Into a pipe, a line for each pass, then the chart; with --json an object for each pass, then how it ended. Ctrl-C stops following.
    Without a terminal, where nobody could answer, it ends with exit code 4 when all that is left waits for a person.
    """
    call = invocation(context)
    with opened(call) as project:
        return asyncio.run(_watch(project, loop, call))


async def _watch(project: Project, name: str, call: Invocation) -> int:
    task = await task_of(project, name)
    series = await project.loop(task)
    if series.status not in ENDED and project.engine() is None and not call.quiet:
        output.note("No engine is at work: `abathur engine start` starts one.")
    if not call.quiet:
        project.patience.tell = output.note
    view = _Records() if call.json else _Live() if _is_terminal() else _Lines()
    with Interrupts() as interrupts:
        try:
            following = _follow(project, task, view)
            seen = somebody_reads(call)
            await interrupts.unless_pressed(project.relieved(following) if seen else project.attended(series.execution, following, starts=False))
        except Interrupted:
            return Exit.INTERRUPTED
        except (AccountRefused, PersonNeeded):
            view.close(await project.loop(task))
            raise
    ended = await project.loop(task)
    view.close(ended)
    return Exit.DONE if ended.status is Status.COMPLETED else Exit.FAILED


async def _follow(project: Project, task: int, view: "_Lines | _Live | _Records") -> None:
    async for _ in project.changes():
        series = await project.patience.read(views.loop, task, outputs=isinstance(view, _Records))
        view.show(series)
        if series.status in ENDED:
            return


class _Lines:
    """A line for each pass, for pipes and logs."""

    def __init__(self) -> None:
        self._told = 0

    def show(self, series: LoopSeries) -> None:
        """The passes that are new."""
        for done in series.passes[self._told :]:
            output.lines(f"pass {done.number}  {done.verdict}  {values(done)}  {done.reason}", flush=True)
        self._told = max(self._told, len(series.passes))

    def close(self, series: LoopSeries) -> None:
        """The chart, once."""
        output.lines(*drawn(series, 80, _HEIGHT))


class _Records:
    """A JSON object for each pass."""

    def __init__(self) -> None:
        self._told = 0

    def show(self, series: LoopSeries) -> None:
        """The passes that are new."""
        for done in series.passes[self._told :]:
            output.record(pass_data(done))
        self._told = max(self._told, len(series.passes))

    def close(self, series: LoopSeries) -> None:
        """How it ended."""
        output.record(loop_data(series))


class _Live:
    """The chart, drawn again in place."""

    def __init__(self) -> None:
        self._height = 0

    def show(self, series: LoopSeries) -> None:
        """The loop as it stands."""
        size = shutil.get_terminal_size()
        charts = min(len(targets(series.spec.criterion)), _MOST_CHARTS)
        height = max(min(_HEIGHT, (size.lines - 8) // charts), 5)
        lines = [output.cut(line, size.columns - 1) for line in drawn(series, size.columns - 1, height)][: size.lines - 1]
        if self._height:
            sys.stdout.write(f"\x1b[{self._height}A\x1b[J")
        output.lines(*lines, flush=True)
        self._height = len(lines)

    def close(self, series: LoopSeries) -> None:
        """As it ended."""
        self.show(series)


def drawn(series: LoopSeries, width: int, height: int) -> list[str]:
    """The charts of all criteria, and what is to be said of the loop."""
    shapes: Shapes = UNICODE if output.encodable("●○┄│└─", sys.stdout) else ASCII
    lines: list[str] = []
    for target in targets(series.spec.criterion)[:_MOST_CHARTS]:
        lines += chart(series, target, width, height, shapes)
    return lines + summary(series)


def _is_terminal() -> bool:
    return sys.stdout.isatty() and os.environ.get("TERM", "dumb") != "dumb"
