"""What goes wrong around the program: each is told by its code, with an exit code, and never with a stack trace."""

import ctypes
import json
import os
import pty
import select
import shutil
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from tests.cli.program import PROGRAM, Answer, Program
from tests.messages_server import MessagesServer, cut, error_event, refuses, says
from tests.waiting import eventually

_BOUNDING_SET_DROP, _DAC_OVERRIDE, _DAC_READ_SEARCH = 24, 1, 2


def without_privileges() -> None:
    """In a child before it starts a program: root is bound by permissions too, as anybody is (Linux)."""
    if os.geteuid() == 0:
        libc = ctypes.CDLL(None)
        for capability in (_DAC_OVERRIDE, _DAC_READ_SEARCH):
            libc.prctl(_BOUNDING_SET_DROP, capability, 0, 0, 0)


def as_anybody(program: Program, *arguments: str) -> Answer:
    done = subprocess.run(
        [PROGRAM, *arguments],
        cwd=program.folder,
        env=program.environment(),
        preexec_fn=without_privileges,
        stdin=subprocess.DEVNULL,
        capture_output=True,
        text=True,
        check=False,
    )
    return Answer(done.returncode, done.stdout, done.stderr)


@pytest.fixture
def read_only(program: Program) -> Iterator[Program]:
    """In a folder that cannot be written."""
    if os.geteuid() == 0 and sys.platform != "linux":
        pytest.skip("root is bound by nothing here")
    program.folder.chmod(0o555)
    yield program
    program.folder.chmod(0o755)


@pytest.mark.parametrize("arguments", [["init"], ["run", "hello"], ["task", "submit", "hello"], ["engine", "start"]])
def test_a_folder_that_cannot_be_written(read_only: Program, arguments: list[str]) -> None:
    answer = as_anybody(read_only, *arguments, "--json")

    assert (answer.code, answer.out) == (4, "")
    assert answer.error["code"] == "ABTH-ERR-002"
    assert str(read_only.folder) in answer.error["message"]


def test_a_project_that_cannot_be_written_can_be_read(project: Program) -> None:
    project.ask("task", "submit", "hello")
    project.inside("engine", "stop")
    data = project.folder / ".abathur"
    for path in (data, *data.iterdir()):
        path.chmod(0o500 if path.is_dir() else 0o400)
    try:
        written = as_anybody(project, "task", "submit", "more", "--json")
        read = as_anybody(project, "task", "list", "--json")
    finally:
        data.chmod(0o700)
        for path in data.iterdir():
            path.chmod(0o700)

    assert (written.code, written.error["code"]) == (4, "ABTH-ERR-002")
    assert [task["name"] for task in read.data] == ["hello"], read


@pytest.mark.parametrize("arguments", [["status"], ["task", "list"], ["task", "show", "t1"], ["result", "x1"], ["audit"], ["engine", "stop"]])
def test_without_a_project_what_reads_says_so(program: Program, arguments: list[str]) -> None:
    answer = program.inside(*arguments, "--json")

    assert (answer.code, answer.out) == (3, "")
    assert answer.error["code"] == "ABTH-ERR-001"
    assert not (program.folder / ".abathur").exists()


def test_a_damaged_database_is_told_and_left_as_it_is(project: Program) -> None:
    database = project.folder / ".abathur" / "abathur.db"
    for path in database.parent.glob("abathur.db-*"):
        path.unlink()
    database.write_bytes(b"this is no database" * 500)
    before = database.read_bytes()

    for arguments in (["status"], ["task", "submit", "hello"]):
        answer = project.inside(*arguments, "--json")
        assert (answer.code, answer.error["code"]) == (1, "ABTH-ERR-102"), answer
    assert database.read_bytes() == before


def test_a_full_disk_is_told(program: Program, tmp_path: Path) -> None:
    small = tmp_path / "small"
    small.mkdir()
    if sys.platform != "linux" or subprocess.run(["mount", "-t", "tmpfs", "-o", "size=1200k", "tmpfs", small], capture_output=True).returncode:
        pytest.skip("no small disk can be made here")
    try:
        program.folder = small
        assert program.inside("init").code == 0
        answers = [program.inside("task", "submit", f"{number}" * 100_000, "--json") for number in range(8)]
    finally:
        program.folder = tmp_path / "work"
        subprocess.run(["umount", "-l", small], check=True)

    refused = [answer for answer in answers if answer.code != 0]
    assert refused
    assert {(answer.code, answer.error["code"]) for answer in refused} == {(4, "ABTH-ERR-101")}


def test_a_project_that_is_removed_while_it_is_followed(project: Program) -> None:
    running = project.start("run", "SAY begun; WAIT never", "--quiet")
    eventually(lambda: project.ask("task", "list", "--status", "running"))

    shutil.rmtree(project.folder)
    out, err = running.communicate(timeout=60)

    assert (running.returncode, out) == (1, "")
    assert "ABTH-ERR-105" in err
    assert "Traceback" not in err


def test_mistakes_in_the_configuration_are_told_together(project: Program) -> None:
    (project.folder / ".abathur" / "config.toml").write_text("[queue]\nmax_sze = 5\nmax_retries = -1\n")

    answer = project.inside("run", "hello", "--json")

    assert (answer.code, answer.error["code"]) == (2, "ABTH-ERR-061")
    assert len(answer.error["details"]) == 2
    assert {detail["line"] for detail in answer.error["details"]} == {2, 3}


def with_server(server: MessagesServer, key: str = "test-key") -> dict[str, str]:
    return {"ABATHUR_API__RUNTIME": "anthropic", "ANTHROPIC_BASE_URL": server.url, "ANTHROPIC_API_KEY": key}


def test_the_anthropic_runtime_answers(project: Program) -> None:
    with MessagesServer([says("Hello from the model.")], key="test-key") as server:
        answer = project("run", "hello", "--json", env=with_server(server))

    assert (answer.code, answer.data["output"]) == (0, "Hello from the model."), answer.err
    assert answer.data["tokens"]["input"] > 0


def test_a_wrong_key_is_refused_and_a_right_one_goes_on(project: Program) -> None:
    with MessagesServer([says("Hello.")], key="right-key") as server:
        refused = project("run", "hello", "--json", env=with_server(server, "wrong-key"))
        drained = project("engine", "start", "--drain", "--json", env=with_server(server, "wrong-key"))
        waiting = project.ask("task", "list")
        again = project("run", "hello again", "--json", env=with_server(server, "right-key"))
        eventually(lambda: project.inside("result", "x1").code == 0)
        first = project("result", "x1")

    assert (refused.code, refused.error["code"]) == (4, "ABTH-ERR-043")
    assert refused.data["status"] == "pending"
    assert "wrong-key" not in refused.err + refused.out
    assert (drained.code, drained.error["code"]) == (4, "ABTH-ERR-043")
    assert [(task["status"], task["why"], task["state"]) for task in waiting] == [("pending", "key", "asks you")]
    assert again.code == 0, again.err
    assert first.out == "Hello."


@pytest.mark.parametrize("broken", [cut(), error_event()])
def test_a_server_that_is_gone_in_the_middle_of_its_answer_is_asked_again(project: Program, broken: Any) -> None:
    with MessagesServer([broken, says("The whole answer.")]) as server:
        answer = project("run", "hello", "--json", env=with_server(server))

    assert (answer.code, answer.data["output"]) == (0, "The whole answer."), answer.err
    detail = project.ask("task", "show", "t1")
    assert [attempt["outcome"] for attempt in detail["attempts"]] == ["retrying", "completed"]


def test_a_server_that_refuses_for_good_fails_the_task(project: Program) -> None:
    with MessagesServer([refuses(400, "invalid_request_error", "not like that")]) as server:
        answer = project("run", "hello", "--json", env=with_server(server))

    assert answer.code == 1
    assert answer.data["members"][0]["error"]["code"] == "ABTH-ERR-042"


@pytest.mark.parametrize(
    "arguments", [["--help"], ["task", "list", "--limit", "1000"], ["audit", "--json"], ["template", "list", "--json"], ["db", "export"]]
)
def test_an_output_that_nobody_reads_ends_it_quietly(project: Program, arguments: list[str]) -> None:
    project.ask("task", "submit", "hello")
    read, write = os.pipe()
    os.close(read)

    done = subprocess.run(
        [PROGRAM, *arguments], cwd=project.folder, env=project.environment(), stdout=write, stderr=subprocess.PIPE, text=True, check=False
    )
    os.close(write)

    assert (done.returncode, done.stderr) == (141, "")


def test_closed_standard_streams_harm_nothing(project: Program) -> None:
    done = subprocess.run(["sh", "-c", f"exec {PROGRAM} task submit hello <&- >&- 2>&-"], cwd=project.folder, env=project.environment(), check=False)

    assert done.returncode == 0
    assert [task["name"] for task in project.ask("task", "list")] == ["hello"]


@pytest.mark.skipif(not Path("/dev/full").exists(), reason="no /dev/full here")
def test_a_full_output_is_told_and_takes_nothing_back(project: Program) -> None:
    done = subprocess.run(
        ["sh", "-c", f"exec {PROGRAM} task submit hello --json >/dev/full"],
        cwd=project.folder,
        env=project.environment(),
        capture_output=True,
        text=True,
        check=False,
    )
    unheard = subprocess.run(
        ["sh", "-c", f"exec {PROGRAM} task show t9 >/dev/full 2>/dev/full"], cwd=project.folder, env=project.environment(), check=False
    )

    assert (done.returncode, json.loads(done.stderr)["error"]["code"]) == (1, "ABTH-ERR-120")
    assert unheard.returncode == 3
    assert [task["name"] for task in project.ask("task", "list")] == ["hello"]


@pytest.mark.skipif(not Path("/dev/full").exists(), reason="no /dev/full here")
@pytest.mark.parametrize(
    "arguments", ["db export", "db export -", "audit", "--help", "task list --help", "version", "--version", "--show-completion bash"]
)
def test_whatever_a_full_output_does_not_take_is_told(project: Program, arguments: str) -> None:
    project("task", "submit", "hello")

    done = subprocess.run(
        ["sh", "-c", f"exec {PROGRAM} {arguments} >/dev/full"],
        cwd=project.folder,
        env=project.environment(),
        capture_output=True,
        text=True,
        check=False,
    )

    assert done.returncode == 1
    assert done.stderr.startswith("Error ABTH-ERR-120: The answer could not be written to standard output")


def test_an_encoding_without_the_characters_is_no_error(project: Program) -> None:
    answer = project("run", "SAY \\u2713 done", "--quiet", env={"PYTHONIOENCODING": "ascii"})
    listed = project("task", "list", "--json", env={"PYTHONIOENCODING": "ascii"})

    assert (answer.code, answer.out) == (0, "\\u2713 done\n")
    assert listed.code == 0
    assert project("task", "list", env={"PYTHONIOENCODING": "ascii"}).code == 0


def test_a_stack_trace_is_shown_only_when_it_is_asked_for(project: Program) -> None:
    assert "Traceback" not in project.inside("task", "show", "t9").err
    assert "Traceback" in project.inside("task", "show", "t9", "--debug").err


def test_on_a_terminal_foreign_text_cannot_drive_it(project: Program) -> None:
    project("run", r"SAY \x1b]52;c;aGk=\x07\x9b2J", "--quiet")
    project.ask("task", "submit", "evil\x1b[2J\u202ename")

    shown = on_terminal(project, ["task", "result", "t1"]) + on_terminal(project, ["task", "list"]) + on_terminal(project, ["task", "show", "t1"])
    shown += on_terminal(project, ["task", "list", "--json"])

    assert "\x1b" not in shown
    assert "\x07" not in shown
    assert "\x9b" not in shown
    assert "\u202e" not in shown
    assert "␛" in shown


def on_terminal(program: Program, arguments: list[str]) -> str:
    """What a command writes to a terminal."""
    main, other = pty.openpty()
    process = subprocess.Popen(
        [PROGRAM, *arguments], cwd=program.folder, env=program.environment({"TERM": "xterm"}), stdin=other, stdout=other, stderr=other
    )
    os.close(other)
    written = b""
    while select.select([main], [], [], 20)[0]:
        try:
            piece = os.read(main, 65536)
        except OSError:
            break
        if not piece:
            break
        written += piece
    process.wait(timeout=60)
    os.close(main)
    return written.decode()


@pytest.mark.parametrize("arguments", [["run", "ABYSSAL[CODEE]('x')"], ["run", "hi", "--runtime", "nonsense"], [], ["task"]])
def test_with_json_an_error_stands_alone_on_standard_error(program: Program, arguments: list[str]) -> None:
    answer = program(*arguments, "--json")

    assert (answer.code, answer.out) == (2, "")
    assert set(json.loads(answer.err)["error"]) == {"code", "message", "hint", "details"}


def test_with_json_a_project_that_was_made_is_told_and_nothing_else(program: Program) -> None:
    answer = program("run", "hello", "--json")

    assert answer.code == 0
    assert answer.err == f"Made a project in {program.folder}.\n"


def test_where_all_of_several_tasks_are_refused_no_others_are_spoken_of(project: Program) -> None:
    answer = project("task", "cancel", "t98", "t99", "--json")

    assert answer.code == 3
    assert "others" not in answer.error["hint"]


def test_the_audit_of_a_task_that_is_not_there_is_an_error(project: Program) -> None:
    answer = project("audit", "--task", "t99", "--json")

    assert (answer.code, answer.error["code"]) == (3, "ABTH-ERR-006")


def test_utf_8_is_taken_as_such_whatever_the_locale(project: Program) -> None:
    submitted = project("task", "submit", "größer", "--json", env={"LC_ALL": "C", "PYTHONUTF8": "0", "PYTHONCOERCECLOCALE": "0"})

    assert submitted.code == 0
    assert project.ask("task", "list")[0]["name"] == "größer"


def test_every_error_says_what_to_do(project: Program) -> None:
    submitted = [
        project.inside("task", "submit", "x", option, value, "--json").error for option, value in (("--at", "yesterday"), ("--in", "5parsecs"))
    ]
    missing = [project.inside(*words, "--json").error for words in (("task", "show", "t9"), ("watch", "x9"), ("loop", "status", "l9"))]
    listed = project.inside("task", "list", "--limit", "0", "--json").error
    project("run", "SAY done", "--quiet")
    retried = project.inside("task", "retry", "t1", "--json").error

    assert [error["message"] for error in submitted] == ["--at: 'yesterday' is no date and time.", "--in: '5parsecs' is not a duration."]
    assert all(error["hint"].startswith("Write ") for error in submitted)
    assert all("`abathur task list`" in error["hint"] for error in missing)
    assert listed["message"] == "Invalid value for '--limit': it must be greater than or equal to 1."
    assert "submit it anew" in retried["hint"]


def test_a_task_that_ended_without_a_result_is_no_task_to_follow(project: Program) -> None:
    project("run", "FAIL", "--quiet")

    error = project.inside("task", "result", "t1", "--json").error
    whole = project.inside("result", "x1").err

    assert "`abathur task retry t1`" in error["hint"]
    assert "Follow it" not in error["hint"] + whole


def test_a_value_that_is_missing_is_shown_as_it_is_written(project: Program) -> None:
    assert 'write component="…"\n' in project.inside("plan", "ABYSSAL[CODE]()").err
