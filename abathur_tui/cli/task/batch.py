"""`abathur task batch-submit`."""

import asyncio
from typing import Annotated

import typer

from abathur_tui.cli import output
from abathur_tui.cli.invocation import Command, invocation
from abathur_tui.cli.opening import opened, tell_files, tell_notices
from abathur_tui.cli.runtimes import Model, Runtime
from abathur_tui.cli.task.naming import commands
from abathur_tui.cli.text import read_file_or_input
from abathur_tui.project import Project, Wish
from abathur_tui.project.answers import execution_name, task_name
from abathur_tui.project.together import plan_together


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
) -> int:
    """Put several tasks into the queue as one execution, all or none.

    A line has a prompt, or a template with params; `id` names it within the file, and `after` the ids that it waits for.
    """
    call = invocation(context)
    text = read_file_or_input(file)
    with opened(call, create=True) as project:
        tell_notices(call, project.loaded.notices)
        tell_files(call, project.workbench, text)
        execution, tasks = asyncio.run(_submit(project, text, Wish(runtime=runtime, model=model)))
    if call.json:
        output.document({"execution": execution, "tasks": list(tasks)})
    else:
        output.lines(*tasks)
        if not call.quiet:
            output.note(f"They are {execution}. An engine works them off: `abathur engine start`.")
    return 0


async def _submit(project: Project, text: str, wish: Wish) -> tuple[str, list[str]]:
    plan, roots = await asyncio.to_thread(plan_together, project.workbench, text)
    submitted = await project.submit_plan(plan, wish)
    return str(execution_name(submitted.execution)), [str(task_name(submitted.tasks[root])) for root in roots]
