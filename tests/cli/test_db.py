"""`abathur db`, as its users call it."""

import json
import os
import resource
import sqlite3
import stat
from pathlib import Path

import pytest

from abathur_tui.storage.exporting import LEFT_OUT, TABLES
from tests.cli.program import Program
from tests.cli.test_errors import as_anybody
from tests.storage.test_checking import lawless


@pytest.fixture
def worked(project: Program) -> Program:
    """In a project with two executions that have ended."""
    for text in ("SAY first", "SAY second"):
        assert project.inside("run", text).code == 0
    return project


def database(program: Program) -> Path:
    return program.folder / ".abathur" / "abathur.db"


def test_a_database_that_is_well_is_told_so(worked: Program) -> None:
    assert worked.json("db", "check") == {"ok": True, "problems": []}
    answer = worked.inside("db", "check")
    assert (answer.code, answer.out) == (0, "The database is well.\n")


def test_problems_are_told_with_exit_code_1(worked: Program) -> None:
    worked.inside("engine", "stop")
    with database(worked).open("r+b") as file:
        file.write(b"x" * 100)
    answer = worked("db", "check", "--json")
    assert answer.code == 1
    assert answer.data["ok"] is False
    assert answer.data["problems"]
    assert answer.err == ""


def test_without_a_database_there_is_nothing_to_check(program: Program) -> None:
    assert program.inside("db", "check").code == 3


def test_a_backup_is_whole_private_and_never_overwrites(worked: Program) -> None:
    # Given a backup made beside a living engine,
    answer = worked.ask("db", "backup", "copy.db")
    copy = Path(answer["file"])
    assert copy == worked.folder / "copy.db"
    assert stat.S_IMODE(copy.stat().st_mode) == 0o600
    # when it is read as it lies there, then all is in it;
    connection = sqlite3.connect(f"file:{copy}?immutable=1", uri=True)
    assert connection.execute("SELECT count(*) FROM executions").fetchone() == (2,)
    connection.close()
    # and a second one of that name is refused.
    before = copy.read_bytes()
    again = worked.inside("db", "backup", "copy.db")
    assert (again.code, copy.read_bytes()) == (2, before)
    assert list(worked.folder.glob("*.abathur-draft")) == []
    # Without a name it goes where Abathur keeps its own.
    assert Path(worked.ask("db", "backup")["file"]).parent == worked.folder / ".abathur" / "backups"


@pytest.mark.parametrize("arguments", [("db", "backup"), ("db", "export")])
def test_a_folder_that_is_not_there_is_named(worked: Program, arguments: tuple[str, ...]) -> None:
    answer = worked.inside(*arguments, "nowhere/copy", "--json")

    assert (answer.code, answer.error["code"]) == (2, "ABTH-ERR-063")
    assert answer.error["message"] == f"There is no folder {worked.folder / 'nowhere'}."


@pytest.mark.parametrize("arguments", [("db", "backup"), ("db", "export"), ("db", "recover", "--into")])
def test_a_folder_that_cannot_be_written_is_told_with_the_file_that_was_named(worked: Program, arguments: tuple[str, ...]) -> None:
    worked.inside("engine", "stop")
    (worked.folder / "shut").mkdir(mode=0o555)

    answer = as_anybody(worked, *arguments, "shut/copy", "--json")

    assert (answer.code, answer.error["code"]) == (4, "ABTH-ERR-002")
    assert answer.error["message"] == f"{worked.folder / 'shut' / 'copy'} cannot be written: its folder is read-only for this user."


LOOKS = [("status",), ("task", "list"), ("audit",), ("db", "backup"), ("db", "export"), ("db", "vacuum"), ("task", "submit", "more")]


def test_a_database_that_was_deleted_under_an_engine_is_told_as_gone_whoever_asks(worked: Program) -> None:
    database(worked).unlink()

    for words in LOOKS:
        answer = worked.inside(*words, "--json")
        assert (answer.code, answer.error["code"]) == (1, "ABTH-ERR-105"), (words, answer)
        assert "abathur db recover" in answer.error["hint"]
    assert worked.inside("db", "check", "--json").data["problems"] == [f"{database(worked)} is gone; `abathur db recover` saves what its log has."]


def test_a_backup_takes_the_place_of_what_was_lost(worked: Program) -> None:
    worked.ask("db", "backup", "copy.db")
    worked.inside("engine", "stop")
    for path in database(worked).parent.glob("abathur.db*"):
        path.unlink()
    (worked.folder / "copy.db").rename(database(worked))
    assert worked.inside("result", "x2").out == "second\n"
    assert worked.json("db", "check")["ok"]


def test_a_backup_that_grows_beyond_a_limit_says_so_and_leaves_nothing_behind(worked: Program) -> None:
    worked.inside("engine", "stop")
    soft, hard = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (50_000, hard))
    try:
        answer = worked.inside("db", "backup", "copy.db", "--json")
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, (soft, hard))
    assert answer.error["code"] == "ABTH-ERR-101"
    assert str(worked.folder) in answer.error["message"]
    assert list(worked.folder.glob("*copy*")) == list(worked.folder.glob("*.abathur-draft")) == []


def test_a_damaged_database_makes_no_backup(worked: Program) -> None:
    worked.inside("engine", "stop")
    connection = sqlite3.connect(database(worked))
    page_size, (root,) = (
        connection.execute("PRAGMA page_size").fetchone()[0],
        connection.execute("SELECT rootpage FROM sqlite_schema WHERE name = 'audit_by_task'").fetchone(),
    )
    connection.close()
    with database(worked).open("r+b") as file:
        file.seek((root - 1) * page_size)
        file.write(b"nonsense" * 64)
    answer = worked.inside("db", "backup", "copy.db", "--json")
    assert (answer.code, answer.error["code"]) == (1, "ABTH-ERR-102")
    assert not (worked.folder / "copy.db").exists()


def test_a_backup_of_rows_that_do_not_fit_is_kept_and_tells_of_them(worked: Program) -> None:
    worked.inside("engine", "stop")
    lawless(database(worked).parent, "UPDATE content SET body = 'forged' WHERE id = 1")
    answer = worked.ask("db", "backup", "copy.db")
    assert answer["problems"] == worked.inside("db", "check", "--json").data["problems"] != []
    told = worked.inside("db", "backup", "again.db")
    assert (told.code, answer["problems"][0] in told.err) == (0, True)


def test_an_export_has_all_rows_in_an_order_that_stays_and_no_secret(worked: Program) -> None:
    secret = {"ABATHUR_RUNTIMES__COMMAND__ENV": '["SECRET"]', "SECRET": "hunter2"}
    assert worked.inside("run", "SAY third", env=secret).code == 0
    lines = worked.inside("db", "export").out
    records = [json.loads(line) for line in lines.splitlines()]
    assert records[0]["table"] == "project"
    order = list(dict.fromkeys(record["table"] for record in records[1:]))
    assert order == [table for table in TABLES if table in order]
    assert [record["id"] for record in records if record["table"] == "executions"] == [1, 2, 3]
    assert {"first\n", "second\n"} <= {record["body"] for record in records if record["table"] == "content"}
    assert "hunter2" not in lines
    again = worked.inside("db", "export").out
    assert again.splitlines()[1:] == lines.splitlines()[1:]


def test_one_execution_is_exported_with_what_belongs_to_it(worked: Program) -> None:
    records = worked.inside("db", "export", "--execution", "x2").out.splitlines()
    found = [json.loads(line) for line in records]
    assert {record["execution"] for record in found if record["table"] == "tasks"} == {2}
    bodies = {record["body"] for record in found if record["table"] == "content"}
    assert "second\n" in bodies
    assert "first\n" not in bodies
    assert worked.inside("db", "export", "--execution", "x9").code == 3


def test_an_export_goes_into_a_new_file_only(worked: Program) -> None:
    answer = worked.ask("db", "export", "all.jsonl")
    written = (worked.folder / "all.jsonl").read_text("utf-8")
    assert len(written.splitlines()) == answer["records"]
    assert worked.inside("db", "export", "all.jsonl").code == 2
    assert (worked.folder / "all.jsonl").read_text("utf-8") == written


def test_every_table_is_exported_or_left_out_for_a_reason(worked: Program) -> None:
    connection = sqlite3.connect(database(worked))
    tables = {name for (name,) in connection.execute("SELECT name FROM sqlite_schema WHERE type = 'table' AND name NOT LIKE 'sqlite_%'")}
    connection.close()
    assert tables - set(TABLES) - LEFT_OUT == set()


def test_a_vacuum_says_what_it_could_do(worked: Program) -> None:
    beside = worked.ask("db", "vacuum")
    assert beside["whole"] is False
    worked.inside("engine", "stop")
    alone = worked.ask("db", "vacuum")
    assert alone["whole"] is True
    assert os.path.getsize(database(worked)) == alone["after_bytes"]
    assert worked.json("db", "check")["ok"]
