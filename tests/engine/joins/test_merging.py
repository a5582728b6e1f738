"""The merge: one object of all objects, one file of all versions of it, and every conflict settled by the rule."""

import asyncio
import json
import subprocess
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from abathur_tui.domain.plan import ConflictRule, JoinStrategy
from abathur_tui.domain.status import Status
from abathur_tui.engine.joins.file_merge import Hunk, NoMerge, joined, three_way
from abathur_tui.processes import Children
from abathur_tui.storage import views
from tests.engine.bench import Bench
from tests.engine.joins.team import answering, choices, report, team
from tests.scripted import Script, Wait
from tests.waiting import eventually_async


def file(text: str, path: str = "src/app.py") -> str:
    """A result with a file."""
    return f"Here it is.\n\n### `{path}`\n\n```python\n{text}```\n"


async def merged(project: Bench, *members: str, **how: Any) -> tuple[list[int], str, Any]:
    *tasks, join = team(project, JoinStrategy.MERGE, *members, **how)
    await project.drain()
    assert project.task(join).status is Status.COMPLETED, project.task(join).error
    return tasks, project.result(join) or "", report(project, join)


async def test_objects_become_one(bench: Callable[[Script], Bench]) -> None:
    _, text, said = await merged(bench(answering()), '{"a": 1, "tags": ["x"]}', 'So:\n```json\n{"b": {"c": 2}, "tags": ["y"]}\n```')

    assert json.loads(text) == {"a": 1, "tags": ["x", "y"], "b": {"c": 2}}
    assert said["conflicts"] == []
    assert [one["note"] for one in said["contributions"]] == ["2 values", "2 values"]


@pytest.mark.parametrize(
    ("rule", "port", "reason"),
    [
        (None, 2, "t2 has the highest priority"),
        (ConflictRule.PRIORITY, 2, "t2 has the highest priority"),
        (ConflictRule.MAJORITY, 1, "2 of 3 say so"),
        (ConflictRule.JUDGE, 2, "better founded"),
    ],
)
async def test_a_conflict_is_settled_by_the_rule(bench: Callable[[Script], Bench], rule: ConflictRule | None, port: int, reason: str) -> None:
    project = bench(answering(judge=choices(2)))

    tasks, text, said = await merged(project, '{"port": 1}', '{"port": 2}', '{"port": 1}', priorities=(3, 8, 3), conflicts=rule)

    assert json.loads(text) == {"port": port}
    assert said["conflicts"] == [
        {
            "kind": "key",
            "where": "port",
            "values": [{"value": 1, "members": [tasks[0], tasks[2]]}, {"value": 2, "members": [tasks[1]]}],
            "rule": str(rule or ConflictRule.PRIORITY),
            "settled": port,
            "reason": reason,
        }
    ]


async def test_at_equal_priority_the_first_one_is_right(bench: Callable[[Script], Bench]) -> None:
    _, text, said = await merged(bench(answering()), '{"port": 1}', '{"port": 2}')

    assert json.loads(text) == {"port": 1}
    assert said["conflicts"][0]["reason"] == "t1 comes first"
    assert [one["note"] for one in said["contributions"]] == [
        "1 value, 1 of 1 conflict settled its way",
        "1 value, 0 of 1 conflict settled its way",
    ]


async def test_the_newest_is_the_one_that_was_done_last(bench: Callable[[Script], Bench]) -> None:
    plain = answering()
    one_is_done = asyncio.Event()
    project = bench(lambda request: [*([Wait(one_is_done)] if '"port": 1' in request.messages[0].text else []), *plain(request)])

    async def let_go() -> None:
        await eventually_async(lambda: project.database.read_now(views.counts)[Status.COMPLETED] == 1)
        one_is_done.set()

    (_, text, said), _ = await asyncio.gather(merged(project, '{"port": 1}', '{"port": 2}', conflicts=ConflictRule.NEWEST), let_go())

    assert json.loads(text) == {"port": 1}
    assert said["conflicts"][0]["reason"] == "t1 was done last"


async def test_a_member_that_answers_rubbish_counts_as_missing(bench: Callable[[Script], Bench]) -> None:
    project = bench(answering())

    _, text, said = await merged(project, '{"a": 1}', "no idea", '{"b": 2}', share=0.5)

    assert json.loads(text) == {"a": 1, "b": 2}
    assert said["missing"] == ["n2 (2 of 3) (t2) gave neither a JSON object nor files"]


async def test_too_much_rubbish_fails_the_join(bench: Callable[[Script], Bench]) -> None:
    project = bench(answering())
    *_, join = team(project, JoinStrategy.MERGE, '{"a": 1}', "no idea")
    await project.drain()

    error = project.task(join).error
    assert error is not None
    assert (error.code, project.task(join).status) == ("ABTH-ERR-131", Status.FAILED)
    assert "n2 (2 of 2) (t2) gave neither a JSON object nor files" in error.message


async def test_a_judge_that_cannot_decide_is_asked_twice_and_fails_the_join(bench: Callable[[Script], Bench]) -> None:
    project = bench(answering(judge="Hard to say."))
    *_, join = team(project, JoinStrategy.MERGE, '{"a": 1}', '{"a": 2}', conflicts=ConflictRule.JUDGE)
    await project.drain()

    error = project.task(join).error
    assert error is not None
    assert error.code == "ABTH-ERR-132"
    assert error.message == "Contradictions in all gave no usable answer, twice (t5): there is no JSON object in it."
    assert "Your last answer could not be used: there is no JSON object in it. It was:\n\nHard to say." in project.prompts()[-1]


async def test_changes_in_different_places_of_a_project_file_come_together(bench: Callable[[Script], Bench]) -> None:
    project = bench(answering())
    lines = [f"line {number}\n" for number in range(1, 10)]
    (project.folder / "src").mkdir()
    (project.folder / "src" / "app.py").write_text("".join(lines))

    _, text, said = await merged(project, file("".join(["first\n", *lines[1:]])), file("".join([*lines[:-1], "last\n"])))

    assert "first\nline 2" in text
    assert "line 8\nlast\n" in text
    assert said["conflicts"] == []
    assert said["account"] == "merged 0 values and 1 file of 2 results"


async def test_the_same_lines_of_one_file_are_a_conflict(bench: Callable[[Script], Bench]) -> None:
    project = bench(answering())

    tasks, text, said = await merged(
        project, file("a = 1\nport = 80\n"), file("a = 1\nport = 90\n"), file("a = 1\nport = 90\nb = 2\n"), conflicts=ConflictRule.MAJORITY
    )

    assert "a = 1\nport = 90\nb = 2\n" in text
    first = said["conflicts"][0]
    assert (first["kind"], first["where"], first["settled"]) == ("lines", "src/app.py:2", "port = 90\n")
    assert first["values"] == [{"value": "port = 80\n", "members": [tasks[0]]}, {"value": "port = 90\n", "members": tasks[1:]}]


async def test_objects_and_files_stand_in_one_result(bench: Callable[[Script], Bench]) -> None:
    _, text, _ = await merged(bench(answering()), '{"a": 1}\n\n' + file("x = 1\n"), file("y = 2\n", "src/other.py"))

    assert text == '```json\n{\n  "a": 1\n}\n```\n\n### `src/app.py`\n\n```python\nx = 1\n```\n\n### `src/other.py`\n\n```python\ny = 2\n```'


async def test_git_reads_no_settings(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    home = tmp_path / "home"
    home.mkdir()
    (home / ".gitconfig").write_text("[merge]\n\tconflictStyle = diff3\n")
    monkeypatch.setenv("HOME", str(home))
    monkeypatch.setenv("GIT_CONFIG_GLOBAL", str(home / ".gitconfig"))
    await asyncio.to_thread(subprocess.run, ["git", "-c", "init.defaultBranch=main", "init", "-q", str(tmp_path)], check=True)

    parts = await three_way(Children(), tmp_path / "project", "a\nb\nc\n", "a\nB\nc\n", "a\n<<<<<<< b\nc\n")

    assert parts == ["a\n", Hunk(2, "B\n", "<<<<<<< b\n", "a\n", "c\n"), "c\n"]
    assert joined(parts, ["<<<<<<< b\n"]) == "a\n<<<<<<< b\nc\n"


async def test_without_git_the_versions_are_told_apart_as_a_whole(
    bench: Callable[[Script], Bench], monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    monkeypatch.setenv("PATH", str(tmp_path))
    with pytest.raises(NoMerge, match="there is no git"):
        await three_way(Children(), tmp_path / "project", "", "a\n", "b\n")

    _, text, said = await merged(bench(answering()), file("a = 1\n"), file("b = 2\n"))

    assert "a = 1" in text
    assert said["conflicts"][0]["settled"] == "a = 1\n"


async def test_a_git_inside_the_project_is_not_run(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "bin").mkdir()
    trap = tmp_path / "bin" / "git"
    trap.write_text(f"#!/bin/sh\ntouch {tmp_path}/trapped\n")
    trap.chmod(0o755)
    monkeypatch.setenv("PATH", str(tmp_path / "bin"))

    with pytest.raises(NoMerge):
        await three_way(Children(), tmp_path, "", "a\n", "b\n")
    assert not await asyncio.to_thread((tmp_path / "trapped").exists)
