"""A configuration that is saved counts for a running engine at once, as far as it can; a broken one changes nothing and is told."""

import asyncio
import contextlib
from collections.abc import AsyncIterator, Callable

import pytest

from abathur_tui.engine.engine import Engine
from abathur_tui.engine.live_settings import FilesAsRead, LiveSettings, follow_files
from abathur_tui.settings import Settings, load
from abathur_tui.settings.model import Loop, Monitoring, Queue, Swarm
from tests.engine.bench import Bench, node
from tests.scripted import Say, Script, Wait
from tests.waiting import eventually_async

Make = Callable[[Script], Bench]


@pytest.fixture(autouse=True)
def quick(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("abathur_tui.engine.live_settings.LOOK_SECONDS", 0.02)


@contextlib.asynccontextmanager
async def following(project: Bench, engine: Engine) -> AsyncIterator[None]:
    """As the engine's process does."""
    task = asyncio.create_task(follow_files(FilesAsRead.of(project.data), lambda: load(project.folder, environ={}), engine.use, engine.tell))
    try:
        yield
    finally:
        task.cancel()
        await asyncio.gather(task, return_exceptions=True)


def notices(project: Bench) -> list[str]:
    return [text for (text,) in project.database.read_now(lambda c: c.execute("SELECT text FROM logs WHERE kind = 'notice' ORDER BY id").fetchall())]


async def test_more_agents_work_as_soon_as_the_file_is_saved(bench: Make) -> None:
    goes_on = asyncio.Event()
    project = bench(lambda _: [Wait(goes_on), Say("done")])
    tasks = project.submit(*(node(f"n{number}") for number in range(1, 7)))
    async with project.running() as engine, following(project, engine):
        await eventually_async(lambda: project.runtime.active == 4)
        (project.data / "config.toml").write_text("[swarm]\nmax_agents = 6\n")
        await eventually_async(lambda: project.runtime.active == 6)
        await eventually_async(lambda: any(text.startswith("swarm.max_agents is 6 from now on (it was 4)") for text in notices(project)))
        goes_on.set()
        await project.until(tasks[-1], project.task(tasks[-1]).status.COMPLETED)


async def test_a_broken_file_keeps_what_was_read_before_and_says_why(bench: Make) -> None:
    project = bench(lambda _: [Say("done")])
    async with project.running() as engine, following(project, engine):
        (project.data / "config.toml").write_text("[swarm]\nmax_agents = 0\nmax_agnts = 3\n")
        await eventually_async(lambda: len([text for text in notices(project) if "stays as it was" in text]) == 2)
        (project.data / "config.toml").write_text("[swarm]\nmax_agents = 2\n")
        await eventually_async(lambda: any("swarm.max_agents is 2" in notice for notice in notices(project)))

    broken = [text for text in notices(project) if "stays as it was" in text]
    assert {notice.partition("config.toml:")[2].partition(":")[0] for notice in broken} == {"2", "3"}


def test_what_a_running_engine_cannot_take_up_is_said() -> None:
    live = LiveSettings(Settings())

    changes = live.use(
        Settings(queue=Queue(lease_seconds=60, retry_factor=3), loop=Loop(timeout_seconds=5), monitoring=Monitoring(log_level="debug"))
    )

    assert changes == [
        "queue.retry_factor is 3.0 from now on (it was 2.0)",
        "queue.lease_seconds is 60.0 from the next engine on (this one has 90.0): `abathur engine restart`",
        "loop.timeout_seconds is 5.0 from now on (it was 3600.0)",
        "monitoring.log_level is debug from now on (it was info)",
    ]
    assert live.use(Settings(swarm=Swarm())) != []
    assert live.use(Settings()) == []
