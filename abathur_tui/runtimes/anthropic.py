"""The Anthropic Messages API, or any server that speaks it, through the official SDK. Slow to import: only `open_runtime` and tests do."""

import json
import time
import warnings
from collections.abc import AsyncGenerator, Mapping
from urllib.parse import urlsplit

import httpx2
from anthropic import (
    DEFAULT_CONNECTION_LIMITS,
    APIConnectionError,
    APIStatusError,
    APITimeoutError,
    AsyncAnthropic,
    AsyncStream,
    DefaultAsyncHttpxClient,
    Omit,
    omit,
)
from anthropic.resources.messages import messages as sdk_messages
from anthropic.types import MessageParam, RawMessageStreamEvent, TextBlockParam, ToolParam

from abathur_tui.domain.conversation import Event, Limits, LogLine, Message, TextBlock, TextDelta, TurnDone, TurnRequest, message_data
from abathur_tui.domain.errors import AccountRefused, RuntimeFailure
from abathur_tui.runtimes.anthropic_answer import Answer, MalformedEvent
from abathur_tui.runtimes.failures import Break, Refusal, broken, refused, unexpected
from abathur_tui.runtimes.models import ANSWER_TOKENS, ModelSize, full_name, size_of
from abathur_tui.runtimes.prices import cost_of

API_ADDRESS = "https://api.anthropic.com"
CONNECT_SECONDS = 10.0
DEPRECATED_MODELS: Mapping[str, str] = getattr(sdk_messages, "DEPRECATED_MODELS", {})
"""When a model ends. No promise of the SDK's, whose versions keep it in other places: without it nobody is warned, and all else works."""
STALL_SECONDS = 120.0
"""So long may a server send nothing, not even a ping, before its answer is given up (a transient failure)."""


class AnthropicRuntime:
    """Answers turns by the Messages API, streaming. Retries nothing itself: the queue does."""

    def __init__(
        self,
        key: str,
        *,
        base_url: str | None = None,
        model: str | None = None,
        caching: bool = True,
        size: ModelSize | None = None,
        stall_seconds: float = STALL_SECONDS,
        connect_seconds: float = CONNECT_SECONDS,
        through_proxy: bool = True,
        keeps_connections: bool = True,
    ) -> None:
        """`size`: what the model takes, where its name does not tell; `through_proxy`: as HTTPS_PROXY says; `keeps_connections`: a
        connection serves several turns.

        Neither key nor address is ever taken from this process's environment. Raises AccountRefused where the key cannot be one.
        """
        if not key or not all("!" <= letter <= "~" for letter in key):
            raise AccountRefused("The API key is empty, or holds characters that no key has (a space, a line break).")
        _silence_deprecations()
        self.model = full_name(model)
        self._size = size
        self._caching = caching
        self._server = urlsplit(base_url or API_ADDRESS).netloc.rpartition("@")[2] or str(base_url)
        self._warned_of: set[str] = set()
        # A redirect must not decide where the key goes.
        pool = DEFAULT_CONNECTION_LIMITS if keeps_connections else httpx2.Limits(max_keepalive_connections=0)
        http = DefaultAsyncHttpxClient(follow_redirects=False, trust_env=through_proxy, limits=pool)
        self._client = AsyncAnthropic(
            api_key=key,
            base_url=base_url or API_ADDRESS,
            max_retries=0,
            timeout=httpx2.Timeout(stall_seconds, connect=connect_seconds),
            http_client=http,
        )
        self._messages = self._client.messages

    async def limits(self) -> Limits:
        """By the model's name; nothing is asked of the server."""
        size = self._size or size_of(self.model)
        return Limits(size.context, min(size.output, ANSWER_TOKENS), tools=True)

    async def turn(self, request: TurnRequest) -> AsyncGenerator[Event, None]:
        """Answer one turn. Raises `RuntimeFailure`, whatever goes wrong."""
        model = full_name(request.model, self.model)
        if model in DEPRECATED_MODELS and model not in self._warned_of:
            self._warned_of.add(model)
            yield LogLine(f"The model {model} is deprecated; its end is {DEPRECATED_MODELS[model]}.")
        answer = Answer()
        try:
            async with await self._ask(request, model) as stream:
                request_id = stream.response.headers.get("request-id")
                async for event in stream:
                    if text := answer.take(event):
                        yield TextDelta(text)
        except Exception as error:
            raise self._failure(error, model) from error
        if not answer.complete or answer.stop_reason is None:
            raise broken(Break.EARLY_END, self._server)
        speaker = answer.model or model
        yield TurnDone(answer.message, answer.stop_reason, answer.usage, speaker, cost_of(speaker, answer.usage), request_id)

    async def aclose(self) -> None:
        """Close the connections."""
        await self._client.close()

    async def _ask(self, request: TurnRequest, model: str) -> AsyncStream[RawMessageStreamEvent]:
        size = self._size or size_of(model)
        return await self._messages.create(
            model=model,
            max_tokens=max(1, min(request.max_output_tokens, size.output)),
            system=self._system(request),
            messages=self._conversation(request),
            tools=self._tools(request),
            stream=True,
        )

    def _system(self, request: TurnRequest) -> list[TextBlockParam] | Omit:
        """The system prompt, marked as the end of a prefix worth caching (tools come before it, so they are in the prefix)."""
        if not request.system.strip():
            return omit
        block: TextBlockParam = {"type": "text", "text": request.system}
        if self._caching:
            block["cache_control"] = {"type": "ephemeral"}
        return [block]

    def _tools(self, request: TurnRequest) -> list[ToolParam] | Omit:
        tools: list[ToolParam] = [
            {"name": tool.name, "description": tool.description, "input_schema": dict(tool.input_schema)} for tool in request.tools
        ]
        if tools and self._caching and not request.system.strip():
            tools[-1]["cache_control"] = {"type": "ephemeral"}
        return tools or omit

    def _conversation(self, request: TurnRequest) -> list[MessageParam]:
        """The messages; a conversation with tools will come back longer, so all of it so far is worth caching."""
        messages = [_message_param(message) for message in request.messages]
        if self._caching and request.tools and messages:
            content = messages[-1]["content"]
            if isinstance(content, list) and content and isinstance(last := content[-1], dict):
                content[-1] = {**last, "cache_control": {"type": "ephemeral"}}  # type: ignore[typeddict-unknown-key, misc, unused-ignore]
        return messages

    def _failure(self, error: Exception, model: str) -> RuntimeFailure:
        """Whatever came up, before or in the middle of the answer, reduced to the table of `failures`."""
        cause = error.__cause__ if isinstance(error, APIConnectionError) and error.__cause__ is not None else error
        if isinstance(cause, RuntimeFailure):
            return cause
        if isinstance(cause, APIStatusError):
            return refused(_refusal(cause, model, self._server), time.time())
        for classes, how, tells_why in _BREAKS:
            if isinstance(cause, classes):
                return broken(how, self._server, str(cause) if tells_why else "")
        return unexpected(self._server, cause)


_BREAKS: tuple[tuple[tuple[type[Exception], ...], Break, bool], ...] = (
    ((httpx2.ConnectTimeout,), Break.CONNECT_TIMEOUT, False),
    ((APITimeoutError, httpx2.TimeoutException), Break.STALL, False),
    ((httpx2.LocalProtocolError, httpx2.UnsupportedProtocol, httpx2.InvalidURL), Break.ADDRESS, True),
    ((httpx2.ConnectError, httpx2.ProxyError), Break.CONNECT, True),
    ((httpx2.TransportError,), Break.CUT, True),
    ((json.JSONDecodeError, UnicodeDecodeError, httpx2.DecodingError, MalformedEvent), Break.GARBAGE, False),
    ((APIConnectionError,), Break.CONNECT, True),
)
"""What the SDK and its transport raise where the server has said nothing: the first that fits, and whether its text says more."""


def _message_param(message: Message) -> MessageParam:
    blocks = tuple(block for block in message.blocks if not (isinstance(block, TextBlock) and not block.text.strip()))
    return message_data(Message(message.role, blocks))  # type: ignore[return-value]  # the API's shape is the data's shape


def _refusal(error: APIStatusError, model: str, server: str) -> Refusal:
    message = error.message
    if isinstance(error.body, dict) and isinstance(inner := error.body.get("error"), dict) and isinstance(said := inner.get("message"), str):
        message = said
    elif message.lstrip().startswith("<"):
        message = "its answer is a web page, as proxies send it"
    kind = error.type if isinstance(error.type, str) else None
    return Refusal(error.status_code, kind, message, {name.lower(): value for name, value in error.response.headers.items()}, model, server)


def _silence_deprecations() -> None:
    """The SDK warns of old models on standard error, where the screen is; a log line says it instead."""
    warnings.filterwarnings("ignore", message=r"(?s)The model '.*' is deprecated", category=DeprecationWarning)
