"""What was acknowledged had been synced before, and is there after the power has gone, whatever else the disk has or has not."""

import os
import random
import shutil
import signal
import subprocess
from pathlib import Path

import pytest

from abathur_tui.domain.status import Status
from abathur_tui.storage import Database, views
from tests.storage.building import ENGINE, plan, submit
from tests.storage.syscalls import OPTIONS, Call, after_power_loss, calls
from tests.storage.test_processes import ROOT, command, sound

pytestmark = pytest.mark.skipif(shutil.which("strace") is None, reason="strace counts the syncs")


def traced(tmp_path: Path, folder: Path, lines: int, what: str, *arguments: str) -> list[Call]:
    """What a process calls until it has said so many lines; then it is killed."""
    trace = tmp_path / "trace"
    with subprocess.Popen(
        ["strace", *OPTIONS, "-o", str(trace), *command(what, folder, *arguments)], cwd=ROOT, stdout=subprocess.PIPE, start_new_session=True
    ) as process:
        assert process.stdout is not None
        for _ in range(lines):
            assert process.stdout.readline()
        os.killpg(process.pid, signal.SIGKILL)
    return calls(trace)


@pytest.fixture
def project(folder: Path) -> Path:
    """A project with thirty tasks, closed."""
    database = Database.open(folder, create=True)
    submit(database, plan([f"n{number}" for number in range(30)]))
    database.close()
    return folder


@pytest.mark.parametrize(("what", "arguments", "acknowledges"), [("submit_forever", (), b""), ("work_forever", (ENGINE,), b"completed")])
def test_every_acknowledgement_comes_after_a_sync_of_all_that_it_stands_for(
    tmp_path: Path, project: Path, what: str, arguments: tuple[str, ...], acknowledges: bytes
) -> None:
    log = str(project / "abathur.db-wal")
    made = traced(tmp_path, project, 30, what, *arguments)

    written = synced = acknowledged = 0
    for place, call in enumerate(made):
        if call.path == log and call.kind == "write":
            written = place
        elif call.path == log and call.kind == "sync":
            synced = call.first
        elif call.kind == "say" and call.data.startswith(acknowledges):
            assert 0 < written < synced, "something was written that no sync has reached"
            assert written > acknowledged, "nothing was written for it"
            acknowledged = place
    assert acknowledged


def test_after_a_power_loss_at_any_moment_all_that_was_acknowledged_is_there(tmp_path: Path, project: Path) -> None:
    before = tmp_path / "before"
    shutil.copytree(project, before)
    made = [moved(call, project, before) for call in traced(tmp_path, project, 40, "work_forever", ENGINE)]
    chance = random.Random(1)
    for number in range(12):
        disk = tmp_path / f"disk-{number}"

        said = after_power_loss(before, made[: chance.randint(1, len(made))], disk, chance)

        sound(disk)
        database = Database.open(disk)
        for line in said:
            word, task, *_ = line.split()
            found = database.read_now(views.task, int(task)).status
            assert found is Status.COMPLETED if word == "completed" else found in (Status.RUNNING, Status.COMPLETED), (number, line)
        database.close()


def test_without_its_syncs_something_would_be_lost(tmp_path: Path, project: Path) -> None:
    # Else the test above would find nothing, whatever was synced.
    before = tmp_path / "before"
    shutil.copytree(project, before)
    made = [moved(call, project, before) for call in traced(tmp_path, project, 20, "work_forever", ENGINE) if call.kind != "sync"]
    disk = tmp_path / "disk"

    said = after_power_loss(before, made, disk, random.Random(1))

    database = Database.open(disk)
    completed = [int(line.split()[1]) for line in said if line.startswith("completed")]
    assert any(database.read_now(views.task, task).status is not Status.COMPLETED for task in completed)
    database.close()


def moved(call: Call, source: Path, target: Path) -> Call:
    """The call, as if it had been made in another folder."""
    return Call(call.kind, call.path.replace(str(source), str(target)), call.data, call.offset, call.first)
