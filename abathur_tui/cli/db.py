"""`abathur db`: looking after the project's database."""

from pathlib import Path
from typing import Annotated

import typer

from abathur_tui.cli import output
from abathur_tui.cli.invocation import Command, group, invocation
from abathur_tui.cli.names import execution_id
from abathur_tui.cli.quantities import size_text
from abathur_tui.domain.errors import Exit
from abathur_tui.project import care, found

commands = group(
    "Check, back up, recover, shrink and export the project's database.",
    """
    abathur db check
    abathur db backup ~/safe/project.db
    abathur db export --execution x12 > x12.jsonl
    abathur db recover
    """,
)


@commands.command(
    "check",
    cls=Command,
    epilog="""
    abathur db check
    abathur db check --json | jq -r '.problems[]'
    """,
)
def check(context: typer.Context) -> int:
    """Look whether the database is well, without changing it.

    SQLite's own check, then the project's rules: counts, edges, leases, the audit and its seals, texts and their hashes. Works beside an
    engine, and on a file that is damaged. Exit code 1 where there are problems.
    """
    call = invocation(context)
    place = found(call.project)
    checked = care.check(place)
    if call.json:
        output.document({"ok": checked.ok, "problems": list(checked.problems)})
    elif checked.ok:
        output.lines("The database is well.")
    else:
        output.lines(*checked.problems)
    return Exit.DONE if checked.ok else Exit.FAILED


@commands.command(
    "backup",
    cls=Command,
    epilog="""
    abathur db backup
    abathur db backup ~/safe/project.db
    """,
)
def backup(
    context: typer.Context,
    file: Annotated[str | None, typer.Argument(metavar="[FILE]", help="A file that is not there yet. [default: one in .abathur/backups]")] = None,
) -> None:
    """Copy the database into one file, and check the copy.

    Also while an engine is at work. Nothing is overwritten. A copy that SQLite
    finds damaged is not kept; what `db check` finds besides is told.
    """
    call = invocation(context)
    made, problems = care.back_up(found(call.project), Path(file) if file else None)
    if call.json:
        output.document({"file": str(made), "bytes": made.stat().st_size, "problems": problems})
        return
    output.lines(f"{made} ({size_text(made.stat().st_size)}) is a whole copy" + (", and is well." if not problems else "."))
    if problems:
        output.note(f"Like the database it is not wholly well (see `abathur db check`): {problems[0]}")


@commands.command(
    "recover",
    cls=Command,
    epilog="""
    abathur db recover
    abathur db recover --into saved.db
    """,
)
def recover(
    context: typer.Context,
    into: Annotated[str | None, typer.Option("--into", metavar="FILE", help="A file that is not there yet; the database stays as it is.")] = None,
) -> int:
    """Save what can be saved of a damaged database.

    Reads it page by page into a new one, which takes its place; the damaged file is kept beside it, under another name. Says of each table
    what was saved and what was lost. Exit code 1 where the new one is not well either.
    """
    call = invocation(context)
    done = care.recover(found(call.project), Path(into) if into else None)
    saved = done.salvaged
    if call.json:
        tables = [{"table": one.table, "saved": one.saved, "lost": one.lost} for one in saved.tables]
        output.document({"file": str(done.file), "damaged": str(done.damaged), "tables": tables, "problems": list(saved.problems)})
    else:
        output.table(("TABLE", "SAVED", "LOST"), [(one.table, str(one.saved), str(one.lost)) for one in saved.tables], right=frozenset({1, 2}))
        output.lines(f"What was saved is in {done.file}.", f"The damaged file is {done.damaged}.", *saved.problems)
    return Exit.FAILED if saved.problems else Exit.DONE


@commands.command(
    "vacuum",
    cls=Command,
    epilog="""
    abathur db vacuum
    """,
)
def vacuum(context: typer.Context) -> None:
    """Give the space of what was purged back.

    Writes the file anew without holes; while an engine is at work only its free pages are given back.
    """
    call = invocation(context)
    done = care.vacuum_file(found(call.project))
    if call.json:
        output.document({"before_bytes": done.before_bytes, "after_bytes": done.after_bytes, "whole": done.whole})
        return
    output.lines(f"{size_text(done.before_bytes)} before, {size_text(done.after_bytes)} now.")
    if not done.whole and not call.quiet:
        output.note("An engine is at work, so only free pages were given back; `abathur engine stop` before it makes the file as small as it can be.")


@commands.command(
    "export",
    cls=Command,
    epilog="""
    abathur db export > project.jsonl
    abathur db export project.jsonl
    abathur db export --execution x12 | jq -c 'select(.table == "tasks") | [.id, .status]'
    """,
)
def export(
    context: typer.Context,
    file: Annotated[str | None, typer.Argument(metavar="[FILE|-]", help="A file that is not there yet, instead of standard output.")] = None,
    execution: Annotated[str | None, typer.Option("--execution", metavar="ID", help="Only this execution.")] = None,
) -> None:
    """Write all that is kept as JSON lines.

    One object a line: `table`, and the columns as docs/database.md has them, table by table, each in the order of its key. Environment
    variables of commands are left out.
    """
    call = invocation(context)
    place, wanted = found(call.project), None if execution is None else execution_id(execution)
    if file is None or file == "-":
        care.export(place, output.piece, execution=wanted)
        return
    count = care.export(place, Path(file), execution=wanted)
    if call.json:
        output.document({"file": file, "records": count})
    else:
        output.lines(f"{file} has {count} records.")
