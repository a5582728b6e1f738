"""The screen: a full-screen cockpit that renders what the project's database says, and asks the project for changes."""

import os
import sys

from abathur_tui.domain.errors import NoTerminal
from abathur_tui.project import Project
from abathur_tui.screen import answering
from abathur_tui.screen.app import AbathurApp

__all__ = ["run"]


def run(project: Project) -> int:
    """Show the project until it is left; gives the exit code. Raises NoTerminal where there is no terminal to show it on."""
    if not (sys.stdin.isatty() and sys.stdout.isatty()):
        raise NoTerminal("Standard input and output are not a terminal.")
    if os.environ.get("TERM", "dumb") in ("", "dumb"):
        raise NoTerminal("TERM says that the terminal cannot place a cursor.")
    app = AbathurApp(project, theme=answering.theme(project))
    app.run()
    if app.failure is not None:
        raise app.failure
    return app.return_code or 0
