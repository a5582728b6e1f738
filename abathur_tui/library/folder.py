"""A folder of files of one kind: read again when somebody asks, and a file that breaks keeps what it last said for as long as the process lives."""

import os
import stat
from collections.abc import Callable
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Generic, TypeVar

from abathur_tui.domain.errors import Detail

T = TypeVar("T")

MOST_BYTES = 262_144
MOST_FILES = 1000
_MOST_DEPTH = 4


class Broken(Exception):
    """A file's text has mistakes."""

    def __init__(self, mistakes: tuple[Detail, ...]) -> None:
        """All of them; those without a file are in the one that is read."""
        super().__init__(mistakes)
        self.mistakes = mistakes


@dataclass(frozen=True, slots=True)
class Place:
    """A folder of files, and whose they are."""

    path: Path
    origin: str
    """`project`, `user` or `builtin`."""
    inside: Path | None = None
    """Files that links lead out of this folder are refused; None lets links lead anywhere."""


@dataclass(frozen=True, slots=True)
class Entry(Generic[T]):
    """A file as it was last read."""

    text: str
    """Empty where it could not be read."""
    value: T | None
    """What it says; where it has mistakes, what it said before it had them; None where it never said anything."""
    mistakes: tuple[Detail, ...] = ()


@dataclass(frozen=True, slots=True)
class Change(Generic[T]):
    """A file that is not as it was."""

    path: Path
    before: Entry[T] | None
    """None where it is new."""
    after: Entry[T] | None
    """None where it is gone."""


class Folder(Generic[T]):
    """The files in a place that end as `suffix` says."""

    def __init__(self, place: Place, suffix: str, parse: Callable[[str, str, str], T], *, deep: bool = False) -> None:
        """`parse` makes a value of text, file name and origin, or raises Broken. `deep`: folders inside the folder count too."""
        self.place = place
        self._suffix = suffix
        self._parse = parse
        self._deep = deep
        self.entries: dict[Path, Entry[T]] = {}
        """By path, sorted; nothing before the first `refresh`."""
        self.problems: tuple[str, ...] = ()
        """Why not all of it was read."""

    def refresh(self) -> list[Change[T]]:
        """Read what is there now; what has changed since the last time."""
        before = self.entries
        self.entries = {path: self._read(path, before.get(path)) for path in self._files()}
        changes = [Change(path, before.get(path), self.entries.get(path)) for path in sorted({*before, *self.entries})]
        return [change for change in changes if change.before is not change.after]

    def folders(self) -> list[Path]:
        """The folders whose files these are, as far as they are there."""
        return [Path(folder) for folder, _, _ in self._walk([])]

    def _files(self) -> list[Path]:
        problems: list[str] = []
        walked = self._walk(problems)
        found = [Path(folder, name) for folder, _, files in walked for name in sorted(files) if name.endswith(self._suffix) and name[0] != "."]
        if len(found) > MOST_FILES:
            problems.append(f"{self.place.path}: only the first {MOST_FILES} files were read.")
        self.problems = tuple(problems)
        return found[:MOST_FILES]

    def _walk(self, problems: list[str]) -> list[tuple[str, list[str], list[str]]]:
        def note(error: OSError) -> None:
            if not isinstance(error, FileNotFoundError | NotADirectoryError):
                problems.append(f"{error.filename}: the folder cannot be read: {(error.strerror or str(error)).lower()}.")

        found = []
        for folder, folders, files in os.walk(self.place.path, onerror=note):
            if not self._deep or len(Path(folder).relative_to(self.place.path).parts) >= _MOST_DEPTH:
                folders.clear()
            folders.sort()
            found.append((folder, folders, files))
            if len(found) > MOST_FILES:
                break
        return found

    def _read(self, path: Path, before: Entry[T] | None) -> Entry[T]:
        """The file's entry; the very same one where nothing has changed."""
        try:
            text = text_of(path, self.place.inside)
        except (OSError, ValueError) as error:
            entry = Entry("", before.value if before else None, (Detail(reason_of(error), file=str(path)),))
        else:
            if before is not None and text and before.text == text:
                return before
            entry = self._parsed(text, path, before)
        return before if before == entry else entry

    def _parsed(self, text: str, path: Path, before: Entry[T] | None) -> Entry[T]:
        try:
            return Entry(text, self._parse(text, str(path), self.place.origin))
        except Broken as broken:
            mistakes = tuple(one if one.file else replace(one, file=str(path)) for one in broken.mistakes)
            return Entry(text, before.value if before else None, mistakes)


def reason_of(error: OSError | ValueError) -> str:
    """Why a file was not read."""
    return (error.strerror or str(error)).lower() if isinstance(error, OSError) else str(error)


def text_of(path: Path, inside: Path | None = None) -> str:
    """The text of a small regular file. Raises OSError, or ValueError with the reason why it is not read."""
    if inside is not None and not path.resolve().is_relative_to(inside.resolve()):
        raise ValueError("a link leads out of the project")
    descriptor = os.open(path, os.O_RDONLY | os.O_NONBLOCK | os.O_CLOEXEC)  # a pipe does not block
    with os.fdopen(descriptor, "rb") as file:
        if not stat.S_ISREG(os.fstat(descriptor).st_mode):
            raise ValueError("it is no regular file")
        content = file.read(MOST_BYTES + 1)
    if len(content) > MOST_BYTES:
        raise ValueError(f"it is longer than {MOST_BYTES:,} bytes")
    try:
        return content.decode("utf-8-sig").replace("\r\n", "\n")
    except UnicodeDecodeError as error:
        raise ValueError(f"it is no UTF-8 text (byte {error.start})") from error
