"""The program's root: finds the command by its name, runs it, and turns whatever goes wrong into one error and one exit code."""

import contextlib
import os
from collections.abc import Sequence
from importlib import import_module
from typing import Any

import typer
import typer.main

from abathur_tui.cli import output
from abathur_tui.cli.commands import ALL, SECTIONS
from abathur_tui.cli.finishing import finish
from abathur_tui.cli.invocation import Group, Invocation, write_options
from abathur_tui.domain.errors import ArgumentInvalid, Exit
from abathur_tui.domain.nearest import nearest

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

    def resolve_command(self, ctx: Any, args: list[str]) -> Any:
        """The command; an unknown one is told with those that are nearly it."""
        if args[0] not in ALL:
            near = nearest(args[0], ALL)
            ctx.fail(f"No such command {args[0]!r}." + (f" Did you mean {near!r}?" if near else ""))
        return super().resolve_command(ctx, args)

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
        write_options(self, ctx, formatter, [("--version", "Show the version.")])


def root(*, completion: bool = True) -> Root:
    """The program; `completion`: with the options that install the shell's completion, which take 50 ms to be read where they are not given."""
    program = Root(name="abathur", help=_HELP, epilog=_EXAMPLES, rich_markup_mode=None)
    if completion:
        program.params.extend(typer.main.get_install_completion_arguments())
    return program


def main(call: Invocation, arguments: Sequence[str]) -> int:
    """One call, with what is left of its arguments for the command, to its exit code. No exception leaves it."""
    if "_ABATHUR_COMPLETE" in os.environ:
        root().main(prog_name="abathur")
    return finish(call, lambda: _invoke(call, arguments))


def _invoke(call: Invocation, arguments: Sequence[str]) -> int:
    if call.mistake:
        raise ArgumentInvalid(call.mistake, hint="See `abathur --help`.")
    program = root(completion=any(argument.startswith("-") for argument in arguments[:1]))
    completion = any(argument.startswith("--show-completion") for argument in arguments[:1])  # written by typer, to standard output
    try:
        with (
            output.writing() if completion else contextlib.nullcontext(),
            program.make_context("abathur", list(arguments), obj=call, max_content_width=110) as context,
        ):
            code = program.invoke(context)
    except typer.Exit as leave:
        return leave.exit_code
    except typer.Abort as error:
        raise ArgumentInvalid("Nothing was answered, so nothing was done.") from error
    except typer.TyperException as error:
        raise _wrong_use(error) from error
    return code if isinstance(code, int) else Exit.DONE


def _wrong_use(error: typer.TyperException) -> ArgumentInvalid:
    context = getattr(error, "ctx", None)
    message = error.format_message().replace(": Value error, ", ": ").replace(": Input should be ", ": it must be ")
    hint = f"See `{context.command_path} --help`." if context else "See `abathur --help`."
    return ArgumentInvalid(message if message.endswith((".", "?", ")")) else f"{message}.", hint=hint)
