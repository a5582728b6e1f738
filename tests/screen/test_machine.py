"""The header's memory and CPU are what the engine has measured, as `swarm status` says them too."""

import os

from abathur_tui.domain.resources import Sample as Measured
from abathur_tui.guard import RESTARTING, identity
from abathur_tui.project import Project
from abathur_tui.project.swarm import resources_data
from abathur_tui.screen.app import AbathurApp
from abathur_tui.screen.machine import EngineProbe, Sample
from abathur_tui.storage import swarm
from abathur_tui.storage.engines import HeldLock, hold_engine_lock
from tests.screen.worlds import ENGINE, NOW
from tests.waiting import eventually_async

MB = 1_000_000


def picture(app: AbathurApp) -> str:
    return app.export_screenshot().replace("&#160;", " ")


def measured(project: Project, engine: str, cores: float | None = 1.5) -> None:
    project.database.write_now(swarm.keep_sample, Measured(NOW, engine, 700 * MB, 1000 * MB, cores, 2.0, 12))


def engine(project: Project) -> HeldLock:
    held = hold_engine_lock(project.place.data, ENGINE)
    assert held is not None
    return held


async def test_what_the_engine_that_works_has_measured_counts_and_nothing_else(project: Project) -> None:
    probe = EngineProbe(project)
    measured(project, ENGINE)
    assert await probe.sample() == Sample(False, None, None)  # it has ended since
    held = engine(project)
    try:
        assert await probe.sample() == Sample(True, 700 * MB, 75.0)
        measured(project, ENGINE, None)
        assert await probe.sample() == Sample(True, 700 * MB, None)
        measured(project, "another")
        assert await probe.sample() == Sample(True, None, None)
    finally:
        held.release()


async def test_an_engine_that_its_guard_starts_again_is_not_said_to_be_missing(project: Project) -> None:
    await project.submit("hello")
    notice = project.place.data / "engines" / RESTARTING
    notice.parent.mkdir(exist_ok=True)
    app = AbathurApp(project, starts_engine=False)
    async with app.run_test(size=(120, 40)):
        await eventually_async(lambda: "no engine" in picture(app))

        notice.write_text(f"{os.getpid()} {identity(os.getpid())}\n")

        await eventually_async(lambda: "engine restarts" in picture(app))
        assert not app.store.engine_died
        notice.unlink()
        await eventually_async(lambda: "no engine" in picture(app))


async def test_the_key_that_starts_an_engine_is_offered_only_while_none_is_at_work(project: Project) -> None:
    await project.submit("hello")
    app = AbathurApp(project, starts_engine=False)
    async with app.run_test(size=(120, 40)):
        await eventually_async(lambda: "start engine" in picture(app))

        held = engine(project)
        try:
            await eventually_async(lambda: "start engine" not in picture(app))
        finally:
            held.release()

        await eventually_async(lambda: "start engine" in picture(app))


async def test_the_header_says_the_same_as_swarm_status(project: Project) -> None:
    measured(project, ENGINE)
    held = engine(project)
    try:
        app = AbathurApp(project, starts_engine=False)
        async with app.run_test(size=(120, 40)):
            await eventually_async(lambda: app.store.figures.memory_bytes is not None)
            said = resources_data(await project.swarm.resources())
            assert said is not None
            assert said["memory"] == {"bytes": app.store.figures.memory_bytes, "limit": 1000 * MB}
            await eventually_async(lambda: "700 MB" in picture(app) and "75 %" in picture(app))
    finally:
        held.release()
