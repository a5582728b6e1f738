"""Starting programs, and keeping account of those that run."""

import asyncio
import errno
import os
import secrets
import shutil
import subprocess
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from abathur_tui.domain.conversation import FailureKind
from abathur_tui.domain.errors import CommandFailed
from abathur_tui.guard import MARK, GuardPipe
from abathur_tui.processes.child import Child
from abathur_tui.processes.streams import Stream
from abathur_tui.processes.sweeping import Sweeper

ROOM_SECONDS = 0.2
"""Where the system has no room for one more program, it is tried again so often, as long as others run."""
GO = b"\n"
# POSIX: `read` takes no byte more than its line from a pipe, so the program finds the rest.
WITH_INPUT = 'read -r _ || exit 125; exec "$@"'
WITHOUT_INPUT = 'read -r _ || exit 125; exec "$@" </dev/null'


@dataclass(frozen=True, slots=True)
class Finished:
    """A program that has ended."""

    exit_code: int
    """Negative: the number of the signal that killed it."""
    stdout: str
    stderr: str
    timed_out: bool


class Children:
    """All programs of one engine."""

    def __init__(self, guard: GuardPipe | None = None, files: int | None = None) -> None:
        """Without a guard, what runs when this process is killed goes on. `files`: how many each may have open at once; None: as many as we."""
        self._guard = guard
        self._before = "" if files is None else f"ulimit -S -n {files}; "
        self._turn = asyncio.Lock()
        self._sweeper = Sweeper()
        self._running: set[Child] = set()
        self._token = secrets.token_hex(8)
        self._started = 0

    async def start(
        self,
        argv: Sequence[str],
        *,
        cwd: str | Path,
        env: Mapping[str, str],
        stdin: bytes | None = None,
        output_limit: int | None = None,
        service: bool = False,
    ) -> Child:
        """Start a program with exactly this environment and MARK; `stdin` None is an empty one. Raises CommandFailed where it cannot be started.

        Read both outputs (`pieces`), or it will stop when a pipe is full. `output_limit` is in bytes, for each of the two. `service`: it
        serves all agents, and is no command of one.
        """
        program = find_program(argv, cwd, env)
        script = self._before + (WITHOUT_INPUT if stdin is None else WITH_INPUT)
        async with self._turn:
            # One in each round of the event loop: a start blocks for a millisecond, and far longer on a busy machine.
            await asyncio.sleep(0)
            while True:
                self._started += 1
                mark = f"{self._token}.{self._started}"
                try:
                    # With nothing awaited from here on, no cancellation can come between the process and its owner.
                    process = _spawn([program, *argv[1:]], script, cwd, {**env, MARK: mark})
                    child = self._child(process, mark, GO + (stdin or b""), output_limit)
                    break
                except CommandFailed as error:
                    if error.kind is not FailureKind.TRANSIENT or not any(not child.service for child in self.running):
                        raise
                # The system has no room for one more: the next one starts when one of ours, or of somebody else's, has ended.
                await asyncio.sleep(ROOM_SECONDS)
        child.service = service
        self._running = {child for child in self._running if child.exit_code is None}
        self._running.add(child)
        return child

    def _child(self, process: subprocess.Popen[bytes], mark: str, stdin: bytes, output_limit: int | None) -> Child:
        try:
            return Child(process, mark, self._sweeper, self._guard, stdin, output_limit)
        except RuntimeError as error:  # no thread could be started that waits for its end
            with process:  # closes its pipes, and waits
                process.kill()
            raise _cannot_start(str(process.args), OSError(errno.EAGAIN, str(error))) from error

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

    @property
    def running(self) -> list[Child]:
        """Those that have not ended."""
        return [child for child in self._running if child.exit_code is None]

    async def aclose(self) -> None:
        """End all that still run."""
        async with asyncio.TaskGroup() as group:
            for child in self._running:
                group.create_task(child.aclose())


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
