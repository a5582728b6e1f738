"""`abathur init`: make a project."""

from typing import Annotated

import typer

from abathur_tui.cli import output
from abathur_tui.cli.invocation import Command, invocation, loose
from abathur_tui.project import Project

commands = loose()


@commands.command(
    "init",
    cls=Command,
    epilog="""
    abathur init
    abathur init ../other-repository
    abathur init --json
    """,
)
def init(
    context: typer.Context,
    folder: Annotated[
        str | None, typer.Argument(metavar="DIR", help="Where; the top of the git repository, else the current folder.", show_default=False)
    ] = None,
) -> None:
    """Make a project here.

    Makes `.abathur/` with a commented config file, the queue's database and a git-ignore. What is there already stays as it is.
    """
    call = invocation(context)
    with Project.open(folder or call.project, create=True) as project:
        made, place = project.made, project.place
    if call.json:
        output.document({"project": str(place.folder), "data": str(place.data), "created": made})
    elif made:
        output.lines(f"Made {place.data}.")
        if not call.quiet:
            output.note('Next: abathur run "Summarise the files here", or `abathur` for the screen.')
    else:
        output.lines(f"{place.data} is there already; nothing was changed.")
