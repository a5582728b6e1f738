"""What a conversation is made of: who talks about what, its turns, and the steps it takes."""

from collections.abc import Mapping
from dataclasses import dataclass
from types import MappingProxyType
from typing import NamedTuple, TypeAlias

from abathur_tui.domain.conversation import Caller, Limits, Message, Runtime, Tool, ToolOutcome
from abathur_tui.domain.leases import Lease
from abathur_tui.engine.slots import Slot


class FinishedTurn(NamedTuple):
    """A turn that ended with a reason, from the runtime or from the journal."""

    id: int
    message: Message
    stop_reason: str
    outcomes: Mapping[str, ToolOutcome] = MappingProxyType({})
    """What came of its tool calls so far."""
    unknown: frozenset[str] = frozenset()
    """Calls that were begun before a crash, and of which nobody knows the outcome."""


@dataclass(frozen=True, slots=True)
class Ask:
    """The model's turn."""


@dataclass(frozen=True, slots=True)
class UseTools:
    """Tool calls to run, and their outcomes to tell."""

    turn: FinishedTurn


@dataclass(frozen=True, slots=True)
class Answered:
    """The conversation is over, with this text."""

    text: str


Step: TypeAlias = Ask | UseTools | Answered


class Parties(NamedTuple):
    """Who talks, about what."""

    lease: Lease
    caller: Caller
    """Without its agent where that is not known before the first turn."""
    model: str | None
    runtime: Runtime
    limits: Limits
    tools: Mapping[str, Tool]
    system: str
    prompt: str


class BegunTurn(NamedTuple):
    """The first turn of a plain task, which its claim has begun."""

    agent: int
    definition: str
    """The agent's, by name."""
    turn: int
    execution: int
    slot: Slot | None
