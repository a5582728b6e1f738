"""A conversation with a model: the Messages API's shape is the data's shape, with our own small event types."""

from collections.abc import AsyncIterator, Mapping
from dataclasses import dataclass
from enum import StrEnum
from typing import Literal, NamedTuple, Protocol, TypeAlias

from abathur_tui.domain.data import JsonObject


@dataclass(frozen=True, slots=True)
class TextBlock:
    """Something said."""

    text: str


@dataclass(frozen=True, slots=True)
class OpaqueBlock:
    """A block that must go back to the API as it came (thinking with its signature)."""

    data: JsonObject


@dataclass(frozen=True, slots=True)
class ToolUseBlock:
    """The model asks for a tool call."""

    id: str
    name: str
    input: JsonObject


@dataclass(frozen=True, slots=True)
class ToolResultBlock:
    """The outcome of a tool call, told to the model."""

    tool_use_id: str
    text: str
    is_error: bool = False


Block: TypeAlias = TextBlock | OpaqueBlock | ToolUseBlock | ToolResultBlock


@dataclass(frozen=True, slots=True)
class Message:
    """One side's contribution."""

    role: Literal["user", "assistant"]
    blocks: tuple[Block, ...]

    @property
    def text(self) -> str:
        """All that is said in it, blocks joined by an empty line."""
        return "\n\n".join(block.text for block in self.blocks if isinstance(block, TextBlock))

    @property
    def tool_uses(self) -> tuple[ToolUseBlock, ...]:
        """The tool calls that it asks for, in order."""
        return tuple(block for block in self.blocks if isinstance(block, ToolUseBlock))


@dataclass(frozen=True, slots=True)
class ToolDefinition:
    """A tool as the model sees it."""

    name: str
    description: str
    input_schema: JsonObject
    """A JSON Schema of type object."""


class Caller(NamedTuple):
    """Whose turn it is: what the command runtime puts into the environment, and logs name."""

    project: str
    """Absolute path of the project's folder."""
    execution: str
    task: str
    agent: str
    attempt: int
    instance: int
    instances: int


class TurnRequest(NamedTuple):
    """One turn to be answered."""

    system: str
    messages: tuple[Message, ...]
    tools: tuple[ToolDefinition, ...]
    max_output_tokens: int
    caller: Caller
    model: str | None = None
    """None: the runtime's own default."""


class Usage(NamedTuple):
    """Tokens of a turn. `input` counts all of the prompt, cached parts included."""

    input: int = 0
    output: int = 0
    cache_read: int = 0
    cache_write: int = 0


@dataclass(frozen=True, slots=True)
class TextDelta:
    """A piece of what the agent says, as it comes."""

    text: str


@dataclass(frozen=True, slots=True)
class LogLine:
    """A line for the log that is no part of the answer (a command's standard error)."""

    text: str


class TurnDone(NamedTuple):
    """The last event of a turn; without it there was no turn, and none of its tool calls may run."""

    message: Message
    stop_reason: str
    """The API's word: `end_turn`, `tool_use`, `max_tokens`, `stop_sequence`, `refusal`…"""
    usage: Usage
    model: str
    """Who answered, by the server's word."""
    cost_usd: float | None
    """None where the price is not known, 0 where it costs nothing."""
    request_id: str | None = None


Event: TypeAlias = TextDelta | LogLine | TurnDone


@dataclass(frozen=True, slots=True)
class Limits:
    """What a runtime takes at most."""

    context_tokens: int
    """Prompt and answer together."""
    output_tokens: int
    tools: bool
    """Whether it can call tools."""
    parallel: int | None = None
    """Turns that it works on at once; None: as many as it is given."""
    held_by: str = ""
    """What keeps it from more, where that is not its own nature."""
    judges: bool = True
    """Whether it is worth asking for a judgement: scores with reasons, in a given form."""
    programs: bool = False
    """Whether each turn is a program, which takes memory of its own."""


class FailureKind(StrEnum):
    """What a runtime's failure means for the task."""

    TRANSIENT = "transient"
    """Tried again with backoff: rate limit, overload, network, timeout, 5xx, a message without its end."""
    PERMANENT = "permanent"
    """Never tried again: permission, malformed, too long."""
    ACCOUNT = "account"
    """Key, billing, quota: the runtime's tasks wait, they are not burnt one by one."""
    UNKNOWN = "unknown"
    """Tried again once."""


class Runtime(Protocol):
    """What answers an agent's turn."""

    async def limits(self) -> Limits:
        """What it takes at most; starts what must be started to know it. Raises `RuntimeFailure`."""
        ...

    def turn(self, request: TurnRequest) -> AsyncIterator[Event]:
        """Answer one turn: deltas as they come, and one `TurnDone` at the end. Raises `RuntimeFailure`.

        Closing the iterator or cancelling its task ends the request and whatever process serves it.
        """
        ...

    async def aclose(self) -> None:
        """End connections and processes."""
        ...


class Tool(Protocol):
    """Something that an agent can do."""

    @property
    def definition(self) -> ToolDefinition:
        """How the model sees it."""
        ...

    async def run(self, arguments: JsonObject) -> "ToolOutcome":
        """Do it. Whatever goes wrong is an outcome with `is_error`, told to the model; only cancellation is raised."""
        ...


@dataclass(frozen=True, slots=True)
class ToolOutcome:
    """What became of a tool call."""

    text: str
    """What the model is told."""
    is_error: bool = False
    summary: str = ""
    """A few words for the log: `src/gateway.py (212 lines)`."""


def message_data(message: Message) -> JsonObject:
    """A message as the Messages API writes it."""
    return {"role": message.role, "content": [_block_data(block) for block in message.blocks]}


def message_from_data(data: Mapping[str, object]) -> Message:
    """The message that `message_data` wrote. Raises KeyError or TypeError on anything else."""
    role, content = data["role"], data["content"]
    if role not in ("user", "assistant") or not isinstance(content, list):
        raise TypeError(f"not a message: {role!r}")
    return Message("user" if role == "user" else "assistant", tuple(_block_from_data(block) for block in content))


def _block_data(block: Block) -> JsonObject:
    match block:
        case TextBlock(text):
            return {"type": "text", "text": text}
        case ToolUseBlock(id, name, input):
            return {"type": "tool_use", "id": id, "name": name, "input": input}
        case ToolResultBlock(tool_use_id, text, is_error):
            return {"type": "tool_result", "tool_use_id": tool_use_id, "content": text, "is_error": is_error}
        case OpaqueBlock(data):
            return data


def _block_from_data(data: JsonObject) -> Block:
    match data:
        case {"type": "text", "text": str(text)}:
            return TextBlock(text)
        case {"type": "tool_use", "id": str(id), "name": str(name), "input": dict(input)}:
            return ToolUseBlock(id, name, input)
        case {"type": "tool_result", "tool_use_id": str(id), "content": str(text)}:
            return ToolResultBlock(id, text, bool(data.get("is_error")))
        case _:
            return OpaqueBlock(data)
