"""What somebody was making when they were killed goes the next time that something is made in its place, and nothing else does."""

import subprocess
import sys
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from abathur_tui.domain.errors import ArgumentInvalid
from abathur_tui.storage.copying import new_file

MAKE = """
import sys
from pathlib import Path
from abathur_tui.storage.copying import new_file
with new_file(Path(sys.argv[1])) as unnamed:
    unnamed.write_text("half")
    unnamed.with_name(unnamed.name + "-wal").write_text("half")
    print("begun", flush=True)
    sys.stdin.read()
"""
Maker = Callable[[Path], "subprocess.Popen[bytes]"]


@pytest.fixture
def maker() -> Iterator[Maker]:
    """Starts processes that are in the middle of making a file; the ones that still live end with the test."""
    started: list[subprocess.Popen[bytes]] = []

    def make(target: Path) -> subprocess.Popen[bytes]:
        process = subprocess.Popen([sys.executable, "-c", MAKE, str(target)], stdin=subprocess.PIPE, stdout=subprocess.PIPE)
        started.append(process)
        assert process.stdout is not None
        assert process.stdout.readline() == b"begun\n"
        return process

    yield make
    for process in started:
        process.kill()
        process.communicate()


def drafts(folder: Path) -> list[Path]:
    return sorted(folder.glob("*.abathur-draft"))


def make(target: Path) -> None:
    with new_file(target) as unnamed:
        unnamed.write_text("whole")


def test_what_a_killed_process_was_making_goes_and_what_a_living_one_makes_stays(tmp_path: Path, maker: Maker) -> None:
    # Given one that was killed in the middle, and one that is at work,
    killed, living = maker(tmp_path / "killed"), maker(tmp_path / "living")
    killed.kill()
    killed.wait()
    assert len(drafts(tmp_path)) == 2
    # when something is made beside them, then only what belongs to nobody goes,
    make(tmp_path / "whole")
    (left,) = drafts(tmp_path)
    assert (left / "file").read_text() == "half"
    # and who is at work comes to the end.
    living.communicate(b"")
    assert living.returncode == 0
    assert {path.name: path.read_text() for path in tmp_path.iterdir()} == {"living": "half", "whole": "whole"}


def test_what_looks_like_a_draft_and_holds_something_else_stays(tmp_path: Path) -> None:
    ours, linked = tmp_path / ".mine.abathur-draft", tmp_path / ".link.abathur-draft"
    (ours / "file").mkdir(parents=True)
    linked.symlink_to(tmp_path)
    (tmp_path / ".a file.abathur-draft").write_text("mine")
    kept = tmp_path / ".kept.abathur-draft"
    kept.mkdir()
    for name in ("file", "my notes"):
        (kept / name).write_text("mine")

    make(tmp_path / "whole")

    assert (kept / "file").read_text() == (kept / "my notes").read_text() == "mine"
    assert len(drafts(tmp_path)) == 4


def test_nothing_stays_of_what_fails_and_nothing_is_overwritten(tmp_path: Path) -> None:
    def fails() -> None:
        with new_file(tmp_path / "new") as unnamed:
            unnamed.write_text("half")
            raise RuntimeError("in the middle")

    def is_overtaken() -> None:
        with new_file(tmp_path / "taken") as unnamed:
            (tmp_path / "taken").write_text("somebody's")
            unnamed.write_text("half")

    with pytest.raises(RuntimeError):
        fails()
    with pytest.raises(ArgumentInvalid, match="is there already"):
        is_overtaken()

    assert {path.name: path.read_text() for path in tmp_path.iterdir()} == {"taken": "somebody's"}
