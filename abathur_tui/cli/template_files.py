"""`abathur template register`, `validate`, `diff` and `remove`: the files in which templates are kept."""

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from abathur_tui.cli import output
from abathur_tui.cli.confirming import sure
from abathur_tui.cli.invocation import Command, Invocation, invocation
from abathur_tui.cli.opening import opened, workbench
from abathur_tui.cli.template import commands
from abathur_tui.cli.text import read_file_or_input
from abathur_tui.domain.data import JsonObject
from abathur_tui.domain.errors import Exit
from abathur_tui.domain.templates import Template

if TYPE_CHECKING:
    from abathur_tui.project.workbench import Workbench

__all__ = ["commands"]

Name = Annotated[str, typer.Argument(metavar="[LAYER:]NAME[@VERSION]", help="A template; LAYER is project, user or builtin.")]


@commands.command(
    "register",
    cls=Command,
    epilog="""
    abathur template register story.toml
    abathur template register story.json --user
    abathur template show CODE --text | sed 's/^version.*/version = "1.1.0"/' | abathur template register -
    """,
)
def register(
    context: typer.Context,
    file: Annotated[str, typer.Argument(metavar="FILE|-", help="A template in TOML or JSON, or - for standard input.")],
    user: Annotated[bool, typer.Option("--user", help="For you in all projects, not for this project.")] = False,
) -> None:
    """Check a template and keep it.

    A version that exists with another text is refused, and the next free one named.
    """
    call = invocation(context)
    text = read_file_or_input(file)
    with _keeping(call, for_user=user) as bench:
        kept = bench.template_files.register(text, file, "user" if user else "project")
    if call.json:
        output.document(_data(kept.template) | {"new": kept.new})
    elif kept.new:
        output.lines(f"{_named(kept.template)} is kept in {kept.template.file}.")
    else:
        output.lines(f"{_named(kept.template)} is there already, with this very text: {kept.template.file}.")


@commands.command(
    "validate",
    cls=Command,
    epilog="""
    abathur template validate
    abathur template validate story.toml
    abathur template validate - --json < story.json
    """,
)
def validate(
    context: typer.Context,
    files: Annotated[list[str] | None, typer.Argument(metavar="[FILE|-]...", help="Files; without any, all of this project and of yours.")] = None,
) -> None:
    """Check templates, and all that they name.

    Every mistake at once, with file and line.
    """
    call = invocation(context)
    store = workbench(call).template_files
    checked = [store.check(read_file_or_input("-"), "-")] if files == ["-"] else store.check_files([Path(file) for file in files or ()])
    if call.json:
        output.document([_data(template) for template in checked])
        return
    output.lines(*(f"{template.file}: {_named(template)} is good." for template in checked))
    if not checked and not call.quiet:
        output.note("There is no template of this project's or of yours. `docs/templates.md` says how to write one.")


@commands.command(
    "diff",
    cls=Command,
    epilog="""
    abathur template diff CODE
    abathur template diff CODE@1.0.0 CODE@1.1.0
    abathur template diff builtin:CODE project:CODE
    """,
)
def diff(
    context: typer.Context,
    first: Name,
    second: Annotated[str | None, typer.Argument(metavar="[SECOND]", help="The other; without it, the one that FIRST stands in front of.")] = None,
) -> None:
    """Show what is different between two templates.

    Versions of one name, or what the project's file has that yours or the one that ships has not.
    """
    from abathur_tui.library.comparing import difference  # with it jinja and pydantic, which `--help` must not pay

    call = invocation(context)
    found = difference(workbench(call).registry, first, second)
    if call.json:
        output.document({"left": _data(found.left), "right": _data(found.right), "diff": "\n".join(found.lines)})
    elif found.lines:
        output.lines(*found.lines)
    elif not call.quiet:
        output.note("Their texts are the same.")


@commands.command(
    "remove",
    cls=Command,
    epilog="""
    abathur template remove STORY@1.0.0
    abathur template remove user:STORY
    """,
)
def remove(context: typer.Context, name: Name) -> int:
    """Take a template of this project's or of yours away.

    What is queued with it goes on as it was planned. Those that ship stay.
    """
    call = invocation(context)
    store = workbench(call).template_files
    template = store.to_remove(name)
    if not sure(call, f"Remove {_named(template)} ({template.file})?"):
        return Exit.FAILED
    store.remove(f"{template.origin}:{template.name}@{template.version}")
    if call.json:
        output.document(_data(template))
    else:
        output.lines(f"{_named(template)} is gone: {template.file}.")
    return Exit.DONE


@contextmanager
def _keeping(call: Invocation, *, for_user: bool) -> "Iterator[Workbench]":
    """Where a template can be kept; a project is made where there is none."""
    if not for_user:
        with opened(call, create=True):
            yield workbench(call)
    else:
        yield workbench(call)


def _named(template: Template) -> str:
    return f"{template.name} {template.version}"


def _data(template: Template) -> JsonObject:
    return {"name": template.name, "version": template.version, "origin": template.origin, "file": template.file}
