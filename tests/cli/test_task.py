"""`task`: the queue from the command line, without an engine at work unless a test says so."""

import json
import re

import pytest

from tests.cli.program import Program

TASK_KEYS = {
    "id",
    "execution",
    "parent",
    "kind",
    "name",
    "template",
    "agent",
    "status",
    "why",
    "state",
    "progress",
    "priority",
    "attempt",
    "depends_on",
    "tags",
    "created_at",
    "started_at",
    "finished_at",
    "error",
    "tokens",
    "cost_usd",
}


def test_a_submit_is_listed_and_shown(project: Program) -> None:
    submitted = project.json("task", "submit", "Write a changelog", "--priority", "high", "--tag", "docs", "--tag", "nightly", "--retries", "1")

    assert submitted == {"execution": "x1", "task": "t1"}
    (task,) = project.json("task", "list")
    assert set(task) >= TASK_KEYS
    assert (task["id"], task["execution"], task["status"], task["priority"]) == ("t1", "x1", "pending", 8)
    assert task["tags"] == ["docs", "nightly"]
    assert re.fullmatch(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{3}Z", task["created_at"])
    assert (task["error"], task["started_at"], task["tokens"]) == (None, None, {"input": 0, "output": 0})
    detail = project.json("task", "show", "t1")
    assert set(detail) >= TASK_KEYS | {"prompt", "result", "attempts", "turns", "events"}
    assert detail["result"] is None
    shown = project("task", "show", "t1")
    assert "Write a changelog" in shown.out
    assert "Write a changelog" in project("task", "list").out


def test_a_template_takes_parameters_and_its_subject(project: Program) -> None:
    (project.folder / "parameters.json").write_text('{"language": "rust", "style": "plain"}')

    assert project.inside("task", "submit", "--template", "CODE", "--param", "component=auth", "--params", "parameters.json").code == 0
    assert project.inside("task", "submit", "auth", "--template", "CODE", "--param", 'language="go"').code == 0
    assert project.inside("task", "submit", "--template", "CODE", "--input", "-", input="auth").code == 0

    tasks = [task for task in project.ask("task", "list", "--filter", "template:CODE") if task["kind"] == "agent"]
    assert len(tasks) == 3
    assert (
        project.ask("task", "show", tasks[0]["id"])["parameters"] | {"language": "rust"} == project.ask("task", "show", tasks[0]["id"])["parameters"]
    )


@pytest.mark.parametrize(
    ("arguments", "code", "part"),
    [
        (["--template", "CODEE"], "ABTH-ERR-112", "CODEE"),
        (["--template", "CODE"], "ABTH-ERR-113", "component"),
        (["--template", "CODE", "--param", "component=x", "--param", "languag=go"], "ABTH-ERR-114", "languag"),
        (["ABYSSAL[CODE]('x'"], "ABTH-ERR-111", "closed"),
        (["hello", "--budget", "5"], "ABTH-ERR-119", "budget"),
        (["hello", "--cron", "61 * * * *"], "ABTH-ERR-063", "minute"),
        (["hello", "--cron", "0 7 * * *", "--timezone", "Mars"], "ABTH-ERR-063", "Mars"),
        (["hello", "--cron", "0 7 * * *", "--in", "2h"], "ABTH-ERR-063", "--in"),
        (["hello", "--timezone", "UTC"], "ABTH-ERR-063", "--cron"),
        (["hello", "--at", "2026-01-31T18:30", "--in", "2h"], "ABTH-ERR-063", "--in"),
        (["hello", "--priority", "11"], "ABTH-ERR-115", "priority"),
        (["hello", "--agent", "testr"], "ABTH-ERR-024", "testr"),
        (["hello", "--param", "a=b"], "ABTH-ERR-063", "--param"),
        (["ABYSSAL[CODE]('x')", "--priority", "8"], "ABTH-ERR-063", "--priority"),
        (["hello", "--at", "tomorrow"], "ABTH-ERR-063", "--at"),
        ([], "ABTH-ERR-063", "nothing to submit"),
        (["hello", "--runtime", "claud"], "ABTH-ERR-063", "claud"),
    ],
)
def test_a_mistaken_submit_queues_nothing(project: Program, arguments: list[str], code: str, part: str) -> None:
    answer = project.inside("task", "submit", *arguments, "--json")

    assert (answer.code, answer.out) == (2, "")
    assert answer.error["code"] == code
    assert part in json.dumps(answer.error, ensure_ascii=False)
    assert project.ask("task", "list") == []


def test_a_dash_is_standard_input(project: Program) -> None:
    project.ask("task", "submit", "-", input="tidy up\n")

    assert project.ask("task", "show", "t1")["prompt"] == "tidy up\n"
    assert project.inside("task", "submit", "-", input="").code == 2


def test_tasks_wait_for_others_and_for_a_time(project: Program) -> None:
    project.ask("task", "submit", "first")
    project.ask("task", "submit", "second", "--after", "t1")
    project.ask("task", "submit", "third", "--in", "2h")

    first, second, third = sorted(project.ask("task", "list"), key=lambda task: str(task["id"]))
    assert second["depends_on"] == [first["id"]]
    assert second["status"] == "waiting"
    assert third["due_at"] is not None
    assert project.inside("task", "submit", "fourth", "--after", "t99", "--json").code == 3


def test_a_list_is_filtered_sorted_and_cut(project: Program) -> None:
    for name, priority in (("red apple", "2"), ("green apple", "9"), ("pear", "5")):
        project.ask("task", "submit", name, "--priority", priority)

    def names(*arguments: str) -> list[str]:
        return [task["name"] for task in project.ask("task", "list", *arguments)]

    assert names() == ["green apple", "pear", "red apple"]
    assert names("--filter", "apple priority>=3") == ["green apple"]
    assert names("--filter", "-apple") == ["pear"]
    assert names("--filter", "age<1h status:pending", "--sort", "name", "--limit", "2") == ["green apple", "pear"]
    assert names("--sort", "-name") == ["red apple", "pear", "green apple"]
    assert names("--status", "failed") == []
    assert "No task is like that" in project.inside("task", "list", "--status", "failed").err
    mistaken = project.inside("task", "list", "--filter", "statu:failed", "--json")
    assert mistaken.code == 2
    assert mistaken.error["details"][0]["suggestion"] == "status"


def test_each_id_is_changed_on_its_own_and_the_exit_is_the_worst(project: Program) -> None:
    project.ask("task", "submit", "one")
    project.ask("task", "submit", "two")

    cancelled = project.inside("task", "cancel", "t1", "t99", "t2", "--json")
    assert cancelled.code == 3
    assert [(change["id"], change["status"]) for change in cancelled.data] == [("t1", "cancelled"), ("t99", None), ("t2", "cancelled")]
    assert cancelled.error["code"] == "ABTH-ERR-006"
    assert project.inside("task", "pause", "t1", "--json").code == 1
    assert project.ask("task", "retry", "t1") == [{"id": "t1", "status": "pending"}]
    assert project.ask("task", "pause", "t1") == [{"id": "t1", "status": "paused"}]
    assert project.ask("task", "resume", "t1") == [{"id": "t1", "status": "pending"}]
    assert project.ask("task", "reprioritize", "t1", "--priority", "critical") == [{"id": "t1", "status": "pending"}]
    assert project.ask("task", "show", "t1")["priority"] == 10
    assert project.inside("task", "reprioritize", "t1", "--priority", "11").code == 2
    assert project.inside("task", "cancel", "x1").out == "t1 cancelled\n"


def test_a_result_is_the_text_and_nothing_else(project: Program) -> None:
    project.ask("task", "submit", "SAY the answer")
    before = project.inside("task", "result", "t1")
    assert (before.code, before.out) == (1, "")
    assert "ABTH-ERR-107" in before.err

    assert project("engine", "start", "--drain", "--quiet").code == 0

    assert project("task", "result", "t1").out == "the answer\n"
    assert project.ask("task", "result", "t1")["result"].strip() == "the answer"
    detail = project.ask("task", "show", "t1")
    assert [attempt["outcome"] for attempt in detail["attempts"]] == ["completed"]
    assert [turn["text"].strip() for turn in detail["turns"]] == ["the answer"]
    assert {event["action"] for event in detail["events"]} >= {"task.pending", "task.running", "task.completed"}


def test_a_running_task_is_cancelled_within_its_five_seconds(project: Program) -> None:
    submitted = project.inside("task", "submit", "SAY begun; WAIT never", "--json")
    assert project.inside("engine", "start", "--detach").code == 0

    answer = project("task", "cancel", submitted.data["task"], "--json")

    assert (answer.code, answer.data) == (0, [{"id": "t1", "status": "cancelled"}])


def test_waiting_gives_what_run_gives(project: Program) -> None:
    answer = project("task", "submit", "SAY waited for", "--wait", "--json")

    assert answer.code == 0, answer.err
    assert answer.data["output"].strip() == "waited for"
    assert answer.data["status"] == "completed"
