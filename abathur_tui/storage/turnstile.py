"""A turnstile between processes, before `BEGIN IMMEDIATE`: for fairness only, so nobody waits longer than a second."""

import contextlib
import fcntl
import os
import time
from collections.abc import Iterator
from pathlib import Path

from abathur_tui.domain.errors import DatabaseBusy

MOST_SECONDS = 1.0
"""After this a writer goes on without its turn: SQLite's own lock still protects the file."""
_IMPATIENT_SECONDS = 0.02
"""The same after one wait in vain."""
ALONE_SECONDS = 5.0
"""How long whoever must be alone waits for the others to finish."""
_PAUSE_SECONDS = 0.0005


class Turnstile:
    """Who wants to write takes `queue.lock`, then `write.lock`, and lets the first go: so one waits at the front, the others behind.

    The files are never unlinked: a lock on an unlinked file is held by nobody else. For one thread only.
    """

    def __init__(self, folder: Path) -> None:
        """`folder` is the `.abathur` folder. Raises OSError."""
        flags = os.O_RDWR | os.O_CREAT | os.O_NOFOLLOW | os.O_CLOEXEC
        self._queue = os.open(folder / "queue.lock", flags, 0o600)
        try:
            self._write = os.open(folder / "write.lock", flags, 0o600)
        except OSError:
            os.close(self._queue)
            raise
        self._held = False
        self._patience = MOST_SECONDS

    def enter(self) -> bool:
        """Wait for the turn; False where it did not come within a second."""
        deadline = time.monotonic() + self._patience
        if _lock(self._queue, deadline):
            try:
                self._held = _lock(self._write, deadline)
            finally:
                fcntl.flock(self._queue, fcntl.LOCK_UN)
        # Who holds the turnstile for so long is stopped: not every transaction waits for it again.
        self._patience = MOST_SECONDS if self._held else _IMPATIENT_SECONDS
        if self._held:
            # Whose turn it is only helps a message: a full disk must not stop the turn itself.
            with contextlib.suppress(OSError):
                os.pwrite(self._write, b"%-20d\n" % os.getpid(), 0)
        return self._held

    def leave(self) -> None:
        """Let the next one write."""
        if self._held:
            self._held = False
            fcntl.flock(self._write, fcntl.LOCK_UN)

    def close(self) -> None:
        """Let go and close the files."""
        os.close(self._queue)
        os.close(self._write)


def is_blocked(folder: Path) -> bool:
    """Whether somebody holds the turnstile for longer than a turn takes: whoever is stopped in it."""
    for name in ("queue.lock", "write.lock"):
        try:
            descriptor = os.open(folder / name, os.O_RDWR | os.O_NOFOLLOW | os.O_CLOEXEC)
        except FileNotFoundError:
            continue
        try:
            if not _lock(descriptor, time.monotonic() + MOST_SECONDS):
                return True
        finally:
            os.close(descriptor)
    return False


def holder(folder: Path) -> int | None:
    """The process that last took the write lock; None where that is not known."""
    try:
        return int((folder / "write.lock").read_bytes()[:20])
    except (OSError, ValueError):
        return None


@contextlib.contextmanager
def alone(folder: Path) -> Iterator[None]:
    """Hold the write lock's file, so that no other Abathur prepares, migrates or writes meanwhile. Raises DatabaseBusy after five seconds."""
    descriptor = os.open(folder / "write.lock", os.O_RDWR | os.O_CREAT | os.O_NOFOLLOW | os.O_CLOEXEC, 0o600)
    try:
        if not _lock(descriptor, time.monotonic() + ALONE_SECONDS):
            raise DatabaseBusy(f"{folder} is being written by another program.")
        yield
    finally:
        os.close(descriptor)


def _lock(descriptor: int, deadline: float) -> bool:
    while True:
        try:
            fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            if time.monotonic() >= deadline:
                return False
            time.sleep(_PAUSE_SECONDS)
        else:
            return True
