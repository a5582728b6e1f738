"""What ties a worker to its task, and what the queue hands to an engine."""

import re
from dataclasses import dataclass
from typing import NamedTuple

from abathur_tui.domain.data import JsonObject, JsonValue
from abathur_tui.domain.errors import AbathurError
from abathur_tui.domain.execution import RuntimeChoice
from abathur_tui.domain.loops import LoopSpec
from abathur_tui.domain.plan import Fallback, JoinSpec, JoinStrategy, Kind, OnFailure
from abathur_tui.domain.status import Status, Why
from abathur_tui.domain.success import Success, Unmet
from abathur_tui.domain.tasks import Task, TaskError

_JOINS = re.compile(f"^({'|'.join(['JOIN', *(strategy.upper() for strategy in JoinStrategy)])}) (?!of |for )")
"""What the names of joins begin with."""


class Lease(NamedTuple):
    """The right to work at a task: every write of its worker names all three, and counts only while they hold."""

    task: int
    epoch: int
    """The fence: each claim of the task raises it."""
    engine: str


class Claim(NamedTuple):
    """A task that an engine has just claimed."""

    lease: Lease
    execution: int
    kind: Kind
    lane: str
    attempt: int
    """From 1; ordered stops do not count."""
    failures: int
    """Failed attempts that were tried again, since the task was submitted or retried by a person."""
    agent: str | None
    """The agent definition's name."""
    priority: int


@dataclass(frozen=True, slots=True)
class Input:
    """A task that another one depends on, as it stands when the other one starts."""

    task: int
    name: str
    status: Status
    result: str | None
    error: TaskError | None
    required: bool
    """For a join: its failure fails the join whatever the share."""
    instance: int = 1
    instances: int = 1
    priority: int = 5
    finished_at: float | None = None
    """Unix seconds."""
    era: int = 0
    """For a join: how often the clock had been set back by then. Moments of different eras say nothing about what was earlier."""
    quality: float | None = None
    """0 to 1, as a judge scored it; None where nobody did."""
    kind: Kind = Kind.AGENT
    distance: int = 1
    """How many steps away it is at most: 1 where nothing else that the task depends on was made of it."""

    @property
    def heading(self) -> str:
        """What a reader is told that it is: of a join what it joins, without its own word."""
        return _JOINS.sub("", self.name) if self.kind is Kind.JOIN else self.name


@dataclass(frozen=True, slots=True)
class Work:
    """All that a worker needs to know of its task."""

    task: Task
    prompt: str
    """The unrendered prompt."""
    parameters: JsonObject
    references: dict[str, int]
    """JSON Pointer into the parameters to the task whose result belongs there."""
    runtime: RuntimeChoice
    """The execution's, with the node's own model where it names one."""
    model: str | None
    timeout_seconds: float
    retries: int
    """Attempts after the first."""
    failures: int
    """Failed attempts that were tried again so far."""
    on_failure: OnFailure
    loop: LoopSpec | None
    join: JoinSpec | None
    lead: int | None
    """The task that `join.lead` names."""
    inputs: tuple[Input, ...]
    depth: int
    pass_number: int | None
    """For a pass of a loop: which one."""
    is_root: bool = False
    """Whether its result is the execution's."""
    fallback: Fallback | None = None
    """What is done instead when it has failed for good."""
    success: Success | None = None
    """What its result must meet."""
    crashes: int = 0
    """How often its worker died in a row without having finished a step."""
    unmet: Unmet | None = None
    """Why the result of an earlier attempt did not do."""


@dataclass(frozen=True, slots=True)
class LaneState:
    """A lane with pending tasks."""

    lane: str
    pending: int
    ready: bool
    """At least one of them could be claimed now (is not due later, not held, and the lane is not held)."""
    held_why: str
    """Empty where the lane is free."""
    until: float | None
    message: str
    runtime: RuntimeChoice | None
    """That of the newest execution in this lane; None for joins, and where it cannot be read."""


@dataclass(frozen=True, slots=True)
class Hold:
    """Why no task of the project is claimed."""

    why: Why
    """`QUEUE` or `QUIET`."""
    until: float | None
    """Unix seconds; None: until somebody lets it go on."""
    actor: str
    since: float


@dataclass(frozen=True, slots=True)
class Changed:
    """What became of one of the tasks that somebody asked to change."""

    id: int
    status: Status | None
    """Its status now; None where there is no such task."""
    error: AbathurError | None = None
    """Why it was refused."""


@dataclass(frozen=True, slots=True)
class Request:
    """Something asked of a running task, for its worker to read."""

    id: int
    task: int
    epoch: int
    kind: str
    """`cancel` or `pause`."""
    actor: str
    payload: dict[str, JsonValue]
    at: float
