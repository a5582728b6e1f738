"""Tasks that start later, and again and again."""

import json
from datetime import datetime, timedelta

import pytest

from tests.cli.program import Program

KEYS = {"id", "name", "cron", "timezone", "state", "next_at", "last_at", "last_execution", "runs", "skipped", "error", "created_at", "by"}


def test_a_recurring_task_is_kept_listed_paused_and_removed(project: Program) -> None:
    made = project.ask("task", "submit", "SAY news", "--cron", "0 7 * * 1-5", "--timezone", "Europe/Berlin", "--priority", "high")

    assert (made["schedule"], made["execution"], made["task"]) == ("s1", None, None)
    (listed,) = project.ask("task", "schedule", "list")
    assert set(listed) == KEYS
    assert (listed["name"], listed["state"], listed["next_at"], listed["by"]) == ("SAY news", "active", made["next_at"], "user")
    assert "0 7 * * 1-5" in project.inside("task", "schedule", "list").out
    shown = project.ask("task", "schedule", "show", "s1")
    assert (shown["next"][0], len(shown["next"])) == (made["next_at"], 5)
    assert "Europe/Berlin" in project.inside("task", "schedule", "show", "s1").out
    assert project.ask("task", "list") == []

    assert project.ask("task", "schedule", "pause", "s1") == [{"id": "s1", "state": "paused"}]
    assert project.inside("task", "schedule", "pause", "s1").code == 1
    assert project.ask("task", "schedule", "resume", "s1") == [{"id": "s1", "state": "active"}]
    assert project.inside("task", "schedule", "remove", "s1").code == 2
    assert project.ask("task", "schedule", "remove", "s1", "--yes") == [{"id": "s1", "state": None}]
    assert project.ask("task", "schedule", "list") == []
    for command in ("show", "pause", "resume"):
        assert project.inside("task", "schedule", command, "s1").code == 3


def test_a_template_and_a_document_recur_too(project: Program) -> None:
    project.ask("task", "submit", "auth", "--template", "CODE", "--cron", "@daily")
    project.ask("task", "submit", 'a = ABYSSAL[CODE]("x")\nABYSSAL[TEST](a)', "--cron", "@weekly")

    assert [one["cron"] for one in project.ask("task", "schedule", "list")] == ["0 0 * * *", "0 0 * * 0"]


def test_a_due_time_is_submitted_by_an_engine_and_a_drain_leaves_the_next_one(project: Program) -> None:
    project.ask("task", "submit", "SAY news", "--cron", "@yearly")  # not every minute: one may begin while this runs
    soon = datetime.now() - timedelta(minutes=5)
    project.due_since("schedules", soon.timestamp())

    assert project("engine", "start", "--drain", "--quiet").code == 0

    (task,) = project.ask("task", "list")
    assert (task["status"], project.ask("task", "show", task["id"])["schedule"]) == ("completed", "s1")
    assert "s1" in project.inside("task", "show", task["id"]).out
    (schedule,) = project.ask("task", "schedule", "list")
    assert (schedule["runs"], schedule["last_execution"], schedule["state"]) == (1, "x1", "active")


def test_a_task_starts_at_a_moment_with_or_without_a_zone(project: Program) -> None:
    later = datetime.now().replace(microsecond=0) + timedelta(hours=3)
    project.ask("task", "submit", "one", "--at", later.isoformat())
    project.ask("task", "submit", "two", "--at", later.astimezone().isoformat())
    project.ask("task", "submit", "three", "--at", "2020-01-01")

    tasks = {task["name"]: task for task in project.ask("task", "list")}
    assert tasks["one"]["due_at"] == tasks["two"]["due_at"]
    assert (tasks["one"]["why"], tasks["three"]["why"], tasks["three"]["due_at"]) == ("time", "", None)


@pytest.mark.parametrize("option", [("--in", "99999999d"), ("--in", "9" * 30), ("--at", "9999-12-31T23:59-05:00"), ("--at", "0001-01-01")])
def test_a_moment_outside_of_the_calendar_is_refused(project: Program, option: tuple[str, str]) -> None:
    answer = project.inside("task", "submit", "one", *option, "--json")

    assert (answer.code, answer.error["code"]) == (2, "ABTH-ERR-063")
    assert project.ask("task", "list") == []


def test_one_that_stands_in_the_file_hides_no_other_task(project: Program) -> None:
    project.ask("task", "submit", "one", "--in", "2h")
    project.ask("task", "submit", "two")
    project.due_since("tasks", 1e15)

    assert {task["name"]: task["due_at"] for task in project.ask("task", "list")} == {"one": "9999-12-31T23:59:59.000Z", "two": None}
    assert project.inside("task", "show", "t1").code == 0


def test_each_line_of_a_batch_may_start_at_its_own_time(project: Program) -> None:
    lines = [{"id": "a", "prompt": "one", "in": "2h"}, {"prompt": "two", "after": ["a"], "at": "2036-01-01T00:00Z"}, {"prompt": "three", "in": 0}]

    project.ask("task", "batch-submit", "-", input="\n".join(map(json.dumps, lines)))

    tasks = {task["name"]: task for task in project.ask("task", "list")}
    assert (tasks["one"]["status"], tasks["one"]["why"]) == ("pending", "time")
    assert (tasks["two"]["status"], tasks["two"]["due_at"]) == ("waiting", "2036-01-01T00:00:00.000Z")
    assert tasks["three"]["due_at"] is None


def test_a_mistaken_time_in_a_batch_queues_nothing(project: Program) -> None:
    lines = [
        {"prompt": "a", "in": "soon"},
        {"prompt": "b", "at": "noon"},
        {"prompt": "c", "cron": "@daily"},
        {"prompt": "d", "at": 5},
        {"prompt": "f", "in": 1e300},
    ]

    answer = project.inside(
        "task", "batch-submit", "-", "--json", input="\n".join(map(json.dumps, [*lines, {"prompt": "e", "at": "2030-01-01", "in": 5}]))
    )

    assert answer.code == 2
    assert len(answer.error["details"]) == 6
    assert project.ask("task", "list") == []
