"""A program in a project of its own, whose engine is stopped when the test ends."""

from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.cli.program import Program


@pytest.fixture
def program(tmp_path: Path) -> Iterator[Program]:
    """In an empty folder, without a project."""
    (tmp_path / "home").mkdir()
    (tmp_path / "work").mkdir()
    program = Program(tmp_path / "work", tmp_path / "home")
    yield program
    if program.folder.is_dir():
        program.inside("engine", "stop")


@pytest.fixture
def project(program: Program) -> Program:
    """In a folder with a project."""
    assert program.inside("init").code == 0
    return program
