"""A running program with its process group."""

import asyncio
import os
import select
import signal
import subprocess
import sys
import threading
from collections.abc import AsyncIterator
from contextlib import suppress
from types import TracebackType
from typing import Self

from abathur_tui.domain.errors import CommandFailed
from abathur_tui.guard import GuardPipe, kill_group
from abathur_tui.processes.streams import Input, Output, Piece, Stream, first_readable
from abathur_tui.processes.sweeping import Sweeper

KILLED_SECONDS = 5.0
"""How long a killed process may take to be gone: one that hangs in the kernel does not hang us."""


class Child:
    """A running program with its process group. As an async context manager it is ended when the block is left, however that comes."""

    def __init__(
        self, process: subprocess.Popen[bytes], mark: str, sweeper: Sweeper, guard: GuardPipe | None, stdin: bytes, limit_bytes: int | None
    ) -> None:
        """The program is noted with the guard, then let go; what it gets on standard input begins with the line that it waits for.

        `mark`: what its environment, and that of all that it starts, has in MARK.
        """
        assert process.stdin is not None
        assert process.stdout is not None
        assert process.stderr is not None
        self.pid = process.pid
        """Also the number of its group."""
        self.service = False
        """Whether it serves all agents, and is no command of one."""
        self.exit_code: int | None = None
        """Negative: the number of the signal that killed it. None while it runs."""
        self.stdout = Output(process.stdout, Stream.OUTPUT, limit_bytes)
        self.stderr = Output(process.stderr, Stream.ERROR, limit_bytes)
        self._process = process
        self._mark = mark
        self._ended_for = ""
        self._sweeper = sweeper
        self._guard = guard
        self._killed = False
        """Whether it was told to end."""
        self._reaped = False
        self._signals = threading.Lock()
        self._ended = asyncio.Event()
        self._loop = asyncio.get_running_loop()
        # In this order: if anything fails, the line never comes, and nothing is noted that nobody will take back.
        with self._signals:
            threading.Thread(target=self._reap, name=f"child {self.pid}", daemon=True).start()
            if guard is not None:
                guard.note(self.pid, mark)
        self._input = Input(process.stdin, stdin)

    async def pieces(self) -> AsyncIterator[Piece]:
        """What it writes to both streams, as it comes. Raises CommandFailed when one of them is more than the limit, and after `end_for`."""
        while True:
            await asyncio.sleep(0)  # A fast writer must not keep the event loop for itself.
            silent = True
            for output in (self.stdout, self.stderr):
                if text := output.read_now():
                    silent = False
                    yield Piece(output.stream, text)
            open_outputs = [output for output in (self.stdout, self.stderr) if not output.closed]
            if not open_outputs:
                if self._ended_for:
                    raise CommandFailed(self._ended_for, hint="Make it take less, or raise the limit.")
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

    def end_for(self, reason: str) -> None:
        """Kill the whole group at once; who reads what it writes hears why."""
        self._ended_for = reason
        self._signal(signal.SIGKILL)

    async def aclose(self) -> None:
        """End it, and read and write nothing more."""
        try:
            await self.end()
        finally:
            self._input.close()
            self.stdout.close()
            self.stderr.close()

    async def __aenter__(self) -> Self:
        return self

    async def __aexit__(self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None) -> None:
        await self.aclose()

    def _signal(self, number: signal.Signals) -> None:
        with self._signals:
            self._killed = True
            if not self._reaped:
                with suppress(ProcessLookupError, PermissionError):
                    os.killpg(self.pid, number)

    def _reap(self) -> None:
        """Wait for the program's end in a thread, end what is left of its group, and tell the event loop."""
        ended_by_itself = wait_until_dead(self.pid)
        # As long as the leader is not reaped its number is nobody else's: all that names the group comes before that.
        with self._signals:
            kill_group(self.pid)
        if self._killed or not ended_by_itself:
            # A program that has ended in order may have left a service to others on purpose; one that was ended has not.
            self._sweeper.sweep(self._mark)
        with self._signals:
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


def wait_until_dead(pid: int) -> bool:
    """Return when a child of this process has ended, without reaping it; False where a signal killed it (and the system says so)."""
    if sys.platform == "darwin":
        queue = select.kqueue()
        event = select.kevent(pid, select.KQ_FILTER_PROC, select.KQ_EV_ADD, select.KQ_NOTE_EXIT)
        with suppress(ProcessLookupError):  # It is dead already.
            queue.control([event], 1)
        queue.close()
        return True
    ended = os.waitid(os.P_PID, pid, os.WEXITED | os.WNOWAIT)
    return ended is None or ended.si_code == os.CLD_EXITED
