"""The `command` runtime: any program that takes the prompt on standard input and gives the result on standard output."""

import os
from collections import deque
from collections.abc import AsyncIterator, Iterable
from dataclasses import replace
from pathlib import Path

from abathur_tui.domain.conversation import (
    Caller,
    Event,
    FailureKind,
    Limits,
    LogLine,
    Message,
    TextBlock,
    TextDelta,
    ToolResultBlock,
    TurnDone,
    TurnRequest,
    Usage,
)
from abathur_tui.domain.errors import CommandFailed
from abathur_tui.domain.execution import RuntimeChoice
from abathur_tui.processes import Children, Lines, Stream, open_files, process_limits

EXIT_TRANSIENT = 75
"""`EX_TEMPFAIL` of sysexits.h: try again."""
LIMITS = Limits(context_tokens=100_000_000, output_tokens=50_000_000, tools=False, programs=True)
"""More than any prompt has: what a program can read is its own matter. The rest of the context is the prompt's room."""
OUTPUT_LIMIT_BYTES = 64 * 1024 * 1024
"""More than this is a program that went wild, not a result."""
LAST_LINES = 5
"""How many lines of standard error a failure quotes."""


class CommandRuntime:
    """Runs the execution's command line once for each turn."""

    def __init__(self, choice: RuntimeChoice, children: Children) -> None:
        """`choice` names the program, its folder and its whole environment."""
        self._choice = choice
        self._children = children
        self._name = Path(choice.argv[0]).name if choice.argv else "command"

    async def limits(self) -> Limits:
        """A program takes whatever it is given, and calls no tools of ours; as many run at once as there may be open files and processes for."""
        rooms = ((open_files.room_for_programs(), open_files.TOLD), (process_limits.room_for_programs(), process_limits.TOLD))
        parallel, held_by = min(((room, told) for room, told in rooms if room is not None), default=(None, ""))
        return replace(LIMITS, parallel=parallel, held_by=held_by)

    async def turn(self, request: TurnRequest) -> AsyncIterator[Event]:
        """Run the program for one turn. Raises CommandFailed."""
        said: list[str] = []
        log = Lines()
        last_lines: deque[str] = deque(maxlen=LAST_LINES)
        async with await self._children.start(
            self._choice.argv,
            cwd=self._choice.working_folder,
            env=environment(self._choice, request.caller),
            stdin=prompt_text(request).encode("utf-8", "replace"),
            output_limit=OUTPUT_LIMIT_BYTES,
        ) as child:
            async for piece in child.pieces():
                if piece.stream is Stream.OUTPUT:
                    said.append(piece.text)
                    yield TextDelta(piece.text)
                else:
                    for line in log.take(piece.text):
                        last_lines.append(line)
                        yield LogLine(line)
            for line in log.rest():
                last_lines.append(line)
                yield LogLine(line)
            exit_code = await child.wait()
        if exit_code != 0:
            raise self._failure(exit_code, last_lines)
        yield TurnDone(
            message=Message("assistant", (TextBlock("".join(said)),)),
            stop_reason="end_turn",
            usage=Usage(),
            model=self._name,
            cost_usd=None,
        )

    async def aclose(self) -> None:
        """Nothing to end: each turn ends its own program."""

    def _failure(self, exit_code: int, last_lines: Iterable[str]) -> CommandFailed:
        how = f"was killed by signal {-exit_code}" if exit_code < 0 else f"ended with exit code {exit_code}"
        quoted = "".join(f"\n{line}" for line in last_lines if line.strip())
        kind = FailureKind.TRANSIENT if exit_code == EXIT_TRANSIENT else FailureKind.PERMANENT
        return CommandFailed(f"{self._name} {how}{':' if quoted else '.'}{quoted}", kind=kind)


def environment(choice: RuntimeChoice, caller: Caller) -> dict[str, str]:
    """What the program sees: what the execution kept of its submitter's environment, and whose turn it is."""
    return {
        "PATH": os.defpath,
        "TERM": "dumb",
        **dict(choice.environment),
        "ABATHUR_PROJECT": caller.project,
        "ABATHUR_EXECUTION": caller.execution,
        "ABATHUR_TASK": caller.task,
        "ABATHUR_AGENT": caller.agent,
        "ABATHUR_ATTEMPT": str(caller.attempt),
        "ABATHUR_INSTANCE": str(caller.instance),
        "ABATHUR_INSTANCES": str(caller.instances),
    }


def prompt_text(request: TurnRequest) -> str:
    """The whole prompt as plain text: the system prompt, then what was said; who said it only where there is more than one message."""
    headed = len(request.messages) > 1
    parts = [request.system.strip()]
    for message in request.messages:
        heading = f"## {message.role.capitalize()}\n\n" if headed else ""
        parts.append(heading + _plain(message))
    return "\n\n".join(part for part in parts if part).rstrip("\n") + "\n"


def _plain(message: Message) -> str:
    texts = [block.text for block in message.blocks if isinstance(block, TextBlock | ToolResultBlock)]
    return "\n\n".join(texts)
