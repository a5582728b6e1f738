"""`abathur purge`: content goes, hashes stay, and everything says so."""

import json
import os
import sqlite3
import time
from pathlib import Path

import pytest

from tests.cli.program import Program

WORD = "xylophone"
"""Stands in all that the purged execution was asked and said."""


@pytest.fixture
def worked(project: Program) -> Program:
    """In a project with an execution that failed, one that said a word, and one that said the same as the next one."""
    assert project.inside("run", f"SAY {WORD}").code == 0
    assert project.inside("run", "FAIL").code == 1
    for _ in range(2):
        assert project.inside("run", "SAY common").code == 0
    return project


def file_has(program: Program, word: str) -> bool:
    """Whether a word stands anywhere in the database's files, deleted or not."""
    program.inside("engine", "stop")
    assert program.inside("db", "vacuum").code == 0
    return any(word.encode() in path.read_bytes() for path in (program.folder / ".abathur").glob("abathur.db*"))


def test_what_was_purged_is_nowhere_in_the_file_and_the_audit_still_verifies(worked: Program) -> None:
    rows = len(worked.inside("audit", "--json").out.splitlines())
    answer = worked.ask("purge", "--all", "--yes")
    assert answer["executions"] == ["x1", "x2", "x3", "x4"]
    assert answer["texts"] > 4
    assert answer["bytes"] > 100
    # Names of tasks are what lists show, and stay.
    connection = sqlite3.connect(worked.folder / ".abathur" / "abathur.db")
    assert connection.execute("SELECT count(*) FROM content WHERE body IS NOT NULL").fetchone() == (0,)
    assert connection.execute("SELECT count(*) FROM specs WHERE given IS NOT NULL").fetchone() == (0,)
    assert connection.execute("SELECT count(DISTINCT parameters) FROM specs").fetchone() == (3,)
    assert connection.execute("SELECT count(*) FROM logs WHERE execution IS NOT NULL").fetchone() == (0,)
    connection.close()
    verified = worked.ask("audit", "verify")
    assert verified["ok"]
    assert worked.ask("audit", "verify", "--head", verified["head"])["ok"]
    assert worked.inside("audit", "verify", "--head", "0" * 64).code == 1
    assert worked.inside("audit", "--head", "0" * 64).code == 2
    assert worked.ask("db", "check") == {"ok": True, "problems": []}
    audit = [json.loads(line) for line in worked.inside("audit", "--json").out.splitlines()]
    assert [row["execution"] for row in audit if row["action"] == "execution.purged"] == ["x1", "x2", "x3", "x4"]
    assert len(audit) >= rows + 4
    assert not file_has(worked, f'"text":"{WORD}')


def test_show_result_and_export_say_that_it_was_purged(worked: Program) -> None:
    before = time.strftime("%Y-%m-%d")
    worked.ask("purge", "--filter", "execution:x1", "--yes")
    shown = worked.inside("task", "show", "t1")
    (today,) = {day for day in (before, time.strftime("%Y-%m-%d")) if f"purged    on {day}" in shown.out}
    for command in (("task", "result", "t1"), ("result", "x1")):
        refused = worked.inside(*command)
        assert (refused.code, "ABTH-ERR-108" in refused.err, today in refused.err) == (1, True, True), refused
    assert worked.ask("task", "show", "t1")["purged_at"].startswith("20")
    assert worked.ask("result", "x1")["purged_at"] is not None
    exported = [json.loads(line) for line in worked.inside("db", "export").out.splitlines()]
    assert any(record["purged"] for record in exported if record["table"] == "content")
    assert [record["purged_at"] is None for record in exported if record["table"] == "executions"] == [False, True, True, True]


def test_a_text_that_is_named_elsewhere_too_stays(worked: Program) -> None:
    worked.ask("purge", "--filter", "execution:x3", "--yes")
    assert worked.inside("result", "x4").out == "common\n"
    assert worked.ask("db", "check")["ok"]


def test_what_comes_after_a_purge_may_say_the_same_again(worked: Program) -> None:
    worked.ask("purge", "--all", "--yes")
    assert worked.inside("run", f"SAY {WORD}").out == f"{WORD}\n"
    assert worked.ask("db", "check")["ok"]


def test_what_was_purged_is_not_retried(worked: Program) -> None:
    worked.ask("purge", "--all", "--yes")
    answer = worked.inside("task", "retry", "t2")
    assert answer.code == 1
    assert "purged" in answer.out + answer.err
    assert worked.ask("task", "show", "t2")["status"] in ("failed", "dead")


def test_what_has_not_ended_is_kept(worked: Program) -> None:
    gate = worked.folder / "gate"
    worked.ask("run", f"WAIT {gate}; SAY late", "--detach")
    answer = worked.ask("purge", "--all", "--yes")
    assert ("x5" in answer["executions"], answer["kept"]) == (False, 1)
    gate.touch()
    assert worked.inside("watch", "x5").out == "late\n"


def test_only_what_ended_before_a_moment_goes(worked: Program) -> None:
    assert worked.ask("purge", "--before", "1d", "--yes")["executions"] == []
    assert worked.ask("purge", "--before", "2020-01-31", "--yes")["executions"] == []
    assert worked.ask("purge", "--before", "0s", "--filter", "-status:completed", "--yes")["executions"] == ["x2"]
    assert worked.ask("purge", "--before", "0s", "--filter", "-status:completed", "--yes")["executions"] == []


def test_a_filter_takes_executions_whose_root_or_all_of_whose_tasks_are_like_that(project: Program) -> None:
    one, other = 'ABYSSAL[RESEARCH]("one", tags=["draft"])', 'ABYSSAL[CODE]("two", tags=["draft", "late"])'
    for text in (one, f"{one}\n{other}", f'{other}\nABYSSAL[RESEARCH]("three")'):
        project.inside("run", text)
    told = project.inside("purge", "--filter", "tag:late", "--yes")
    assert (told.code, told.out) == (0, "")
    assert told.err.splitlines() == [
        "Nothing that has ended is like that.",
        "Not purged, for only some of their tasks are like that: 2 executions, such as x2.",
        "`abathur purge --filter execution:x2` takes all of that one.",
    ]
    answer = project.ask("purge", "--filter", "tag:draft", "--yes")
    assert (answer["executions"], answer["partly"], answer["kept"]) == (["x1", "x2"], ["x3"], 1)
    assert project.ask("purge", "--filter", "execution:x3", "--yes")["executions"] == ["x3"]


def test_it_asks_first_and_without_a_terminal_it_does_nothing(worked: Program) -> None:
    refused = worked.inside("purge", "--all", "--json")
    assert (refused.code, refused.error["hint"]) == (2, "Give --yes where you are sure.")
    assert worked.inside("result", "x1").code == 0
    for mistake in ((), ("--all", "--before", "1d"), ("--before", "soon"), ("--filter", "nonsense:1")):
        assert worked.inside("purge", *mistake, "--yes").code == 2, mistake


def test_the_space_is_given_back(project: Program) -> None:
    big = project.folder / "big"
    big.write_text("".join(str(number) for number in range(400_000)))
    reply = {"ABATHUR_RUNTIMES__COMMAND__ARGV": json.dumps(["cat", str(big)])}
    assert project.inside("run", "anything", env=reply).code == 0
    file = project.folder / ".abathur" / "abathur.db"
    project.inside("db", "vacuum")
    before = os.path.getsize(file)
    project.ask("purge", "--all", "--yes")
    project.inside("db", "vacuum")
    assert os.path.getsize(file) < before - 1_000_000
    assert Path(file).exists()
