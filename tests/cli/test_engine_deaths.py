"""Engines that die under a command that follows, stops or looks at them: each says what is so, and none ends too early."""

import json
import os
import signal
import subprocess
from collections import Counter
from pathlib import Path

import psutil  # type: ignore[import-untyped]

from abathur_tui.storage import engines
from tests.alive import alive
from tests.cli.program import Program
from tests.waiting import eventually


def _kill(project: Program) -> int:
    """Kill the engine that is at work; gives its process."""
    pid = int(eventually(lambda: project.ask("engine", "status")["engine"])["pid"])
    os.kill(pid, signal.SIGKILL)
    return pid


def _works_again(project: Program, than: int) -> None:
    eventually(lambda: (engine := project.ask("engine", "status")["engine"]) is not None and engine["pid"] != than)


def test_an_engine_that_is_started_again_is_said_to_be(project: Program) -> None:
    project.ask("engine", "start", "--detach")
    project.ask("task", "submit", "SAY hello")
    killed = _kill(project)

    eventually(lambda: project.ask("engine", "status")["restarting"])
    status = project.ask("status")
    if status["engine"] is None:  # it may be there again by now
        [alert] = status["alerts"]
        assert (alert["kind"], "starting it again" in alert["message"]) == ("engine", True)
        assert "starting it again" in project.inside("status").out or project.ask("status")["engine"]

    _works_again(project, killed)
    assert project.ask("status")["alerts"] == []
    assert not project.ask("engine", "status")["restarting"]


def test_stopping_an_engine_that_is_started_again_stops_it(project: Program) -> None:
    project.ask("engine", "start", "--detach")
    _kill(project)
    eventually(lambda: project.ask("engine", "status")["restarting"])

    assert project.ask("engine", "stop") == {"stopped": True}

    answer = project.ask("engine", "status")
    assert (answer["engine"], answer["restarting"]) == (None, False)


def test_a_command_that_needs_an_engine_takes_the_one_that_is_started_again(project: Program) -> None:
    project.ask("engine", "start", "--detach")
    _kill(project)
    eventually(lambda: project.ask("engine", "status")["restarting"])

    assert project("run", "SAY hello", "--quiet").code == 0

    [log] = (project.folder / ".abathur" / "logs").glob("engine-*.jsonl")
    assert "engine.not_needed" not in log.read_text()


def test_a_drain_follows_its_engine_through_its_deaths(project: Program, tmp_path: Path) -> None:
    project.ask("task", "submit", f"WAIT {tmp_path / 'gate'}; SAY done")
    draining = project.start("engine", "start", "--drain")
    for _ in range(2):
        eventually(lambda: project.ask("task", "show", "t1")["status"] == "running")
        killed = _kill(project)
        _works_again(project, killed)
    (tmp_path / "gate").touch()

    _, err = draining.communicate(timeout=60)

    assert draining.returncode == 0, err
    assert project.ask("task", "show", "t1")["status"] == "completed"
    assert "t1 WAIT" in err


def test_a_drain_beside_an_engine_that_is_stopped_goes_on_by_itself(project: Program, tmp_path: Path) -> None:
    project.ask("engine", "start", "--detach")
    project.ask("task", "submit", f"WAIT {tmp_path / 'gate'}; SAY done")
    draining = project.start("engine", "start", "--drain", "--json")
    project.at_work(draining)
    eventually(lambda: project.ask("task", "show", "t1")["status"] == "running")

    first = project.ask("engine", "status")["engine"]["pid"]
    project.ask("engine", "stop")
    _works_again(project, first)
    (tmp_path / "gate").touch()

    out, err = draining.communicate(timeout=60)
    assert draining.returncode == 0, err
    assert json.loads(out)["tasks"]["completed"] == 1


def test_a_drain_whose_engine_is_stopped_does_not_say_that_all_is_done(project: Program) -> None:
    project.ask("task", "submit", "WAIT never")
    draining = project.start("engine", "start", "--drain")
    eventually(lambda: project.ask("task", "list")[0]["status"] == "running")

    project.ask("engine", "stop")

    _, err = draining.communicate(timeout=60)
    assert draining.returncode == 1
    assert "ABTH-ERR-152" in err
    assert project.ask("task", "show", "t1")["status"] == "pending"


def test_a_drain_beside_an_engine_waits_for_its_commands_on_changes_of_status(project: Program, tmp_path: Path) -> None:
    command = f'read -r task; until [ -e {tmp_path / "gate"} ]; do sleep 0.05; done; echo "$ABATHUR_TASK" >> told'
    commands = [{"statuses": ["completed"], "command": ["/bin/sh", "-c", command]}]
    project.ask("engine", "start", "--detach", env={"ABATHUR_QUEUE__ON_STATUS": json.dumps(commands)})
    for number in range(3):
        project.ask("task", "submit", f"SAY {number}")
    eventually(lambda: len(project.ask("task", "list", "--status", "completed")) == 3)

    draining = project.start("engine", "start", "--drain")  # it does not know of the commands
    project.at_work(draining)
    (tmp_path / "gate").touch()

    _, err = draining.communicate(timeout=60)
    assert draining.returncode == 0, err
    assert Counter((project.folder / "told").read_text().split()) == {"t1": 1, "t2": 1, "t3": 1}


def test_a_drain_whose_engine_falls_silent_ends_with_the_work_of_the_next_one(project: Program, tmp_path: Path) -> None:
    project.environ |= {"ABATHUR_QUEUE__LEASE_SECONDS": "2", "ABATHUR_QUEUE__HEARTBEAT_SECONDS": "0.5"}
    project.ask("task", "submit", f"WAIT {tmp_path / 'gate'}; SAY done")
    draining = project.start("engine", "start", "--drain")
    eventually(lambda: project.ask("task", "show", "t1")["status"] == "running")
    silent = project.ask("engine", "status")["engine"]["pid"]

    os.kill(silent, signal.SIGSTOP)
    (tmp_path / "gate").touch()
    try:
        _, err = draining.communicate(timeout=60)
    finally:
        os.kill(silent, signal.SIGCONT)

    assert draining.returncode == 0, err
    assert [attempt["outcome"] for attempt in project.ask("task", "show", "t1")["attempts"]] == ["interrupted", "completed"]
    eventually(lambda: not alive(silent))


def test_an_interrupt_while_the_engine_starts_stops_it_all_the_same(project: Program) -> None:
    starting = project.start("engine", "start")
    eventually(lambda: (project.folder / ".abathur" / "logs" / "engine.log").exists())  # its process is about to be

    starting.send_signal(signal.SIGINT)

    _, err = starting.communicate(timeout=60)
    assert (starting.returncode, "Stopping the engine" in err) == (130, True)
    answer = project.ask("engine", "status")
    assert (answer["engine"], answer["restarting"]) == (None, False)
    assert not list((project.folder / ".abathur" / "engines").glob("*.lock"))


def test_who_follows_goes_on_after_the_log_was_removed_and_so_does_the_engine_in_the_foreground(project: Program, tmp_path: Path) -> None:
    engine = project.start("engine", "start")
    mark = _mark(engine)
    running = project.start("run", f"WAIT {tmp_path / 'gate'}; SAY done")
    eventually(lambda: [task["status"] for task in project.ask("task", "list")] == ["running"])
    first = project.ask("engine", "status")["engine"]["pid"]

    data = project.folder / ".abathur"
    (data / "abathur.db-wal").unlink()
    # By the locks alone: whoever opens the file before the old log is saved begins another one.
    eventually(lambda: engines.active_engine_process(data) not in (None, 0, first))
    (tmp_path / "gate").touch()

    out, err = running.communicate(timeout=60)
    assert (running.returncode, out) == (0, "done\n"), err
    assert "as `abathur watch x1` does" in err
    assert engine.poll() is None
    engine.send_signal(signal.SIGINT)
    _, err = engine.communicate(timeout=60)
    assert engine.returncode == 130, err
    assert engines.attended_process(data, mark) is None  # one that `run` has started meanwhile may be there


def _mark(command: "subprocess.Popen[str]") -> str:
    """What a command's engine is found by."""

    def found() -> str:
        lines = [child.cmdline() for child in psutil.Process(command.pid).children()]
        return next((line[line.index("--attended") + 1] for line in lines if "--attended" in line), "")

    return eventually(found)


def _next_lines(command: "subprocess.Popen[str]", count: int) -> str:
    """What it says next on standard error."""
    assert command.stderr is not None
    return "".join(command.stderr.readline() for _ in range(count))


def test_one_that_stands_by_says_when_it_works_and_an_interrupt_ends_it_alone(project: Program) -> None:
    project.ask("engine", "start", "--detach")
    first = project.ask("engine", "status")["engine"]["pid"]
    standing, other = project.start("engine", "start"), project.start("engine", "start")
    mark = _mark(standing)
    _mark(other)
    data = project.folder / ".abathur"
    own = eventually(lambda: engines.attended_process(data, mark) or 0)

    # One that stands by is killed: its guard starts it again, and it is still this command's.
    os.kill(own, signal.SIGKILL)
    eventually(lambda: engines.attended_process(data, mark) not in (None, own))
    standing.send_signal(signal.SIGINT)
    _, err = standing.communicate(timeout=60)
    assert standing.returncode == 130, err
    assert project.ask("engine", "status")["engine"]["pid"] == first

    # The active one ends: the one that is left takes over, and says so.
    project.ask("engine", "stop")
    _works_again(project, first)
    second = project.ask("engine", "status")["engine"]["pid"]
    assert f"This one works now, process {second}. Ctrl-C stops it." in _next_lines(other, 2)
    other.send_signal(signal.SIGINT)
    _, err = other.communicate(timeout=60)
    assert other.returncode == 130, err
    assert project.ask("engine", "status")["engine"] is None
