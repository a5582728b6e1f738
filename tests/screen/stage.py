"""A program for pseudo-terminals: the screen on a project, with a frozen clock and no engine."""

import sys
from pathlib import Path

from abathur_tui.project import Project
from abathur_tui.screen.app import AbathurApp
from tests.screen.conftest import ENVIRONMENT, FrozenClock, SteadyMachine


def main() -> None:
    """`stage.py FOLDER`."""
    with Project.open(Path(sys.argv[1]), environ=ENVIRONMENT) as project:
        app = AbathurApp(project, clock=FrozenClock(), probe=SteadyMachine(engine_lives=True), starts_engine=False)
        app.run()
        if app.failure is not None:
            raise app.failure
        for problem in app.problems:
            raise problem
        sys.exit(app.return_code or 0)


if __name__ == "__main__":
    main()
