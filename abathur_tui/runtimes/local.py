"""The embedded small model: the SDK's client at a model server of our own, which starts at the first need and ends when idle."""

import asyncio
import json
import os
import secrets
import sys
from collections import deque
from collections.abc import AsyncGenerator
from contextlib import aclosing, suppress
from dataclasses import dataclass

from abathur_tui.domain.conversation import Event, FailureKind, Limits, Message, TextBlock, TextDelta, TurnDone, TurnRequest, Usage
from abathur_tui.domain.errors import AnswerIncomplete, ApiUnavailable, NoRuntime, RuntimeFailure
from abathur_tui.processes import Child, Children, Lines, Stream
from abathur_tui.runtimes.anthropic import AnthropicRuntime
from abathur_tui.runtimes.local_outline import Outline, manner_of, outline_of
from abathur_tui.runtimes.models import ModelSize

IDLE_SECONDS = 300.0
START_SECONDS = 60.0
STALL_SECONDS = 300.0
"""A turn may wait long for its first word, while the slots are taken and prompts are read at 360 tokens a second."""
GONE_SECONDS = 1.0
ANSWER_TOKENS = 900
"""More than this, a model of this size repeats itself."""
PART_TOKENS = 220
"""The same for one part of an outline."""

_SERVER = (sys.executable, "-P", "-m", "abathur_tui.runtimes.local_server")
"""With -P, nothing in the current folder can stand in for a module."""
_SEEN = ("PATH", "HOME", "TMPDIR", "LANG", "LC_ALL", "PYTHONPATH", "PYTHONHOME", "PYTHONUSERBASE", "LD_LIBRARY_PATH", "DYLD_LIBRARY_PATH")
"""What the server sees of the engine's environment: what it takes to start this Python, and no keys."""


@dataclass(frozen=True, slots=True)
class _Served:
    """A server that is ready."""

    child: Child
    runtime: AnthropicRuntime
    limits: Limits

    async def gone(self) -> bool:
        """Whether it is dead, or dies within a moment."""
        with suppress(TimeoutError):
            async with asyncio.timeout(GONE_SECONDS):
                await self.child.wait()
        return self.child.exit_code is not None


class LocalRuntime:
    """Answers turns by the embedded model. One for an engine; a server that died is started again by the next turn."""

    def __init__(self, children: Children, *, idle_seconds: float = IDLE_SECONDS) -> None:
        """`children` starts the server and ends it with the engine, however that ends."""
        self._children = children
        self._idle_seconds = idle_seconds
        self._turns = 0
        self._ready: asyncio.Future[_Served] | None = None
        self._keepers: set[asyncio.Task[None]] = set()
        self._clock: asyncio.Timeout | None = None
        """When the server's time is up: for starting at first, then for being idle; never while a turn is in work."""

    async def limits(self) -> Limits:
        """As the running server has them; starts it. Raises NoRuntime or ApiUnavailable."""
        return (await self._server()).limits

    async def turn(self, request: TurnRequest) -> AsyncGenerator[Event, None]:
        """Answer one turn, without tools, whatever model the request names. Raises `RuntimeFailure`."""
        self._turns += 1
        self._set_clock(None)
        try:
            retried = began = False
            while True:
                served = await self._server()
                try:
                    async with aclosing(_answer(served, request)) as events:
                        async for event in events:
                            began = True
                            yield event
                    return
                except RuntimeFailure as failure:
                    # A server that died since its last turn is only noticed here; the next one answers.
                    if began or retried or failure.kind is not FailureKind.TRANSIENT or not await served.gone():
                        raise
                    retried = True
        finally:
            self._turns -= 1
            if not self._turns:
                self._set_clock(self._idle_seconds)

    async def aclose(self) -> None:
        """End the server."""
        for keeper in tuple(self._keepers):
            keeper.cancel()
        if self._keepers:
            await asyncio.wait(self._keepers)

    async def _server(self) -> _Served:
        if self._ready is None or self._is_over(self._ready):
            self._ready, self._clock = asyncio.get_running_loop().create_future(), None
            keeper = asyncio.create_task(self._keep(self._ready), name="local model server")
            self._keepers.add(keeper)
            keeper.add_done_callback(self._keepers.discard)
        # Whoever waits here may be cancelled; the start goes on for the others.
        return await asyncio.shield(self._ready)

    def _is_over(self, ready: asyncio.Future[_Served]) -> bool:
        """Whether the present server has died, or is being ended."""
        if self._clock is not None and self._clock.expired():
            return True
        return ready.done() and ready.exception() is None and ready.result().child.exit_code is not None

    async def _keep(self, ready: asyncio.Future[_Served]) -> None:
        """Owns one server from its start to its end; `ready` hears what became of the start."""
        failure: RuntimeFailure = ApiUnavailable("The embedded model's server was ended while it started.")
        token = secrets.token_urlsafe(32)
        try:
            async with asyncio.timeout(START_SECONDS) as self._clock:
                child = await self._children.start(_SERVER, cwd="/", env=_environment(), stdin=f"{token} {os.getpid()}\n".encode(), service=True)
                async with child:
                    await self._follow(child, token, ready)
        except TimeoutError:  # of the start, or of being idle
            failure = ApiUnavailable(f"The embedded model's server was not ready within {START_SECONDS:.0f} s.")
        except RuntimeFailure as error:
            failure = error
        except OSError as error:
            failure = ApiUnavailable(f"The embedded model's server could not be started: {error.strerror}.")
        finally:
            if self._ready is ready:
                self._ready = self._clock = None
            if not ready.done():
                ready.set_exception(failure)
                ready.exception()  # it counts as seen, though nobody may be waiting any more
            elif ready.exception() is None:
                await ready.result().runtime.aclose()

    async def _follow(self, child: Child, token: str, ready: asyncio.Future[_Served]) -> None:
        """Read what the server writes until its end: at first its greeting; the rest only keeps the pipes empty."""
        lines = {Stream.OUTPUT: Lines(), Stream.ERROR: Lines()}
        last_lines: deque[str] = deque(maxlen=3)
        async for piece in child.pieces():
            for line in lines[piece.stream].take(piece.text):
                if piece.stream is Stream.OUTPUT and not ready.done():
                    # In a thread: a client reads certificates from the disk when it is made.
                    ready.set_result(await asyncio.to_thread(_served, child, line, token))
                    self._set_clock(None if self._turns else self._idle_seconds)
                else:
                    last_lines.append(line)
        exit_code = await child.wait()
        if not ready.done():
            said = f": {' / '.join(last_lines)}" if last_lines else "."
            raise ApiUnavailable(f"The embedded model's server ended while it started (exit code {exit_code}){said}")

    def _set_clock(self, seconds: float | None) -> None:
        """The server's time is up in so many seconds; None: it may stay."""
        if self._clock is not None and not self._clock.expired():
            self._clock.reschedule(None if seconds is None else asyncio.get_running_loop().time() + seconds)


def _answer(served: _Served, request: TurnRequest) -> AsyncGenerator[Event, None]:
    """One turn by a server that is ready: part by part where the prompt is an outline, else in one."""
    most = min(request.max_output_tokens, served.limits.output_tokens)
    asked = request._replace(system=manner_of(request), tools=(), model=None, max_output_tokens=most)
    outline = outline_of(request.messages)
    return _plain_answer(served, asked) if outline is None else _outlined_answer(served, asked, outline)


async def _plain_answer(served: _Served, asked: TurnRequest) -> AsyncGenerator[Event, None]:
    async with aclosing(served.runtime.turn(asked)) as events:
        async for event in events:
            if isinstance(event, TurnDone):
                if not event.message.text:
                    raise AnswerIncomplete("The embedded model said nothing.")
                if mark := _cut_mark(event):
                    yield TextDelta(mark)
                yield _ended(event, event.message.text + mark, event.usage)
            else:
                yield event


async def _outlined_answer(served: _Served, asked: TurnRequest, outline: Outline) -> AsyncGenerator[Event, None]:
    """Each part is a request of its own; together they are one turn."""
    most = max(1, min(PART_TOKENS, asked.max_output_tokens // len(outline.parts)))
    said: list[str] = []
    usage, done = Usage(), None
    between = f"{outline.title}\n\n" if outline.title else ""
    for part in outline.parts:
        heading = f"{between}{part.heading}\n\n"
        question = asked._replace(messages=(Message("user", (TextBlock(part.prompt),)),), max_output_tokens=most)
        async with aclosing(served.runtime.turn(question)) as events:
            async for event in events:
                if heading:  # not before the server has spoken: until then another may take over
                    said.append(heading)
                    yield TextDelta(heading)
                    heading = ""
                if isinstance(event, TurnDone):
                    done, usage = event, _sum(usage, event.usage)
                    between = f"{_cut_mark(event)}\n\n"
                elif isinstance(event, TextDelta):
                    said.append(event.text)
                    yield event
    assert done is not None, "an outline has parts, and each turn has an end or fails"
    if ending := between.rstrip():
        said.append(ending)
        yield TextDelta(ending)
    yield _ended(done, "".join(said), usage)


def _ended(done: TurnDone, text: str, usage: Usage) -> TurnDone:
    """The end of a turn. An answer at its limit has ended too: asked to go on, the model would only repeat itself."""
    return done._replace(message=Message("assistant", (TextBlock(text),)), stop_reason="end_turn", usage=usage, cost_usd=0.0)


def _cut_mark(done: TurnDone) -> str:
    """What follows a part that the limit cut off; where it was cut in a block of code, the end of the block."""
    if done.stop_reason != "max_tokens":
        return ""
    return "\n…\n```" if done.message.text.count("```") % 2 else " …"


def _sum(one: Usage, other: Usage) -> Usage:
    return Usage(one.input + other.input, one.output + other.output, one.cache_read + other.cache_read, one.cache_write + other.cache_write)


def _served(child: Child, greeting: str, token: str) -> _Served:
    """What the server says of itself. Raises NoRuntime where it says that it cannot serve."""
    try:
        data: object = json.loads(greeting)
    except ValueError:
        data = None
    match data:
        case {"address": str(address), "slots": int(slots), "slot_tokens": int(context), "model": str(model)}:
            size = ModelSize(context, ANSWER_TOKENS)
            # The server closes connections that are idle for five seconds, and a turn on one that it is just closing would be lost.
            runtime = AnthropicRuntime(
                token,
                base_url=address,
                model=model,
                caching=False,
                size=size,
                stall_seconds=STALL_SECONDS,
                through_proxy=False,
                keeps_connections=False,
            )
            return _Served(child, runtime, Limits(context, ANSWER_TOKENS, tools=False, parallel=slots, judges=False))
        case {"error": str(error)}:
            raise NoRuntime(f"The embedded model cannot be loaded: {error}", hint="Install it again, or use another runtime.")
        case _:
            raise ApiUnavailable(f"The embedded model's server said something unknown: {greeting[:200]}")


def _environment() -> dict[str, str]:
    return {name: os.environ[name] for name in _SEEN if name in os.environ}
