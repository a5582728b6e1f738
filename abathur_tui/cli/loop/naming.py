"""The group itself, and how its commands name loops."""

from typing import Annotated

import typer

from abathur_tui.cli.invocation import group
from abathur_tui.domain.errors import ArgumentInvalid
from abathur_tui.domain.ids import parse_id
from abathur_tui.project import Project
from abathur_tui.storage import views

commands = group(
    "Start, follow and resume loops, which refine a result until it converges.",
    """
    abathur loop start "Make query.sql faster" --criterion 'latency_ms<=100: ./bench.sh'
    abathur loop start "Make the tests pass" --criterion 'test_pass: pytest -q' --wait
    abathur loop watch l1
    abathur loop history l1 --json
    abathur loop resume l1 --max-iterations 40
    """,
)

Id = Annotated[str, typer.Argument(metavar="ID", help="The loop's id, such as l3; its task's (t12) or execution's (x5) will do.")]


async def task_of(project: Project, name: str) -> int:
    """The task of a loop that an id names. Raises ArgumentInvalid, NotFound."""
    if (loop := parse_id(name, "l")) is not None:
        return await project.read(views.loop_task, loop)
    if (task := parse_id(name, "t")) is not None:
        return task
    if (execution := parse_id(name, "x")) is not None:
        return (await project.execution(execution)).root
    raise ArgumentInvalid(f"{name!r} is no id of a loop.", hint="It looks like l3; `abathur loop list` shows them.")
