"""An engine that waits, because its disk or another program is in its way: it is seen from outside, and by whoever follows its work."""

import contextlib
import os
import sqlite3
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.cli.program import Program
from tests.waiting import eventually


@contextlib.contextmanager
def locked(project: Program) -> Iterator[None]:
    """Another program holds the write lock on the database."""
    with contextlib.closing(sqlite3.connect(project.folder / ".abathur" / "abathur.db", isolation_level=None)) as other:
        other.execute("BEGIN IMMEDIATE")
        yield


@pytest.mark.skipif(not Path("/proc/locks").exists(), reason="only Linux says who holds a lock")
def test_what_the_engine_waits_for_is_said_everywhere_and_also_when_it_is_over(project: Program, tmp_path: Path) -> None:
    running = project.start("run", f"WAIT {tmp_path / 'gate'}; SAY done")
    eventually(lambda: project.ask("task", "list")[:1] and project.ask("task", "list")[0]["status"] == "running")
    who = f"locked by another program: process {os.getpid()}"

    with locked(project):
        (tmp_path / "gate").touch()
        waits = eventually(lambda: project.ask("engine", "status")["waits"])
        assert (waits["code"], who in waits["message"]) == ("ABTH-ERR-104", True)
        [alert] = project.ask("status")["alerts"]
        assert (alert["kind"], alert["code"], who in alert["message"]) == ("storage", "ABTH-ERR-104", True)
        assert who in project.inside("status").out
        assert f"The engine waits: {project.folder}" in project.inside("engine", "status").out
        assert running.stderr is not None
        told = ""
        while "The engine waits" not in told:
            told = running.stderr.readline()
            assert told, "it has ended"
        assert who in told

    out, err = running.communicate(timeout=60)
    assert (running.returncode, out) == (0, "done\n"), err
    assert project.ask("engine", "status")["waits"] is None
    assert project.ask("status")["alerts"] == []
