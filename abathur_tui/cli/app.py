"""The program's root: finds the command by its name, runs it, and turns whatever goes wrong into one error and one exit code."""

import os
import sys
from collections.abc import Sequence
from importlib import import_module
from typing import Annotated, Any

import typer
import typer.main

from abathur_tui import __version__
from abathur_tui.cli import mistakes, output
from abathur_tui.cli.commands import ALL, SECTIONS
from abathur_tui.cli.invocation import Form, Group, Invocation, declared, write_help
from abathur_tui.domain.errors import Exit

_HELP = "A full-screen terminal cockpit for swarms of agents. Without a command, the screen opens."
_EXAMPLES = """
abathur                                        open the screen in this folder
abathur run 'ABYSSAL[ROADMAP]("a habit tracker for two people")'
abathur run "Summarise README.md in five lines"
abathur run release.abyssal --json | jq -r .output
abathur task list --filter 'status:failed age<1h'

Every command has its own --help with examples.
"""


class Root(Group):
    """The program: a group that loads its commands by name."""

    def list_commands(self, ctx: Any) -> list[str]:
        """All names, in the order of `--help`."""
        return list(ALL)

    def get_command(self, ctx: Any, cmd_name: str) -> Any:
        """The command, loaded now; None where there is none."""
        entry = ALL.get(cmd_name)
        if entry is None:
            return None
        holder: typer.Typer = import_module(f"abathur_tui.cli.{entry.module}").commands
        loaded = typer.main.get_group(holder)
        if entry.group:
            loaded.name = cmd_name
            return loaded
        return loaded.commands[cmd_name]

    def format_options(self, ctx: Any, formatter: Any) -> None:
        """Commands by section, without loading any, then options."""
        width = max(map(len, ALL))
        for title, entries in SECTIONS.items():
            with formatter.section(title):
                formatter.write_dl([(name.ljust(width), entry.help) for name, entry in entries.items()])
        write_help(self, ctx, formatter)


def _version_option(version: Annotated[bool, typer.Option("--version", help="Show the version.", is_eager=True)] = False) -> None:
    """The option itself: only its declaration is used."""


def _tell_version(context: Any, parameter: Any, wanted: bool) -> bool:
    if wanted:
        output.lines(f"abathur {__version__}")
        raise typer.Exit
    return wanted


def root() -> Root:
    root = Root(name="abathur", help=_HELP, epilog=_EXAMPLES, rich_markup_mode=None, commands=dict.fromkeys(ALL))
    root.params[:0] = declared(_version_option, _tell_version)
    root.params.extend(typer.main.get_install_completion_arguments())
    return root


def main(arguments: Sequence[str]) -> int:
    """One command line, to its exit code. No exception leaves it."""
    call = Invocation()
    if "--json" in arguments:
        call.form = Form.JSON  # so that a mistake further to the left is told as JSON too
    output.prepare()
    if "_ABATHUR_COMPLETE" in os.environ:
        root().main(prog_name="abathur")
    try:
        code = _invoke(arguments, call)
        sys.stdout.flush()
        return code
    except (output.OutputClosed, BrokenPipeError):
        return output.closed()
    except KeyboardInterrupt:
        return Exit.INTERRUPTED
    except Exception as error:
        return _report(error, call)


def _invoke(arguments: Sequence[str], call: Invocation) -> int:
    program = root()
    try:
        with program.make_context("abathur", list(arguments), obj=call, max_content_width=110) as context:
            code = program.invoke(context)
    except typer.Exit as leave:
        return leave.exit_code
    return code if isinstance(code, int) else Exit.DONE


def _report(error: Exception, call: Invocation) -> int:
    try:
        told = mistakes.translated(error)
        mistakes.tell(told, call, error)
        sys.stdout.flush()
    except (output.OutputClosed, OSError):
        return output.closed()
    except KeyboardInterrupt:
        return Exit.INTERRUPTED
    return told.exit
