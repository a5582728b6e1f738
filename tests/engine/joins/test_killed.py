"""Joins go on after whatever was killed: no question is asked twice."""

import random
import time
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import pytest

from abathur_tui.domain.plan import JoinStrategy
from abathur_tui.domain.status import Status
from abathur_tui.storage import views
from tests.engine.bench import join_node, node, settles
from tests.engine.joins.team import spec
from tests.engine.test_killed import Processes, kill
from tests.waiting import eventually


@pytest.fixture
def processes(tmp_path: Path) -> Iterator[Processes]:
    """A project whose engines are processes; nothing of them survives the test."""
    made = Processes(tmp_path / "project")
    yield made
    made.end()


def test_engines_killed_at_any_moment_ask_each_question_once(processes: Processes) -> None:
    names = [f"n{number}" for number in range(1, 6)]
    reduction = replace(join_node("all"), join=spec(JoinStrategy.REDUCE))
    *_, join = processes.project.submit(*(node(name) for name in names), reduction, edges=settles("all", *names))
    chance = random.Random(7)
    engine = processes.start("--stay")

    row = processes.await_active()
    for _ in range(4):  # five in a row would be the task's own fault
        time.sleep(chance.uniform(0.3, 0.8))  # The random moment; `tests.journeys.kills` goes through all of them, without a guard.
        kill(row.pid)
        row = processes.await_active(row)
    eventually(lambda: processes.project.task(join).finished_at, 30)
    engine.terminate()

    asked = [task for task in processes.project.database.read_now(views.members, 1) if task.parent == join]
    assert processes.project.task(join).status is Status.COMPLETED
    assert len(asked) == 4
    assert all(count == 1 for count in processes.effects().values())
