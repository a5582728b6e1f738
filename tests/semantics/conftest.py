"""A queue whose agents are shell programs, and whose engine is stopped when the test ends."""

import json
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.cli.program import Program
from tests.semantics.queue import SHELL, Queue


@pytest.fixture
def queue(tmp_path: Path) -> Iterator[Queue]:
    """An empty one."""
    (tmp_path / "home").mkdir()
    (tmp_path / "work").mkdir()
    settings = {"ABATHUR_RUNTIMES__COMMAND__ARGV": json.dumps(SHELL), "ABATHUR_SWARM__MAX_AGENTS": "4", "ABATHUR_QUEUE__MAX_SIZE": "50000"}
    program = Program(tmp_path / "work", tmp_path / "home", settings)
    assert program.inside("init").code == 0
    yield Queue(program)
    program.inside("engine", "stop")
