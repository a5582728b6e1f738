"""Who answers the agents, in words for the header."""

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


def has_open_work(project: Project) -> bool:
    """Whether there are tasks that an engine could work at. Blocks."""
    counts = project.database.read_now(views.counts)
    return any(count for status, count in counts.items() if status not in ENDED and status is not Status.PAUSED)
