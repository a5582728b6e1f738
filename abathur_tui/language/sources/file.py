"""`file("src/main.py")`: a text file of the project."""

import os
import stat
from contextlib import ExitStack
from itertools import islice
from pathlib import Path, PurePosixPath

from abathur_tui.domain.nearest import nearest
from abathur_tui.domain.protected import refused_in_document
from abathur_tui.language.sources.refused import Refused
from abathur_tui.language.strings import HALF

_MOST_NEIGHBOURS = 1000
"""Files of a folder that are looked at for a name that may have been meant."""


def content(path: str, folder: Path, max_bytes: int) -> str:
    """The text of the file at `path`, relative to the project's `folder`. Raises Refused."""
    root = folder.resolve()
    inside = _inside(path, root)
    try:
        data = _bytes(root, inside, path, max_bytes)
    except OSError as error:
        raise Refused(f"{path} cannot be read: {_reason(error)}") from None
    try:
        text = data.decode("utf-8-sig")
    except UnicodeDecodeError:
        raise Refused(f"{path} is not text (in UTF-8)") from None
    if "\0" in text:
        raise Refused(f"{path} is not text")
    return text


def _inside(path: str, root: Path) -> Path:
    """The real path of the file, relative to the root."""
    if not path or "\0" in path or "\\" in path or HALF.search(path):
        raise Refused(f"{path!r} is no path", 'a path inside the project: file("src/main.py")')
    written = PurePosixPath(path)
    if written.is_absolute() or ".." in written.parts or path.startswith("~"):
        raise Refused(f"{path} is not inside the project", "give a path relative to the project's folder, without ..")
    try:
        inside = (root / written).resolve(strict=True).relative_to(root)
    except (FileNotFoundError, NotADirectoryError):
        raise Refused(f"there is no file {path}", _near_file(root, written)) from None
    except ValueError:
        raise Refused(f"{path} leads out of the project by a link", "copy the file into the project") from None
    except (OSError, RuntimeError) as error:
        raise Refused(f"{path} cannot be read: {_reason(error)}") from None
    if refused_in_document(inside.parts) or refused_in_document(written.parts):
        raise Refused(f"{path} is protected: secrets, keys and Abathur's own files are not put into prompts")
    return inside


def _bytes(root: Path, inside: Path, path: str, max_bytes: int) -> bytes:
    """The file's bytes, opened folder by folder without following links: nobody can swap one in after the check."""
    with ExitStack() as opened:
        holder = os.open(root, os.O_RDONLY | os.O_DIRECTORY)
        opened.callback(os.close, holder)
        for part in inside.parts[:-1]:
            holder = os.open(part, os.O_RDONLY | os.O_DIRECTORY | os.O_NOFOLLOW, dir_fd=holder)
            opened.callback(os.close, holder)
        if not inside.parts:
            raise Refused(f"{path} is a folder", "name a file in it")
        file = os.open(inside.parts[-1], os.O_RDONLY | os.O_NOFOLLOW | os.O_NONBLOCK, dir_fd=holder)
        opened.callback(os.close, file)
        mode = os.fstat(file).st_mode
        if stat.S_ISDIR(mode):
            raise Refused(f"{path} is a folder", "name a file in it")
        if not stat.S_ISREG(mode):
            raise Refused(f"{path} is not a plain file")
        with os.fdopen(file, "rb", closefd=False) as stream:
            data = stream.read(max_bytes + 1)
    if len(data) > max_bytes:
        raise Refused(f"{path} is longer than {max_bytes:,} bytes", "name a smaller part of it")
    return data


def _near_file(root: Path, written: PurePosixPath) -> str | None:
    """A file of nearly that name in the same folder."""
    folder = root / written.parent
    try:
        if not folder.resolve().is_relative_to(root):
            return None
        meant = nearest(written.name, [entry.name for entry in islice(folder.iterdir(), _MOST_NEIGHBOURS)])
    except OSError:
        return None
    return f"did you mean {written.parent / meant}?" if meant and not refused_in_document((meant,)) else None


def _reason(error: Exception) -> str:
    return error.strerror or type(error).__name__ if isinstance(error, OSError) else "links lead in a circle"
