"""Puts an answer together from the SDK's stream events, and knows whether it is whole."""

import json
import math
from dataclasses import dataclass, field
from typing import cast

from anthropic.types import Message as SdkMessage
from anthropic.types import MessageDeltaUsage, RawContentBlockDelta, RawMessageStreamEvent

from abathur_tui.domain.conversation import Block, Message, OpaqueBlock, TextBlock, ToolUseBlock, Usage
from abathur_tui.domain.data import JsonObject

_MOST_TOKENS = 10**12
"""In one message; a server that counts more, or less than none, has miscounted."""


class MalformedEvent(Exception):
    """An event of a shape that the API does not have; the SDK lets it through unchecked."""


@dataclass
class _Part:
    """A block that is being sent."""

    data: JsonObject
    """As it started; deltas go in at the end."""
    text: list[str] = field(default_factory=list)
    thinking: list[str] = field(default_factory=list)
    json: list[str] = field(default_factory=list)
    closed: bool = False


class Answer:
    """One message as it comes in. `take` each event, then ask whether it is `complete`."""

    def __init__(self) -> None:
        """Nothing yet."""
        self.model = ""
        self.stop_reason: str | None = None
        self._parts: dict[int, _Part] = {}
        self._input = self._output = self._cache_read = self._cache_write = 0

    def take(self, event: RawMessageStreamEvent) -> str:
        """Add an event; the text that it says, if it is text. Raises MalformedEvent."""
        try:
            return self._take(event)
        except (AttributeError, KeyError, TypeError) as error:
            raise MalformedEvent(str(error)) from error

    def _take(self, event: RawMessageStreamEvent) -> str:
        if event.type == "content_block_delta":
            return self._add(event.index, event.delta)
        if event.type == "content_block_start":
            self._parts[event.index] = _Part(cast(JsonObject, event.content_block.to_dict(mode="json")))
            return event.content_block.text if event.content_block.type == "text" else ""
        if event.type == "content_block_stop":
            self._parts[event.index].closed = True
        elif event.type == "message_start":
            self._begin(event.message)
        elif event.type == "message_delta":
            self.stop_reason = None if event.delta.stop_reason is None else _writable(event.delta.stop_reason)
            self._count(event.usage)
        return ""

    @property
    def complete(self) -> bool:
        """Whether it came to its end: a stop reason, every block closed, every tool call's JSON whole (unless the token limit cut it)."""
        if self.stop_reason is None or not all(part.closed for part in self._parts.values()):
            return False
        return self.stop_reason == "max_tokens" or all(_arguments(part) is not None for part in self._parts.values() if _is_tool_use(part))

    @property
    def message(self) -> Message:
        """The message. Texts without a letter, and tool calls that the token limit cut off, are left out."""
        blocks = (_block(self._parts[index]) for index in sorted(self._parts))
        return Message("assistant", tuple(block for block in blocks if block is not None))

    @property
    def usage(self) -> Usage:
        """The tokens, as the server counted them; `input` with the cached parts, which the API leaves out of its own."""
        cache_read, cache_write = _tokens(self._cache_read), _tokens(self._cache_write)
        return Usage(_tokens(self._input) + cache_read + cache_write, _tokens(self._output), cache_read, cache_write)

    def _begin(self, message: SdkMessage) -> None:
        self.model = _writable(message.model or "")
        usage = message.usage
        self._input = usage.input_tokens or 0
        self._output = usage.output_tokens or 0
        self._cache_read = usage.cache_read_input_tokens or 0
        self._cache_write = usage.cache_creation_input_tokens or 0

    def _count(self, usage: MessageDeltaUsage | None) -> None:
        """Take the totals at the end, which replace those at the start where they are given."""
        if usage is None:
            return
        self._input = self._input if usage.input_tokens is None else usage.input_tokens
        self._output = usage.output_tokens or self._output
        self._cache_read = self._cache_read if usage.cache_read_input_tokens is None else usage.cache_read_input_tokens
        self._cache_write = self._cache_write if usage.cache_creation_input_tokens is None else usage.cache_creation_input_tokens

    def _add(self, index: int, delta: RawContentBlockDelta) -> str:
        part = self._parts[index]
        if delta.type == "text_delta":
            part.text.append(delta.text)
            return delta.text
        if delta.type == "input_json_delta":
            part.json.append(delta.partial_json)
        elif delta.type == "thinking_delta":
            part.thinking.append(delta.thinking)
        elif delta.type == "signature_delta":
            part.data["signature"] = delta.signature
        return ""


def _tokens(counted: object) -> int:
    """A count that can be added to others."""
    return min(max(counted, 0), _MOST_TOKENS) if isinstance(counted, int) else 0


def _writable(word: str) -> str:
    """The word as UTF-8 can be written."""
    return word if word.isascii() else word.encode("utf-8", "replace").decode("utf-8")


def _is_tool_use(part: _Part) -> bool:
    return part.data.get("type") == "tool_use"


def _arguments(part: _Part) -> JsonObject | None:
    """A tool call's arguments; None where their JSON is not whole."""
    if not part.json or not (written := "".join(part.json)):
        given = part.data.get("input")
        return given if isinstance(given, dict) else None
    try:
        value = json.loads(written, parse_float=_number, parse_constant=_number)
    except ValueError:
        return None
    return value if isinstance(value, dict) else None


def _number(written: str) -> float | None:
    """What no JSON can be written of again (1e999, NaN) is null, as JavaScript writes it."""
    value = float(written)
    return value if math.isfinite(value) else None


def _block(part: _Part) -> Block | None:
    match part.data:
        case {"type": "text"}:
            text = str(part.data.get("text") or "") + "".join(part.text)
            return TextBlock(text) if text.strip() else None
        case {"type": "tool_use", "id": str(call_id), "name": str(name)}:
            arguments = _arguments(part)
            return None if arguments is None else ToolUseBlock(call_id, name, arguments)
        case _:
            return OpaqueBlock(_as_it_came(part))


def _as_it_came(part: _Part) -> JsonObject:
    data = dict(part.data)
    if part.thinking:
        data["thinking"] = str(data.get("thinking") or "") + "".join(part.thinking)
    if part.json and (arguments := _arguments(part)) is not None:
        data["input"] = arguments
    return data
