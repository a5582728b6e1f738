"""What is read back from the queue: frozen rows, as lists, details and the screen show them."""

from dataclasses import dataclass

from abathur_tui.domain.data import JsonObject
from abathur_tui.domain.execution import RuntimeChoice
from abathur_tui.domain.joins import JoinReport, Quality
from abathur_tui.domain.plan import Kind
from abathur_tui.domain.status import State, Status, shown_state


@dataclass(frozen=True, slots=True)
class TaskError:
    """Why a task, or one attempt, did not succeed."""

    code: str
    message: str


@dataclass(frozen=True, slots=True)
class Task:
    """A task, as lists show it. Times are Unix seconds."""

    id: int
    execution: int
    parent: int | None
    kind: Kind
    name: str
    template: str | None
    template_version: str | None
    agent: str | None
    status: Status
    why: str
    progress: float | None
    """0 to 1, as its agent or loop reported; None where nobody did."""
    priority: int
    attempt: int
    """How many times it was started; 0 before the first."""
    unmet: int
    depends_on: tuple[int, ...]
    """By id."""
    tags: tuple[str, ...]
    created_at: float
    started_at: float | None
    finished_at: float | None
    due_at: float | None
    error: TaskError | None
    tokens_input: int
    tokens_output: int
    cost_usd: float | None
    """Its own turns' cost; None where a price is not known."""
    instance: int
    instances: int
    cleared_at: float | None = None
    """For a dead letter: when somebody decided to leave it; None where it waits for that."""
    phase: str = ""
    """What its agent says that it is at; empty where it said nothing, or does not run."""

    @property
    def state(self) -> State:
        """Status and why as one word, shape and role."""
        return shown_state(self.status, self.why)


@dataclass(frozen=True, slots=True)
class Attempt:
    """One try at a task."""

    number: int
    agent: int | None
    started_at: float
    ended_at: float | None
    outcome: str
    """`running`, `completed`, `failed`, `retrying`, `interrupted`, `cancelled` or `released`."""
    error: TaskError | None


@dataclass(frozen=True, slots=True)
class ToolCall:
    """A tool call: intended before it runs, done after it; what was begun and not finished is unknown."""

    id: str
    tool: str
    arguments: JsonObject
    status: str
    """`intended`, `done`, `error` or `unknown`."""
    text: str
    summary: str
    started_at: float
    ended_at: float | None


@dataclass(frozen=True, slots=True)
class Turn:
    """One finished (or, after a crash, partial) turn of a task's conversation."""

    id: int
    number: int
    attempt: int
    text: str
    """What the agent said."""
    model: str
    stop_reason: str | None
    """None for a partial turn."""
    tokens_input: int
    tokens_output: int
    cost_usd: float | None
    started_at: float
    ended_at: float
    tool_calls: tuple[ToolCall, ...]


@dataclass(frozen=True, slots=True)
class AuditEvent:
    """A row of the audit."""

    id: int
    at: float
    actor: str
    action: str
    execution: int | None
    task: int | None
    agent: int | None
    detail: JsonObject


@dataclass(frozen=True, slots=True)
class FellBack:
    """A task that failed for good, and that another one did in its place."""

    task: int
    """Who did it instead."""
    template: str
    """`NAME@VERSION`."""
    because: str
    """Why it had failed."""


@dataclass(frozen=True, slots=True)
class TaskDetail:
    """A task with all that belongs to it."""

    task: Task
    prompt: str
    """The prompt as it was last rendered; before the first attempt, its unrendered parameters' subject or prompt."""
    parameters: JsonObject
    result: str | None
    partial: str
    """What its agent has said so far, where there is no result."""
    attempts: tuple[Attempt, ...]
    turns: tuple[Turn, ...]
    events: tuple[AuditEvent, ...]
    join: JoinReport | None = None
    """For a join that has ended: how it came to its result."""
    fell_back: FellBack | None = None
    """Where its fallback did it."""
    quality: Quality | None = None
    """None where nobody judged its result."""
    schedule: int | None = None
    """The recurring task that made its execution; None where somebody submitted it."""
    purged_at: float | None = None
    """When its content was purged: what it was asked and said is gone, and it cannot be retried. None where it is kept."""
    key: str | None = None
    """The key with which its execution was submitted; None where it has none."""


@dataclass(frozen=True, slots=True)
class Agent:
    """An agent in the tree."""

    id: int
    parent: int | None
    execution: int
    task: int | None
    definition: str
    state: str
    """`SPAWNING`, `IDLE`, `BUSY`, `FAILED`, `TERMINATING` or `TERMINATED`."""
    activity: str
    """What it does now: `thinking`, `read_file src/gateway.py`…"""
    task_name: str
    turn: int
    tokens_input: int
    tokens_output: int
    cost_usd: float | None
    started_at: float
    ended_at: float | None
    changed_at: float
    """Since when it has been in this state."""
    reason: str
    """Why it came into it."""
    engine: str
    """In which engine it lives, or lived."""
    host: str


@dataclass(frozen=True, slots=True)
class Execution:
    """An execution; its status is its root task's."""

    id: int
    root: int
    source: str
    status: Status
    runtime: RuntimeChoice
    created_at: float
    finished_at: float | None
    actor: str
    purged_at: float | None = None
    """When its content was purged; None where it is kept."""


@dataclass(frozen=True, slots=True)
class EngineInfo:
    """An engine process."""

    id: str
    pid: int
    host: str
    since: float
