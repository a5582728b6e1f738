"""The project's folder: its modes, no links in it, and no network file system under it."""

import ctypes
import os
import stat
import subprocess
import sys
from contextlib import suppress
from pathlib import Path

from abathur_tui.domain.errors import NetworkFileSystem, ProjectNotFound, ProjectNotWritable

DATABASE = "abathur.db"
NETWORK_TYPES = frozenset(
    {
        *("nfs", "nfs3", "nfs4", "cifs", "smb", "smb2", "smb3", "smbfs", "afpfs", "afs", "ceph", "glusterfs", "lustre", "gpfs", "beegfs", "ncpfs"),
        *("fuse.sshfs", "fuse.glusterfs", "fuse.ceph", "fuse.rclone", "fuse.s3fs", "fuse.gcsfuse", "fuse.smbnetfs", "fuse.davfs2", "davfs"),
        *("webdav", "ocfs2", "gfs2", "pvfs2", "orangefs", "coda"),
    }
)
"""Names of file systems on which other machines' locks, or none at all, are seen."""


def prepare_folder(folder: Path, *, create: bool) -> None:
    """Make sure that `folder` is a real folder on a local disk, for this user only.

    Raises ProjectNotFound, ProjectNotWritable (a link, no folder, or the system refuses) and NetworkFileSystem; OSError for all else.
    """
    try:
        mode = folder.lstat().st_mode
    except FileNotFoundError:
        if not create:
            raise ProjectNotFound(f"There is no {folder}.") from None
        refuse_network(folder.parent)
        folder.mkdir(mode=0o700, exist_ok=True)
        mode = folder.lstat().st_mode
    if stat.S_ISLNK(mode):
        raise ProjectNotWritable(f"{folder} is a link; a project's folder never is.", hint="Put a real folder in its place.")
    if not stat.S_ISDIR(mode):
        raise ProjectNotWritable(f"{folder} is not a folder.", hint="Move it away.")
    refuse_network(folder)
    if stat.S_IMODE(mode) & 0o077 and os.access(folder, os.W_OK) and folder.stat().st_uid == os.geteuid():
        folder.chmod(0o700)


def refuse_links(folder: Path, *, locks: bool = True) -> None:
    """Raise ProjectNotWritable where one of the database's files (and of its `locks`) is a link or anything else than a file."""
    for name in (DATABASE, f"{DATABASE}-wal", f"{DATABASE}-shm", *(("queue.lock", "write.lock", "engine.lock") if locks else ())):
        try:
            mode = (folder / name).lstat().st_mode
        except FileNotFoundError:
            continue
        if not stat.S_ISREG(mode):
            raise ProjectNotWritable(f"{folder / name} is not an ordinary file.", hint="Nothing in .abathur may be a link: put the real file there.")


def private_folder(folder: Path) -> Path:
    """`folder`, made for this user only where it is not there; never a link. Raises ProjectNotWritable or OSError."""
    with suppress(FileExistsError):
        folder.mkdir(mode=0o700)
        sync(folder.parent)
    if not stat.S_ISDIR(folder.lstat().st_mode):
        raise ProjectNotWritable(f"{folder} is no folder, or a link to one.", hint="Move it away: a real folder is made in its place.")
    return folder


def sync(path: Path) -> None:
    """Wait until a file, or a folder's names, are on disk. Raises OSError."""
    descriptor = os.open(path, os.O_RDONLY | os.O_CLOEXEC)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)


def make_folders(folder: Path) -> None:
    """A folder and those that it is in, as far as they are not there, on disk. Raises OSError."""
    missing = [one for one in (folder, *folder.parents) if not one.exists()]
    folder.mkdir(parents=True, exist_ok=True)
    for one in missing:
        sync(one.parent)


def make_private(path: Path) -> None:
    """Make a file that only this user reads and writes, or mend the mode of the one that is there. Raises OSError.

    A file that is there is never opened: closing it would drop the POSIX locks of a connection that this process has on it (fcntl(2)).
    """
    try:
        os.close(os.open(path, os.O_RDWR | os.O_CREAT | os.O_EXCL | os.O_NOFOLLOW | os.O_CLOEXEC, 0o600))
    except FileExistsError:
        status = path.lstat()
        if stat.S_IMODE(status.st_mode) & 0o077 and status.st_uid == os.geteuid():
            path.chmod(0o600)


def identity(path: Path) -> tuple[int, int] | None:
    """Device and inode; None where there is no such file."""
    try:
        status = os.stat(path, follow_symlinks=False)
    except (FileNotFoundError, NotADirectoryError):
        return None
    return status.st_dev, status.st_ino


class OpenFiles:
    """The files that a connection to a database in WAL mode has open: the database, its log, and the log's index.

    While one of them is removed, or another one is in its place, nothing may be written: other programs would not see it, and might write over it.
    """

    def __init__(self, path: Path, *, log: bool = True) -> None:
        """Of a connection that has read something from `path`; with `log` false only the database counts."""
        names = (path, path.with_name(path.name + "-wal"), path.with_name(path.name + "-shm"))
        self._identities = {name: identity(name) for name in (names if log else names[:1])}
        self._database = path

    def lost(self) -> Path | None:
        """The first of them that is not the one that it was; None where all are."""
        for path, known in self._identities.items():
            if known is not None and identity(path) != known:
                return path
        return None

    def only_ours(self) -> bool:
        """Whether log or index is gone, and nobody has begun another one: what is in the log, this process alone can still see."""
        found = {path: identity(path) for path in self._identities}
        return found[self._database] == self._identities[self._database] and all(
            there is None or there == self._identities[path] for path, there in found.items()
        )


_READ_ALL = """
import os, sys
for name in sys.argv[1:]:
    try:
        file = os.open(name, os.O_RDONLY | os.O_NOFOLLOW)
    except FileNotFoundError:
        continue
    at = 0
    while data := os.pread(file, 1 << 20, at):
        at += len(data)
"""


def cannot_be_read(folder: Path) -> bool:
    """Whether the system refuses to read the database in `folder`, or its log, somewhere.

    Another process looks: were a file closed in this one, the POSIX locks of its connections on it would be dropped (fcntl(2)).
    """
    names = [str(folder / DATABASE), str(folder / f"{DATABASE}-wal")]
    return subprocess.run([sys.executable, "-I", "-S", "-c", _READ_ALL, *names], stderr=subprocess.DEVNULL, check=False).returncode != 0


def refuse_network(path: Path) -> None:
    """Raise NetworkFileSystem where `path` is on one."""
    kind = file_system(path)
    if kind in NETWORK_TYPES:
        raise NetworkFileSystem(f"{path} is on a network file system ({kind}).")


def file_system(path: Path) -> str:
    """The name of the file system that `path` is on; empty where the system does not say."""
    if sys.platform == "darwin":
        return _darwin_file_system(path)
    try:
        with open("/proc/self/mountinfo", encoding="utf-8", errors="surrogateescape") as file:
            return type_in_mountinfo(os.path.realpath(path), file.read())
    except OSError:
        return ""


def type_in_mountinfo(path: str, mountinfo: str) -> str:
    """The type of the mount that `path` is under, from the text of /proc/self/mountinfo (proc_pid_mountinfo(5)); the last of equals wins."""
    best, kind = -1, ""
    for line in mountinfo.splitlines():
        fields, _, rest = line.partition(" - ")
        words = fields.split(" ")
        if len(words) < 5 or not rest:
            continue
        point = words[4].replace("\\040", " ").replace("\\011", "\t").replace("\\012", "\n").replace("\\134", "\\")
        inside = path == point or path.startswith(point.rstrip("/") + "/")
        if inside and len(point) >= best:
            best, kind = len(point), rest.split(" ", 1)[0]
    return kind


def _darwin_file_system(path: Path) -> str:
    """From statfs(2): `f_fstypename` is at byte 72 of the 64-bit structure; `f_flags` at 64, with MNT_LOCAL 0x1000."""
    library = ctypes.CDLL(None, use_errno=True)
    buffer = ctypes.create_string_buffer(4096)
    if library.statfs(os.fsencode(path), buffer) != 0:
        return ""
    name = buffer.raw[72:88].split(b"\0", 1)[0].decode("ascii", "replace")
    local = int.from_bytes(buffer.raw[64:68], sys.byteorder) & 0x1000
    return name if local else name if name in NETWORK_TYPES else "nfs"
