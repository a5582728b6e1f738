"""Commands and groups as Typer has them, with this program's help: examples, and the options of every command."""

import inspect
from collections.abc import Sequence
from typing import Any

import typer
from typer.core import TyperCommand, TyperGroup

from abathur_tui.cli import output
from abathur_tui.cli.shared_options import HELP, Form, Invocation
from abathur_tui.domain.errors import ArgumentInvalid, Exit

__all__ = ["Command", "Form", "Group", "Invocation", "declarations", "group", "invocation", "loose"]


def invocation(context: typer.Context) -> Invocation:
    """The call that a command belongs to."""
    call = context.find_root().obj
    assert isinstance(call, Invocation)
    return call


def declarations(command: Any, context: Any) -> list[tuple[str, str, str]]:
    """A command's arguments and options: the kind (`argument` or `option`), how it is written, and its help."""
    declared = []
    for parameter in command.get_params(context):
        record = parameter.get_help_record(context)
        if record is not None:
            declared.append((parameter.param_type_name, record[0].removesuffix(" <str>"), record[1]))
    return declared


def write_options(command: Any, context: Any, formatter: Any, more: Sequence[tuple[str, str]] = ()) -> None:
    """Arguments and options (`more` of them are read elsewhere), then those of every command."""
    declared = declarations(command, context)
    sections = {
        "Arguments": [(written, help) for kind, written, help in declared if kind == "argument"],
        "Options": [*more, *((written, help) for kind, written, help in declared if kind == "option")],
        "Options of every command": list(HELP),
    }
    for title, records in sections.items():
        if records:
            with formatter.section(title):
                formatter.write_dl(records)


def write_examples(command: Any, formatter: Any) -> None:
    """The epilog as examples, line by line as they are."""
    if command.epilog:
        with formatter.section("Examples"):
            for line in inspect.cleandoc(command.epilog).splitlines():
                formatter.write(f"{'':>{formatter.current_indent}}{line}\n" if line else "\n")


def with_default(help_option: Any) -> Any:
    """A command's `--help`, written as every answer is, and false unless given.

    Of a flag without a default typer asks pydantic, for 50 ms, whether None is true.
    """
    if help_option is not None:
        help_option.default = False
        help_option.callback = _show_help
    return help_option


def _show_help(context: Any, _: Any, wanted: bool) -> None:
    if wanted and not context.resilient_parsing:
        output.lines(context.get_help())
        context.exit()


class Command(TyperCommand):
    """A command whose epilog is a list of examples."""

    def get_help_option(self, ctx: Any) -> Any:
        """`--help`."""
        return with_default(super().get_help_option(ctx))

    def format_options(self, ctx: Any, formatter: Any) -> None:
        """Arguments and options."""
        write_options(self, ctx, formatter)

    def format_epilog(self, ctx: Any, formatter: Any) -> None:
        """The examples."""
        write_examples(self, formatter)


class Group(TyperGroup):
    """A group of commands whose epilog is a list of examples."""

    def get_help_option(self, ctx: Any) -> Any:
        """`--help`."""
        return with_default(super().get_help_option(ctx))

    def parse_args(self, ctx: Any, args: list[str]) -> list[str]:
        """Without a command, the help on standard error."""
        if not args and not ctx.resilient_parsing:
            if invocation(ctx).json:
                raise ArgumentInvalid("No command is named.", hint=f"See `{ctx.command_path} --help`.")
            output.note(ctx.get_help())
            raise typer.Exit(Exit.WRONG_USE)
        return super().parse_args(ctx, args)

    def format_options(self, ctx: Any, formatter: Any) -> None:
        """Commands first, then options."""
        self.format_commands(ctx, formatter)
        write_options(self, ctx, formatter)

    def format_epilog(self, ctx: Any, formatter: Any) -> None:
        """The examples."""
        write_examples(self, formatter)


def group(help: str, examples: str) -> typer.Typer:
    """An empty group of commands."""
    return typer.Typer(cls=Group, help=help, epilog=examples, add_completion=False, rich_markup_mode=None)


def loose() -> typer.Typer:
    """A holder for commands that belong to no group."""
    return typer.Typer(cls=Group, add_completion=False, rich_markup_mode=None)
