"""Following on after the files of a database were removed or replaced."""

import os
import sys
from contextlib import suppress
from typing import NoReturn

from abathur_tui.cli import output
from abathur_tui.cli.invocation import Invocation
from abathur_tui.domain.errors import AbathurError, ProjectGone
from abathur_tui.project import Project
from abathur_tui.project.answers import execution_name


def watch_anew(project: Project, execution: int, call: Invocation, why: ProjectGone) -> NoReturn:
    """Go on as `abathur watch`, as the engine does as another process. Raises `why` where nothing has come in the place of the files.

    A process that has had the old files open must not open the new ones: SQLite keeps what it knows of a file for all its connections in a process,
    and would take the old log's index for the new one's.
    """
    if not project.database.is_replaced:
        raise why
    with suppress(AbathurError):  # refused; but what the old log has is saved with it, before the new files are opened
        project.database.write_now(lambda _: None)
    name = str(execution_name(execution))
    if not call.quiet:
        output.note(
            f"{why.message} What is there now is followed, as `abathur watch {name}` does: Ctrl-C stops following, and the execution goes on."
        )
    said = (("--quiet", call.quiet and not call.hushed), ("--verbose", call.verbose), ("--debug", call.debug))
    flags = ["--project", str(project.folder), "--output", str(call.form), *(flag for flag, wanted in said if wanted)]
    sys.stdout.flush()
    os.execv(sys.executable, [sys.executable, sys.argv[0], "watch", name, *flags])
