"""`file()`, `env()` and `git()`: what a document takes in from outside when it is submitted, and what it may not."""

import os
import re
import stat
from contextlib import ExitStack
from pathlib import Path, PurePosixPath

from abathur_tui.domain.nearest import nearest
from abathur_tui.language.context import PlanContext
from abathur_tui.language.git import difference
from abathur_tui.language.protected import is_protected, is_secret_name
from abathur_tui.language.refused import Refused

FUNCTIONS = {"file": 'file("src/main.py")', "env": 'env("NAME")', "git": 'git("main..HEAD")'}
"""The functions of the language, each with an example."""
_MOST_IN_ALL = 16
"""How many times `language.max_bytes` all that a document takes in may be long."""
_PRIVATE_KEY = re.compile(r"-----BEGIN [A-Z ]*PRIVATE KEY")


class Sources:
    """Reads for one document; the same thing is read once."""

    def __init__(self, context: PlanContext) -> None:
        """Nothing is read yet."""
        self._context = context
        self._known: dict[tuple[str, str], str | Refused] = {}
        self._left = context.max_bytes * _MOST_IN_ALL

    def read(self, function: str, argument: str) -> str:
        """The text. Raises Refused."""
        key = (function, argument)
        if key not in self._known:
            try:
                self._known[key] = self._read(function, argument)
            except Refused as refused:
                self._known[key] = refused
        answer = self._known[key]
        if isinstance(answer, Refused):
            raise answer
        return answer

    def _read(self, function: str, argument: str) -> str:
        if function == "env":
            text = _variable(argument, self._context)
        elif self._context.folder is None:
            raise Refused(f"`{function}` needs a project, and there is none here", "run `abathur init` in the project's folder")
        elif function == "file":
            text = _file(argument, self._context.folder, self._context.max_bytes)
        else:
            text = difference(argument, self._context.folder, self._context.max_bytes)
        self._left -= len(text)
        if self._left < 0:
            raise Refused("the document takes in too much text in all", "name fewer or smaller files")
        return text


def _variable(name: str, context: PlanContext) -> str:
    if is_secret_name(name):
        raise Refused(f"{name} looks like a key or password, which must never stand in a prompt", "give it another name if it is none")
    text = context.environ.get(name)
    if text is None:
        meant = nearest(name, (known for known in context.environ if not is_secret_name(known)))
        raise Refused(f"the environment variable {name or '(without a name)'} is not set", f"did you mean {meant}?" if meant else None)
    if len(text) > context.max_bytes:
        raise Refused(f"{name} is longer than {context.max_bytes:,} bytes")
    if any("\ud800" <= letter <= "\udfff" for letter in text):
        raise Refused(f"{name} is not UTF-8")
    return text


def _file(path: str, folder: Path, max_bytes: int) -> str:
    if not path or "\0" in path or "\\" in path or any("\ud800" <= letter <= "\udfff" for letter in path):
        raise Refused(f"{path!r} is no path", 'a path inside the project: file("src/main.py")')
    written = PurePosixPath(path)
    if written.is_absolute() or ".." in written.parts or path.startswith("~"):
        raise Refused(f"{path} is not inside the project", "give a path relative to the project's folder, without ..")
    root = folder.resolve()
    try:
        real = (root / written).resolve(strict=True)
        inside = real.relative_to(root)
    except (FileNotFoundError, NotADirectoryError):
        raise Refused(f"there is no file {path}", _near_file(root, written)) from None
    except ValueError:
        raise Refused(f"{path} leads out of the project by a link", "copy the file into the project") from None
    except (OSError, RuntimeError) as error:
        raise Refused(f"{path} cannot be read: {_reason(error)}") from None
    if is_protected(inside.parts) or is_protected(written.parts):
        raise Refused(f"{path} is protected: secrets, keys and Abathur's own files are not put into prompts")
    try:
        data = _content(root, inside, path, max_bytes)
    except OSError as error:
        raise Refused(f"{path} cannot be read: {_reason(error)}") from None
    try:
        text = data.decode("utf-8-sig")
    except UnicodeDecodeError:
        raise Refused(f"{path} is not text (in UTF-8)") from None
    if "\0" in text:
        raise Refused(f"{path} is not text")
    if _PRIVATE_KEY.search(text):
        raise Refused(f"{path} holds a private key")
    return text


def _content(root: Path, inside: Path, path: str, max_bytes: int) -> bytes:
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
        stream = opened.enter_context(os.fdopen(file, "rb"))
        mode = os.fstat(file).st_mode
        if stat.S_ISDIR(mode):
            raise Refused(f"{path} is a folder", "name a file in it")
        if not stat.S_ISREG(mode):
            raise Refused(f"{path} is not a plain file")
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
        meant = nearest(written.name, [entry.name for entry in folder.iterdir()])
    except OSError:
        return None
    return f"did you mean {written.parent / meant}?" if meant and not is_protected((meant,)) else None


def _reason(error: Exception) -> str:
    return error.strerror or type(error).__name__ if isinstance(error, OSError) else "links lead in a circle"
