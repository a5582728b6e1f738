"""The program behind `grep`: `python -P -m abathur_tui.tools.search`, with a query as JSON on standard input, and a match a line as JSON out.

It is a process because a regular expression can take for ever, and Python's cannot be interrupted in a thread: it holds the whole
interpreter. Here the system's alarm ends it, even in the middle of a match and even when nobody is left who would.
"""

import fnmatch
import json
import os
import re
import signal
import stat
import sys
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

from abathur_tui.domain.protected import holds_private_key, protection
from abathur_tui.tools.project_files import ProjectFiles, Refused, open_plain

MOST_LINE_CHARACTERS = 300
SEARCHED_LINE_CHARACTERS = 20_000
"""Only so much of a line is searched."""
MOST_BYTES = 8 * 1024 * 1024
"""Larger files are left out."""
_BINARY_BYTES = 8_192
_MOST_DEPTH = 60


def main() -> int:
    """Search until all is searched, the most matches are found, or the alarm comes; the last line says how it ended."""
    query = json.loads(sys.stdin.readline())
    signal.setitimer(signal.ITIMER_REAL, query["seconds"])
    try:
        flags = re.IGNORECASE if query["ignore_case"] else 0
        search = _Search(Path(query["folder"]), re.compile(query["pattern"], flags), query)
        search.run(query["path"])
    except Refused as error:
        _tell({"refused": str(error)})
    except (re.error, RecursionError, OverflowError) as error:
        _tell({"refused": f"The pattern is no regular expression: {error}"})
    except OSError as error:
        _tell({"refused": f"The search broke off: {error.strerror}"})
    else:
        _tell({"files": search.files, "left_out": search.left_out, "cut": search.cut})
    return 0


class _Full(Exception):
    """The most matches are found."""


class _Search:
    def __init__(self, folder: Path, pattern: re.Pattern[str], query: dict[str, Any]) -> None:
        self.files = 0
        """Files that were searched."""
        self.left_out = 0
        """Files that were not: binary, too large, protected, with several names."""
        self.cut = False
        self._found = 0
        self._project = ProjectFiles(folder)
        self._pattern = pattern
        self._wanted = _by_glob(query["glob"])
        self._most: int = query["most"]
        self._most_of_file: int = query["most_of_file"]

    def run(self, path: str) -> None:
        place = self._project.place(path)
        try:
            if self._is_folder(place.name):
                with self._project.folder(place.name) as (_, descriptor):
                    self._walk(descriptor, place.real, 0)
            else:
                with self._project.file(place.name) as (_, file):
                    self._file("/".join(place.real), file.read(MOST_BYTES + 1))
        except _Full:
            self.cut = True

    def _is_folder(self, name: str) -> bool:
        try:
            with self._project.folder(name):
                return True
        except Refused:
            return False

    def _walk(self, descriptor: int, parts: tuple[str, ...], depth: int) -> None:
        for name, status in _entries(descriptor):
            inner = (*parts, name)
            if stat.S_ISLNK(status.st_mode) or name == ".git":
                continue  # what a link leads to inside the project is found in its own place
            if protection(inner) is not None:
                self.left_out += 1
            elif stat.S_ISDIR(status.st_mode):
                if depth < _MOST_DEPTH:
                    self._enter(descriptor, inner, depth + 1)
            elif self._wanted("/".join(inner)):
                try:
                    with open_plain(name, descriptor) as file:
                        data = file.read(MOST_BYTES + 1)
                except (Refused, OSError):
                    self.left_out += 1
                    continue
                self._file("/".join(inner), data)

    def _enter(self, parent: int, parts: tuple[str, ...], depth: int) -> None:
        try:
            descriptor = os.open(parts[-1], os.O_RDONLY | os.O_DIRECTORY | os.O_NOFOLLOW | os.O_CLOEXEC, dir_fd=parent)
        except OSError:
            self.left_out += 1
            return
        try:
            self._walk(descriptor, parts, depth)
        finally:
            os.close(descriptor)

    def _file(self, name: str, data: bytes) -> None:
        if len(data) > MOST_BYTES or b"\0" in data[:_BINARY_BYTES] or holds_private_key(data):
            self.left_out += 1
            return
        self.files += 1
        here = 0
        for number, line in enumerate(data.decode("utf-8", "replace").split("\n"), 1):
            match = self._pattern.search(line.removesuffix("\r")[:SEARCHED_LINE_CHARACTERS])
            if match is None:
                continue
            if self._found == self._most:
                raise _Full
            if here == self._most_of_file:
                self.cut = True
                return
            here += 1
            self._found += 1
            _tell({"path": name, "line": number, "text": _excerpt(line.removesuffix("\r"), match.start())})


def _entries(descriptor: int) -> Iterator[tuple[str, os.stat_result]]:
    """A folder's entries in order, hidden ones last: what a person wrote comes before what tools keep."""
    try:
        with os.scandir(descriptor) as entries:
            names = sorted((entry.name for entry in entries), key=lambda name: (name.startswith("."), name))
    except OSError:
        return
    for name in names:
        try:
            yield name, os.stat(name, dir_fd=descriptor, follow_symlinks=False)
        except OSError:
            continue


def _by_glob(glob: str | None) -> Callable[[str], bool]:
    """Whether a path is wanted: by its name, or by all of it where the glob has a slash."""
    if glob is None:
        return lambda path: True
    if "/" not in glob:
        return lambda path: fnmatch.fnmatchcase(path.rpartition("/")[2], glob)
    pattern = re.compile(_glob_pattern(glob.strip("/")))
    return lambda path: pattern.fullmatch(path) is not None


def _glob_pattern(glob: str) -> str:
    """A path's glob as a regular expression: `**` is any number of folders, `*` and `?` stay within one."""
    parts = []
    for part in glob.split("/"):
        if part == "**":
            parts.append("(?:[^/]+/)*")
        else:
            parts.append("".join("[^/]*" if letter == "*" else "[^/]" if letter == "?" else re.escape(letter) for letter in part) + "/")
    whole = "".join(parts)
    return f"{whole}[^/]+" if glob.endswith("**") else whole.removesuffix("/")


def _excerpt(line: str, place: int) -> str:
    if len(line) <= MOST_LINE_CHARACTERS:
        return line
    start = max(0, min(place - MOST_LINE_CHARACTERS // 3, len(line) - MOST_LINE_CHARACTERS))
    end = start + MOST_LINE_CHARACTERS
    return ("…" if start else "") + line[start:end] + ("…" if end < len(line) else "")


def _tell(fact: dict[str, Any]) -> None:
    print(json.dumps(fact), flush=True)


if __name__ == "__main__":
    sys.exit(main())
