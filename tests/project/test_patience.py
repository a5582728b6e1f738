"""Whoever follows a project for long waits out what keeps it from being read, and says so."""

import asyncio
import shutil
from collections.abc import Iterator
from pathlib import Path

import pytest

from abathur_tui import Project
from abathur_tui.domain.errors import ProjectGone
from abathur_tui.project.patience import OVER
from tests.waiting import eventually_async


@pytest.fixture
def project(tmp_path: Path) -> Iterator[Project]:
    """An empty project without an engine."""
    with Project.open(tmp_path, create=True) as opened:
        yield opened


async def test_a_folder_that_is_away_for_a_moment_is_waited_for_and_that_is_told(project: Project, tmp_path: Path) -> None:
    told: list[str] = []
    project.patience.tell = told.append
    changes = project.changes()
    await anext(changes)
    coming = asyncio.ensure_future(anext(changes))
    elsewhere = project.place.data.rename(tmp_path / "elsewhere")
    await eventually_async(lambda: told)
    elsewhere.rename(project.place.data)
    await eventually_async(lambda: told[1:] == [OVER])
    await project.pause_queue()
    await coming

    assert told[0].startswith("Waiting: ")
    assert "[ABTH-ERR-105] Put the folder back" in told[0]


async def test_a_folder_that_was_replaced_is_not_waited_for(project: Project) -> None:
    changes = project.changes()
    await anext(changes)
    data = project.place.data
    (data / "abathur.db").rename(data / "other.db")
    shutil.copy(data / "other.db", data / "abathur.db")

    with pytest.raises(ProjectGone):
        await anext(changes)
