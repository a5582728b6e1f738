"""`task answer`, and what else waits for a person or tells that something does."""

import json
import os
import pty
import threading
from typing import Any

import pytest

from tests.cli.program import Program
from tests.waiting import eventually

ARGV = json.dumps(["/bin/sh", "-c", 'cat > /dev/null; echo "{\\"port\\": $ABATHUR_INSTANCE, \\"host\\": \\"h$ABATHUR_INSTANCE\\"}"'])
TEXT = 'ABYSSAL[DOCUMENT]("the settings", parallel=2, join={strategy: "merge", conflicts: "ask"})'


@pytest.fixture
def asked(project: Program) -> Program:
    """A project in which a run without a terminal has left two questions of t1: q1 about the port, q2 about the host."""
    project.environ["ABATHUR_RUNTIMES__COMMAND__ARGV"] = ARGV
    answer = project("run", TEXT, "--json")
    assert answer.code == 4
    assert answer.data["status"] == "running"
    assert answer.error["code"] == "ABTH-ERR-171"
    assert "abathur task answer x1" in answer.error["hint"]
    assert [detail["message"] for detail in answer.error["details"]] == [
        "q1 of t1: Which value is right for port?",
        "q2 of t1: Which value is right for host?",
    ]
    return project


def completed(project: Program, task: str = "t1") -> Any:
    """The task, once it has completed."""
    return eventually(lambda: (shown := project.ask("task", "show", task))["status"] == "completed" and shown)


def test_questions_are_listed_and_answered_by_member_option_and_value(asked: Program) -> None:
    port, _ = asked.ask("task", "answer")
    assert asked.ask("task", "list", "--status", "running")[0]["state"] == "asks you"
    assert asked.ask("status")["asking"] == 1
    assert (port["id"], port["task"], port["where"], port["answer"]) == ("q1", "t1", "port", None)
    assert port["options"] == [{"option": 1, "value": 1, "members": ["t2"]}, {"option": 2, "value": 2, "members": ["t3"]}]
    listed = asked.inside("task", "answer", "t1")
    assert "  2  h2   t3" in listed.out.splitlines()
    assert "abathur task answer q1 --option 1" in listed.err

    assert asked.ask("task", "answer", "q1", "--member", "t3")[0]["answer"] == {"value": 2, "members": ["t3"]}
    assert [one["id"] for one in asked.ask("task", "answer", "x1")] == ["q2"]
    assert asked.inside("task", "answer", "q2", "--value", "another").out == "q2 another, by user\n"

    done = completed(asked)
    assert json.loads(done["result"]) == {"port": 2, "host": "another"}
    assert [(one["rule"], one["settled"]) for one in done["join"]["conflicts"]] == [("ask", 2), ("ask", "another")]
    assert asked("watch", "x1").code == 0
    assert asked.ask("task", "answer") == []


def test_watching_without_a_terminal_ends_where_only_a_person_could_go_on(asked: Program) -> None:
    answer = asked("watch", "x1", "--json")

    assert (answer.code, answer.error["code"]) == (4, "ABTH-ERR-171")
    assert (answer.data["execution"], answer.data["status"]) == ("x1", "running")
    asked.ask("task", "answer", "t1", "--option", "1")
    assert asked("watch", "x1").code == 0


def test_watching_a_loop_without_a_terminal_ends_where_only_a_person_could_go_on(project: Program) -> None:
    project.environ["ABATHUR_RUNTIMES__COMMAND__ARGV"] = ARGV
    settings = 'ABYSSAL[RESEARCH]("the settings", parallel=2, join={strategy: "merge", conflicts: "ask"})'
    asking = f'ABYSSAL[DOCUMENT]("them", measure="echo 1", metric="n", target=1, direction="maximize", sources=[{settings}])'
    project("run", asking, "--detach")

    answer = project("loop", "watch", "l1", "--json")

    assert (answer.code, answer.error["code"]) == (4, "ABTH-ERR-171")
    assert (answer.data["loop"], answer.data["status"]) == ("l1", "running")
    project("task", "answer", "x1", "--option", "1")
    assert project("loop", "watch", "l1").code == 0


def test_all_questions_of_a_task_are_answered_at_once(asked: Program) -> None:
    assert asked.inside("task", "answer", "t1", "--option", "1").out == "q1 1, by user\nq2 h1, by user\n"
    assert json.loads(completed(asked)["result"]) == {"port": 1, "host": "h1"}


def test_what_cannot_be_answered_is_told_and_changes_nothing(asked: Program) -> None:
    for arguments, code, message in (
        (("q1", "--option", "3"), 2, "q1 has no option 3; it has 2."),
        (("q1", "--member", "t9"), 2, "t9 states nothing for q1."),
        (("q9", "--option", "1"), 3, "There is no question q9."),
        (("t9",), 3, "There is no task t9."),
        (("9",), 2, "'9' is no id of a question, a task or an execution."),
        (("--option", "1"), 2, "An answer needs a question."),
        (("q1", "--option", "1", "--value", "2"), 2, "--member, --option, --value and --text exclude each other."),
    ):
        answer = asked.inside("task", "answer", *arguments)
        assert answer.code == code, answer
        assert message in answer.err
    assert len(asked.ask("task", "answer")) == 2


def test_an_answer_is_given_once(asked: Program) -> None:
    asked.ask("task", "answer", "q1", "--option", "1")

    again = asked.inside("task", "answer", "q1", "q2", "--option", "2", "--json")
    assert again.code == 1
    assert again.error["message"] == "q1 was answered already, by user."
    assert [one["answer"]["value"] for one in again.data] == [1, "h2"]


def test_a_drain_leaves_what_waits_for_a_person(asked: Program) -> None:
    assert asked("engine", "start", "--drain").code == 0
    asked.inside("engine", "stop")
    assert asked("engine", "start", "--drain").code == 0
    assert asked.ask("task", "show", "t1")["why"] == "asks"


def test_on_a_terminal_it_is_waited_for_and_said(project: Program) -> None:
    project.environ |= {"ABATHUR_RUNTIMES__COMMAND__ARGV": ARGV, "TERM": "xterm"}
    master, slave = pty.openpty()
    running = project.start("run", TEXT, stderr=slave)
    os.close(slave)
    said: list[bytes] = []

    def read() -> None:
        try:
            while piece := os.read(master, 4096):
                said.append(piece)
        except OSError:
            return  # it has ended

    reader = threading.Thread(target=read)
    reader.start()
    eventually(lambda: b"abathur task answer t1" in b"".join(said))
    assert running.poll() is None
    project.ask("task", "answer", "t1", "--option", "2")
    out, _ = running.communicate(timeout=60)
    reader.join()
    os.close(master)

    assert running.returncode == 0
    assert json.loads(out) == {"port": 2, "host": "h2"}


def test_the_file_of_a_project_that_asks_says_who_asked_and_who_answered(asked: Program) -> None:
    asked.ask("task", "answer", "t1", "--option", "1")
    events = [(one["actor"], one["action"]) for one in asked("audit", "--json", "--task", "t1").records if one["action"].startswith("question.")]

    assert events == [("t1", "question.asked")] * 2 + [("user", "question.answered")] * 2
