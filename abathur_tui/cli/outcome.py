"""How an execution's result is told, and the exit code that it is."""

from abathur_tui.cli import output
from abathur_tui.cli.invocation import Invocation
from abathur_tui.domain.errors import Exit
from abathur_tui.domain.status import ENDED, Status
from abathur_tui.project import ExecutionResult, Project
from abathur_tui.project.answers import execution_name


async def tell_result(project: Project, execution: int, call: Invocation) -> int:
    """Print an execution's result (with `--json`, all about it) and its summary on standard error; gives the exit code."""
    result = await project.result(execution)
    if call.json:
        output.document(result.data())
    elif result.output is not None:
        output.result(result.output)
    if not call.quiet:
        output.note(f"{execution_name(execution)}: {result.summary}")
    if result.error and result.status is not Status.COMPLETED and not (call.quiet and call.json):
        output.note(f"{execution_name(execution) if call.quiet else 'It'} {_ended(result)}: {result.error}")
    return exit_of(result)


def exit_of(result: ExecutionResult) -> Exit:
    """0 for what completed, 1 for what ended otherwise."""
    return Exit.DONE if result.status is Status.COMPLETED else Exit.FAILED


def _ended(result: ExecutionResult) -> str:
    if result.status not in ENDED:
        return f"is {result.status}"
    return "was cancelled" if result.status is Status.CANCELLED else "failed"
