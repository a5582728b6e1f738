"""Only the very group that was noted is killed, never one that has its number by now."""

import contextlib
import os
import signal
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import psutil  # type: ignore[import-untyped]
import pytest

from abathur_tui.guard import kill_noted
from abathur_tui.guard.groups import MARK, Note, identity, kill_groups, kill_marked, write_notes
from tests.alive import alive
from tests.waiting import eventually


@pytest.fixture
def leader() -> Iterator[subprocess.Popen[bytes]]:
    with subprocess.Popen(["sleep", "60"], start_new_session=True) as process:
        yield process
        process.kill()


def test_a_noted_group_is_killed_and_the_file_is_gone(leader: subprocess.Popen[bytes], tmp_path: Path) -> None:
    notes = tmp_path / "x.children"
    write_notes(notes, {leader.pid: Note(identity(leader.pid) or "")})
    assert kill_noted(notes) == [leader.pid]
    assert leader.wait(30) == -signal.SIGKILL
    assert list(tmp_path.iterdir()) == []


def test_a_number_that_somebody_else_has_by_now_is_left_alone(leader: subprocess.Popen[bytes], tmp_path: Path) -> None:
    boot, _, started = (identity(leader.pid) or "").partition("/")
    for wrong in (f"{boot}/{int(started) - 1}", f"another-boot/{started}", f"{boot}/", "", "/"):
        notes = tmp_path / "x.children"
        write_notes(notes, {leader.pid: Note(wrong)})
        assert kill_noted(notes) == []
    assert alive(leader.pid)


def test_what_a_gone_leader_has_left_in_its_group_is_killed(tmp_path: Path) -> None:
    with subprocess.Popen(["sh", "-c", "sleep 60 & echo $!; read line"], start_new_session=True, stdin=-1, stdout=-1, text=True) as leader:
        assert leader.stdout is not None
        left = int(leader.stdout.readline())
        noted = identity(leader.pid) or ""
        leader.kill()
        leader.wait()
        notes = tmp_path / "x.children"
        write_notes(notes, {leader.pid: Note(noted)})
        assert alive(left)
        assert kill_noted(notes) == [leader.pid]
    eventually(lambda: not alive(left))


@pytest.mark.parametrize("content", [b"", b"garbage\n\xff\xfe\n1 x\n0 y\n-5 z\n99999999999999999999 a/1\n", None])
def test_a_file_that_is_empty_damaged_or_missing_does_no_harm(tmp_path: Path, content: bytes | None) -> None:
    notes = tmp_path / "x.children"
    if content is not None:
        notes.write_bytes(content)
    assert kill_noted(notes) == []


@pytest.mark.skipif(sys.platform != "linux", reason="nobody else may look into another process's environment")
def test_what_has_left_its_group_is_found_by_its_mark_and_only_that(leader: subprocess.Popen[bytes], tmp_path: Path) -> None:
    script = "setsid sh -c 'setsid sleep 60 & sleep 60 & wait' & wait"
    with subprocess.Popen(["sh", "-c", script], start_new_session=True, env={**os.environ, MARK: "token.1"}) as program:
        eventually(lambda: len(carrying("token.1")) == 4)
        kill_marked(["token.2", "token", "token.11"])
        assert len(carrying("token.1")) == 4
        notes = tmp_path / "x.children"
        write_notes(notes, {program.pid: Note(identity(program.pid) or "", "token.1")})

        assert kill_noted(notes) == [program.pid]
    eventually(lambda: not carrying("token.1"))
    assert alive(leader.pid)


def test_a_number_that_a_late_guard_still_holds_is_left_alone(leader: subprocess.Popen[bytes]) -> None:
    assert kill_groups({leader.pid: Note("another-boot/1", "")}) == []
    assert alive(leader.pid)


def carrying(mark: str) -> list[int]:
    """The processes with this mark."""
    found = []
    for process in psutil.process_iter():
        with contextlib.suppress(psutil.Error):
            if process.environ().get(MARK) == mark:
                found.append(process.pid)
    return found


def test_a_process_has_one_identity_and_another_one_has_another(leader: subprocess.Popen[bytes]) -> None:
    assert identity(os.getpid()) == identity(os.getpid())
    assert identity(os.getpid()) != identity(leader.pid)
    leader.kill()
    os.waitid(os.P_PID, leader.pid, os.WEXITED | os.WNOWAIT)
    assert identity(leader.pid) is None, "a process that is only not reaped yet does not count"
