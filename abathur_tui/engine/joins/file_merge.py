"""Several versions of one file made into one: git's own three-way merge, against the project's file where there is one."""

import asyncio
import os
import re
import shutil
import tempfile
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TypeAlias

from abathur_tui.domain.errors import CommandFailed
from abathur_tui.processes import Children

_SECONDS = 30.0
_LEAST_MARKER = 9
_MOST_CONFLICTS = 127
"""git says of how many conflicts there are no more than this."""


@dataclass(frozen=True, slots=True)
class Hunk:
    """Lines on which two versions differ and which both have changed."""

    line: int
    """Where they stand in the file so far, from 1."""
    ours: str
    theirs: str
    before: str
    """The line above them; empty where there is none."""
    after: str


Part: TypeAlias = str | Hunk
"""Lines on which there is no doubt, or a conflict."""


class NoMerge(Exception):
    """git cannot merge these versions; the text says why."""


async def three_way(children: Children, project: Path, base: str, ours: str, theirs: str) -> list[Part]:
    """The two versions in one, with a hunk for each conflict. Raises NoMerge.

    git runs in a folder of its own outside the project, with no settings but its defaults: nothing that a project holds is read or run.
    """
    marker = _marker_size(base, ours, theirs)
    with tempfile.TemporaryDirectory(prefix="abathur-merge-") as folder:
        program = await asyncio.to_thread(_prepare, folder, project, {"ours": ours, "base": base, "theirs": theirs})
        command = [program, "merge-file", "-p", "-q", f"--marker-size={marker}"]
        command += ["-L", "ours", "-L", "base", "-L", "theirs", "ours", "base", "theirs"]
        try:
            ran = await children.run(command, cwd=folder, env=_environment(folder), timeout_seconds=_SECONDS, output_limit=None)
        except CommandFailed as error:
            raise NoMerge(error.message) from error
    if ran.timed_out:
        raise NoMerge(f"git took longer than {_SECONDS:g} seconds")
    if not 0 <= ran.exit_code <= _MOST_CONFLICTS:
        raise NoMerge(ran.stderr.strip()[:200] or f"git ended with exit code {ran.exit_code}")
    return _parts(ran.stdout, marker)


def joined(parts: Sequence[Part], settled: Sequence[str]) -> str:
    """The file in which each hunk is settled: these are its lines, in the order of the hunks."""
    lines = iter(settled)
    return "".join(part if isinstance(part, str) else next(lines) for part in parts)


def holds(text: str, lines: str, hunk: Hunk) -> bool:
    """Whether a version has these lines where the hunk is: between the same neighbours, or, where it has others, anywhere."""
    if f"\n{hunk.before}{lines}{hunk.after}" in f"\n{text}":
        return True
    return bool(lines.strip()) and f"\n{lines}" in f"\n{text}"


def _parts(merged: str, marker: int) -> list[Part]:
    pattern = re.compile(
        rf"^<{{{marker}}} ours\n(?P<ours>.*?)^={{{marker}}}\n(?P<theirs>.*?)^>{{{marker}}} theirs(?:\n|\Z)", re.MULTILINE | re.DOTALL
    )
    parts: list[Part] = []
    place = 0
    for found in pattern.finditer(merged):
        plain = merged[place : found.start()]
        if plain:
            parts.append(plain)
        line = sum(_lines_of(part) for part in parts) + 1
        parts.append(Hunk(line, found["ours"], found["theirs"], _last_line(plain), _first_line(merged[found.end() :])))
        place = found.end()
    if merged[place:]:
        parts.append(merged[place:])
    return parts


def _lines_of(part: Part) -> int:
    return (part if isinstance(part, str) else part.ours).count("\n")


def _last_line(text: str) -> str:
    return text.splitlines(keepends=True)[-1] if text else ""


def _first_line(text: str) -> str:
    end = text.find("\n")
    return text if end < 0 else text[: end + 1]


def _marker_size(*texts: str) -> int:
    """Longer than every row of the signs that mark conflicts."""
    longest = max((len(found[0]) for text in texts for found in re.finditer(r"^(?:<+|=+|>+|\|+)", text, re.MULTILINE)), default=0)
    return max(longest + 1, _LEAST_MARKER)


def _prepare(folder: str, project: Path, texts: Mapping[str, str]) -> str:
    """Write the versions into the folder; gives the git that merges them. Raises NoMerge."""
    if Path(folder).resolve().is_relative_to(project.resolve()):
        raise NoMerge("the system's folder for temporary files lies inside the project")
    for name, text in texts.items():
        (Path(folder) / name).write_bytes(text.encode("utf-8", "surrogatepass"))
    return _git(project)


def _git(project: Path) -> str:
    """The git of the PATH; never one that lies inside the project."""
    for place in os.environ.get("PATH", os.defpath).split(os.pathsep):
        if place and Path(place).is_absolute() and not Path(place).resolve().is_relative_to(project.resolve()):
            found = shutil.which("git", path=place)
            if found:
                return found
    raise NoMerge("there is no git on this machine")


def _environment(folder: str) -> dict[str, str]:
    return {
        "PATH": os.environ.get("PATH", os.defpath),
        "LC_ALL": "C",
        "HOME": folder,
        "XDG_CONFIG_HOME": folder,
        "GIT_CONFIG_NOSYSTEM": "1",
        "GIT_CONFIG_GLOBAL": os.devnull,
        "GIT_ATTR_NOSYSTEM": "1",
        "GIT_CEILING_DIRECTORIES": str(Path(folder).resolve().parent),
    }
