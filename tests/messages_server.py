"""A real HTTP server on loopback that speaks the Messages API's streaming and its errors, scriptable per request.

    async with MessagesServer([refuses(429, "rate_limit_error", headers={"retry-after": "1"}), says("Hello")]) as server:
        ...  # ANTHROPIC_BASE_URL=server.url; server.requests holds what was asked

    with MessagesServer(lambda request: says(request.prompt.upper())) as server:  # the same in a thread of its own

A script is a list of replies, given one a request (the last one again and again), or a callable from the request to its reply.
`python -m tests.messages_server --port 8123 --pace 0.05 rate_limited says` serves until it is ended.
"""

import argparse
import asyncio
import contextlib
import json
import threading
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, Self

Json = dict[str, Any]


@dataclass
class RecordedRequest:
    """What was asked."""

    number: int
    """From 0, in the order of arrival."""
    method: str
    path: str
    headers: dict[str, str]
    """Names in lower case."""
    body: Json
    disconnected: bool = False
    """The client has gone before its reply was complete."""
    finished: bool = False
    """The whole reply was sent."""

    @property
    def prompt(self) -> str:
        """The text of the last user message."""
        for message in reversed(self.body.get("messages", [])):
            if message["role"] == "user":
                return _text_of(message["content"])
        return ""

    @property
    def key(self) -> str:
        """The API key, from whichever header it came in."""
        return self.headers.get("x-api-key") or self.headers.get("authorization", "").removeprefix("Bearer ")

    @property
    def system(self) -> str:
        """The text of the system prompt."""
        return _text_of(self.body.get("system", ""))


def _text_of(content: object) -> str:
    if isinstance(content, str):
        return content
    blocks: list[Json] = content if isinstance(content, list) else []
    return "".join(block.get("text") or _text_of(block.get("content", "")) for block in blocks)


@dataclass(frozen=True)
class Pause:
    """Nothing is sent for a while."""

    seconds: float


class Gate:
    """Holds a reply until the test opens it, from any thread."""

    def __init__(self) -> None:
        """Closed at first."""
        self._open = threading.Event()
        self.reached = threading.Event()
        """Set as soon as a reply waits here."""

    def open(self) -> None:
        """Let all replies through, from now on."""
        self._open.set()

    @property
    def is_open(self) -> bool:
        """Whether replies go through."""
        return self._open.is_set()


class Cut:
    """The connection is cut here, in the middle of the reply."""


class Stall:
    """Nothing more is ever sent; the connection stays open."""


Step = bytes | Pause | Gate | Cut | Stall


@dataclass(frozen=True)
class Reply:
    """A status, headers, and the body in steps."""

    steps: Sequence[Step]
    status: int = 200
    headers: Mapping[str, str] = field(default_factory=dict)
    stream: bool = True
    """Chunked, as event streams are; otherwise one body with its length."""


Script = Callable[[RecordedRequest], Reply] | Sequence[Reply]


def event(name: str, data: Json) -> bytes:
    """One server-sent event, with the type in its data as the API has it."""
    return f"event: {name}\ndata: {json.dumps({'type': name, **data})}\n\n".encode()


def _pieces(text: str) -> list[str]:
    words = text.split(" ")
    return [word + (" " if place < len(words) - 1 else "") for place, word in enumerate(words)]


def _start(model: str, input_tokens: int, usage: Mapping[str, int]) -> bytes:
    counts = {"input_tokens": input_tokens, "cache_creation_input_tokens": 0, "cache_read_input_tokens": 0, "output_tokens": 1, **usage}
    started: Json = {
        "id": "msg_test",
        "type": "message",
        "role": "assistant",
        "model": model,
        "content": [],
        "stop_reason": None,
        "stop_sequence": None,
        "usage": counts,
    }
    return event("message_start", {"message": started})


def _block(index: int, start: Json, deltas: Sequence[Json]) -> list[bytes]:
    return [
        event("content_block_start", {"index": index, "content_block": start}),
        *(event("content_block_delta", {"index": index, "delta": delta}) for delta in deltas),
        event("content_block_stop", {"index": index}),
    ]


def text_block(text: str) -> tuple[Json, list[Json]]:
    """A text block's start and deltas, a delta a word."""
    return {"type": "text", "text": ""}, [{"type": "text_delta", "text": piece} for piece in _pieces(text)]


def tool_block(name: str, arguments: Json, call_id: str = "toolu_test") -> tuple[Json, list[Json]]:
    """A tool call's start and deltas, the JSON in two parts."""
    written = json.dumps(arguments)
    parts = [written[: len(written) // 2], written[len(written) // 2 :]]
    return {"type": "tool_use", "id": call_id, "name": name, "input": {}}, [{"type": "input_json_delta", "partial_json": part} for part in parts]


def thinking_block(thinking: str, signature: str = "c2lnbmVk") -> tuple[Json, list[Json]]:
    """A thinking block's start and deltas, with its signature."""
    deltas = [{"type": "thinking_delta", "thinking": thinking}, {"type": "signature_delta", "signature": signature}]
    return {"type": "thinking", "thinking": "", "signature": ""}, deltas


def message(
    *blocks: tuple[Json, list[Json]],
    stop_reason: str | None = "end_turn",
    model: str = "claude-test-1",
    pace: float = 0.0,
    gate: Gate | None = None,
    usage: Mapping[str, int] | None = None,
    headers: Mapping[str, str] | None = None,
) -> Reply:
    """A whole message in events. `pace`: seconds before each delta; `gate`: waits after the first delta; `stop_reason` None: ends early."""
    counts = dict(usage or {})
    output = counts.pop("output_tokens", sum(len(deltas) for _, deltas in blocks))
    steps: list[Step] = [_start(model, 10, counts), event("ping", {})]
    for index, (start, deltas) in enumerate(blocks):
        for place, sent in enumerate(_block(index, start, deltas)):
            if pace and 0 < place <= len(deltas):
                steps.append(Pause(pace))
            steps.append(sent)
            if gate is not None and index == 0 and place == 1:
                steps.append(gate)
    if stop_reason is not None:
        steps.append(event("message_delta", {"delta": {"stop_reason": stop_reason, "stop_sequence": None}, "usage": {"output_tokens": output}}))
        steps.append(event("message_stop", {}))
    return Reply(steps, headers={"request-id": "req_test", **(headers or {})})


def says(text: str = "Hello from the test server.", **options: Any) -> Reply:
    """A text answer; options as `message` has them."""
    return message(text_block(text), **options)


def uses_tool(name: str, arguments: Json, *, text: str = "", call_id: str = "toolu_test", **options: Any) -> Reply:
    """A tool call, after `text` where there is one."""
    blocks = [text_block(text)] if text else []
    return message(*blocks, tool_block(name, arguments, call_id), stop_reason="tool_use", **options)


def uses_tools(*calls: tuple[str, Json, str], **options: Any) -> Reply:
    """Several tool calls in one message, each a name, arguments and call id."""
    return message(*(tool_block(*call) for call in calls), stop_reason="tool_use", **options)


def refuses(status: int, kind: str = "api_error", text: str = "refused by the script", headers: Mapping[str, str] | None = None) -> Reply:
    """An error answer: `kind` is the API's own word, such as `rate_limit_error`, `overloaded_error`, `authentication_error`."""
    body = {"type": "error", "error": {"type": kind, "message": text}, "request_id": "req_test"}
    return Reply([json.dumps(body).encode()], status, {"request-id": "req_test", **(headers or {})}, stream=False)


def rate_limited(retry_after: str | None = "1") -> Reply:
    """429, with the header in seconds or as a date."""
    return refuses(429, "rate_limit_error", "Too many requests", {} if retry_after is None else {"retry-after": retry_after})


def overloaded() -> Reply:
    """529."""
    return refuses(529, "overloaded_error", "Overloaded")


def too_long() -> Reply:
    """400, because the prompt is too long."""
    return refuses(400, "invalid_request_error", "prompt is too long: 250000 tokens > 200000 maximum")


def _first_half(reply: Reply) -> list[Step]:
    return list(reply.steps[: len(reply.steps) // 2])


def cut(text: str = "This answer will be cut in the middle of its way.", **options: Any) -> Reply:
    """The connection breaks in the middle of the stream."""
    return Reply([*_first_half(says(text, **options)), Cut()])


def ends_early(reply: Reply | None = None) -> Reply:
    """The stream ends properly, as HTTP sees it, in the middle of the message."""
    return Reply(_first_half(reply or says("This answer ends before its end.")))


def stalls(text: str = "This answer never goes on.") -> Reply:
    """Half of the answer comes, then nothing any more."""
    return Reply([*_first_half(says(text)), Stall()])


def never_answers() -> Reply:
    """Headers, and nothing after them."""
    return Reply([Stall()])


def garbage() -> Reply:
    """An event whose data is no JSON, in the middle of the stream."""
    return Reply([*_first_half(says("This answer turns into garbage.")), b"event: content_block_delta\ndata: {not json\n\n"])


def error_event(kind: str = "overloaded_error", text: str = "Overloaded") -> Reply:
    """A stream with status 200 that turns into an error event."""
    return Reply([*_first_half(says("This answer turns into an error.")), event("error", {"error": {"type": kind, "message": text}})])


def not_json(status: int = 502) -> Reply:
    """What a proxy says: an HTML page."""
    return Reply([b"<html><body>Bad gateway</body></html>"], status, {"content-type": "text/html"}, stream=False)


class MessagesServer:
    """The server; `async with` or `with`."""

    def __init__(self, script: Script | None = None, *, port: int = 0, key: str | None = None) -> None:
        """`key`: any other API key is refused with 401. Without a script, every answer is `says()`."""
        self.requests: list[RecordedRequest] = []
        self.script: Script = script if script is not None else [says()]
        self._given = 0
        self._port = port
        self._key = key
        self._server: asyncio.Server | None = None
        self._connections: set[asyncio.Task[None]] = set()
        self._thread: threading.Thread | None = None
        self._stop: Callable[[], object] | None = None

    @property
    def url(self) -> str:
        """The base URL, as ANTHROPIC_BASE_URL takes it."""
        return f"http://127.0.0.1:{self._port}"

    @property
    def messages(self) -> list[RecordedRequest]:
        """The requests for messages; count_tokens and the like are left out."""
        return [request for request in self.requests if request.path == "/v1/messages"]

    async def __aenter__(self) -> Self:
        """Listen."""
        self._server = await asyncio.start_server(self._serve, "127.0.0.1", self._port, backlog=1024)
        self._port = self._server.sockets[0].getsockname()[1]
        return self

    async def __aexit__(self, *_: object) -> None:
        """End every connection and stop listening."""
        assert self._server is not None
        self._server.close()
        for connection in tuple(self._connections):
            connection.cancel()
        await asyncio.gather(*self._connections, return_exceptions=True)
        await self._server.wait_closed()

    def __enter__(self) -> Self:
        """Listen in a thread of its own."""
        started = threading.Event()

        async def live() -> None:
            stop = asyncio.Event()
            loop = asyncio.get_running_loop()
            self._stop = lambda: loop.call_soon_threadsafe(stop.set)
            async with self:
                started.set()
                await stop.wait()

        self._thread = threading.Thread(target=lambda: asyncio.run(live()), name="messages server", daemon=True)
        self._thread.start()
        assert started.wait(30)
        return self

    def __exit__(self, *_: object) -> None:
        """Stop, and wait for the thread's end."""
        assert self._stop is not None
        assert self._thread is not None
        self._stop()
        self._thread.join(30)

    async def _serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        task = asyncio.current_task()
        assert task is not None
        self._connections.add(task)
        try:
            while (request := await self._read(reader)) is not None:
                self.requests.append(request)
                await self._answer(request, self._reply(request), reader, writer)
        except (ConnectionError, asyncio.IncompleteReadError, asyncio.CancelledError):
            pass  # the client or the test has ended it: that is what the connection was for
        finally:
            self._connections.discard(task)
            writer.close()

    async def _read(self, reader: asyncio.StreamReader) -> RecordedRequest | None:
        line = (await reader.readline()).decode("latin-1")
        if not line:
            return None
        method, path, _ = line.split(" ", 2)
        headers: dict[str, str] = {}
        while (line := (await reader.readline()).decode("latin-1").strip()) != "":
            name, _, value = line.partition(":")
            headers[name.strip().lower()] = value.strip()
        body = await reader.readexactly(int(headers.get("content-length", "0")))
        parsed: Json = json.loads(body) if body else {}
        return RecordedRequest(len(self.requests), method, path.partition("?")[0], headers, parsed)

    def _reply(self, request: RecordedRequest) -> Reply:
        if self._key is not None and request.key != self._key:
            return refuses(401, "authentication_error", "invalid x-api-key")
        if request.path == "/v1/messages/count_tokens":
            return Reply([json.dumps({"input_tokens": max(1, len(json.dumps(request.body)) // 4)}).encode()], stream=False)
        if request.path != "/v1/messages" or request.method != "POST":
            return refuses(404, "not_found_error", f"no such path: {request.path}")
        if callable(self.script):
            return self.script(request)
        reply = self.script[min(self._given, len(self.script) - 1)]
        self._given += 1
        return reply

    async def _answer(self, request: RecordedRequest, reply: Reply, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        if not reply.stream:
            body = b"".join(step for step in reply.steps if isinstance(step, bytes))
            writer.write(_head(reply, {"content-type": "application/json", "content-length": str(len(body))}) + body)
            await writer.drain()
            request.finished = True
            return
        writer.write(_head(reply, {"content-type": "text/event-stream; charset=utf-8", "transfer-encoding": "chunked"}))
        for step in reply.steps:
            if isinstance(step, bytes):
                writer.write(f"{len(step):x}\r\n".encode() + step + b"\r\n")
                await writer.drain()
            elif isinstance(step, Cut):
                writer.transport.abort()
                raise ConnectionAbortedError
            else:
                await _wait(step, request, reader)
        writer.write(b"0\r\n\r\n")
        await writer.drain()
        request.finished = True


def _head(reply: Reply, headers: Mapping[str, str]) -> bytes:
    lines = [f"HTTP/1.1 {reply.status} Scripted", *(f"{name}: {value}" for name, value in {**headers, **reply.headers}.items())]
    return ("\r\n".join(lines) + "\r\n\r\n").encode("latin-1")


async def _wait(step: Pause | Gate | Stall, request: RecordedRequest, reader: asyncio.StreamReader) -> None:
    """Until the step is over; a client that goes away ends the connection, so that tests can see it."""
    loop = asyncio.get_running_loop()
    end = loop.time() + step.seconds if isinstance(step, Pause) else float("inf")
    if isinstance(step, Gate):
        step.reached.set()
    while loop.time() < end and not (isinstance(step, Gate) and step.is_open):
        if reader.at_eof() or reader.exception() is not None:  # one that goes away with something unread resets the connection
            request.disconnected = True
            raise ConnectionAbortedError
        await asyncio.sleep(min(0.01, max(0.0, end - loop.time())))


_BY_NAME: dict[str, Callable[[], Reply]] = {
    "cut": cut,
    "ends_early": ends_early,
    "error_event": error_event,
    "garbage": garbage,
    "never_answers": never_answers,
    "not_json": not_json,
    "overloaded": overloaded,
    "rate_limited": rate_limited,
    "server_error": lambda: refuses(500),
    "stalls": stalls,
    "too_long": too_long,
    "wrong_key": lambda: refuses(401, "authentication_error", "invalid x-api-key"),
    "no_credit": lambda: refuses(400, "invalid_request_error", "Your credit balance is too low to access the Anthropic API."),
    "list_folder": lambda: uses_tool("list_folder", {"path": "."}, text="Let me look."),
}


def _replies(names: Sequence[str], text: str, pace: float) -> list[Reply]:
    return [_BY_NAME[name]() if name in _BY_NAME else says(text, pace=pace) for name in names]


def _main() -> None:
    parser = argparse.ArgumentParser(description="Serve the Messages API from a script, until ended.")
    parser.add_argument("replies", nargs="*", default=["says"], help=f"one a request, the last again and again: says, {', '.join(sorted(_BY_NAME))}")
    parser.add_argument("--port", type=int, default=0)
    parser.add_argument("--key", help="refuse every other API key")
    parser.add_argument("--text", default="# An answer\n\nThis is the **test server** speaking, a word at a time.\n", help="what `says` says")
    parser.add_argument("--pace", type=float, default=0.0, help="seconds before each word")
    arguments = parser.parse_args()

    async def live() -> None:
        script = _replies(arguments.replies, arguments.text, arguments.pace)
        async with MessagesServer(script, port=arguments.port, key=arguments.key) as server:
            print(server.url, flush=True)
            await asyncio.Event().wait()

    with contextlib.suppress(KeyboardInterrupt):
        asyncio.run(live())


if __name__ == "__main__":
    _main()
