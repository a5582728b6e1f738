"""What the screen asks of the project, and how it says what came of it."""

from collections import defaultdict
from collections.abc import Sequence
from typing import assert_never

from abathur_tui.domain.errors import AbathurError
from abathur_tui.domain.leases import Changed
from abathur_tui.project import Project
from abathur_tui.screen.messages import TaskIntent, Verb

_DONE = {
    Verb.CANCEL: "cancelled",
    Verb.RETRY: "back in the queue",
    Verb.PAUSE: "paused",
    Verb.RESUME: "going on",
    Verb.REPRIORITIZE: "",
    Verb.CLEAR: "cleared",
}


async def ask(project: Project, intent: TaskIntent) -> list[Changed]:
    """Do what is asked; each task on its own. Raises AbathurError where nothing could be done at all."""
    match intent.verb:
        case Verb.CANCEL:
            return await project.cancel(intent.tasks)
        case Verb.RETRY:
            return await project.retry(intent.tasks)
        case Verb.PAUSE:
            return await project.pause(intent.tasks)
        case Verb.RESUME:
            return await project.resume(intent.tasks)
        case Verb.REPRIORITIZE:
            by_priority: defaultdict[int, list[int]] = defaultdict(list)
            for task, priority in zip(intent.tasks, intent.priorities, strict=True):
                by_priority[priority].append(task)
            return [change for priority, tasks in by_priority.items() for change in await project.reprioritize(tasks, priority)]
        case Verb.CLEAR:
            return list(await project.dead_letters.clear(intent.tasks))
        case _:
            assert_never(intent.verb)


def outcome(verb: Verb, changes: Sequence[Changed]) -> tuple[str, AbathurError | None]:
    """What to say of it: a sentence (empty where the rows say enough), and the first refusal."""
    refused = [change.error for change in changes if change.error is not None]
    done = len(changes) - len(refused)
    said = f"{tasks(done)} {_DONE[verb]}" if done and _DONE[verb] else ""
    if refused and (done or len(refused) > 1):
        said = f"{said + '; ' if said else ''}{tasks(len(refused))} refused"
    return said, refused[0] if refused else None


def tasks(count: int) -> str:
    """A number of tasks in words."""
    return "1 task" if count == 1 else f"{count:,} tasks"
