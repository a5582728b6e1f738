"""Starting, stopping and looking at a project's engine, for everybody who needs one."""

import asyncio
import contextlib
import fcntl
import json
import os
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from abathur_tui.domain.errors import AbathurError, DatabaseBusy, EngineDidNotStart, EngineDidNotStop
from abathur_tui.domain.tasks import EngineInfo
from abathur_tui.engine.log import MOST_BYTES
from abathur_tui.guard import MARK, identity
from abathur_tui.storage import Database, engines
from abathur_tui.storage.failures import translated
from abathur_tui.storage.files import DATABASE, private_folder
from abathur_tui.storage.locks import writing_process

START_SECONDS = 30.0
"""How long an engine may take until it is registered; most take a third of one, on a machine that is busy with hundreds of agents ten."""
LATE_SECONDS = 5.0
"""How long whoever is starting one already is waited for."""
STOP_SECONDS = 20.0
"""How long a stopping engine may take to end its agents and to give its tasks back."""
LOCKED_SECONDS = 2.0
"""How long another program may hold the write lock before whoever waits for a stopping engine is told of it."""
STAY = signal.SIGUSR1
"""Asks an engine that was started for the work at hand not to end when idle."""
_LOOK_SECONDS = 0.02
_LOG_LINES = 20
_NEVER_INHERITED = ("ANTHROPIC_API_KEY", "ANTHROPIC_AUTH_TOKEN", MARK)
"""Keys go to the engine over a pipe or its socket: what is in its environment every child of it could read. And an engine that an agent of
another one has started does not end with that agent."""


@dataclass(frozen=True, slots=True)
class StartedEngine:
    """An engine that this process has started."""

    process: subprocess.Popen[bytes]
    info: EngineInfo | None
    """None where it ended at once: nothing to do, or another one is active."""

    async def wait(self) -> int:
        """Its exit code. An engine that was killed and started again by its guard has ended for this process."""
        loop, ended = asyncio.get_running_loop(), asyncio.Event()

        def wait() -> None:
            self.process.wait()
            with contextlib.suppress(RuntimeError):  # the loop is closed: nobody waits any more
                loop.call_soon_threadsafe(ended.set)

        # A thread of its own, because one of the loop's would keep a cancelled caller from leaving until the engine has ended.
        threading.Thread(target=wait, name=f"wait for engine {self.process.pid}", daemon=True).start()
        await ended.wait()
        return self.process.wait()


async def ensure_engine(project: Path, data: Path, *, keys: Mapping[str, str] | None = None) -> EngineInfo:
    """The project's engine, started where none is active. `data` is the `.abathur` folder; `keys` by fingerprint, for one that is started.

    Any number of processes may call this at the same instant: one engine comes of it. Raises EngineDidNotStart.
    """
    with translated(data):
        return await asyncio.to_thread(_ensure, project, data, keys or {})


async def start_engine(
    project: Path,
    data: Path,
    *,
    keys: Mapping[str, str] | None = None,
    stay: bool = False,
    drain: bool = False,
    standby: bool = False,
    attended: str = "",
) -> StartedEngine:
    """Start an engine of one's own, whether or not one is active, and wait until it is registered (or, standing by, has started).

    Where another one is active already, and `stay` was asked for, that one stays. By `attended`, a mark that no other engine ever had, whoever
    starts it finds it later (`engines.attended_process`). Raises EngineDidNotStart.
    """
    flags = [name for name, wanted in (("--stay", stay), ("--drain", drain), ("--standby", standby)) if wanted]
    if attended:
        with contextlib.suppress(OSError):  # it does that itself too, as soon as it runs
            engines.announce_attended(data, attended)
        flags += ["--attended", attended]
    with translated(data):
        return await asyncio.to_thread(_start, project, data, keys or {}, flags)


async def stop_engine(data: Path, tell: Callable[[str], None] = lambda _: None) -> bool:
    """Stop the active engine of this host in order; returns when it has ended. False where there was none. Raises EngineDidNotStop.

    `tell` gets what holds it up, in a thread of its own.
    """
    return await asyncio.to_thread(_stop, data, tell)


def engine_status(data: Path) -> EngineInfo | None:
    """The active engine of this host; None where there is none, or it is not registered yet. Blocks for some milliseconds."""
    with contextlib.closing(Database.open(data)) as database:
        return _registered(database)


def _ensure(project: Path, data: Path, keys: Mapping[str, str]) -> EngineInfo:
    began = time.monotonic()
    deadline = began + START_SECONDS
    with contextlib.closing(Database.open(data)) as database:
        while True:
            if (info := _registered(database)) is not None:
                return info
            with _starting(data) as first:
                # Whoever comes first starts one, all others wait for it (not for long: it may have been stopped); an active one that is not
                # registered yet is about to be, and so is one that its guard starts again.
                late = time.monotonic() > began + LATE_SECONDS
                coming = engines.active_engine(data) is not None or (engines.restarting_since(data) is not None and not late)
                if (first or late) and not coming:
                    started = _start_process(project, data, keys, [])
                    if (info := _await_registered(database, data, started, deadline)) is not None:
                        return info
            if time.monotonic() > deadline:
                raise _is_late(data, "no engine was registered in time")
            time.sleep(_LOOK_SECONDS)


def _start(project: Path, data: Path, keys: Mapping[str, str], flags: Sequence[str]) -> StartedEngine:
    with contextlib.closing(Database.open(data)) as database:
        process = _start_process(project, data, keys, flags)
        deadline = time.monotonic() + START_SECONDS
        waits_for_its_turn = "--standby" in flags or "--drain" in flags
        while process.poll() is None:
            info = _registered(database)
            if info is not None and (info.pid == process.pid or waits_for_its_turn):
                return StartedEngine(process, info)
            if time.monotonic() > deadline:
                raise _is_late(data, f"it was not registered within {START_SECONDS:g} seconds")
            time.sleep(_LOOK_SECONDS)
        if process.returncode not in (0, 4):
            raise _did_not_start(data, f"it ended with exit code {process.returncode}")
        if "--stay" in flags and (info := _registered(database)) is not None and info.pid != os.getpid():
            with contextlib.suppress(ProcessLookupError):
                os.kill(info.pid, STAY)  # one that is registered listens
        return StartedEngine(process, None)


def _await_registered(database: Database, data: Path, process: subprocess.Popen[bytes], deadline: float) -> EngineInfo | None:
    """The engine that registers; None where ours found another one to be active, or was killed: whoever did that may not have meant it."""
    while True:
        if (info := _registered(database)) is not None:
            return info
        if process.poll() is not None:
            if process.returncode <= 0:
                return None
            raise _did_not_start(data, f"it ended with exit code {process.returncode}")
        if time.monotonic() > deadline:
            raise _is_late(data, f"it was not registered within {START_SECONDS:g} seconds")
        time.sleep(_LOOK_SECONDS)


def _registered(database: Database) -> EngineInfo | None:
    active = engines.active_engine(database.folder)
    row = database.read_now(engines.row, active) if active else None
    return EngineInfo(row.id, row.pid, row.host, row.since) if row is not None else None


def _start_process(project: Path, data: Path, keys: Mapping[str, str], flags: Sequence[str]) -> subprocess.Popen[bytes]:
    logs = private_folder(data / "logs")
    with contextlib.suppress(FileNotFoundError):
        if (logs / "engine.log").stat().st_size >= MOST_BYTES:
            (logs / "engine.log").replace(logs / "engine.1.log")
    log = os.open(logs / "engine.log", os.O_WRONLY | os.O_APPEND | os.O_CREAT | os.O_CLOEXEC | os.O_NOFOLLOW, 0o600)
    try:
        # -P: the folder that it is started in (or a project's) must not be searched for modules.
        command = [sys.executable, "-P", "-m", "abathur_tui.engine", "--project", str(project), "--data", str(data), "--keys", *flags]
        process = subprocess.Popen(
            command,
            stdin=subprocess.PIPE,
            stdout=log,
            stderr=log,
            cwd="/",
            env={name: value for name, value in os.environ.items() if name not in _NEVER_INHERITED},
            start_new_session=True,
        )
    finally:
        os.close(log)
    # An engine outlives most of those who start it; where it does not, it is not left as a zombie.
    threading.Thread(target=process.wait, name=f"engine {process.pid}", daemon=True).start()
    assert process.stdin is not None
    with contextlib.suppress(BrokenPipeError), process.stdin as pipe:
        pipe.write(json.dumps(dict(keys)).encode())
    return process


@contextlib.contextmanager
def _starting(data: Path) -> Iterator[bool]:
    """Whether nobody else is starting an engine; nobody does while the block runs."""
    descriptor = os.open(data / "starting.lock", os.O_RDWR | os.O_CREAT | os.O_CLOEXEC | os.O_NOFOLLOW, 0o600)
    try:
        try:
            fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            yield False
        else:
            yield True
    finally:
        os.close(descriptor)


def _stop(data: Path, tell: Callable[[str], None]) -> bool:
    deadline = time.monotonic() + STOP_SECONDS
    locked = _LockedBy(data)
    if (found := _at_work(data, deadline)) is None:
        return False
    active, process = found
    known = identity(process)
    with contextlib.suppress(ProcessLookupError):
        # Its life lock is held, so the number is still its own. One that is stopped hears nothing until it is continued.
        os.kill(process, signal.SIGTERM)
        os.kill(process, signal.SIGCONT)
    while engines.engine_alive(data, active) or (process != os.getpid() and known is not None and identity(process) == known):
        if locked.for_long():
            tell(f"The engine cannot give its tasks back: {locked.told}. It ends all the same soon; the next engine takes them over.")
        if time.monotonic() > deadline:
            why = f": {locked.told}" if locked.process is not None else ""
            raise EngineDidNotStop(f"The engine (process {process}) did not end within {STOP_SECONDS:g} seconds{why}.")
        time.sleep(_LOOK_SECONDS)
    return True


class _LockedBy:
    """Which other program holds the database's write lock, look after look."""

    def __init__(self, data: Path) -> None:
        self._data = data
        self._engines = {process for _, process in engines.living_engines(data)}
        self._since = 0.0
        self._said = False
        self.process: int | None = None
        """None while nobody but an engine holds it."""

    def for_long(self) -> bool:
        """Whether one has held it for `LOCKED_SECONDS` by now; true only once."""
        process, now = writing_process(self._data), time.monotonic()
        if process in self._engines:
            process = None
        if process != self.process:
            self.process, self._since = process, now
        long = process is not None and now - self._since >= LOCKED_SECONDS and not self._said
        self._said = self._said or long
        return long

    @property
    def told(self) -> str:
        """What is so, as a part of a sentence."""
        return f"{self._data / DATABASE} is locked by process {self.process}"


def _at_work(data: Path, deadline: float) -> tuple[str, int] | None:
    """The active engine and its process; one that is about to be at work, or is started again after it died, is waited for."""
    # By the locks alone: after an update an engine of the older version is what keeps the database from being opened.
    while (active := engines.active_engine(data)) is not None or engines.restarting_since(data) is not None:
        if active is not None and (process := dict(engines.living_engines(data)).get(active)):
            return active, process
        if time.monotonic() > deadline:
            raise EngineDidNotStop(f"The engine is started, but was not at work within {STOP_SECONDS:g} seconds.")
        time.sleep(_LOOK_SECONDS)
    return None


def _is_late(data: Path, what: str) -> AbathurError:
    """What is said of one that lives and is not registered."""
    process = writing_process(data)
    if process is None:
        return _did_not_start(data, what)
    return DatabaseBusy(
        f"The engine waits: {data / DATABASE} is locked by process {process}.", hint="End that program; the engine goes on by itself then."
    )


def _did_not_start(data: Path, what: str) -> EngineDidNotStart:
    try:
        lines = (data / "logs" / "engine.log").read_text("utf-8", "replace").splitlines()[-_LOG_LINES:]
    except OSError:
        lines = []
    said = "\n".join(line for line in lines if line.strip())
    return EngineDidNotStart(f"The engine did not start: {what}." + (f" Its log says:\n{said}" if said else ""))
