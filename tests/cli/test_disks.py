"""A disk that is full, or can only be read: what needs no space goes on, and all else is told."""

import subprocess
import sys
from collections.abc import Iterator
from contextlib import suppress
from pathlib import Path

import pytest

from tests.cli.program import Program

READS = [("status",), ("task", "list"), ("task", "show", "t1"), ("result", "x1"), ("audit",), ("audit", "verify"), ("db", "check"), ("db", "export")]
WRITES = [
    *(("task", "submit", "more"), ("run", "more"), ("task", "cancel", "t2"), ("purge", "--all", "--yes"), ("db", "vacuum")),
    *(("db", "backup", "x"), ("db", "export", "x"), ("db", "backup"), ("engine", "start"), ("engine", "start", "--drain")),
]


@pytest.fixture
def disk(program: Program, tmp_path: Path) -> Iterator[Program]:
    """In a project on a disk of its own, with a task that has completed and no engine."""
    place = tmp_path / "disk"
    place.mkdir()
    if sys.platform != "linux" or subprocess.run(["mount", "-t", "tmpfs", "-o", "size=3m", "tmpfs", place], capture_output=True).returncode:
        pytest.skip("no disk can be made here")
    try:
        program.folder = place
        assert program("run", "SAY hello").out == "hello\n"
        program("engine", "stop")
        yield program
    finally:
        subprocess.run(["umount", "-l", place], check=True)


def fill(program: Program) -> None:
    """Until nothing more fits."""
    with (program.folder / "filler").open("wb", buffering=0) as file, suppress(OSError):
        while True:
            file.write(bytes(4096))


def refused(program: Program, code: str) -> None:
    """What writes is refused with this code, and names the disk's folder."""
    for words in WRITES:
        answer = program.inside(*words, "--json")
        assert (answer.code, answer.error["code"]) == (4, code), (words, answer)
        assert str(program.folder) in answer.error["message"], (words, answer)


def read(program: Program, tmp_path: Path) -> None:
    """What reads works, and what is written elsewhere too."""
    for words in READS:
        assert program.inside(*words).code == 0, words
    assert program.inside("result", "x1").out == "hello\n"
    assert program.json("db", "check") == {"ok": True, "problems": []}
    assert program.ask("db", "backup", str(tmp_path / "saved.db"))["problems"] == []
    assert program.inside("db", "recover", "--into", str(tmp_path / "recovered.db")).code == 0


def test_on_a_full_disk_all_can_be_read_and_saved_elsewhere(disk: Program, tmp_path: Path) -> None:
    fill(disk)
    refused(disk, "ABTH-ERR-101")
    read(disk, tmp_path)

    (disk.folder / "filler").unlink()

    assert disk("run", "SAY again").out == "again\n"
    assert disk.json("db", "check")["ok"]


def test_on_a_disk_that_can_only_be_read_all_can_be_read_and_saved_elsewhere(disk: Program, tmp_path: Path) -> None:
    subprocess.run(["mount", "-o", "remount,ro", disk.folder], check=True)
    refused(disk, "ABTH-ERR-002")
    read(disk, tmp_path)
