"""The screen: a full-screen cockpit that renders what the project's database says, and asks the project for changes."""

import gc
import os
import sys

from abathur_tui.domain.errors import NoTerminal
from abathur_tui.project import Project

__all__ = ["run"]


def run(project: Project) -> int:
    """Show the project until it is left; gives the exit code. Raises NoTerminal where there is no terminal to show it on."""
    if not (sys.stdin.isatty() and sys.stdout.isatty()):
        raise NoTerminal("Standard input and output are not a terminal.")
    if os.environ.get("TERM", "dumb") in ("", "dumb"):
        raise NoTerminal("TERM says that the terminal cannot place a cursor.")
    gc.disable()  # until the first frame: what is imported stays, and looking through it again and again costs a fifth of the start
    from abathur_tui.screen import answering, app, memory  # Textual and all widgets, 200 ms: nobody else who imports this room pays for them

    screen = app.AbathurApp(project, theme=answering.theme(project), memory=memory.Memory(project.database.id))
    screen.run()
    if screen.failure is not None:
        raise screen.failure
    return screen.return_code or 0
