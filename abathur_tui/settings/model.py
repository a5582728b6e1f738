"""Every setting, its type, its range and its default; each field's docstring is its entry in `docs/configuration.md`."""

import re
from typing import Annotated, Literal

from pydantic import AfterValidator, BaseModel, BeforeValidator, ConfigDict, Field, Strict

from abathur_tui.domain.execution import RuntimeName
from abathur_tui.domain.quantities import bytes_of, seconds_of
from abathur_tui.domain.quiet import quiet_window
from abathur_tui.domain.status import Status

_ADDRESS = re.compile(r"https?://[^\s@/?#]{1,255}(?:/[^\s@?#]{0,1000})?")


def duration(value: object) -> object:
    """The seconds that a text stands for; anything else is left for the type's own check."""
    return seconds_of(value) if isinstance(value, str) else value


def size(value: object) -> object:
    """The bytes that a text stands for; anything else is left for the type's own check."""
    return bytes_of(value) if isinstance(value, str) else value


def address(value: object) -> object:
    """The address of a server. Raises ValueError, without the value: a password could stand in it."""
    if isinstance(value, str) and not _ADDRESS.fullmatch(value):
        raise ValueError("it must be an address such as https://models.example:8443, without a user's name or password")
    return value


def window(value: str) -> str:
    """The text of a quiet time. Raises ValueError."""
    quiet_window(value)
    return value


Seconds = Annotated[float, BeforeValidator(duration), Field(allow_inf_nan=False)]
"""A number of seconds, or a text such as "30s" or "5m"."""
Bytes = Annotated[int, BeforeValidator(size)]
"""A number of bytes, or a text such as "512MB"."""
TextList = Annotated[tuple[Annotated[str, Field(pattern="^[^\0]*$")], ...], Strict(False)]
"""An array of texts."""
VariableNames = Annotated[tuple[Annotated[str, Field(pattern="^[A-Za-z_][A-Za-z0-9_]*$")], ...], Strict(False)]
"""An array of names of environment variables."""


class Section(BaseModel):
    """A table of the configuration: no unknown keys, no types bent."""

    model_config = ConfigDict(extra="forbid", frozen=True, strict=True)


class System(Section):
    """The engine process."""

    idle_seconds: Seconds = Field(default=300.0, ge=1, le=604_800)
    """How long an engine that nobody asked to stay goes on with nothing to do."""


class Api(Section):
    """What answers an agent's turn."""

    runtime: Annotated[RuntimeName, Strict(False)] | None = None
    """Who answers: `anthropic`, `local` or `command`. Without it: `anthropic` where there is a key, else the embedded model."""
    model: str | None = Field(default=None, min_length=1, max_length=200)
    """The model's name. Without it: the runtime's own default."""
    base_url: Annotated[str, BeforeValidator(address)] | None = None
    """Address of a server that speaks the Anthropic Messages API. Without it: ANTHROPIC_BASE_URL, else Anthropic's own."""


class Command(Section):
    """The `command` runtime: any program that reads a prompt and writes a result."""

    argv: TextList = Field(default=(), max_length=1000)
    """The program and its arguments. The prompt comes on its standard input; its standard output is the result."""
    env: VariableNames = Field(default=(), max_length=1000)
    """Names of the variables of the submitter's environment that the program sees besides PATH and the like."""


class Runtimes(Section):
    """The runtimes' own settings."""

    command: Command = Command()


class OnStatus(Section):
    """A command that runs when a task's status has changed; `[[queue.on_status]]` for each."""

    statuses: Annotated[tuple[Annotated[Status, Strict(False)], ...], Strict(False)] = Field(min_length=1)
    """The new statuses: `completed`, `failed`, `dead`, `cancelled`, `paused`, `running`…"""
    command: TextList = Field(min_length=1, max_length=1000)
    """The program and its arguments. The task comes as JSON on its standard input, as `task list --json` has it, with the `change` besides."""
    timeout_seconds: Seconds = Field(default=30.0, gt=0, le=86_400)
    """How long it may take; then it is ended, with all that it has started."""


class Queue(Section):
    """The queue, its retries and its leases."""

    max_size: int = Field(default=10_000, ge=1, le=10_000_000)
    """Submitted tasks not yet ended that the queue takes, joins not counted; a submit beyond it is refused."""
    max_retries: int = Field(default=3, ge=0, le=100)
    """Attempts after the first, for errors that may pass (rate limit, overload, network, timeout)."""
    retry_initial_seconds: Seconds = Field(default=10.0, ge=0, le=86_400)
    """The wait before the second attempt."""
    retry_factor: float = Field(default=2.0, ge=1, le=100)
    """How much longer each further wait is than the one before."""
    retry_max_seconds: Seconds = Field(default=300.0, ge=0, le=86_400)
    """The longest wait between two attempts; a server's own `retry-after` wins over it."""
    task_timeout_seconds: Seconds = Field(default=1800.0, gt=0, le=2_592_000)
    """The time of one attempt in which its agent holds a slot, where the task gives none."""
    lease_seconds: Seconds = Field(default=90.0, ge=0.1, le=86_400)
    """After this long without a sign of life a worker has lost its task."""
    heartbeat_seconds: Seconds = Field(default=30.0, ge=0.01, le=86_400)
    """How often a worker gives a sign of life: at most half of `lease_seconds`, and a third of it where only that is given and is short."""
    quiet_windows: Annotated[tuple[Annotated[str, AfterValidator(window)], ...], Strict(False)] = Field(default=(), max_length=100)
    """Times in which nothing new starts (what runs goes on): days, hours and a time zone, such as `"mon-fri 22:00-07:00 Europe/Berlin"`.
    Every day where none is named, this machine's zone where none is; a window may end on the next day, and `00:00-24:00` is all of one."""
    on_status: Annotated[tuple[OnStatus, ...], Strict(False)] = Field(default=(), max_length=100)
    """Commands on changes of a task's status. They run after the change, one after the other, each at least once, and what comes of them changes
    nothing for the task. A project's own files cannot name any."""


class Swarm(Section):
    """The agents that run at once."""

    max_agents: int = Field(default=10, ge=1, le=500)
    """Agents that work at the same time; `abathur swarm scale` wins over it."""
    per_model: dict[Annotated[str, Field(min_length=1, max_length=200)], Annotated[int, Field(ge=1, le=500)]] = {}
    """How many of them with one model: a table of models, or of runtimes for their own default model, such as `"claude-opus-4-5" = 2`."""
    max_depth: int = Field(default=3, ge=0, le=20)
    """How deep sub-agents may spawn sub-agents of their own; 0: none at all."""
    silent_seconds: Seconds = Field(default=5.0, gt=0, le=86_400)
    """How long after its claim a worker may write nothing: then it is tried once more, and fails."""
    stall_seconds: Seconds = Field(default=300.0, gt=0, le=86_400)
    """How long an agent may make no progress, such as a token, or of a program anything that it writes: then it is ended, and its task goes back
    to the queue."""
    idle_seconds: Seconds = Field(default=300.0, gt=0, le=604_800)
    """How long an agent without a task stays."""


class Resources(Section):
    """What the engine, its agents and their commands may take of the machine together."""

    memory_limit: Bytes | None = Field(default=None, ge=1_048_576)
    """Their memory. Without it: that of the machine, or of the container around it."""
    cpu_limit: float | None = Field(default=None, gt=0, le=100_000, allow_inf_nan=False)
    """Their cores. Without it: those of the machine, or of the container around it."""
    command_memory_limit: Bytes | None = Field(default=None, ge=1_048_576)
    """The memory of one command with all that it started; one that takes more is ended. Without it: no limit."""


class Fork(Section):
    """Tasks side by side, and the join where they meet."""

    success_threshold: float = Field(default=0.8, ge=0, le=1)
    """The share of a join's members that must complete, else the join fails."""


class Loop(Section):
    """Tasks that are refined until they converge."""

    max_iterations: int = Field(default=10, ge=1, le=10_000)
    """Passes of a loop that names no limit of its own."""
    timeout_seconds: Seconds = Field(default=3600.0, gt=0, le=2_592_000)
    """How long a loop may take in all."""


class Language(Section):
    """Limits of an ABYSSAL document."""

    max_depth: int = Field(default=6, ge=1, le=100)
    """How deep the expanded tree may be; the templates' own nesting counts."""
    max_nodes: int = Field(default=10_000, ge=1, le=1_000_000)
    """How many tasks one document may expand to."""
    max_bytes: Bytes = Field(default=1_048_576, ge=1, le=104_857_600)
    """How long a document may be."""


class Templates(Section):
    """Where templates are."""

    folders: TextList = Field(default=(), max_length=50)
    """More folders of templates, besides `templates` in `.abathur` and in your own configuration folder: absolute, `~/…`, or inside the project.
    A project's own files can name only folders inside it."""


class Monitoring(Section):
    """What is written about the work."""

    log_level: Literal["debug", "info", "warning", "error"] = "info"
    """The least serious kind of event that is written to `.abathur/logs`."""
    retention_days: float = Field(default=90.0, ge=1, le=36_500, allow_inf_nan=False)
    """How many days rows of the audit and lines of the log are kept. What goes is itself audited; its seals stay for as long again."""


class Screen(Section):
    """How the screen looks."""

    theme: Literal["auto", "dark", "light"] = "auto"
    """The colours: `auto` follows the terminal where it says what its background is, and is dark elsewhere."""


class Settings(Section):
    """All settings, each at its default unless given."""

    system: System = System()
    api: Api = Api()
    runtimes: Runtimes = Runtimes()
    queue: Queue = Queue()
    swarm: Swarm = Swarm()
    resources: Resources = Resources()
    fork: Fork = Fork()
    loop: Loop = Loop()
    language: Language = Language()
    templates: Templates = Templates()
    monitoring: Monitoring = Monitoring()
    screen: Screen = Screen()
