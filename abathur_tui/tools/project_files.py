"""The project's files as agents may see them: inside the folder only, links resolved, no secrets, nothing that is not a plain file."""

import errno
import os
import stat
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import BinaryIO

from abathur_tui.domain.conversation import ToolOutcome
from abathur_tui.domain.protected import protection

_FOLDER_FLAGS = os.O_RDONLY | os.O_DIRECTORY | os.O_NOFOLLOW | os.O_CLOEXEC
_FILE_FLAGS = os.O_RDONLY | os.O_NOFOLLOW | os.O_NONBLOCK | os.O_CLOEXEC
"""Non-blocking, so that a pipe that was put there in the meantime cannot hold us."""


class Refused(Exception):
    """A tool call that is not carried out; the text is for the model."""


@dataclass(frozen=True, slots=True)
class Place:
    """A path that was found to be allowed."""

    name: str
    """As it is shown, with `/`, relative to the project; `.` for the project itself."""
    real: tuple[str, ...]
    """Its parts below the project's real folder, with no links left in it."""


class ProjectFiles:
    """One project's files. All of it blocks: call it in a thread."""

    def __init__(self, folder: Path) -> None:
        """`folder`: the project's; it may be a link itself."""
        self._folder = folder

    def place(self, path: str) -> Place:
        """Where a path that a model wrote leads. Raises Refused."""
        if "\0" in path:
            raise Refused("A path cannot hold a NUL character.")
        if os.path.isabs(path) or path == "~" or path.startswith("~/"):
            raise Refused(f"Give the path relative to the project's folder, not an absolute one: {path}")
        asked = [part for part in path.split("/") if part not in ("", ".")]
        if ".." in asked:
            raise Refused(f"A path cannot go up with '..': {path}")
        self._refuse_protected(path, asked)
        root = os.path.realpath(self._folder)
        try:
            real = os.path.realpath(os.path.join(root, *asked), strict=True)
        except FileNotFoundError:
            raise Refused(f"There is no such file or folder: {path}") from None
        except (OSError, ValueError) as error:
            raise Refused(f"{path} cannot be opened: {_reason(error)}") from None
        if real != root and not real.startswith(root.rstrip("/") + "/"):
            raise Refused(f"{path} is a link that leads out of the project.")
        parts = tuple(part for part in real[len(root) :].split("/") if part)
        self._refuse_protected(path, parts)
        return Place("/".join(asked) or ".", parts)

    @contextmanager
    def folder(self, path: str) -> Iterator[tuple[Place, int]]:
        """An open folder: its place and descriptor. Raises Refused."""
        place = self.place(path)
        descriptor = self._walk(place, place.real)
        try:
            yield place, descriptor
        finally:
            os.close(descriptor)

    @contextmanager
    def file(self, path: str) -> Iterator[tuple[Place, BinaryIO]]:
        """An open plain file. Raises Refused."""
        place = self.place(path)
        if not place.real:
            raise Refused(f"{place.name} is a folder: use list_folder.")
        parent = self._walk(place, place.real[:-1])
        try:
            opened = open_plain(place.real[-1], parent)
        except Refused as error:
            raise Refused(f"{place.name} {error}") from None
        finally:
            os.close(parent)
        with opened:
            yield place, opened

    def _walk(self, place: Place, parts: tuple[str, ...]) -> int:
        """A descriptor of the folder, opened part by part: a link that turns up now was put there since it was checked."""
        try:
            descriptor = os.open(os.path.realpath(self._folder), _FOLDER_FLAGS)
        except OSError as error:
            raise Refused(f"The project's folder cannot be opened: {_reason(error)}") from None
        for part in parts:
            try:
                inner = os.open(part, _FOLDER_FLAGS, dir_fd=descriptor)
            except OSError as error:
                raise Refused(f"{place.name} cannot be opened: {_reason(error)}") from None
            finally:
                os.close(descriptor)
            descriptor = inner
        return descriptor

    def _refuse_protected(self, path: str, parts: list[str] | tuple[str, ...]) -> None:
        if (reason := protection(parts)) is not None:
            raise Refused(f"{path} is protected ({reason}): the reading tools do not show it.")


def open_plain(name: str, folder: int) -> BinaryIO:
    """Open a plain file in an open folder, following no link. Raises Refused with a text that goes on after the file's name."""
    try:
        before = os.stat(name, dir_fd=folder, follow_symlinks=False)
        _check_plain(before)
        descriptor = os.open(name, _FILE_FLAGS, dir_fd=folder)
    except OSError as error:
        raise Refused(f"cannot be opened: {_reason(error)}") from None
    try:
        _check_plain(os.fstat(descriptor))
        return os.fdopen(descriptor, "rb")
    except BaseException:
        os.close(descriptor)
        raise


def _check_plain(status: os.stat_result) -> None:
    if stat.S_ISDIR(status.st_mode):
        raise Refused("is a folder: use list_folder.")
    if not stat.S_ISREG(status.st_mode):
        raise Refused("is no plain file (a link, pipe, socket or device).")
    if status.st_nlink > 1:
        # One of the names may be a protected one, or lie outside the project; nothing tells which.
        raise Refused("has more than one name (hard links): it is not shown, as one of them may be protected.")


def outcome_of(error: Refused | OSError) -> ToolOutcome:
    """What the model is told of a call that was not carried out."""
    text = str(error) if isinstance(error, Refused) else f"It cannot be read: {_reason(error)}"
    return ToolOutcome(text, is_error=True, summary=text)


def _reason(error: OSError | ValueError) -> str:
    if isinstance(error, OSError) and error.errno == errno.ELOOP:
        return "it is a link, or links lead in a circle"
    return (error.strerror or "it cannot be") if isinstance(error, OSError) else "it is no path"
