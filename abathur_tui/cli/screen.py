"""`abathur` alone: the screen."""

import os
import sys

from abathur_tui.cli.opening import opened
from abathur_tui.cli.shared_options import Invocation
from abathur_tui.domain.errors import NoTerminal


def open_screen(call: Invocation) -> int:
    """Open the screen on the project, made where there is none; gives the exit code. Raises NoTerminal."""
    if not (sys.stdin.isatty() and sys.stdout.isatty()):
        raise NoTerminal("The screen needs a terminal, and standard input or output is none.")
    if os.environ.get("TERM", "dumb") == "dumb":
        raise NoTerminal("The screen needs a terminal that can do more than TERM=dumb says.")
    from abathur_tui import screen  # Textual takes 300 ms, and an error above should come at once

    with opened(call, create=True) as project:
        return screen.run(project)
