"""`abathur audit`."""

import asyncio
import json
import time
from collections import deque
from collections.abc import AsyncIterator
from typing import Annotated

import typer

from abathur_tui.cli import output
from abathur_tui.cli.interrupts import Interrupted, Interrupts
from abathur_tui.cli.invocation import Command, Invocation, invocation, loose
from abathur_tui.cli.names import task_id
from abathur_tui.cli.opening import opened
from abathur_tui.cli.quantities import MOST_LISTED
from abathur_tui.domain.errors import ArgumentInvalid, Exit, NotFound
from abathur_tui.domain.tasks import AuditEvent
from abathur_tui.project import Project, Verified
from abathur_tui.project.answers import audit_data, task_name
from abathur_tui.storage import views

commands = loose()

_PAGE = 1000
_SHOWN = 50


@commands.command(
    "audit",
    cls=Command,
    epilog="""
    abathur audit
    abathur audit --task t12
    abathur audit --follow
    abathur audit verify
    abathur audit verify --head "$(cat last-seal.txt)"
    abathur audit --json | jq -r 'select(.action | startswith("tool.")) | .detail'
    """,
)
def audit(
    context: typer.Context,
    what: Annotated[
        str, typer.Argument(metavar="[verify]", help="verify: look whether it is as it was sealed, instead of showing it.", show_default=False)
    ] = "",
    head: Annotated[
        str | None,
        typer.Option("--head", metavar="HASH", help="With verify: a last seal that was kept elsewhere must still be there.", show_default=False),
    ] = None,
    task: Annotated[str | None, typer.Option("--task", metavar="ID", help="Only this task's rows.")] = None,
    limit: Annotated[
        int | None,
        typer.Option(
            "--limit", metavar="N", min=1, max=MOST_LISTED, help="Only the last N rows. [default: 50; with --json, all]", show_default=False
        ),
    ] = None,
    follow: Annotated[bool, typer.Option("--follow", "-f", help="Go on with new rows as they come, until Ctrl-C.")] = False,
) -> int:
    """Show who changed what, and when.

    Oldest first; with --json, one object a line. With verify, the rows are compared with the hashes over them: exit code 1, and the first
    group of them that was changed, is missing or out of order. Whoever can write the file can make all hashes anew: with --head, the last one
    as it was told earlier, that is found too.
    """
    call = invocation(context)
    if what not in ("", "verify"):
        raise ArgumentInvalid(f"The audit is shown, or verified; not {what!r}.", hint="`abathur audit`, or `abathur audit verify`.")
    if head is not None and not what:
        raise ArgumentInvalid("--head is for `audit verify`.", hint="`abathur audit verify --head HASH`.")
    with opened(call, looks=not follow) as project:
        if what:
            return _verify(asyncio.run(project.verify_audit(head)), call)
        return asyncio.run(_audit(project, task_id(task) if task else None, limit or (None if call.json else _SHOWN), call, follow=follow))


def _verify(found: Verified, call: Invocation) -> int:
    if call.json:
        counts = {"groups": found.seals, "rows": found.rows, "swept": found.swept, "unsealed": found.unsealed}
        output.document({"ok": found.ok, "problem": found.problem, **counts, "head": found.head})
    elif found.problem is not None:
        output.lines(f"The audit was changed: {found.problem}")
    else:
        output.lines(f"The audit is as it was sealed: {found.rows} rows in {found.seals - found.swept} groups.")
        if found.swept:
            output.lines(f"{found.swept} groups have outlived the retention.")
        if found.unsealed:
            output.lines(f"{found.unsealed} rows are not sealed yet.")
        if found.head:
            output.lines(f"The last seal is {found.head}; keep it elsewhere, and nobody can make all of them anew unnoticed.")
    return Exit.DONE if found.ok else Exit.FAILED


async def _audit(project: Project, task: int | None, limit: int | None, call: Invocation, *, follow: bool) -> int:
    last = 0
    kept: deque[AuditEvent] = deque(maxlen=limit)
    async for event in _events(project, task, 0):
        last = event.id
        if limit is None:
            _tell(event, call, flush=follow)
        else:
            kept.append(event)
    for event in kept:
        _tell(event, call, flush=follow)
    if task is not None and not (follow or last):
        raise NotFound(f"There is no task {task_name(task)}.")
    if not (follow or last or call.json or call.quiet):
        output.note("Nothing has happened here yet.")
    if follow:
        if not call.quiet:
            project.patience.tell = output.note
        with Interrupts() as interrupts:
            try:
                await interrupts.unless_pressed(_follow(project, task, last, call))
            except Interrupted:
                return Exit.INTERRUPTED
    return Exit.DONE


async def _events(project: Project, task: int | None, since: int) -> AsyncIterator[AuditEvent]:
    while page := await project.audit(task=task, since_id=since, limit=_PAGE):
        for event in page:
            yield event
        since = page[-1].id


async def _follow(project: Project, task: int | None, last: int, call: Invocation) -> None:
    async for _ in project.changes():
        while page := await project.patience.read(views.audit, task=task, since_id=last, limit=_PAGE):
            for event in page:
                last = event.id
                _tell(event, call, flush=True)


def _tell(event: AuditEvent, call: Invocation, *, flush: bool = False) -> None:
    if call.json:
        output.record(audit_data(event), flush=flush)
        return
    at = time.strftime("%Y-%m-%d %H:%M:%S", time.localtime(event.at))
    what = f"{at}  {event.actor:<8}  {event.action:<17}  {task_name(event.task) or '':<6}"
    output.lines(f"{what}  {_detail(event, everything=call.verbose)}".rstrip(), flush=flush)


def _detail(event: AuditEvent, *, everything: bool) -> str:
    """The reason, where one was given, else all that there is."""
    reason = event.detail.get("reason")
    if isinstance(reason, str) and not everything:
        error = event.detail.get("error")
        told = " ".join(reason.split())
        return f"{error}: {told}" if isinstance(error, str) else told
    return json.dumps(event.detail, ensure_ascii=False) if event.detail else ""
