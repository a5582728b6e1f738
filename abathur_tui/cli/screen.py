"""`abathur` alone: the screen."""

import os
import sys
from collections.abc import Sequence
from pathlib import Path

from abathur_tui.cli import mistakes, output
from abathur_tui.cli.invocation import Invocation
from abathur_tui.cli.opening import opened
from abathur_tui.domain.errors import Exit, NoTerminal


def main(arguments: Sequence[str]) -> int:
    """Open the screen on the project, made where there is none; gives the exit code. No exception leaves it."""
    output.prepare()
    call = Invocation(project=_project(arguments), debug="--debug" in arguments)
    try:
        return _open(call)
    except KeyboardInterrupt:
        return Exit.INTERRUPTED
    except Exception as error:
        told = mistakes.translated(error)
        mistakes.tell(told, call, error)
        return told.exit


def _open(call: Invocation) -> int:
    if not (sys.stdin.isatty() and sys.stdout.isatty()):
        raise NoTerminal("The screen needs a terminal, and standard input or output is none.")
    if os.environ.get("TERM", "dumb") == "dumb":
        raise NoTerminal("The screen needs a terminal that can do more than TERM=dumb says.")
    from abathur_tui import screen  # Textual takes 300 ms, and an error above should come at once

    with opened(call, create=True) as project:
        return screen.run(project)


def _project(arguments: Sequence[str]) -> Path | None:
    for position, option in enumerate(arguments):
        if option == "--project":
            return Path(arguments[position + 1])
        if option.startswith("--project="):
            return Path(option.removeprefix("--project="))
    return None
