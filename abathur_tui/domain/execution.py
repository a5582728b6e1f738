"""What an execution keeps of the place where it was submitted, so that it does not matter whose environment the engine has."""

from dataclasses import dataclass, field
from enum import StrEnum


class RuntimeName(StrEnum):
    """What answers an agent's turn."""

    ANTHROPIC = "anthropic"
    """The Anthropic Messages API, or any server that speaks it, through the official SDK."""
    LOCAL = "local"
    """The embedded small model: no network, no key."""
    COMMAND = "command"
    """Any program: the prompt on standard input, the result on standard output."""


@dataclass(frozen=True, slots=True)
class RuntimeChoice:
    """A runtime with all that it needs, as the submitter's settings and environment had it."""

    runtime: RuntimeName
    model: str | None = None
    """None: the runtime's default."""
    base_url: str | None = None
    """`anthropic`: where the API is; None is the SDK's default."""
    key_fingerprint: str | None = None
    """`anthropic`: which key; the key itself is handed to the engine over its socket and never written."""
    argv: tuple[str, ...] = ()
    """`command`: the program (an absolute path) and its arguments."""
    working_folder: str = ""
    """Absolute; where commands run."""
    environment: tuple[tuple[str, str], ...] = ()
    """`command`: the variables that `runtimes.command.env` names, and PATH and the like."""
    agent_models: tuple[tuple[str, str], ...] = ()
    """`anthropic` where no model was asked for: the models that agent definitions name, by the definition."""

    @property
    def lane(self) -> str:
        """What limits its tasks' claims: the runtime and model."""
        return f"{self.runtime}:{self.model or 'default'}"

    def model_of(self, agent: str | None) -> str | None:
        """The model of an agent's tasks that name none themselves; None: the runtime's default."""
        return self.model or dict(self.agent_models).get(agent or "")


@dataclass(frozen=True, slots=True)
class SubmitOptions:
    """What a submit adds to its plan."""

    runtime: RuntimeChoice
    actor: str = "user"
    max_size: int = 10_000
    """The queue takes no submit that would leave more tasks than this that have not ended."""
    task_timeout_seconds: float = 1800.0
    max_retries: int = 3
    after: tuple[int, ...] = ()
    """Tasks of earlier executions that the plan's first nodes wait for."""
    ignore_dependency_failure: bool = False
    not_before: float | None = None
    """Unix time of the earliest start (`--at`, `--in`)."""
    on_the_clock: bool = False
    """That moment was named (`--at`), and stays when the clock is set; else it is a time from now (`--in`)."""
    templates: dict[str, str] = field(default_factory=dict)
    """`NAME@version` to the template's text, kept with the execution."""


@dataclass(frozen=True, slots=True)
class Key:
    """What makes a submission one that is made once, however often it is asked for."""

    name: str
    """As its submitter gave it."""
    asked: str
    """SHA-256, in hex, of what was asked for: nothing else may be asked for with it."""


@dataclass(frozen=True, slots=True)
class Submitted:
    """What a submit made; it is on disk."""

    execution: int
    root: int
    """The task whose result is the execution's."""
    tasks: dict[str, int]
    """The plan's node ids to tasks."""
    again: bool = False
    """It was there already, by its key."""
