"""What a command line asks for besides its command: the options that every command takes, before or after its name."""

import inspect
from collections.abc import Callable
from dataclasses import dataclass
from enum import StrEnum
from pathlib import Path
from typing import Annotated, Any

import typer
import typer.main
from typer.core import TyperCommand, TyperGroup

from abathur_tui.cli import output
from abathur_tui.domain.errors import Exit


class Form(StrEnum):
    """How an answer is written."""

    HUMAN = "human"
    JSON = "json"
    TABLE = "table"


@dataclass
class Invocation:
    """One call of the program."""

    project: Path | None = None
    """None: by ABATHUR_PROJECT, or found from the current folder up."""
    form: Form = Form.HUMAN
    quiet: bool = False
    verbose: bool = False
    debug: bool = False
    yes: bool = False

    @property
    def json(self) -> bool:
        """True where the answer is one JSON document."""
        return self.form is Form.JSON


def invocation(context: typer.Context) -> Invocation:
    """The call that a command belongs to."""
    call = context.find_root().obj
    assert isinstance(call, Invocation)
    return call


def _everywhere(
    context: typer.Context,
    project: Annotated[
        Path | None, typer.Option("--project", metavar="DIR", help="The project's folder, instead of the nearest one from here up.")
    ] = None,
    json: Annotated[bool, typer.Option("--json", help="The same as --output json.")] = False,
    output: Annotated[Form | None, typer.Option("--output", help="How the answer is written.")] = None,
    quiet: Annotated[bool, typer.Option("--quiet", "-q", help="Nothing on standard error but errors.")] = False,
    verbose: Annotated[bool, typer.Option("--verbose", "-v", help="More on standard error.")] = False,
    debug: Annotated[bool, typer.Option("--debug", help="Stack traces of errors.")] = False,
    yes: Annotated[bool, typer.Option("--yes", "-y", help="Do not ask before something that cannot be undone.")] = False,
) -> None:
    """The options themselves: only their declarations are used."""


def _keep(context: Any, parameter: Any, value: Any) -> Any:
    if value is None or value is False:
        return value
    call = invocation(context)
    match parameter.name:
        case "json":
            call.form = Form.JSON
        case "output":
            call.form = value
        case name:
            setattr(call, name, value)
    return value


def declared(function: Callable[..., None], callback: Callable[[Any, Any, Any], Any]) -> list[Any]:
    """The options that a function declares, as parameters to hang on any command, with `callback` told their values."""
    holder = typer.Typer(add_completion=False)
    holder.command()(function)
    options: list[Any] = list(typer.main.get_command(holder).params)
    for option in options:
        option.expose_value = False
        option.callback = callback
    return options


def shared_options() -> list[Any]:
    """The options of `_everywhere`; they keep their values in the `Invocation`."""
    return declared(_everywhere, _keep)


def write_help(command: Any, context: Any, formatter: Any) -> None:
    """Arguments and options, those of every command apart and last."""
    shared = {parameter.name for parameter in command.params if parameter.callback is _keep}
    sections: dict[str, list[tuple[str, str]]] = {"Arguments": [], "Options": [], "Options of every command": []}
    for parameter in command.get_params(context):
        record = parameter.get_help_record(context)
        if record is None:
            continue
        section = "Options of every command" if parameter.name in shared else "Arguments" if parameter.param_type_name == "argument" else "Options"
        sections[section].append(record)
    for title, records in sections.items():
        if records:
            with formatter.section(title):
                formatter.write_dl(records, col_max=26)


def write_examples(command: Any, formatter: Any) -> None:
    """The epilog as examples, line by line as they are."""
    if command.epilog:
        with formatter.section("Examples"):
            for line in inspect.cleandoc(command.epilog).splitlines():
                formatter.write(f"{'':>{formatter.current_indent}}{line}\n" if line else "\n")


class Command(TyperCommand):
    """A command that takes the options of every command, and whose epilog is a list of examples."""

    def __init__(self, name: str | None, **settings: Any) -> None:
        """As typer makes it."""
        settings["params"] = [*(settings.get("params") or []), *shared_options()]
        super().__init__(name, **settings)

    def format_options(self, ctx: Any, formatter: Any) -> None:
        """Arguments and options."""
        write_help(self, ctx, formatter)

    def format_epilog(self, ctx: Any, formatter: Any) -> None:
        """The examples."""
        write_examples(self, formatter)


class Group(TyperGroup):
    """A group of commands that takes the options of every command, and whose epilog is a list of examples."""

    def __init__(self, **settings: Any) -> None:
        """As typer makes it."""
        settings["params"] = [*(settings.get("params") or []), *shared_options()]
        super().__init__(**settings)

    def parse_args(self, ctx: Any, args: list[str]) -> list[str]:
        """Without a command, the help on standard error."""
        if not args and not ctx.resilient_parsing:
            output.note(ctx.get_help())
            raise typer.Exit(Exit.WRONG_USE)
        return super().parse_args(ctx, args)

    def format_options(self, ctx: Any, formatter: Any) -> None:
        """Commands first, then options."""
        self.format_commands(ctx, formatter)
        write_help(self, ctx, formatter)

    def format_epilog(self, ctx: Any, formatter: Any) -> None:
        """The examples."""
        write_examples(self, formatter)


def group(help: str, examples: str) -> typer.Typer:
    """An empty group of commands."""
    return typer.Typer(cls=Group, help=help, epilog=examples, add_completion=False, rich_markup_mode=None)


def loose() -> typer.Typer:
    """A holder for commands that belong to no group."""
    return typer.Typer(cls=Group, add_completion=False, rich_markup_mode=None)
