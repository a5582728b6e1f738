"""`task dlq`: dead letters as a user meets them."""

from datetime import datetime

import pytest

from tests.cli.program import Program


@pytest.fixture
def letters(project: Program) -> Program:
    """Two dead letters, t1 and t2, and a task that is none, t3."""
    for prompt in ("FAIL first", "FAIL second", "SAY fine"):
        project.ask("task", "submit", prompt, "--tag", prompt.split()[1])
    assert project("engine", "start", "--drain", "--quiet").code == 0
    return project


def ids(project: Program, *arguments: str) -> list[str]:
    return [task["id"] for task in project.ask("task", "dlq", "list", *arguments)]


def test_dead_letters_are_listed_shown_cleared_and_tried_again(letters: Program) -> None:
    assert ids(letters) == ["t1", "t2"]
    assert ids(letters, "--filter", "second") == ["t2"]
    listed = letters.inside("task", "dlq", "list").out
    assert "ABTH-ERR-046" in listed

    shown = letters.inside("task", "dlq", "show", "t1").out
    assert "this cannot be done" in shown
    assert "Attempt 1: failed" in shown
    detail = letters.ask("task", "dlq", "show", "t1")
    assert detail["cleared_at"] is None
    assert detail["attempts"][0]["error"]["code"] == "ABTH-ERR-046"
    assert letters.inside("task", "dlq", "show", "t3", "--json").code == 1

    refused = letters.inside("task", "dlq", "clear", "t1", "--json")
    assert (refused.code, refused.error["code"]) == (2, "ABTH-ERR-063")
    assert letters.ask("task", "dlq", "clear", "t1", "--yes") == [{"id": "t1", "status": "dead"}]
    assert ids(letters) == ["t2"]
    assert len(letters.ask("task", "list", "--status", "dead")) == 2

    assert letters.ask("task", "dlq", "retry", "--all") == [{"id": "t2", "status": "pending"}]
    assert ids(letters) == []
    assert letters.ask("task", "dlq", "retry", "t1") == [{"id": "t1", "status": "pending"}]


def test_each_id_is_decided_on_its_own(letters: Program) -> None:
    answer = letters.inside("task", "dlq", "clear", "t1", "t3", "t99", "--yes", "--json")

    assert answer.code == 3
    assert [(one["id"], one["status"]) for one in answer.data] == [("t1", "dead"), ("t3", "completed"), ("t99", None)]
    assert letters.inside("task", "dlq", "clear", "--filter", "second", "--yes").out == "t2 cleared\n"


@pytest.mark.parametrize("arguments", [[], ["t1", "--all"], ["--all", "--filter", "x"], ["--filter", "statu:dead"], ["12"]])
def test_a_mistaken_call_changes_nothing(project: Program, arguments: list[str]) -> None:
    for command in ("retry", "clear"):
        assert project.inside("task", "dlq", command, *arguments, "--yes").code == 2


def test_none_is_said(project: Program) -> None:
    assert "no dead letters" in project.inside("task", "dlq", "list").err
    assert project.ask("task", "dlq", "list") == []
    assert project.inside("task", "dlq", "clear", "--all").code == 0


def test_the_whole_queue_is_paused_and_goes_on(project: Program) -> None:
    project.ask("task", "submit", "SAY it")

    assert "queue is paused" in project.inside("task", "pause", "--all").out
    assert project.ask("task", "list")[0]["why"] == "queue"
    assert "(queue paused)" in project.inside("task", "list").out
    status = project.ask("status")
    assert (status["queue"]["why"], status["queue"]["by"], status["queue"]["until"]) == ("queue", "user", None)
    assert status["alerts"][0]["kind"] == "queue"
    assert "queue is paused" in project.inside("status").out

    assert project.ask("task", "resume", "--all") == {"queue": None}
    assert project.ask("status")["alerts"] == []
    assert project.ask("task", "list")[0]["why"] == ""


@pytest.mark.parametrize("command", ["pause", "resume"])
def test_ids_and_all_exclude_each_other(project: Program, command: str) -> None:
    assert project.inside("task", command).code == 2
    assert project.inside("task", command, "t1", "--all").code == 2


def test_the_time_between_death_and_retry_is_nobodys(letters: Program) -> None:
    letters.ask("task", "dlq", "retry", "t1")
    assert letters("engine", "start", "--drain", "--quiet").code == 0

    [member] = letters("result", "x1", "--json").data["members"]
    task = letters.ask("task", "show", "t1")
    worked = [_seconds(attempt["started_at"], attempt["ended_at"]) for attempt in task["attempts"]]

    assert len(worked) == 2
    assert member["seconds"] == pytest.approx(sum(worked), abs=0.003)
    assert member["seconds"] < _seconds(task["started_at"], task["finished_at"])


def _seconds(start: str, end: str) -> float:
    return (datetime.fromisoformat(end) - datetime.fromisoformat(start)).total_seconds()
