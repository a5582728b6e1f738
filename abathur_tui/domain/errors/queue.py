"""What the queue, its engine and its place on this machine refuse."""

from abathur_tui.domain.errors.root import AbathurError, Exit

# Starting


class ProjectNotFound(AbathurError):
    """There is no project here.

    No `.abathur` folder was found in the current folder or above it.
    """

    code = "ABTH-ERR-001"
    exit = Exit.NOT_FOUND
    hint = "Run `abathur init` in the project's folder, or name it with --project."


class ProjectNotWritable(AbathurError):
    """The project's folder cannot be written.

    Its permissions, or those of `.abathur`, do not let this user write; or the disk is read-only; or `.abathur` is a link.
    """

    code = "ABTH-ERR-002"
    exit = Exit.REFUSED
    hint = "Make the folder writable for this user, or choose another with --project."


class NoTerminal(AbathurError):
    """The screen needs a terminal.

    Standard input or output is not a terminal, or TERM is `dumb`.
    """

    code = "ABTH-ERR-003"
    exit = Exit.WRONG_USE
    hint = "Start it in a terminal, or use the commands: `abathur --help`."


class EngineDidNotStart(AbathurError):
    """The engine did not start.

    It ended while starting, or said nothing within ten seconds.
    """

    code = "ABTH-ERR-004"
    hint = "Look at .abathur/logs/engine.log, then try `abathur engine start`."


# Queue


class QueueFull(AbathurError):
    """The queue is full.

    More tasks would not have ended than `queue.max_size` allows.
    """

    code = "ABTH-ERR-005"
    exit = Exit.REFUSED
    hint = "Wait, cancel tasks, or raise queue.max_size."


class NotFound(AbathurError):
    """There is no such thing.

    The id, name or file that was given is not there (any more).
    """

    code = "ABTH-ERR-006"
    exit = Exit.NOT_FOUND
    hint = "`abathur task list` shows tasks and their executions, `abathur loop list` loops, `abathur agent list` agents."


class ChangeRefused(AbathurError):
    """The task cannot change like that.

    The table of allowed status changes does not have it: for example, a completed task cannot be cancelled.
    """

    code = "ABTH-ERR-007"
    hint = "`abathur task show` says how a task stands."


class CyclicDependencies(AbathurError):
    """Tasks wait for each other in a circle.

    `after`, bindings or nested templates lead back to where they began.
    """

    code = "ABTH-ERR-008"
    exit = Exit.WRONG_USE
    hint = "Break the circle that the message shows."


class LeaseLost(AbathurError):
    """The worker lost its task.

    Its lease lapsed and another worker has the task, or the task was cancelled; nothing that the worker did since counts.
    """

    code = "ABTH-ERR-009"


class DependencyFailed(AbathurError):
    """Something that the task needs has failed.

    A task that it depends on failed, is dead, was cancelled, or expired.
    """

    code = "ABTH-ERR-010"
    hint = "Retry the task that is named: its dependents come back with it."


class KeyTaken(AbathurError):
    """The key was given to something else.

    A submission with `--key` is made once. This one has the key of another, whose text, parameters or options are not the same.
    """

    code = "ABTH-ERR-181"
    exit = Exit.REFUSED
    hint = "Give it a key of its own, or submit exactly what was submitted before: then that one is answered."


# The engine


class EngineDidNotStop(AbathurError):
    """The engine did not stop.

    It was asked to, and is still there: it waits for a disk that cannot be written, or it hangs.
    """

    code = "ABTH-ERR-151"
    hint = "Look at .abathur/logs; `kill -9` ends it and loses nothing: its tasks go back to the queue."


class EngineEnded(AbathurError):
    """The engine ended before this command was done with it.

    Somebody has stopped it, or it died and was not started again. Its tasks are in the queue.
    """

    code = "ABTH-ERR-152"
    hint = "`abathur engine start` goes on; .abathur/logs says what has ended it."


# People


class PersonNeeded(AbathurError):
    """All that is left waits for a person's answer.

    A task has asked what only a person can say, and this command was started where nobody can be asked: without a terminal, or with --quiet.
    """

    code = "ABTH-ERR-171"
    exit = Exit.REFUSED
    hint = "`abathur task answer` lists the questions and answers them; then everything goes on by itself."
