"""What the screen asks the project's settings: who answers the agents, which theme, and what does not count."""

import os
from collections.abc import Mapping, Sequence
from pathlib import Path

import platformdirs

from abathur_tui.domain.errors import AbathurError
from abathur_tui.domain.execution import RuntimeChoice, RuntimeName
from abathur_tui.domain.safe_text import safe_line
from abathur_tui.domain.status import ENDED, Status
from abathur_tui.project import Project
from abathur_tui.project.wish import Wish
from abathur_tui.storage import views


def describe(project: Project) -> str:
    """What a text that is submitted now would be answered by. Blocks. Raises NoRuntime or ConfigInvalid."""
    return words(project.workbench.runtime(Wish()))


def words(choice: RuntimeChoice) -> str:
    """A runtime in a few words."""
    match choice.runtime:
        case RuntimeName.LOCAL:
            return "embedded model answers"
        case RuntimeName.COMMAND:
            program = choice.argv[0].rpartition("/")[2] if choice.argv else "a command"
            return f"{safe_line(program)} answers"
        case RuntimeName.ANTHROPIC:
            return f"{safe_line(choice.model or 'anthropic')} answers"


def notices(project: Project) -> Sequence[str]:
    """What the settings' files say and what does not count. Blocks. Raises ConfigInvalid."""
    return project.workbench.loaded.notices


def theme(project: Project, environ: Mapping[str, str] = os.environ) -> str:
    """`screen.theme`. Reading the settings takes 0.1 s, so they are read only where something could have set it; mistakes are told later."""
    files = (project.place.data / "config.toml", project.place.data / "local.toml", platformdirs.user_config_path("abathur") / "config.toml")
    if "ABATHUR_SCREEN__THEME" not in environ and not any(_mentions_theme(file) for file in files):
        return "auto"
    try:
        return project.workbench.settings.screen.theme
    except AbathurError:
        return "auto"


def _mentions_theme(file: Path) -> bool:
    try:
        return b"theme" in file.read_bytes()
    except OSError:
        return False


def has_open_work(project: Project) -> bool:
    """Whether there are tasks that an engine could work at. Blocks."""
    counts = project.database.read_now(views.counts)
    return any(count for status, count in counts.items() if status not in ENDED and status is not Status.PAUSED)
