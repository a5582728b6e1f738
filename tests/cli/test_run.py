"""`run`, `watch`, `result`: a text in, its result out."""

import json
import os
import signal
from pathlib import Path

import pytest

from tests.cli.program import Program
from tests.waiting import eventually

RESULT_KEYS = {
    "execution",
    "key",
    "status",
    "output",
    "quality",
    "conflicts",
    "summary",
    "members",
    "joins",
    "tokens",
    "cost_usd",
    "seconds",
    "critical_path",
    "purged_at",
}
MEMBER_KEYS = {"task", "name", "instance", "status", "error", "seconds", "tokens", "cost_usd", "contribution", "fallback"}


def has_begun(project: Program) -> bool:
    """Whether the agent of the first task has said something."""
    shown = project.inside("task", "show", "t1", "--json")
    return shown.code == 0 and bool(shown.data["partial"])


def test_a_prompt_is_answered_in_a_folder_without_a_project(program: Program) -> None:
    answer = program("run", "SAY hello there")

    assert answer.code == 0, answer.err
    assert answer.out == "hello there\n"
    assert f"Made a project in {program.folder}" in answer.err
    assert "completed" in answer.err


def test_quiet_leaves_only_the_result(project: Program) -> None:
    answer = project("run", "SAY hello", "--quiet")

    assert (answer.code, answer.out, answer.err) == (0, "hello\n", "")


def test_quiet_still_says_why_it_failed(project: Program) -> None:
    answer = project("run", "ABYSSAL[RESEARCH]('FAIL', retries=0)", "--quiet")

    assert (answer.code, answer.out) == (1, "")
    assert answer.err.startswith("x1 failed: ")


def test_a_document_gives_its_whole_result_as_json(project: Program) -> None:
    answer = project("run", 'first = ABYSSAL[RESEARCH]("SAY one")\nABYSSAL[CODE](first, language="SAY two")', "--json")

    assert answer.code == 0, answer.err
    result = answer.data
    assert set(result) == RESULT_KEYS
    assert all(set(member) == MEMBER_KEYS for member in result["members"])
    assert result["status"] == "completed"
    assert [member["status"] for member in result["members"]] == ["completed"] * 3
    assert result["quality"] == {"score": None, "confidence": None, "criteria": []}
    assert result["conflicts"] == []
    assert set(result["tokens"]) == {"input", "output"}
    assert set(result["critical_path"]) >= {member["task"] for member in result["members"]}
    assert result["summary"].startswith("All 3 tasks completed")
    again = project.inside("result", result["execution"], "--json")
    assert {**again.data, "seconds": 0} == {**result, "seconds": 0}
    assert project.inside("result", result["execution"]).out.strip() == result["output"].strip()


def test_a_file_and_standard_input_are_texts_too(project: Program) -> None:
    (project.folder / "task.md").write_text("SAY from a file")

    assert project("run", "task.md").out == "from a file\n"
    assert project("run", "-", input="SAY from input").out == "from input\n"


def test_what_fails_exits_with_1_and_says_why(project: Program) -> None:
    for_people = project("run", "FAIL")
    for_programs = project("run", "FAIL", "--json")

    assert for_people.code == for_programs.code == 1
    assert "ABTH-ERR-046" in for_people.err
    assert for_programs.data["status"] in ("failed", "dead")
    assert for_programs.data["members"][0]["error"]["code"] == "ABTH-ERR-046"
    assert project.inside("result", for_programs.data["execution"]).code == 1


def test_a_transient_failure_is_tried_again(project: Program) -> None:
    answer = project("run", "AGAIN; SAY at last")

    assert (answer.code, answer.out) == (0, "at last\n"), answer.err


def test_the_agent_sees_where_it_is(project: Program) -> None:
    names = ["ABATHUR_PROJECT", "ABATHUR_EXECUTION", "ABATHUR_TASK", "ABATHUR_ATTEMPT", "ABATHUR_INSTANCE", "ABATHUR_INSTANCES"]

    answer = project("run", "; ".join(f"ENV {name}" for name in names), "--quiet")

    assert answer.out.split() == [str(project.folder), "x1", "t1", "1", "1", "1"]


def test_detached_it_runs_by_itself(project: Program) -> None:
    answer = project("run", "WAIT go; SAY gone", "--detach", "--json")

    assert answer.code == 0, answer.err
    name = answer.data["execution"]
    assert answer.data == {"execution": name}
    unfinished = project.inside("result", name)
    assert unfinished.code == 1
    assert "ABTH-ERR-107" in unfinished.err
    watching = project.start("watch", name, "--json")
    (project.folder / "go").touch()
    out, err = watching.communicate(timeout=60)
    assert watching.returncode == 0, err
    assert json.loads(out)["output"].strip() == "gone"


def test_an_interrupt_ends_watching_and_not_the_work(project: Program) -> None:
    project.ask("run", "SAY begun; WAIT go", "--detach")
    watching = project.start("watch", "x1")
    project.at_work(watching)
    eventually(lambda: has_begun(project))

    watching.send_signal(signal.SIGINT)
    out, err = watching.communicate(timeout=60)

    assert (watching.returncode, out) == (130, "")
    assert "Traceback" not in err
    assert project.ask("task", "show", "t1")["status"] == "running"


@pytest.mark.parametrize("name", ["x99"])
def test_an_execution_that_is_not_there_is_not_found(project: Program, name: str) -> None:
    for command in ("watch", "result"):
        answer = project.inside(command, name, "--json")
        assert answer.code == 3
        assert answer.error["code"] == "ABTH-ERR-006"


def test_the_first_interrupt_cancels_and_waits(project: Program) -> None:
    running = project.start("run", "SAY begun; WAIT never", "--json", "-v")
    eventually(lambda: has_begun(project))

    running.send_signal(signal.SIGINT)
    out, err = running.communicate(timeout=60)

    assert running.returncode == 130
    assert "Cancelling x1" in err
    assert "Traceback" not in err
    assert json.loads(out)["status"] == "cancelled"
    assert project.ask("task", "show", "t1")["partial"].startswith("begun")


def test_an_interrupt_waits_for_every_agent_of_the_execution(project: Program) -> None:
    running = project.start("run", 'ABYSSAL[RESEARCH]("SAY begun; WAIT never")\nABYSSAL[RESEARCH]("SAY begun; WAIT never")', "--json")
    eventually(lambda: len(project.ask("task", "list", "--status", "running")) == 2)

    running.send_signal(signal.SIGINT)
    out, _ = running.communicate(timeout=60)

    assert running.returncode == 130
    assert [member["status"] for member in json.loads(out)["members"]] == ["cancelled", "cancelled"]


def test_the_second_interrupt_leaves_at_once(project: Program, tmp_path: Path) -> None:
    said = tmp_path / "said"
    with said.open("w") as stderr:
        running = project.start("run", "TERM-PROOF; SAY begun; WAIT never", stderr=stderr)
    eventually(lambda: has_begun(project))

    running.send_signal(signal.SIGINT)
    eventually(lambda: "Cancelling" in said.read_text())
    running.send_signal(signal.SIGINT)

    running.communicate(timeout=60)
    assert running.returncode == 130
    assert "x1: " not in said.read_text(), "it did not wait for the end that it would have told; its agent takes two seconds to be killed"


def test_an_interrupt_before_anything_is_queued_leaves_nothing(project: Program) -> None:
    pipe = project.folder / "pipe"
    os.mkfifo(pipe)
    running = project.start("run", str(pipe))
    with pipe.open("w"):  # it is reading its text now
        running.send_signal(signal.SIGINT)
        out, err = running.communicate(timeout=60)

    assert (running.returncode, out) == (130, "")
    assert "Traceback" not in err
    assert project.ask("task", "list") == []


def test_run_goes_on_when_its_engine_is_killed(project: Program) -> None:
    running = project.start("run", "SAY begun; WAIT go; SAY done", "--quiet")
    engine = eventually(lambda: project.ask("task", "list", "--status", "running") and project.ask("engine", "status")["engine"])

    os.kill(engine["pid"], signal.SIGKILL)
    (project.folder / "go").touch()
    out, err = running.communicate(timeout=60)

    assert running.returncode == 0, err
    assert out.endswith("done\n")


def test_nothing_that_can_answer_is_told_before_anything_is_queued(project: Program) -> None:
    answer = project.inside("run", "hello", "--json", env={"ABATHUR_RUNTIMES__COMMAND__ARGV": "[]"})

    assert answer.code == 4
    assert answer.error["code"] == "ABTH-ERR-044"
    assert answer.error["hint"]
    assert project.ask("task", "list") == []


def test_the_texts_of_an_agent_reach_a_pipe_unchanged(project: Program) -> None:
    answer = project("run", r"SAY \x1b[2Jcleared\x07", "--quiet")

    assert answer.out == "\x1b[2Jcleared\x07\n"


def test_a_full_queue_refuses(project: Program) -> None:
    answer = project.inside("run", 'ABYSSAL[CODE]("x")', "--json", env={"ABATHUR_QUEUE__MAX_SIZE": "1"})

    assert answer.code == 4
    assert answer.error["code"] == "ABTH-ERR-005"


def test_a_file_that_is_not_there_is_not_found(project: Program) -> None:
    answer = project.inside("run", "release.abyssal", "--json")

    assert (answer.code, answer.error["code"]) == (3, "ABTH-ERR-006")
    assert Path(project.folder / ".abathur").is_dir()
