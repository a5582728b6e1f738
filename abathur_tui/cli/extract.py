"""`abathur extract`: the commands in prose, listed, or run as one batch, with the results put back under them."""

import asyncio
import os
from pathlib import Path
from typing import Annotated

import typer

from abathur_tui import language
from abathur_tui.cli import output
from abathur_tui.cli.batch import followed, tell_results
from abathur_tui.cli.interrupts import Interrupted, Interrupts
from abathur_tui.cli.invocation import Command, Form, Invocation, invocation, loose
from abathur_tui.cli.opening import opened, tell_files, tell_notices
from abathur_tui.cli.runtimes import Model, Runtime
from abathur_tui.cli.text import read_file_or_input
from abathur_tui.cli.written import Source, put_back, source_of
from abathur_tui.domain.errors import ArgumentInvalid, Exit
from abathur_tui.project import Project, Wish
from abathur_tui.project.batch import results_of

commands = loose()


@commands.command(
    "extract",
    cls=Command,
    epilog="""
    abathur extract NOTES.md
    abathur extract NOTES.md --json | jq -r '.[].text' | abathur run -
    abathur extract NOTES.md --run
    abathur extract NOTES.md --run --write
    """,
)
def extract(
    context: typer.Context,
    file: Annotated[str, typer.Argument(metavar="FILE|-", help="A Markdown or text file, or - for standard input.")],
    run: Annotated[bool, typer.Option("--run", help="Run them as one batch, and print a table of results.")] = False,
    write: Annotated[bool, typer.Option("--write", help="With --run: put each result under its command in the file, in place of the last.")] = False,
    runtime: Runtime = None,
    model: Model = None,
) -> int:
    """List the ABYSSAL commands in a file of prose, or run them.

    Each with its line and column. A name that a command is bound to holds in the whole file.
    """
    call = invocation(context)
    if write and (not run or file == "-"):
        raise ArgumentInvalid("--write needs --run and a file.", hint="abathur extract NOTES.md --run --write")
    source = source_of(Path(file)) if write else None
    text = source.text if source else read_file_or_input(file)
    if run:
        with opened(call, create=True) as project:
            tell_notices(call, project.loaded.notices)
            tell_files(call, project.workbench, text)
            return asyncio.run(_run(project, text, source, Wish(runtime=runtime, model=model), call))
    _list(file, text, call)
    return Exit.DONE


def _list(file: str, text: str, call: Invocation) -> None:
    found = language.extract(text)
    if call.json:
        output.document([{"line": one.line, "column": one.column, "text": one.text} for one in found])
    elif call.form is Form.TABLE:
        output.table(("LINE", "COLUMN", "TEXT"), [(str(one.line), str(one.column), one.text) for one in found], right=frozenset({0, 1}))
    else:
        output.lines(*(f"{file}:{one.line}:{one.column}: {one.text}" for one in found))
        if not found and not call.quiet:
            output.note(f"There is no ABYSSAL command in {file}.")


async def _run(project: Project, text: str, source: Source | None, wish: Wish, call: Invocation) -> int:
    with Interrupts() as interrupts:
        try:
            pieces = await interrupts.unless_pressed(asyncio.to_thread(project.workbench.plan_prose, text))
        except Interrupted:
            return Exit.INTERRUPTED  # nothing was queued
        if source is not None:
            source.check(pieces)
        submitted = await project.submit_batch([piece.plan for piece in pieces], wish)
        try:
            code = await followed(project, submitted, call, interrupts)
        finally:
            tell_results(await results_of(project, submitted), call)
    if source is not None and code != Exit.INTERRUPTED:
        await put_back(project, source, pieces, submitted)
        if not call.quiet:
            output.note(f"The results are in {os.fspath(source.path)}.")
    return code
