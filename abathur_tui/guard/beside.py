"""The guard process beside an engine: waits for the engine's end, kills what it left running, and starts it again.

Run as a file with `python -E -s -S` (quick, and of ours only `groups.py` beside it is imported):
`beside.py SOCKET ENGINE_PID QUICK_SECONDS PAUSE,PAUSE… COMMAND…`.

The engine sends lines: `+GROUP LEADER MARK`, `-GROUP`, `key FINGERPRINT KEY`, `notice PATH` (in hexadecimal: the file that stands there while the
engine is started again), `works` (no more, and it is at work), `stop`. An engine that the guard has started finds the number of its socket in
ABATHUR_GUARD_SOCKET, and on it all keys and a line `go GUARD_PID`. The end of the stream is the end of the engine.
"""

import os
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import suppress
from pathlib import Path

from groups import IGNORED, LINUX, Note, identity, kill_group, kill_groups  # type: ignore[import-not-found]

STARTS = 20
"""An engine that never was at work died quickly unless it lived for as many times longer: where the machine is slow, it takes its time to fail."""


class Guard:
    """What the guard knows of its engine."""

    def __init__(self, engine: socket.socket, engine_pid: int, quick_seconds: float, pauses: list[float], command: list[str]) -> None:
        """`pauses`: seconds before a new start after the first, second… quick death in a row; after more of them it gives up."""
        self.engine = engine
        self.first_pid = engine_pid
        self.quick_seconds = quick_seconds
        self.pauses = pauses
        self.command = command
        self.groups: dict[int, Note] = {}
        self.keys: dict[str, str] = {}
        self.stopped = False
        self.works_since: float | None = None
        """Since when the engine is at work; None while it is not."""
        self.notice: Path | None = None
        self.process: subprocess.Popen[bytes] | None = None

    def watch(self) -> None:
        """Stay with the engine, and the ones started after it, until one was told to stop or they die too quickly."""
        try:
            self._watch()
        finally:
            self._take_notice_away()

    def _watch(self) -> None:
        quick_deaths = 0
        while True:
            since, self.works_since = time.monotonic(), None
            for line in self._lines():
                self._learn(line)
            self._put_notice_up()
            how = self._bury()
            if self.stopped:
                return
            quick_deaths = quick_deaths + 1 if self._was_quick(since) else 0
            if quick_deaths > len(self.pauses):
                say(f"the engine has died {quick_deaths} times in a row before it was at work for {self.quick_seconds:g} s ({how}): given up")
                return
            pause = self.pauses[quick_deaths - 1] if quick_deaths else 0.0
            say(f"the engine died ({how}): starting it again" + (f" in {pause:g} s" if pause else ""))
            time.sleep(pause)
            try:
                self._start()
            except OSError as error:  # No memory, no processes: the end of its stream counts as a quick death.
                say(f"the engine cannot be started: {error}")

    def _was_quick(self, since: float) -> bool:
        now = time.monotonic()
        return now - since < STARTS * self.quick_seconds if self.works_since is None else now - self.works_since < self.quick_seconds

    def _lines(self) -> Iterator[str]:
        rest = b""
        while True:
            try:
                data = self.engine.recv(65536)
            except ConnectionResetError:
                data = b""
            if not data:
                return
            *lines, rest = (rest + data).split(b"\n")
            yield from (line.decode() for line in lines)

    def _learn(self, line: str) -> None:
        word, _, rest = line.partition(" ")
        if word == "stop":
            self.stopped = True
            self._take_notice_away()
        elif word == "notice":
            self.notice = Path(os.fsdecode(bytes.fromhex(rest)))
        elif word == "works":
            self.works_since = time.monotonic()
            self._take_notice_away()
        elif word == "key":
            fingerprint, _, key = rest.partition(" ")
            self.keys[fingerprint] = key
        elif word.startswith("+"):
            leader, _, mark = rest.partition(" ")
            self.groups[int(word[1:])] = Note(leader, mark)
        elif word.startswith("-"):
            self.groups.pop(int(word[1:]), None)

    def _put_notice_up(self) -> None:
        """Say that the engine is being started again, for as long as this process lives and it is not taken away."""
        if self.notice is not None and not self.stopped:
            with suppress(OSError):  # It is for those who look on only.
                draft = self.notice.with_suffix(".draft")
                draft.write_text(f"{os.getpid()} {identity(os.getpid()) or ''}\n")
                draft.replace(self.notice)

    def _take_notice_away(self) -> None:
        if self.notice is not None:
            with suppress(OSError):
                if self.notice.read_text().split()[:1] == [str(os.getpid())]:  # Else another guard's.
                    self.notice.unlink()

    def _bury(self) -> str:
        """Kill the groups that are noted, and the engine itself if only its socket is gone; gives how it ended."""
        # A guard that was stopped for long may hold numbers that are somebody else's by now; elsewhere than on Linux a group whose leader is
        # gone cannot be told from a later one, and the engine has only just died.
        kill_groups(self.groups)
        for group in () if LINUX else self.groups:
            kill_group(group)
        self.groups.clear()
        self.engine.close()
        if self.process is None:
            # The first engine has started the guard; while it is the parent, the number cannot be somebody else's.
            if not self.stopped and os.getppid() == self.first_pid:
                os.kill(self.first_pid, signal.SIGKILL)
            return "killed or crashed"
        if not self.stopped:
            self.process.kill()
        code = self.process.wait()
        if code == -signal.SIGTERM:
            self.stopped = True  # an order to end, which came before that engine listened to orders
        return f"signal {-code}" if code < 0 else f"exit code {code}"

    def _start(self) -> None:
        self.process = None
        self.engine, theirs = socket.socketpair()
        with theirs:
            self.process = subprocess.Popen(
                self.command,
                stdin=subprocess.DEVNULL,
                env={**os.environ, "ABATHUR_GUARD_SOCKET": str(theirs.fileno())},
                pass_fds=[theirs.fileno()],
                start_new_session=True,
            )
        try:
            for fingerprint, key in self.keys.items():
                self.engine.sendall(f"key {fingerprint} {key}\n".encode())
            self.engine.sendall(f"go {os.getpid()}\n".encode())
        except OSError:
            pass  # It is dead already, which the next read says.


def say(line: str) -> None:
    """A line on standard error, which is the engine's log."""
    with suppress(OSError):
        os.write(2, f"{time.strftime('%Y-%m-%dT%H:%M:%S%z')} guard: {line}\n".encode())


def main() -> None:
    """Guard the engine that has started this process."""
    # Handlers, not SIG_IGN: an engine started from here must not inherit that.
    for number in IGNORED:
        signal.signal(number, lambda *_: None)
    signal.pthread_sigmask(signal.SIG_UNBLOCK, IGNORED)
    signal.signal(signal.SIGPIPE, signal.SIG_IGN)
    descriptor, engine_pid, quick_seconds, pauses, *command = sys.argv[1:]
    os.set_inheritable(int(descriptor), False)
    engine = socket.socket(fileno=int(descriptor))
    Guard(engine, int(engine_pid), float(quick_seconds), [float(pause) for pause in pauses.split(",")], command).watch()


if __name__ == "__main__":
    main()
