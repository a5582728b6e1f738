"""A runtime whose answers a test writes down: in this process, no network, no model, no key."""

import asyncio
import json
from collections.abc import AsyncIterator, Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import TypeAlias

from abathur_tui.domain.conversation import (
    Event,
    Limits,
    LogLine,
    Message,
    TextBlock,
    TextDelta,
    ToolDefinition,
    ToolOutcome,
    ToolUseBlock,
    TurnDone,
    TurnRequest,
    Usage,
)
from abathur_tui.domain.data import JsonObject

SOME_USAGE = Usage(input=10, output=5)
GENEROUS = Limits(context_tokens=100_000, output_tokens=4_000, tools=True)


@dataclass(frozen=True)
class Say:
    """Stream this text, in pieces of `chunk` characters."""

    text: str
    chunk: int = 0
    """0: in one piece."""


@dataclass(frozen=True)
class Call:
    """Ask for a tool call."""

    name: str
    input: JsonObject = field(default_factory=dict)
    id: str = ""
    """Empty: one is made."""


@dataclass(frozen=True)
class Note:
    """A line for the log."""

    text: str


@dataclass(frozen=True)
class Wait:
    """Wait for the event; for ever where it never comes."""

    event: asyncio.Event


@dataclass(frozen=True)
class Sleep:
    """Take this long."""

    seconds: float


@dataclass(frozen=True)
class Stop:
    """End the turn with this stop reason (without it: `tool_use` after calls, else `end_turn`)."""

    reason: str


Step: TypeAlias = Say | Call | Note | Wait | Sleep | Stop | Exception
Script: TypeAlias = Callable[[TurnRequest], Iterable[Step]]


def say(text: str) -> Script:
    """Answer every turn with this text."""
    return lambda _: [Say(text)]


def in_order(*turns: Sequence[Step]) -> Script:
    """Answer the first turn with the first steps, the second with the second…; a further turn is a mistake."""
    left = list(turns)
    return lambda _: left.pop(0)


def _pieces(step: Say) -> list[str]:
    size = step.chunk or max(len(step.text), 1)
    return [step.text[start : start + size] for start in range(0, len(step.text), size)]


async def _wait(step: Wait | Sleep) -> None:
    if isinstance(step, Wait):
        await step.event.wait()
    else:
        await asyncio.sleep(step.seconds)


@dataclass
class ScriptedRuntime:
    """Answers turns by a script, and remembers what it was asked."""

    script: Script
    known_limits: Limits = GENEROUS
    cost_usd: float | None = 0.01
    usage: Usage = SOME_USAGE
    requests: list[TurnRequest] = field(default_factory=list)
    active: int = 0
    most_active: int = 0
    cancelled: int = 0
    """Turns that were closed before their end."""
    closed: bool = False

    async def limits(self) -> Limits:
        """What the test said."""
        return self.known_limits

    async def turn(self, request: TurnRequest) -> AsyncIterator[Event]:
        """Play the script for this request."""
        self.requests.append(request)
        number = len(self.requests)
        self.active += 1
        self.most_active = max(self.most_active, self.active)
        finished = False
        try:
            blocks: list[TextBlock | ToolUseBlock] = []
            reason: str | None = None
            for index, step in enumerate(self.script(request)):
                match step:
                    case Say(text):
                        blocks.append(TextBlock(text))
                        for piece in _pieces(step):
                            yield TextDelta(piece)
                            await asyncio.sleep(0)
                    case Call(name, input, id):
                        blocks.append(ToolUseBlock(id or f"call_{number}_{index}", name, input))
                    case Note(text):
                        yield LogLine(text)
                    case Stop(stop):
                        reason = stop
                    case Exception():
                        finished = True
                        raise step
                    case Wait() | Sleep():
                        await _wait(step)
            asks = any(isinstance(block, ToolUseBlock) for block in blocks)
            finished = True
            yield TurnDone(
                message=Message("assistant", tuple(blocks)),
                stop_reason=reason or ("tool_use" if asks else "end_turn"),
                usage=self.usage,
                model="scripted",
                cost_usd=self.cost_usd,
            )
        finally:
            self.active -= 1
            if not finished:
                self.cancelled += 1

    async def aclose(self) -> None:
        """Nothing to end."""
        self.closed = True


@dataclass
class ScriptedTool:
    """A tool that answers as the test says, and remembers its calls."""

    name: str = "look"
    answer: Callable[[JsonObject], ToolOutcome] = lambda arguments: ToolOutcome(json.dumps(arguments), summary="looked")
    before: asyncio.Event | None = None
    """Waited for before it answers."""
    calls: list[JsonObject] = field(default_factory=list)

    @property
    def definition(self) -> ToolDefinition:
        """An object with one optional text."""
        return ToolDefinition(self.name, "Looks.", {"type": "object", "properties": {"path": {"type": "string"}}})

    async def run(self, arguments: JsonObject) -> ToolOutcome:
        """Answer as the test says."""
        self.calls.append(arguments)
        if self.before is not None:
            await self.before.wait()
        return self.answer(arguments)


@dataclass
class Affect:
    """A tool whose effect stays, and cannot be taken back: a line with the task's name."""

    folder: Path
    seconds: float = 0.0
    """How long it takes once its effect is there."""

    @property
    def definition(self) -> ToolDefinition:
        """Takes the task's name."""
        return ToolDefinition("affect", "Has an effect.", {"type": "object"})

    async def run(self, arguments: JsonObject) -> ToolOutcome:
        """Have the effect."""
        with (self.folder / "effects").open("a") as file:
            file.write(f"{arguments['task']}\n")
        await asyncio.sleep(self.seconds)
        return ToolOutcome("done")


def tools_by_name(*tools: ScriptedTool) -> Mapping[str, ScriptedTool]:
    """As the engine takes them."""
    return {tool.name: tool for tool in tools}
