"""`task batch-submit`: several tasks as one execution, all or none."""

import json

from tests.cli.program import Program


def lines(*objects: object) -> str:
    return "\n".join(map(json.dumps, objects))


def test_the_tasks_wait_for_those_that_they_name(project: Program) -> None:
    text = lines(
        {"id": "second", "prompt": "SAY two", "after": ["first"], "priority": "high", "tag": "x"},
        {"id": "first", "template": "RESEARCH", "params": {"question": "SAY one"}},
        {"prompt": 'ABYSSAL[CODE]("SAY three", language="go")', "after": "second"},
    )

    answer = project.ask("task", "batch-submit", "-", input=text)

    assert answer["execution"] == "x1"
    second, first, third = (project.ask("task", "show", task) for task in answer["tasks"])
    assert second["depends_on"] == [first["id"]]
    assert (second["priority"], second["tags"]) == (8, ["x"])
    assert first["template"] == "RESEARCH"
    assert third["kind"] == "join"
    steps = [task for task in project.ask("task", "list") if task["parent"] == third["id"] and task["status"] == "waiting"]
    assert any(task["depends_on"] == [second["id"]] for task in steps)
    project("engine", "start", "--drain")
    result = project.ask("result", "x1")
    assert result["status"] == "completed"
    assert all(word in result["output"] for word in ("one", "two", "three"))


def test_one_task_needs_no_join(project: Program) -> None:
    answer = project.ask("task", "batch-submit", "-", input='{"prompt": "SAY alone"}')

    assert answer == {"execution": "x1", "tasks": ["t1"]}


def test_a_failed_task_need_not_hold_up_those_that_wait_for_it(project: Program) -> None:
    text = lines(
        {"id": "a", "prompt": 'ABYSSAL[RESEARCH]("q", style="FAIL", retries=0)'},
        {"prompt": "SAY on", "after": ["a"], "ignore-dependency-failure": True},
        {"prompt": "SAY never", "after": ["a"]},
    )

    tasks = project.ask("task", "batch-submit", "-", input=text)["tasks"]
    project("engine", "start", "--drain")

    assert [project.ask("task", "show", task)["status"] for task in tasks] == ["dead", "completed", "failed"]


def test_all_mistakes_are_told_and_nothing_is_queued(project: Program) -> None:
    text = lines(
        {"id": "a", "prompt": "x", "after": ["first"]},
        {"id": "first1", "prompt": "x", "agent": "nobody"},
        {"id": "a", "prompt": "x", "at": "noon"},
        {"id": "a", "prompt": "x"},
        {"params": {}},
    )

    answer = project.inside("task", "batch-submit", "-", "--json", input=text)

    assert answer.code == 2
    assert sorted(detail["line"] for detail in answer.error["details"]) == [1, 2, 3, 4, 5]
    assert project.ask("task", "list") == []


def test_a_circle_is_shown(project: Program) -> None:
    text = lines({"id": "a", "prompt": "x", "after": "b"}, {"id": "b", "prompt": "x", "after": "a"}, {"prompt": "x", "after": "a"})

    answer = project.inside("task", "batch-submit", "-", "--json", input=text)

    assert answer.error["code"] == "ABTH-ERR-008"
    assert "a → b → a" in answer.error["message"]
    assert project.inside("task", "batch-submit", "-", input="[]").code == 2
