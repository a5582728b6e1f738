"""`abathur task batch-submit`."""

import asyncio
from typing import Annotated

import typer

from abathur_tui.cli import output
from abathur_tui.cli.invocation import Command, invocation
from abathur_tui.cli.keys import Key, told_again
from abathur_tui.cli.opening import opened, tell_files, tell_notices
from abathur_tui.cli.runtimes import Model, Runtime
from abathur_tui.cli.task.naming import commands
from abathur_tui.cli.text import read_file_or_input
from abathur_tui.project import Wish
from abathur_tui.project.answers import execution_name, task_name
from abathur_tui.project.together import submit_together


@commands.command(
    "batch-submit",
    cls=Command,
    epilog="""
    abathur task batch-submit jobs.jsonl
    abathur task batch-submit jobs.jsonl --json | jq -r '.tasks[]'
    echo '{"id": "a", "prompt": "Draft it"}
    {"prompt": "Review it", "after": ["a"]}' | abathur task batch-submit -
    """,
)
def batch_submit(
    context: typer.Context,
    file: Annotated[str, typer.Argument(metavar="FILE.jsonl|-", help="An object a line, with the options of `task submit` by their long names.")],
    runtime: Runtime = None,
    model: Model = None,
    key: Key = None,
) -> int:
    """Put several tasks into the queue as one execution, all or none.

    A line has a prompt, or a template with params; `id` names it within the file, and `after` the ids that it waits for.
    """
    call = invocation(context)
    text = read_file_or_input(file)
    with opened(call, create=True) as project:
        tell_notices(call, project.loaded.notices)
        tell_files(call, project.workbench, text)
        submitted, ids = asyncio.run(submit_together(project, text, Wish(runtime=runtime, model=model, key=key)))
    execution, tasks = execution_name(submitted.execution), [str(task_name(id)) for id in ids]
    more = told_again(call, key, submitted.execution, again=submitted.again)
    if call.json:
        output.document({"execution": execution, "tasks": list(tasks)} | more)
    else:
        output.lines(*tasks)
        if not call.quiet:
            output.note(f"They are {execution}. An engine works them off: `abathur engine start`.")
    return 0
