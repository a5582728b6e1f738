"""OS locks that say which engine lives on this host and which one is active. They end with their process, however it ends."""

import contextlib
import errno
import fcntl
import json
import os
import time
from dataclasses import dataclass
from pathlib import Path

from abathur_tui import guard
from abathur_tui.guard import identity
from abathur_tui.storage.files import DATABASE, private_folder
from abathur_tui.storage.files import identity as identity_of_file

_TRIES_SECONDS = 0.2
"""Looking at a lock takes it for a moment, so one that is refused is tried again for so long."""
_WRITE_LOCK_BYTE = 120
_LONGEST_LINE = 1024
_OUT_OF_FILES = frozenset({errno.EMFILE, errno.ENFILE})


@dataclass(frozen=True, slots=True)
class Trouble:
    """What an engine waits for before it can go on."""

    code: str
    """Of the error."""
    message: str


@dataclass(frozen=True, slots=True)
class Holder:
    """Who holds an engine's lock."""

    engine: str
    pid: int
    identity: str
    """What no other process had or will have under this number; empty where it is not known."""


class HeldLock:
    """An OS lock on a file, held until `release` or the process's end."""

    def __init__(self, descriptor: int, path: Path) -> None:
        """`descriptor` is an open file, at `path`, with the lock on it."""
        self._descriptor: int | None = descriptor
        self._path = path

    def say(self, trouble: Trouble | None) -> None:
        """Let whoever looks at the lock know what its holder waits for. Where that cannot be written, nobody knows it."""
        if self._descriptor is None:
            return
        line = b"" if trouble is None else json.dumps([trouble.code, trouble.message]).encode("ascii") + b"\n"
        with contextlib.suppress(OSError):
            first = os.pread(self._descriptor, _LONGEST_LINE, 0).partition(b"\n")[0]
            # Over what is there, so that a full disk needs no room for it.
            os.pwrite(self._descriptor, line, len(first) + 1)
            os.ftruncate(self._descriptor, len(first) + 1 + len(line))

    @property
    def is_taken_over(self) -> bool:
        """Whether somebody has taken this lock's file away (`take_away`), and another process holds the lock of that name now."""
        there = identity_of_file(self._path)
        return self._descriptor is not None and there is not None and there != _identity_of_open(self._descriptor)

    def release(self) -> None:
        """Let go; the file stays, without a name: whoever has the lock next must not be taken for us before it has written its own."""
        if self._descriptor is not None:
            with contextlib.suppress(OSError):  # a full disk lets go of nothing less
                os.ftruncate(self._descriptor, 0)
            os.close(self._descriptor)
            self._descriptor = None


def hold_engine_lock(folder: Path, engine: str) -> HeldLock | None:
    """Become the project's active engine on this host; None where another one is. `folder` is the `.abathur` folder. Raises OSError."""
    return _hold(folder / "engine.lock", engine)


def hold_life_lock(folder: Path, engine: str) -> HeldLock:
    """Say that this engine lives, until its process ends. Raises RuntimeError where somebody else says so, and OSError."""
    held = _hold(private_folder(folder / "engines") / f"{engine}.lock", engine)
    if held is None:
        raise RuntimeError(f"engine {engine} lives already")
    return held


def announce_attended(folder: Path, mark: str) -> None:
    """An engine is about to be started with this mark. Raises OSError, ProjectNotWritable."""
    (private_folder(folder / "engines") / f"{mark}.attended").touch(mode=0o600)


def hold_attended_lock(folder: Path, mark: str) -> HeldLock | None:
    """Say that this process is the engine that a command has started with `mark`; None where another one says so. Raises OSError."""
    return _hold(private_folder(folder / "engines") / f"{mark}.attended", mark)


def attended_process(folder: Path, mark: str) -> int | None:
    """The process that is the engine which was started with `mark`, or started again in its place; None while there is none."""
    return active_engine_process(folder, f"engines/{mark}.attended") or None  # it has the lock, and writes its number next


def has_ended_in_order(folder: Path, mark: str) -> bool:
    """Whether that engine has ended, and was not killed."""
    return not (folder / "engines" / f"{mark}.attended").exists()


def forget_attended(folder: Path, mark: str) -> None:
    """The engine ends in order: none comes after it. Raises OSError."""
    (folder / "engines" / f"{mark}.attended").unlink(missing_ok=True)


def engine_alive(folder: Path, engine: str) -> bool:
    """Whether an engine on this host lives: its lock is held."""
    return _is_held(folder / "engines" / f"{engine}.lock")


def trouble_of(folder: Path, engine: str) -> Trouble | None:
    """What an engine of this host that lives waits for; None where it waits for nothing, or could not say it."""
    try:
        code, message = json.loads((folder / "engines" / f"{engine}.lock").read_text("ascii").partition("\n")[2])
    except (OSError, ValueError, TypeError):
        return None
    return Trouble(str(code), str(message))


def active_engine(folder: Path) -> str | None:
    """The id of the engine that holds the engine lock; None where nobody does."""
    holder = active_holder(folder)
    return None if holder is None else holder.engine


def active_holder(folder: Path) -> Holder | None:
    """The engine that holds the engine lock, with its process; None where nobody does."""
    path = folder / "engine.lock"
    deadline = time.monotonic() + _TRIES_SECONDS
    while _is_held(path):
        holder = _holder(path)
        if holder.engine or time.monotonic() > deadline:
            return holder if holder.engine else None
        # Its holder has the lock and writes its name next.
        time.sleep(0.002)
    return None


def active_engine_process(folder: Path, name: str = "engine.lock") -> int | None:
    """The process id of the active engine (of who holds the lock of this name); None where there is none."""
    path = folder / name
    return _holder(path).pid if _is_held(path) else None


def restarting_since(folder: Path) -> float | None:
    """Since when the guard of an engine that died is starting another one; None where none is. Unix seconds."""
    return guard.restarting_since(folder / "engines" / guard.RESTARTING)


def living_engines(folder: Path) -> list[tuple[str, int]]:
    """Id and process id of the engines that live on this host."""
    try:
        paths = sorted((folder / "engines").glob("*.lock"))
    except OSError:
        return []
    return [(path.stem, _holder(path).pid) for path in paths if _is_held(path)]


def writing_process(folder: Path) -> int | None:
    """The process that holds SQLite's write lock on the database; None where none does, or the system does not say it (only Linux does).

    In WAL mode that is byte 120 of the log's index (https://www.sqlite.org/walformat.html#wal_locks).
    """
    try:
        index = (folder / f"{DATABASE}-shm").stat()
        lines = Path("/proc/locks").read_text("ascii").splitlines()
    except OSError:
        return None
    place = f"{os.major(index.st_dev):02x}:{os.minor(index.st_dev):02x}:{index.st_ino}"
    for line in lines:
        match line.split():
            case [_, "POSIX", _, "WRITE", process, file, first, last] if file == place and int(process) > 0:
                if int(first) <= _WRITE_LOCK_BYTE and (last == "EOF" or int(last) >= _WRITE_LOCK_BYTE):
                    return int(process)
    return None


def forget(folder: Path, engine: str) -> None:
    """Take away the life lock's file of an engine that has ended for good: its id is never used again. Raises OSError."""
    path = folder / "engines" / f"{engine}.lock"
    if not _is_held(path):
        path.unlink(missing_ok=True)


def take_away(folder: Path, engine: str) -> None:
    """Free the engine lock of an engine that was superseded and cannot let it go: it keeps it on a file that has no name any more.

    Only one process at a time may do this: in a write transaction.
    """
    path = folder / "engine.lock"
    if _holder(path).engine == engine:
        path.unlink(missing_ok=True)


def _hold(path: Path, engine: str) -> HeldLock | None:
    deadline = time.monotonic() + _TRIES_SECONDS
    while True:
        descriptor = os.open(path, os.O_RDWR | os.O_CREAT | os.O_NOFOLLOW | os.O_CLOEXEC, 0o600)
        if _try(descriptor, fcntl.LOCK_EX) and identity_of_file(path) == _identity_of_open(descriptor):  # else it was taken away meanwhile
            break
        os.close(descriptor)
        if time.monotonic() > deadline:
            return None
        time.sleep(0.01)
    try:
        os.ftruncate(descriptor, 0)
        os.pwrite(descriptor, f"{engine} {os.getpid()} {identity(os.getpid()) or ''}\n".encode(), 0)
    except BaseException:
        os.close(descriptor)  # a full disk: held without a name, it would keep everybody out, us too
        raise
    return HeldLock(descriptor, path)


def _identity_of_open(descriptor: int) -> tuple[int, int]:
    status = os.fstat(descriptor)
    return status.st_dev, status.st_ino


def _is_held(path: Path) -> bool:
    try:
        descriptor = os.open(path, os.O_RDONLY | os.O_NOFOLLOW | os.O_CLOEXEC)
    except OSError as error:
        if error.errno in _OUT_OF_FILES:
            raise  # It says nothing about the engine, and one that is taken for dead loses its tasks.
        return False
    try:
        # A shared lock, so that two that look at once do not see each other.
        return not _try(descriptor, fcntl.LOCK_SH)
    finally:
        os.close(descriptor)


def _try(descriptor: int, kind: int) -> bool:
    try:
        fcntl.flock(descriptor, kind | fcntl.LOCK_NB)
    except BlockingIOError:
        return False
    return True


def _holder(path: Path) -> Holder:
    """What stands in a lock file; empty and 0 for the moment in which its holder has not written it yet."""
    try:
        engine, process, *rest = path.read_text("ascii").partition("\n")[0].split()
    except (OSError, ValueError):
        return Holder("", 0, "")
    return Holder(engine, int(process), "".join(rest)) if process.isdecimal() else Holder("", 0, "")
