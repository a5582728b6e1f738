"""The group itself, and how its commands name tasks."""

from collections.abc import Sequence
from typing import Annotated

import typer

from abathur_tui.cli.invocation import group
from abathur_tui.cli.names import execution_id, task_id
from abathur_tui.project import Project

commands = group(
    "Submit, list, show and change tasks.",
    """
    abathur task submit "Write a changelog for the last release"
    abathur task list --filter 'status:failed age<1d'
    abathur task show t12
    abathur task retry t12 t14
    """,
)

Id = Annotated[str, typer.Argument(metavar="ID", help="The task's id, such as t12.")]
Ids = Annotated[list[str], typer.Argument(metavar="ID...", help="Ids of tasks, such as t12, or of executions, such as x3.")]

MaybeIds = Annotated[
    list[str] | None, typer.Argument(metavar="ID...", help="Ids of tasks, such as t12, or of executions, such as x3.", show_default=False)
]


async def tasks_named(project: Project, names: Sequence[str]) -> list[int]:
    """The tasks that these ids name; an execution's id names its root. Each once, in order. Raises ArgumentInvalid, NotFound."""
    ids: list[int] = []
    for name in names:
        ids.append((await project.execution(execution_id(name))).root if name.startswith("x") else task_id(name))
    return list(dict.fromkeys(ids))
