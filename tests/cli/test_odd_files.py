"""What belongs to a project's database and is something else, by accident or by somebody's hand: named, and never waited for."""

import os
from collections.abc import Callable
from pathlib import Path

import pytest

from tests.cli.program import Program


def a_pipe(path: Path) -> None:
    path.unlink()
    os.mkfifo(path)


def a_folder(path: Path) -> None:
    path.unlink()
    path.mkdir()


def a_link_to_itself(path: Path) -> None:
    path.unlink()
    path.symlink_to(path.name)


@pytest.mark.parametrize("become", [a_pipe, a_folder, a_link_to_itself])
def test_a_database_that_is_no_file_is_refused_and_never_waited_for(project: Program, become: Callable[[Path], None]) -> None:
    become(project.folder / ".abathur" / "abathur.db")

    for words in (("task", "list"), ("status",), ("run", "SAY x"), ("db", "backup"), ("db", "export"), ("engine", "start"), ("audit", "--follow")):
        answer = project.inside(*words, "--json")
        assert (answer.code, answer.error["code"]) == (4, "ABTH-ERR-002"), (words, answer)
        assert "abathur.db is not an ordinary file" in answer.error["message"], words


def a_file(path: Path) -> None:
    if path.is_dir():
        path.rmdir()
    path.unlink(missing_ok=True)
    path.touch()


def a_full_folder(path: Path) -> None:
    path.unlink(missing_ok=True)
    path.mkdir()


@pytest.mark.parametrize(("name", "become"), [("logs", a_file), ("starting.lock", a_full_folder)])
def test_what_an_engine_needs_and_cannot_use_is_named(project: Program, name: str, become: Callable[[Path], None]) -> None:
    become(project.folder / ".abathur" / name)

    answer = project.inside("run", "SAY x", "--json")

    assert (answer.code, answer.error["code"]) == (4, "ABTH-ERR-002"), answer
    assert f".abathur/{name}" in answer.error["message"]
    assert "Move it away" in answer.error["hint"]


def test_a_file_in_the_place_of_the_folder_is_named(program: Program) -> None:
    (program.folder / ".abathur").touch()

    answer = program.inside("task", "submit", "x", "--json")

    assert (answer.code, answer.error["code"]) == (4, "ABTH-ERR-002"), answer
    assert answer.error["message"].endswith(".abathur is not a folder.")
