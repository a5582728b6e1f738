"""Programs that an engine runs: each in a process group of its own, noted with the guard before its first step, ended as a whole.

A child starts as a small `sh` that waits for a line on its standard input, and is only told to go on when its group is noted; if
this process dies before that, the line never comes and the `sh` ends. So there is no moment at which a kill -9 leaves an orphan.
"""

import asyncio
import codecs
import errno
import fcntl
import os
import select
import shutil
import signal
import struct
import subprocess
import sys
import termios
import threading
from collections.abc import AsyncIterator, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass
from enum import StrEnum
from pathlib import Path
from types import TracebackType
from typing import IO, Self

from abathur_tui.domain.conversation import FailureKind
from abathur_tui.domain.errors import CommandFailed
from abathur_tui.guard import GuardPipe, kill_group

CHUNK_BYTES = 65536
LINE_CHARACTERS = 65536
"""A longer line comes in pieces."""
KILLED_SECONDS = 5.0
"""How long a killed process may take to be gone: one that hangs in the kernel does not hang us."""
GO = b"\n"
# POSIX: `read` takes no byte more than its line from a pipe, so the program finds the rest.
WITH_INPUT = 'read -r _ || exit 125; exec "$@"'
WITHOUT_INPUT = 'read -r _ || exit 125; exec "$@" </dev/null'


class Stream(StrEnum):
    """Where a program writes."""

    OUTPUT = "output"
    ERROR = "error"


@dataclass(frozen=True, slots=True)
class Piece:
    """Something that a program wrote."""

    stream: Stream
    text: str


@dataclass(frozen=True, slots=True)
class Finished:
    """A program that has ended."""

    exit_code: int
    """Negative: the number of the signal that killed it."""
    stdout: str
    stderr: str
    timed_out: bool


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
        rest = ""
        async for text in self.chunks():
            *lines, rest = (rest + text).split("\n")
            for line in lines:
                yield line.removesuffix("\r")
            while len(rest) > LINE_CHARACTERS:
                yield rest[:LINE_CHARACTERS]
                rest = rest[LINE_CHARACTERS:]
        if rest:
            yield rest

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
            self.unwatch()
            self.closed = True
            self._file.close()
        self._wake()

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


class Child:
    """A running program with its process group. As an async context manager it is ended when the block is left, however that comes."""

    def __init__(self, process: subprocess.Popen[bytes], guard: GuardPipe | None, stdin: bytes, limit_bytes: int | None) -> None:
        """The program is noted with the guard, then let go; what it gets on standard input begins with the line that it waits for."""
        assert process.stdin is not None
        assert process.stdout is not None
        assert process.stderr is not None
        self.pid = process.pid
        """Also the number of its group."""
        self.exit_code: int | None = None
        """Negative: the number of the signal that killed it. None while it runs."""
        self.stdout = Output(process.stdout, Stream.OUTPUT, limit_bytes)
        self.stderr = Output(process.stderr, Stream.ERROR, limit_bytes)
        self._process = process
        self._guard = guard
        self._reaped = False
        self._signals = threading.Lock()
        self._ended = asyncio.Event()
        self._loop = asyncio.get_running_loop()
        if guard is not None:
            guard.note(self.pid)
        self._input = Input(process.stdin, stdin)
        threading.Thread(target=self._reap, name=f"child {self.pid}", daemon=True).start()

    async def pieces(self) -> AsyncIterator[Piece]:
        """What it writes to both streams, as it comes. Raises CommandFailed when one of them is more than the limit."""
        while True:
            await asyncio.sleep(0)  # A fast writer must not keep the event loop for itself.
            silent = True
            for output in (self.stdout, self.stderr):
                if text := output.read_now():
                    silent = False
                    yield Piece(output.stream, text)
            open_outputs = [output for output in (self.stdout, self.stderr) if not output.closed]
            if not open_outputs:
                return
            if silent:
                await first_readable(*open_outputs)

    async def wait(self) -> int:
        """Its exit code, when it has ended. Cancelling this wait does not end it: leaving the `async with` or `end` does."""
        await self._ended.wait()
        assert self.exit_code is not None
        return self.exit_code

    async def end(self, grace_seconds: float = 2.0) -> int:
        """End the whole group, with TERM at first and KILL after the grace; its exit code. Cancelled, it kills at once."""
        try:
            self._signal(signal.SIGTERM)
            self._signal(signal.SIGCONT)  # One that is stopped hears nothing.
            with suppress(TimeoutError):
                async with asyncio.timeout(grace_seconds):
                    return await self.wait()
            self._signal(signal.SIGKILL)
            with suppress(TimeoutError):
                async with asyncio.timeout(KILLED_SECONDS):
                    return await self.wait()
            return -signal.SIGKILL
        except asyncio.CancelledError:
            self._signal(signal.SIGKILL)
            raise

    async def __aenter__(self) -> Self:
        return self

    async def __aexit__(self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None) -> None:
        try:
            await self.end()
        finally:
            self._input.close()
            self.stdout.close()
            self.stderr.close()

    def _signal(self, number: signal.Signals) -> None:
        with self._signals:
            if not self._reaped:
                with suppress(ProcessLookupError, PermissionError):
                    os.killpg(self.pid, number)

    def _reap(self) -> None:
        """Wait for the program's end in a thread, end what is left of its group, and tell the event loop."""
        wait_until_dead(self.pid)
        # As long as the leader is not reaped its number is nobody else's: all that names the group comes before that.
        with self._signals:
            kill_group(self.pid)
            if self._guard is not None:
                self._guard.forget(self.pid)
            self._process.wait()
            self._reaped = True
        with suppress(RuntimeError):  # The loop is closed: nobody waits.
            self._loop.call_soon_threadsafe(self._finish)

    def _finish(self) -> None:
        self.exit_code = self._process.returncode
        self._input.close()
        self.stdout.finish()
        self.stderr.finish()
        self._ended.set()


class Children:
    """All programs of one engine."""

    def __init__(self, guard: GuardPipe | None = None) -> None:
        """Without a guard, what runs when this process is killed goes on."""
        self._guard = guard
        self._running: set[Child] = set()

    async def start(
        self,
        argv: Sequence[str],
        *,
        cwd: str | Path,
        env: Mapping[str, str],
        stdin: bytes | None = None,
        output_limit: int | None = None,
    ) -> Child:
        """Start a program with exactly this environment; `stdin` None is an empty one. Raises CommandFailed where it cannot be started.

        Read both outputs (`pieces`), or it will stop when a pipe is full. `output_limit` is in bytes, for each of the two.
        """
        program = find_program(argv, cwd, env)
        # Blocks for about a millisecond; with nothing awaited, no cancellation can come between the process and its owner.
        process = _spawn([program, *argv[1:]], WITHOUT_INPUT if stdin is None else WITH_INPUT, cwd, env)
        self._running = {child for child in self._running if child.exit_code is None}
        child = Child(process, self._guard, GO + (stdin or b""), output_limit)
        self._running.add(child)
        return child

    async def run(
        self,
        argv: Sequence[str],
        *,
        cwd: str | Path,
        env: Mapping[str, str],
        stdin: bytes | None = None,
        timeout_seconds: float | None = None,
        output_limit: int | None = 1_048_576,
    ) -> Finished:
        """Run a program to its end, or to the timeout, which ends it. Raises CommandFailed where it cannot start or writes too much."""
        texts: dict[Stream, list[str]] = {stream: [] for stream in Stream}
        timed_out = False
        async with await self.start(argv, cwd=cwd, env=env, stdin=stdin, output_limit=output_limit) as child:
            try:
                async with asyncio.timeout(timeout_seconds):
                    async for piece in child.pieces():
                        texts[piece.stream].append(piece.text)
                    exit_code = await child.wait()
            except TimeoutError:
                timed_out = True
                exit_code = await child.end()
        return Finished(exit_code, "".join(texts[Stream.OUTPUT]), "".join(texts[Stream.ERROR]), timed_out)

    async def aclose(self) -> None:
        """End all that still run."""
        async with asyncio.TaskGroup() as group:
            for child in self._running:
                group.create_task(child.__aexit__(None, None, None))


def find_program(argv: Sequence[str], cwd: str | Path, env: Mapping[str, str]) -> str:
    """The path of the program that `argv` names, looked up as the program's own folder and PATH say. Raises CommandFailed."""
    if not os.path.isdir(cwd):
        raise CommandFailed(f"The folder to run in is gone: {cwd}", hint="Make the folder again, then retry the task.")
    if not argv or not argv[0]:
        raise CommandFailed("No command is given.", hint="Name a program.")
    name = argv[0]
    hint = "Check the command line, and retry the task."
    if "/" not in name:
        found = shutil.which(name, path=env.get("PATH", os.defpath))
        if found is None:
            raise CommandFailed(f"There is no program {name!r} on the PATH.", hint=hint)
        return os.path.abspath(found)
    path = os.path.join(cwd, name)
    if not os.path.exists(path):
        raise CommandFailed(f"There is no program {path}", hint=hint)
    if os.path.isdir(path):
        raise CommandFailed(f"That is a folder, not a program: {path}", hint=hint)
    if not os.access(path, os.X_OK):
        raise CommandFailed(f"The program is not executable: {path}", hint=f"Run `chmod +x {path}`, or name its interpreter first.")
    return path


def wait_until_dead(pid: int) -> None:
    """Return when a child of this process has ended, without reaping it."""
    if sys.platform == "darwin":
        queue = select.kqueue()
        event = select.kevent(pid, select.KQ_FILTER_PROC, select.KQ_EV_ADD, select.KQ_NOTE_EXIT)
        with suppress(ProcessLookupError):  # It is dead already.
            queue.control([event], 1)
        queue.close()
    else:
        os.waitid(os.P_PID, pid, os.WEXITED | os.WNOWAIT)


def _spawn(argv: Sequence[str], script: str, cwd: str | Path, env: Mapping[str, str]) -> subprocess.Popen[bytes]:
    try:
        return subprocess.Popen(
            ["/bin/sh", "-c", script, "sh", *argv],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            bufsize=0,
            cwd=cwd,
            env=env,
            start_new_session=True,
        )
    except (OSError, ValueError) as error:
        raise _cannot_start(argv[0], error) from error


def _cannot_start(program: str, error: OSError | ValueError) -> CommandFailed:
    if not isinstance(error, OSError):
        return CommandFailed(f"The command cannot be started: {error}", hint="Check the command line and its environment.")
    if error.errno == errno.E2BIG:
        return CommandFailed(f"The arguments of {program} are too long for this system.", hint="Pass long texts on standard input or in a file.")
    kind = FailureKind.TRANSIENT if error.errno in (errno.EAGAIN, errno.EMFILE, errno.ENFILE, errno.ENOMEM) else FailureKind.PERMANENT
    return CommandFailed(f"{program} cannot be started: {error.strerror}", kind=kind)
