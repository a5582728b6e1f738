"""What a command has told is done is on the disk by then: rows, files, and the names of files and folders."""

import os
import re
import shutil
import subprocess
from pathlib import Path

import pytest

from tests.cli.program import PROGRAM, Program

pytestmark = pytest.mark.skipif(shutil.which("strace") is None, reason="strace counts the syncs")

CALLS = "write,pwrite64,fsync,fdatasync,openat,rename,renameat,renameat2,link,linkat,mkdir,mkdirat,unlink,unlinkat"
PASSING = re.compile(r"\.lock$|-shm$|/engines/|/logs(/|$)|\.sock$|\.abathur-draft|\.pyc|/starting\.lock")
"""What means nothing when nothing runs."""
_QUOTED = re.compile(r'"((?:[^"\\]|\\.)*)"')
_FILE = re.compile(r"\((\d+)<([^>]*)>")


def told(program: Program, *arguments: str) -> tuple[list[str], str]:
    """The lines of a command's trace up to its answer, and what it answered. It must have done what it was to do."""
    trace = program.folder.parent / "trace"
    done = subprocess.run(
        ["strace", "-f", "-y", "-qq", "-s", "200", "-e", f"trace={CALLS}", "-e", "signal=none", "-o", str(trace), PROGRAM, *arguments],
        cwd=program.folder,
        env=program.environment(),
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stderr
    lines = whole(trace.read_text().splitlines())
    answer = max(place for place, line in enumerate(lines) if re.match(r"\d+ +write\(1<", line))
    return lines[:answer], done.stdout


def whole(lines: list[str]) -> list[str]:
    """A call that was interrupted by another thread's is one line, at its end."""
    begun: dict[str, str] = {}
    found = []
    for line in lines:
        process = line.split(" ", 1)[0]
        if line.endswith("<unfinished ...>"):
            begun[process] = line.removesuffix("<unfinished ...>")
        elif " resumed>" in line:
            found.append(begun.pop(process, process) + line.split(" resumed>", 1)[1])
        else:
            found.append(line)
    return found


class Disk:
    """What a disk surely has of what was done to it."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder
        self.written: dict[str, bool] = {}
        """Path to whether what was written there last is synced."""
        self.named: dict[str, bool] = {}
        """New path to whether its folder was synced after it was named."""
        self._same: dict[str, str] = {}

    def follow(self, line: str) -> None:
        """A call of a trace."""
        call = line.split("(", 1)[0].split()[-1]
        file = "" if (found := _FILE.search(line)) is None else found.group(2)
        quoted = [str(self._folder / path) for path in _QUOTED.findall(line)]
        if call in ("write", "pwrite64"):
            self.written[file] = False
        elif call in ("fsync", "fdatasync"):
            self.written[file] = True
            self.named |= {name: True for name in self.named if os.path.dirname(name) == file}
        elif call == "openat" and "O_CREAT" in line:
            self.named.setdefault(quoted[0], False)
        elif call.startswith("mkdir"):
            self.named[quoted[0]] = False
        elif call.startswith(("rename", "link")):
            self.named[quoted[1]] = False
            self._same[quoted[1]] = quoted[0]

    def has_content(self, path: str) -> bool:
        """Of a file, under whatever name it was written."""
        while path not in self.written and path in self._same:
            path = self._same[path]
        return self.written.get(path, True)


def unsynced(lines: list[str], new: set[Path], folder: Path) -> list[str]:
    """What of the database's log and of new files and folders would be lost with the power: content, or names."""
    disk = Disk(folder)
    for line in lines:
        if " = -1 " not in line:
            disk.follow(line)
    left = [f"the name of {path}" for path in new if not disk.named.get(str(path), False)]
    log = folder / ".abathur" / "abathur.db-wal"
    return left + [f"the content of {path}" for path in {*new, log} if not disk.has_content(str(path))]


def there(folder: Path) -> set[Path]:
    """All files and folders that mean something."""
    return {path for path in folder.rglob("*") if not PASSING.search(str(path))}


def check(program: Program, *arguments: str, writes: bool = True) -> str:
    """Run it, and look; `writes`: it changes the database."""
    before = there(program.folder)
    lines, out = told(program, *arguments)
    new = {path for path in there(program.folder) - before if writes or path.suffix != ".db-wal"}
    assert unsynced(lines, new, program.folder) == []
    wrote = any("abathur.db-wal>" in line and "pwrite64(" in line for line in lines)
    assert wrote == writes
    return out


def test_the_first_submit_makes_a_project_that_is_there_after_a_power_loss(program: Program) -> None:
    check(program, "task", "submit", "one", "--json")


def test_changes_of_tasks_are_synced(project: Program) -> None:
    project.inside("task", "submit", "one")
    project.inside("task", "submit", "two")
    for command in (
        ("task", "pause", "t1"),
        ("task", "resume", "t1"),
        ("task", "cancel", "t1"),
        ("task", "retry", "t1"),
        ("swarm", "scale", "3"),
        ("task", "cancel", "t2"),
        ("purge", "--all", "--yes"),
    ):
        check(project, *command)


def test_copies_and_exports_are_synced(project: Program) -> None:
    project.inside("task", "submit", "one")
    check(project, "db", "backup", "copy.db", writes=False)
    check(project, "db", "backup", writes=False)
    check(project, "db", "export", "all.jsonl", writes=False)


def test_a_template_that_is_kept_is_synced(project: Program) -> None:
    (project.folder.parent / "mine.toml").write_text(
        'name = "MINE"\ndescription = "Mine."\nprompt = "Do {{ it }}"\n[parameters.it]\ntype = "string"\n'
    )
    check(project, "template", "register", str(project.folder.parent / "mine.toml"), writes=False)
