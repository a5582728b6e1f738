"""The engine's side of its guard: a small process of its own session (`beside.py`) that outlives the engine.

The engine's entry point hands over everything to `run_engine` before it imports anything heavy:

    from abathur_tui.guard import GuardPipe, Keys, kill_noted, run_engine

    def serve(guard: GuardPipe, keys: Keys) -> int:          # heavy imports belong in here
        for notes in files_of_dead_engines:                  # `.abathur/engines/<uuid>.children` whose lock is free
            kill_noted(notes)
        guard.keep_notes_in(folder / "engines" / f"{uuid}.children")
        children = Children(guard)                           # notes each child's process group by itself
        keys.add(fingerprint, key)                           # a Mapping; the guard keeps them for the next engine
        ...
        guard.stop()                                         # as soon as a stop is ordered: no new engine, whatever happens now
        return 0

    sys.exit(run_engine(serve))

What happens then:
- The guard is told of each group over a socket (`+group leader mark`, `-group`), of keys, and `stop`. The kernel keeps what was sent, so
  nothing is acknowledged.
- The engine is killed, or leaves by an exception: the guard kills all noted groups and runs the engine's command line again, with the
  keys (`guard.restarted` is True then). `serve` returns, or raises SystemExit: that is a stop; what is still noted is killed, and nothing
  is started again. An engine that dies at once is started again after growing pauses, and in the end given up, with a line on standard error.
- The guard is killed: a thread of the engine notices and starts another one, with the present list.
- Both are killed: a third process, which knows only that file, kills what stands in the file of notes (`kill_noted`); where it was killed too,
  the next engine does. Where it alone is killed, a thread of the engine starts another one.
The guard has the engine's standard output and error, and ignores INT, HUP and TERM. It ends when the engine has ended.
"""

import os
import select
import signal
import socket
import subprocess
import sys
import threading
import time
import traceback
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path

from abathur_tui.guard.groups import IGNORED, MARK, Note, identity, write_notes

SOCKET_VARIABLE = "ABATHUR_GUARD_SOCKET"
"""Where an engine that its guard has started finds the number of its socket."""
RESTARTING = "restarting"
"""The name of the file that stands in the folder of notes while a guard starts its engine again."""
SEND_SECONDS = 1.0
"""A guard that takes no line for so long (stopped, swapped out) is replaced."""
QUICK_GUARDS = 5
"""So many guards in a row may die at once before there is a pause of a second between them."""
_LAST = """
import os, signal, sys
sys.path.insert(0, os.environ.pop("LAST_FOLDER"))
from groups import IGNORED, kill_noted
from pathlib import Path
for number in IGNORED:
    signal.signal(number, signal.SIG_IGN)
signal.pthread_sigmask(signal.SIG_UNBLOCK, IGNORED)
os.read(0, 1)
kill_noted(Path(os.environ["LAST_NOTES"]))
"""
"""The third process: at the end of its input the engine is gone. Its command line names nothing of ours, so that it outlives `pkill -f`."""


@dataclass(frozen=True, slots=True)
class Restarts:
    """How a dead engine is started again."""

    quick_seconds: float = 3.0
    """An engine that was at work for less than this died quickly."""
    pauses_seconds: tuple[float, ...] = (0.0, 0.1, 0.2, 0.5, 1.0, *[2.0] * 15)
    """The pause after the first, second… quick death in a row; after more of them it is given up. Other deaths have none."""


class Keys(Mapping[str, str]):
    """API keys by their fingerprint, in memory only; those of a dead engine are there again in the next one."""

    def __init__(self, pipe: "GuardPipe") -> None:
        """Empty; what is added is told to the guard at the end of `pipe`."""
        self._pipe = pipe
        self._keys: dict[str, str] = {}

    def add(self, fingerprint: str, key: str) -> None:
        """Keep a key. Raises ValueError where one of the two has white space in it."""
        if fingerprint.split() != [fingerprint] or key.split() != [key]:
            raise ValueError("a key and its fingerprint hold no white space")
        if self._keys.get(fingerprint) != key:
            self._keys[fingerprint] = key
            self._pipe.tell(f"key {fingerprint} {key}")

    def take(self, fingerprint: str, key: str) -> None:
        """Keep a key that came from the guard."""
        self._keys[fingerprint] = key

    def __getitem__(self, fingerprint: str) -> str:
        return self._keys[fingerprint]

    def __iter__(self) -> Iterator[str]:
        return iter(list(self._keys))

    def __len__(self) -> int:
        return len(self._keys)

    def __repr__(self) -> str:
        return f"<Keys: {', '.join(self._keys) or 'none'}>"


class GuardPipe:
    """The engine's line to its guard, which it replaces when it dies. Any thread may use it."""

    def __init__(self, restarts: Restarts) -> None:
        """Not connected yet: `run_engine` does that."""
        self.restarted = False
        """Whether this engine was started because another one died."""
        self.keys = Keys(self)
        self._restarts = restarts
        self._lock = threading.RLock()
        self._groups: dict[int, Note] = {}
        self._notes: Path | None = None
        self._stopped = False
        self._closed = False
        self._socket: socket.socket | None = None
        self._guard_pid = 0
        self._process: subprocess.Popen[bytes] | None = None
        self._last: subprocess.Popen[bytes] | None = None

    @property
    def guard_pid(self) -> int:
        """The guard's process id; 0 while there is none."""
        return self._guard_pid

    def note(self, group: int, mark: str) -> None:
        """The group of a child that waits to be let go: it is killed when this engine dies, and so is all that carries its mark."""
        with self._lock:
            self._groups[group] = Note(identity(group) or "", mark)
            self._write_notes()
            self._tell_of(group)

    def forget(self, group: int) -> None:
        """The group is gone. To be called before its leader is reaped: after that the number may be somebody else's."""
        with self._lock:
            if self._groups.pop(group, None) is not None:
                self.tell(f"-{group}")
                self._write_notes()

    def keep_notes_in(self, path: Path) -> None:
        """Also note the groups in this file, for `kill_noted`; its folder must exist. It is removed when the engine ends.

        In the same folder the guard puts up a notice, `RESTARTING`, while it starts the engine again, until that says that it `works`.
        """
        with self._lock:
            self._notes = path
            self._write_notes()
            self._tell_of_notice()
            self._start_last(path)
        threading.Thread(target=self._keep_last, args=(path,), name="last guard", daemon=True).start()

    def works(self) -> None:
        """This engine is at work: an earlier one that died has its successor."""
        self.tell("works")

    def stop(self) -> None:
        """No engine is started after this one. What is noted is still killed when it ends."""
        with self._lock:
            if not self._stopped:
                self._stopped = True
                self.tell("stop")

    def tell(self, line: str) -> None:
        """Send a line; if the guard is dead, the next one is told everything anyway."""
        with self._lock:
            if self._socket is None:
                return
            try:
                self._socket.sendall(f"{line}\n".encode())
            except TimeoutError:
                self._kill_guard()
            except OSError:
                return  # It is dead, and what it should know is told to the next one.

    def connect(self) -> None:
        """Take the socket that the guard has left for this engine, or start a guard; then watch over it."""
        descriptor = os.environ.pop(SOCKET_VARIABLE, "")
        if descriptor:
            self._socket = socket.socket(fileno=int(descriptor))
            self._socket.set_inheritable(False)
            self._receive_keys(self._socket)
            self._socket.settimeout(SEND_SECONDS)
        else:
            self._start_guard()
        threading.Thread(target=self._watch, name="guard", daemon=True).start()

    def close(self) -> None:
        """The engine has done its work: stop, and take the notes away if nothing is left of the children."""
        with self._lock:
            self._closed = True
            self.stop()
            if self._notes is not None and not self._groups:
                with suppress(OSError):  # Gone with its folder, or not ours to remove: an empty list does no harm.
                    self._notes.unlink()
            if self._last is not None and self._last.stdin is not None:
                self._last.stdin.close()
                with suppress(subprocess.TimeoutExpired):
                    self._last.wait(SEND_SECONDS)

    def _receive_keys(self, connection: socket.socket) -> None:
        self.restarted = True
        with connection.makefile("r", encoding="utf-8") as lines:
            for line in lines:
                word, *rest = line.split()
                if word == "go":
                    self._guard_pid = int(rest[0])
                    return
                self.keys.take(*rest)

    def _start_guard(self) -> None:
        """Start a guard and tell it all that is so now. Where none can be started, `_watch` tries again."""
        # Not -I: that would take away the folder of the file, in which it finds `groups`.
        command = [sys.executable, "-E", "-s", "-S", str(Path(__file__).with_name("beside.py"))]
        ours, theirs = socket.socketpair()
        options = [theirs.fileno(), os.getpid(), self._restarts.quick_seconds, ",".join(map(str, self._restarts.pauses_seconds))]
        engine = [sys.executable, *sys.orig_argv[1:]]
        try:
            with theirs, _ignored_signals_held_back():
                self._process = subprocess.Popen(
                    [*command, *map(str, options), *engine],
                    stdin=subprocess.DEVNULL,
                    pass_fds=[theirs.fileno()],
                    start_new_session=True,
                )
        except OSError as error:
            ours.close()
            print(f"no guard can be started: {error}", file=sys.stderr)
            return
        ours.settimeout(SEND_SECONDS)
        self._socket, self._guard_pid = ours, self._process.pid
        for fingerprint in self.keys:
            self.tell(f"key {fingerprint} {self.keys[fingerprint]}")
        for group in self._groups:
            self._tell_of(group)
        self._tell_of_notice()
        if self._stopped:
            self.tell("stop")

    def _keep_last(self, notes: Path) -> None:
        """Replace a last guard that has died, for as long as this process lives."""
        quick_deaths = 0
        while True:
            since, last = time.monotonic(), self._last
            if last is not None and last.stdin is not None and last.stdout is not None:
                with last.stdin, last.stdout:
                    last.stdout.read()  # It says nothing: what there is to read is its end.
                last.wait()
            quick_deaths = quick_deaths + 1 if time.monotonic() - since < 1 else 0
            if quick_deaths > QUICK_GUARDS:
                time.sleep(1)
            with self._lock:
                if self._closed:
                    return
                self._start_last(notes)

    def _start_last(self, notes: Path) -> None:
        """Start the process that kills what is noted where engine and guard are killed in the same instant."""
        environment = {"LAST_FOLDER": str(Path(__file__).parent), "LAST_NOTES": str(notes)}
        try:
            with _ignored_signals_held_back():
                self._last = subprocess.Popen(
                    [sys.executable, "-E", "-s", "-S", "-c", _LAST],
                    stdin=subprocess.PIPE,
                    stdout=subprocess.PIPE,
                    env={name: value for name, value in os.environ.items() if name != MARK} | environment,
                    cwd="/",
                    start_new_session=True,
                )
        except OSError as error:  # The guard is there all the same.
            self._last = None
            print(f"no second guard can be started: {error}", file=sys.stderr)

    def _watch(self) -> None:
        """Replace a guard that has died, for as long as this process lives."""
        quick_deaths = 0
        while True:
            since = time.monotonic()
            if self._socket is not None:
                _wait_for_end(self._socket)
            quick_deaths = quick_deaths + 1 if time.monotonic() - since < 1 else 0
            if quick_deaths > QUICK_GUARDS:
                time.sleep(1)
            with self._lock:
                if self._socket is not None:
                    self._socket.close()
                if self._process is not None:
                    self._process.wait()
                self._socket, self._process, self._guard_pid = None, None, 0
                self._start_guard()

    def _tell_of(self, group: int) -> None:
        note = self._groups[group]
        self.tell(f"+{group} {note.leader} {note.mark}")

    def _tell_of_notice(self) -> None:
        if self._notes is not None:
            self.tell(f"notice {os.fsencode(self._notes.with_name(RESTARTING)).hex()}")

    def _kill_guard(self) -> None:
        # While it is our child or our parent, the number cannot be somebody else's.
        if self._process is not None or self._guard_pid == os.getppid():
            os.kill(self._guard_pid, signal.SIGKILL)

    def _write_notes(self) -> None:
        if self._notes is None:
            return
        try:
            write_notes(self._notes, self._groups)
        except OSError as error:  # Disk full, folder gone: the guard still knows the groups.
            print(f"{self._notes} cannot be written: {error}", file=sys.stderr)


def run_engine(child: Callable[[GuardPipe, Keys], int | None], restarts: Restarts = Restarts()) -> int:
    """Run the engine beside a guard and give its exit code; see the module's docstring for what happens when one of them dies.

    An engine whose `child` gives None has died too: another one is to go on.
    """
    # Whoever started us may have had it ignored, and then no child's end can be waited for.
    signal.signal(signal.SIGCHLD, signal.SIG_DFL)
    pipe = GuardPipe(restarts)
    # Until the engine has its own handlers: a guard would take an order to end for a crash, unless it is told otherwise before the end.
    signal.pthread_sigmask(signal.SIG_BLOCK, (signal.SIGTERM,))
    signal.signal(signal.SIGTERM, lambda number, _: sys.exit(128 + number))
    pipe.connect()
    try:
        signal.pthread_sigmask(signal.SIG_UNBLOCK, (signal.SIGTERM,))
        code = child(pipe, pipe.keys)
    except (SystemExit, KeyboardInterrupt):
        pipe.close()
        raise
    except BaseException:
        traceback.print_exc()
        # At once: a thread that is left must not keep a crashed engine, and with it its socket, alive.
        os._exit(1)
    if code is None:
        os._exit(1)
    pipe.close()
    return code


@contextmanager
def _ignored_signals_held_back() -> Iterator[None]:
    """A guard that starts in here inherits the mask, and lifts it when it ignores them itself."""
    before = signal.pthread_sigmask(signal.SIG_BLOCK, IGNORED)
    try:
        yield
    finally:
        signal.pthread_sigmask(signal.SIG_SETMASK, before)


def _wait_for_end(connection: socket.socket) -> None:
    """Return when the other side is gone: it never sends anything after its greeting, so that whatever there is to read is the end."""
    poll = select.poll()
    poll.register(connection, select.POLLIN)
    poll.poll()
