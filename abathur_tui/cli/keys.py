"""`--key`: what is submitted with one is there once, and whoever asks again is told so."""

from typing import Annotated

import typer

from abathur_tui.cli import output
from abathur_tui.cli.invocation import Invocation
from abathur_tui.domain.data import JsonObject
from abathur_tui.domain.ids import ExecutionId, execution_text

Key = Annotated[
    str | None,
    typer.Option(
        "--key",
        metavar="KEY",
        help="Submit it once, however often this is called: again with the same key answers the first one.",
        show_default=False,
    ),
]


def told_again(call: Invocation, key: str | None, *executions: int, again: bool) -> JsonObject:
    """Say on standard error where a submission was there already; gives what the answer as JSON says of it."""
    if again and not call.quiet:
        first, last = execution_text(ExecutionId(executions[0])), execution_text(ExecutionId(executions[-1]))
        which = f"{first} was" if first == last else f"{first} to {last} were"
        output.note(f"{which} there already, submitted with this key.")
    return {} if key is None else {"again": again}
