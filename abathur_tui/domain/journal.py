"""What viewers read of the journal: log lines in order, and the series of loops."""

from collections.abc import Mapping
from dataclasses import dataclass, field

from abathur_tui.domain.conversation import Message, ToolOutcome
from abathur_tui.domain.loops import Course, EndedBecause, LoopSpec, Pass
from abathur_tui.domain.status import Status


@dataclass(frozen=True, slots=True)
class LogCursor:
    """How far a viewer has read; handed back to read on. The empty one is the beginning."""

    audit: int = 0
    log: int = 0
    output: int = 0
    spoken: Mapping[int, int] = field(default_factory=dict)
    """Unfinished turn to the number of its characters that were already given."""


@dataclass(frozen=True, slots=True)
class LogEntry:
    """A line (or, for `says`, a piece of text) of the merged log."""

    at: float
    task: int | None
    agent: int | None
    execution: int | None
    level: str
    """`debug`, `info`, `warning` or `error`."""
    kind: str
    """`says`, `tool`, `turn`, `metric`, `status`, `agent`, `stderr` or `notice`."""
    text: str
    id: int
    """Grows within its kind."""
    turn: int | None = None
    """For `says` and `turn`: the turn's id."""
    offset: int | None = None
    """For `says`: where the text begins in what the turn says, in characters."""


@dataclass(frozen=True, slots=True)
class SavedTurn:
    """A finished turn, to resume from."""

    id: int
    number: int
    request: tuple[Message, ...]
    """The messages that the model was sent."""
    message: Message
    """Its answer."""
    stop_reason: str
    outcomes: Mapping[str, ToolOutcome]
    """Tool call id to what came of it, for the calls that finished."""
    unknown: frozenset[str]
    """Tool calls that were begun and never finished: nobody knows what they did, so they are told, not repeated."""


@dataclass(frozen=True, slots=True)
class Saved:
    """A task's conversation so far; `turns` is empty before the first finished one."""

    system: str | None
    prompt: str | None
    """Both None before the prompt was rendered."""
    turns: tuple[SavedTurn, ...]
    partial: str
    """What was said in a turn that a crash cut off, after the last finished one."""


NOTHING_SAVED = Saved(None, None, (), "")


@dataclass(frozen=True, slots=True)
class LoopSeries:
    """A loop with its passes, for charts and lists."""

    task: int
    loop: int
    """Its loop id (`l3`)."""
    execution: int
    name: str
    spec: LoopSpec
    passes: tuple[Pass, ...]
    status: Status
    ended_because: EndedBecause | None
    reason: str
    best: int | None
    """The number of the best pass so far."""
    course: Course | None
    """None while there are too few passes to tell."""
    started_at: float | None
    finished_at: float | None
    running_pass: int | None
    """The pass that is at work now."""
    lost_pass: int | None = None
    """The first whose record is damaged or gone: it and those after it are not among `passes`. Only where a single loop was asked for."""
