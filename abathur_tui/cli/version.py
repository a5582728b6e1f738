"""`abathur version`."""

import platform
import sqlite3

import typer

from abathur_tui import __version__
from abathur_tui.cli import output
from abathur_tui.cli.invocation import Command, invocation, loose

commands = loose()


@commands.command(
    "version",
    cls=Command,
    epilog="""
    abathur version
    abathur version --json
    abathur version --verbose
    """,
)
def version(context: typer.Context) -> None:
    """Show the version.

    With --verbose or --json, those of Python and SQLite too.
    """
    call = invocation(context)
    parts = {"version": __version__, "python": platform.python_version(), "sqlite": sqlite3.sqlite_version, "platform": platform.platform()}
    if call.json:
        output.document(parts)
    elif call.verbose:
        output.lines(f"abathur {__version__}", *(f"{name} {value}" for name, value in list(parts.items())[1:]))
    else:
        output.lines(f"abathur {__version__}")
