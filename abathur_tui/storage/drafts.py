"""Files in the making, in a hidden folder beside their place, so that nobody takes a half of one for the whole."""

import fcntl
import os
import stat
import uuid
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

from abathur_tui.storage.files import file_system, identity, make_private

_ENDING = ".abathur-draft"
_FILE = "file"
_NAMES = frozenset(_FILE + ending for ending in ("", "-wal", "-shm", "-journal"))
"""All that Abathur makes in such a folder."""
_LOCAL_TYPES = frozenset({"apfs", "btrfs", "ext2", "ext3", "ext4", "f2fs", "hfs", "overlay", "tmpfs", "xfs", "zfs"})
"""File systems on which every lock is seen: a draft that nobody holds there belongs to nobody."""


@contextmanager
def draft(target: Path) -> Iterator[Path]:
    """An empty private file, on the disk of `target`, for what is to get that name; what is left of it at the end goes.

    Drafts that others have left there, because they were killed, go too. Raises OSError, which names `target`.
    """
    with naming(target):
        folder, lock = _begin(target.parent)
    try:
        with naming(target):
            _clear(target.parent)
            make_private(folder / _FILE)
        yield folder / _FILE
    finally:
        with suppress(OSError):
            _remove(folder, lock)
        os.close(lock)


@contextmanager
def naming(target: Path) -> Iterator[None]:
    """Inside it, an OSError names `target`: nobody knows the name of a draft."""
    try:
        yield
    except OSError as error:
        raise OSError(error.errno, error.strerror, str(target)) from error


def _begin(parent: Path) -> tuple[Path, int]:
    """A new folder, and its lock, which says that this process is at work in it, for as long as it lives."""
    while True:
        folder = parent / f".{uuid.uuid4().hex[:12]}{_ENDING}"
        folder.mkdir(mode=0o700)
        with suppress(FileNotFoundError):  # somebody has taken it for one that belongs to nobody, before its lock was taken
            lock = _held(folder)
            if lock is not None:
                return folder, lock


def _clear(parent: Path) -> None:
    """Take away what belongs to nobody; whatever else is there than Abathur makes stays."""
    if file_system(parent) not in _LOCAL_TYPES:
        return
    for folder in parent.glob(f".*{_ENDING}"):
        with suppress(OSError):
            lock = _held(folder)
            if lock is not None:
                try:
                    if os.fstat(lock).st_uid == os.geteuid():
                        _remove(folder, lock)
                finally:
                    os.close(lock)


def _held(folder: Path) -> int | None:
    """A descriptor with the lock of a folder, never of a link; None where somebody else holds it, or has taken it away. Raises OSError."""
    lock = os.open(folder, os.O_RDONLY | os.O_DIRECTORY | os.O_NOFOLLOW | os.O_CLOEXEC)
    try:
        fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        os.close(lock)
        return None
    except OSError:
        return lock  # a file system without locks, on which nobody takes drafts away
    status = os.fstat(lock)
    if identity(folder) == (status.st_dev, status.st_ino):
        return lock
    os.close(lock)
    return None


def _remove(folder: Path, lock: int) -> None:
    names = os.listdir(lock)
    if _NAMES.issuperset(names) and all(stat.S_ISREG(os.stat(name, dir_fd=lock, follow_symlinks=False).st_mode) for name in names):
        for name in names:
            os.unlink(name, dir_fd=lock)
        folder.rmdir()
