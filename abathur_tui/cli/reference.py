"""`docs/commands.md`, made from the commands' own help: `python -m abathur_tui.cli.reference > docs/commands.md`."""

import inspect
from collections.abc import Iterator
from typing import Any

import typer

from abathur_tui.cli.app import root
from abathur_tui.cli.commands import SECTIONS
from abathur_tui.cli.invocation import Group, declarations
from abathur_tui.cli.shared_options import HELP

_HEAD = """\
# Commands

<!-- Made by `python -m abathur_tui.cli.reference`; edit the commands' docstrings and examples in abathur_tui/cli instead. -->

`abathur` alone opens the screen. Results go to standard output, all else to standard error. With `--json` the answer is one JSON document
(where it is a stream: one object a line), and an error is one object on standard error; [the errors](errors.md) have codes and exit codes.
Commands find the project by walking up from the current folder; those that write make one where there is none.

"""
_PIPE = "\\|"
"""In a table's cell, a bar is no border."""


def all_commands() -> Iterator[tuple[str, Any]]:
    """Every command by its full name (`task list`), groups left out."""
    program = root()
    context = typer.Context(program, info_name="abathur")
    for section in SECTIONS.values():
        for name in section:
            command = program.get_command(context, name)
            if not section[name].group:
                yield name, command
                continue
            yield from _inside(name, command)


def _inside(name: str, group: Any) -> Iterator[tuple[str, Any]]:
    for inner_name, inner in group.commands.items():
        if isinstance(inner, Group):
            yield from _inside(f"{name} {inner_name}", inner)
        elif not inner.hidden:
            yield f"{name} {inner_name}", inner


def page() -> str:
    """The whole page."""
    options = "".join(f"| `{declaration.replace('|', _PIPE)}` | {help} |\n" for declaration, help in HELP)
    parts = [_HEAD, f"Every command takes these, before or after its name:\n\n| option | |\n|---|---|\n{options}\n"]
    for name, command in all_commands():
        parts.append(f"## abathur {name}\n\n{inspect.cleandoc(command.help or '')}\n\n")
        context = typer.Context(command, info_name=command.name)
        rows = [
            f"| `{written.replace('|', _PIPE)}` | {help.replace('|', _PIPE)} |\n"
            for _, written, help in declarations(command, context)
            if written != "--help"
        ]
        if rows:
            parts.append("| argument or option | |\n|---|---|\n" + "".join(rows) + "\n")
        parts.append(f"```sh\n{inspect.cleandoc(command.epilog or '')}\n```\n\n")
    return "".join(parts).rstrip() + "\n"


if __name__ == "__main__":
    print(page(), end="")
