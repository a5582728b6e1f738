"""What an agent is saying, gathered so that the journal gets about twenty rows a second from it and not one per token."""

import asyncio
from collections.abc import Awaitable, Callable
from dataclasses import dataclass

INTERVAL_SECONDS = 0.05
"""Pause between two writes of one agent's output."""
BUFFER_CHARACTERS = 1_000_000
"""How much an agent may say ahead of the disk before it has to wait."""
LINES_AT_ONCE = 200
"""Log lines that one write takes; more in that time are counted, not kept."""


@dataclass(frozen=True, slots=True)
class Piece:
    """What came since the last write."""

    offset: int
    """Of the text's first character, in the turn."""
    text: str
    lines: tuple[str, ...]


class Output:
    """One turn's output on its way to the journal."""

    __slots__ = ("_dropped", "_group", "_is_over", "_is_writing", "_lines", "_offset", "_room", "_size", "_text", "_timer", "_write")

    def __init__(self, write: Callable[[Piece], Awaitable[None]]) -> None:
        """`write` puts a piece into the journal, and returns when it is committed."""
        self._write = write
        self._group: asyncio.TaskGroup | None = None
        self._timer: asyncio.TimerHandle | None = None
        self._is_writing = False
        self._is_over = False
        self._offset = 0
        self._text: list[str] = []
        self._size = 0
        self._lines: list[str] = []
        self._dropped = 0
        self._room: asyncio.Event | None = None

    async def say(self, text: str) -> None:
        """Add text; waits where the disk is far behind."""
        self._text.append(text)
        self._size += len(text)
        self._tell()
        while self._size > BUFFER_CHARACTERS:
            self._room = self._room or asyncio.Event()
            self._room.clear()
            await self._room.wait()

    def log(self, line: str) -> None:
        """Add a line for the log."""
        if len(self._lines) < LINES_AT_ONCE:
            self._lines.append(line)
        else:
            self._dropped += 1
        self._tell()

    @property
    def is_whole(self) -> bool:
        """Whether nothing was written while it was said, and there is nothing for the log: the answer has all of it."""
        return self._offset == 0 and not self._lines and not self._dropped

    def take(self) -> Piece | None:
        """What was not written yet, which the caller writes now; None where there is nothing."""
        if not self._text and not self._lines:
            return None
        lines = self._lines
        if self._dropped:
            lines = [*lines, f"… {self._dropped} more lines, too fast to keep"]
        piece = Piece(self._offset, "".join(self._text), tuple(lines))
        self._offset += len(piece.text)
        self._text, self._lines, self._size, self._dropped = [], [], 0, 0
        if self._room is not None:
            self._room.set()
        return piece

    def flow(self, group: asyncio.TaskGroup) -> None:
        """Write as it comes, in tasks of the group, until `end`; what comes after the last write is left for `take`: of a short turn, all of it."""
        self._group = group

    def end(self) -> None:
        """No more is said."""
        self._is_over = True
        if self._timer is not None:
            self._timer.cancel()

    def _tell(self) -> None:
        """There is something to be written, soon."""
        if self._group is not None and self._timer is None and not self._is_writing and not self._is_over:
            self._timer = asyncio.get_running_loop().call_later(INTERVAL_SECONDS, self._go, self._group)

    def _go(self, group: asyncio.TaskGroup) -> None:
        self._timer, self._is_writing = None, True
        group.create_task(self._put())

    async def _put(self) -> None:
        if (piece := self.take()) is not None:
            await self._write(piece)
        self._is_writing = False
        if self._text or self._lines:
            self._tell()
