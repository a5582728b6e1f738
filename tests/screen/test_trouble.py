"""A project that cannot be read or written any more: the screen says so, stays, and goes on when it can."""

import os
import shutil
import sqlite3
from pathlib import Path

from abathur_tui.project import Project
from abathur_tui.screen.app import AbathurApp
from abathur_tui.screen.screens.cockpit import Cockpit
from abathur_tui.screen.screens.dialogs import Confirm
from tests.screen.conftest import FrozenClock, Opener, SteadyMachine
from tests.screen.worlds import World, busy, node
from tests.waiting import eventually_async


async def test_a_folder_that_is_removed_is_said_and_the_screen_stays(opened: Opener, project: Project) -> None:
    async with opened("busy") as (app, pilot, _):
        shutil.rmtree(project.place.data)
        await eventually_async(lambda: app.store.trouble is not None)
        assert app.store.trouble is not None
        assert app.store.trouble.code == "ABTH-ERR-105"
        assert app.store.figures.trouble == "ABTH-ERR-105"
        # What was read is still there to be looked at, and a change is refused calmly.
        await pilot.press("j", "x")
        await eventually_async(lambda: isinstance(app.screen, Confirm))
        await pilot.pause()
        await pilot.press("y")
        await eventually_async(lambda: isinstance(app.screen, Cockpit))


async def test_a_database_that_is_locked_refuses_a_change_calmly(opened: Opener, project: Project) -> None:
    async with opened("busy") as (app, pilot, _):
        other = sqlite3.connect(project.place.data / "abathur.db", isolation_level=None)
        try:
            other.execute("BEGIN IMMEDIATE")
            await pilot.press("plus")
            await pilot.pause(0.2)
            # The screen goes on while the change waits for the lock.
            await pilot.press("j", "j")
            assert app.screen.query_one("#queue").has_focus
            other.execute("ROLLBACK")
        finally:
            other.close()
        await eventually_async(lambda: any(task.priority == 10 for task in app.store.queue.rows.values()))


async def test_a_database_that_is_damaged_is_said_and_nothing_is_called_empty(project: Project) -> None:
    busy(World(project.database))
    damage(project.place.data)
    app = AbathurApp(project, clock=FrozenClock(), probe=SteadyMachine(engine_lives=False), starts_engine=False)
    async with app.run_test(size=(120, 40)) as pilot:
        await eventually_async(lambda: app.store.figures.trouble == "ABTH-ERR-102")
        await pilot.press("j", "2", "3", "4", "1")
        shown = app.export_screenshot().replace("&#160;", " ")
        assert isinstance(app.screen, Cockpit)
        assert "Nothing is queued" not in shown
        assert "ABTH-ERR-102" in shown
    assert app.problems == []


def damage(folder: Path) -> None:
    """Garbage over the file, and nothing in its log that could mend it."""
    file = folder / "abathur.db"
    with file.open("r+b") as damaged:
        damaged.write(os.urandom(min(65_536, file.stat().st_size)))
    for log in folder.glob("abathur.db-wal"):
        os.truncate(log, 0)


async def test_what_others_commit_appears_by_itself(opened: Opener, project: Project) -> None:
    async with opened() as (app, _, world):
        assert len(app.store.queue) == 0
        world.submit(node("from elsewhere"))
        await eventually_async(lambda: [task.name for task in app.store.queue.rows.values()] == ["from elsewhere"])
