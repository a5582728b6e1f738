"""A program's three streams, without threads or tasks: they are read and written when the event loop finds them ready."""

import asyncio
import codecs
import fcntl
import os
import struct
import termios
from collections.abc import AsyncIterator
from dataclasses import dataclass
from enum import StrEnum
from typing import IO

from abathur_tui.domain.errors import CommandFailed

CHUNK_BYTES = 65536
LINE_CHARACTERS = 65536
"""A longer line comes in pieces."""


class Stream(StrEnum):
    """Where a program writes."""

    OUTPUT = "output"
    ERROR = "error"


@dataclass(frozen=True, slots=True)
class Piece:
    """Something that a program wrote."""

    stream: Stream
    text: str


class Lines:
    """Text that comes in pieces, as lines."""

    def __init__(self) -> None:
        """Nothing came yet."""
        self._begun = ""

    def take(self, text: str) -> list[str]:
        """The lines that this piece completes, without their ends; an endless line comes in pieces."""
        *lines, self._begun = (self._begun + text).split("\n")
        while len(self._begun) > LINE_CHARACTERS:
            lines.append(self._begun[:LINE_CHARACTERS])
            self._begun = self._begun[LINE_CHARACTERS:]
        return [line.removesuffix("\r") for line in lines]

    def rest(self) -> list[str]:
        """The last line, where it has no end."""
        return self.take("\n") if self._begun else []


class Output:
    """One of a program's two output streams. One reader at a time; what nobody reads stays in the pipe and holds the program up."""

    def __init__(self, file: IO[bytes], stream: Stream, limit_bytes: int | None) -> None:
        """`limit_bytes`: more than that is an error."""
        self.stream = stream
        self.closed = False
        self._file = file
        self._limit = limit_bytes
        self._taken = 0
        self._decoder = codecs.getincrementaldecoder("utf-8")("replace")
        self._left: int | None = None
        """After the program's end: how many bytes the pipe still held. What others write into it does not count."""
        self._waiter: asyncio.Future[None] | None = None
        os.set_blocking(file.fileno(), False)

    async def chunks(self) -> AsyncIterator[str]:
        """The text as it comes, bytes that are no UTF-8 replaced. Raises CommandFailed when it is more than the limit."""
        while (text := await self.read()) is not None:
            if text:
                yield text

    async def lines(self) -> AsyncIterator[str]:
        """The text line by line, without the line ends; an endless line comes in pieces."""
        lines = Lines()
        async for text in self.chunks():
            for line in lines.take(text):
                yield line
        for line in lines.rest():
            yield line

    async def read(self) -> str | None:
        """The next piece of text, perhaps empty; None at the end."""
        await asyncio.sleep(0)  # A fast writer must not keep the event loop for itself.
        text = self.read_now()
        if text == "":
            await first_readable(self)
            text = self.read_now()
        return text

    def read_now(self) -> str | None:
        """What there is to read now; empty where there is nothing yet, None at the end."""
        if self.closed:
            return None
        limit = CHUNK_BYTES if self._left is None else min(CHUNK_BYTES, self._left)
        try:
            data = os.read(self._file.fileno(), limit) if limit else b""
        except BlockingIOError:
            if self._left is None:
                return ""
            data = b""
        if not data:
            self.close()
            return self._decoder.decode(b"", final=True) or None
        if self._left is not None:
            self._left -= len(data)
        self._taken += len(data)
        if self._limit is not None and self._taken > self._limit:
            raise CommandFailed(f"The command wrote more than {self._limit:,} bytes to its standard {self.stream}.", hint="Make it write less.")
        return self._decoder.decode(data)

    def finish(self) -> None:
        """The program has ended: what is in the pipe now is the last of it, whoever still holds the other end."""
        if not self.closed:
            self._left = struct.unpack("i", fcntl.ioctl(self._file.fileno(), termios.FIONREAD, b"\0\0\0\0"))[0]
        self._wake()

    def close(self) -> None:
        """Read nothing more."""
        if not self.closed:
            self._wake()
            self.unwatch()
            self.closed = True
            self._file.close()

    def watch(self, waiter: asyncio.Future[None]) -> None:
        """Resolve `waiter` as soon as it is worth while to look again."""
        self._waiter = waiter
        if self.closed or self._left is not None:
            self._wake()
        else:
            waiter.get_loop().add_reader(self._file.fileno(), self._wake)

    def unwatch(self) -> None:
        """Nobody waits any longer."""
        if self._waiter is not None and not self.closed:
            self._waiter.get_loop().remove_reader(self._file.fileno())
        self._waiter = None

    def _wake(self) -> None:
        if self._waiter is not None and not self._waiter.done():
            self._waiter.set_result(None)


async def first_readable(*outputs: Output) -> None:
    """Wait until one of them has something, or its end."""
    waiter = asyncio.get_running_loop().create_future()
    for output in outputs:
        output.watch(waiter)
    try:
        await waiter
    finally:
        for output in outputs:
            output.unwatch()


class Input:
    """A program's standard input, fed as fast as it reads. One that does not read, or closes it, is fine."""

    def __init__(self, file: IO[bytes], data: bytes) -> None:
        """Writes at once what fits, and the rest by and by."""
        self._loop = asyncio.get_running_loop()
        self._file = file
        self._rest = memoryview(data)
        os.set_blocking(file.fileno(), False)
        self._loop.add_writer(file.fileno(), self._feed)
        self._feed()

    def close(self) -> None:
        """Write nothing more."""
        if not self._file.closed:
            self._loop.remove_writer(self._file.fileno())
            self._file.close()

    def _feed(self) -> None:
        try:
            self._rest = self._rest[os.write(self._file.fileno(), self._rest[:CHUNK_BYTES]) :]
        except BlockingIOError:
            return
        except OSError:  # Nobody reads it any more.
            self.close()
            return
        if not self._rest:
            self.close()
