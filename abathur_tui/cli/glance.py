"""The project at a glance. Without typer, so that `abathur status` alone does not pay for it."""

import asyncio
import time

from abathur_tui.cli import output
from abathur_tui.cli.opening import opened
from abathur_tui.cli.shared_options import Form, Invocation
from abathur_tui.domain.errors import Exit
from abathur_tui.domain.status import Status
from abathur_tui.project import ProjectStatus
from abathur_tui.project.answers import hold_text, trouble_text


def glance(call: Invocation, *, flush: bool = False) -> int:
    """Tell how the project is. Raises ProjectNotFound."""
    with opened(call, looks=True) as project:
        answer = asyncio.run(project.status(read_settings=call.json))
    if call.json:
        output.document(answer.data(), flush=flush)
    elif call.form is Form.TABLE:
        output.table(("WHAT", "VALUE"), _rows(answer))
    else:
        output.lines(*(f"{name:<9}{value}" for name, value in _rows(answer)), flush=flush)
    return Exit.DONE


def _rows(answer: ProjectStatus) -> list[tuple[str, str]]:
    tasks = [f"{answer.counts[status]:,} {status}" for status in Status if answer.counts.get(status)]
    engine = answer.engine
    none = "died; its guard is starting it again" if answer.restarting_since else "none; `abathur engine start` starts one"
    since = time.strftime("%Y-%m-%d %H:%M", time.localtime(engine.since)) if engine else ""
    cost = "at an unknown cost" if answer.cost_today_usd is None else f"${answer.cost_today_usd:.2f}"
    return [
        ("project", str(answer.project)),
        ("engine", f"pid {engine.pid} on {engine.host}, since {since}" if engine else none),
        *([("waits", trouble_text(answer.trouble))] if answer.trouble else []),
        *([("queue", hold_text(answer.hold))] if answer.hold else []),
        ("tasks", ", ".join(tasks) if tasks else 'none yet; try: abathur run "Summarise the files here"'),
        *([("asks you", f"{answer.asking:,} of them; `abathur task answer` shows what, and answers")] if answer.asking else []),
        ("agents", f"{answer.agents_busy} of {answer.agents_limit} busy" if answer.agents_limit else "none"),
        ("today", f"{answer.tokens_today:,} tokens, {cost}"),
    ]
