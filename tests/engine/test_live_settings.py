"""A configuration that is saved counts for a running engine at once, as far as it can; a broken one changes nothing and is told."""

import asyncio
import contextlib
from collections.abc import AsyncIterator, Callable

import pytest

from abathur_tui.domain.status import Status, Why
from abathur_tui.engine.engine import Engine
from abathur_tui.engine.live_settings import FilesAsRead, LiveSettings, follow_files
from abathur_tui.settings import Settings, load
from abathur_tui.settings.model import Api, Loop, Monitoring, Queue, Resources, Screen, Swarm
from abathur_tui.storage import engines, views
from tests.engine.bench import Bench, node
from tests.scripted import Say, Script, Wait, say
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


async def test_what_a_projects_file_may_not_choose_is_told_when_it_is_saved(bench: Make) -> None:
    project = bench(lambda _: [Say("done")])
    ran = project.folder / "ran"
    async with project.running() as engine, following(project, engine):
        file = project.data / "config.toml"
        file.write_text(f'[[queue.on_status]]\nstatuses = ["completed"]\ncommand = ["touch", "{ran}"]\n')
        await eventually_async(lambda: [text for text in notices(project) if f"{file}:1: queue.on_status does not count" in text])
        await project.until(project.submit(node())[0], Status.COMPLETED)
        file.write_text(file.read_text() + "[swarm]\nmax_agents = 2\n")
        await eventually_async(lambda: any("swarm.max_agents is 2" in notice for notice in notices(project)))

    assert len([text for text in notices(project) if "queue.on_status does not count" in text]) == 1
    assert not ran.exists()


def test_what_is_said_of_a_change_names_from_when_on_it_holds() -> None:
    live = LiveSettings(Settings())

    changes = live.use(
        Settings(
            api=Api(model="opus"),
            queue=Queue(lease_seconds=60, retry_factor=3, max_size=5),
            loop=Loop(timeout_seconds=5),
            monitoring=Monitoring(log_level="debug"),
            screen=Screen(theme="light"),
        )
    )

    assert changes == [
        "api.model is opus for what is submitted from now on (it was None)",
        "queue.max_size is 5 for what is submitted from now on (it was 10000)",
        "queue.retry_factor is 3.0 from now on (it was 2.0)",
        "queue.lease_seconds is 60.0 from now on (it was 90.0)",
        "loop.timeout_seconds is 5.0 from now on (it was 3600.0)",
        "monitoring.log_level is debug from now on (it was info)",
    ]
    assert live.use(Settings(swarm=Swarm())) != []
    assert live.use(Settings()) == []


async def test_a_models_own_limit_follows_the_settings_while_its_tasks_run(bench: Make) -> None:
    steps = [asyncio.Event() for _ in range(6)]
    project = bench(lambda request: [Wait(steps[int(request.messages[0].text)]), Say("done")])
    tasks = project.submit(*(node(f"n{number}", prompt=str(number)) for number in range(6)))
    async with project.running() as engine:
        await eventually_async(lambda: project.runtime.active == 4)
        await engine.use(project.settings.model_copy(update={"swarm": Swarm(max_agents=6, per_model={"command": 5})}))
        await eventually_async(lambda: project.runtime.active == 5)
        await engine.use(project.settings.model_copy(update={"swarm": Swarm(max_agents=6, per_model={"command": 1})}))
        for number in range(4):
            steps[number].set()
            await project.until(tasks[number], Status.COMPLETED)
        assert project.task(tasks[5]).status is Status.PENDING
        for step in steps:
            step.set()
        await project.until(tasks[5], Status.COMPLETED)
    assert project.runtime.most_active == 5


async def test_agents_start_again_as_soon_as_a_higher_limit_of_memory_is_saved(bench: Make) -> None:
    project = bench(say("done"))
    project.sample_seconds = 0.05
    few = Resources(memory_limit=1_048_576)
    project.settings = project.settings.model_copy(update={"resources": few})
    async with project.running() as engine:
        await eventually_async(lambda: any(text.startswith("No agent starts") for text in notices(project)))
        [task] = project.submit(node())
        await eventually_async(lambda: project.task(task).why == Why.MEMORY)
        await engine.use(project.settings.model_copy(update={"resources": Resources()}))
        await project.until(task, Status.COMPLETED)
    assert any(text.startswith("Agents start freely again") for text in notices(project))


async def test_an_idle_agent_ends_as_soon_as_a_shorter_time_is_saved(bench: Make) -> None:
    project = bench(say("done"))
    [task] = project.submit(node())
    async with project.running() as engine:
        await project.until(task, Status.COMPLETED)
        await engine.use(project.settings.model_copy(update={"swarm": Swarm(idle_seconds=0.01)}))
        await eventually_async(lambda: project.database.read_now(views.agents, ended=False) == [])


async def test_an_engine_beats_as_often_as_the_settings_say_now(bench: Make) -> None:
    project = bench(say("done"))
    project.settings = project.settings.model_copy(update={"queue": Queue(lease_seconds=600, heartbeat_seconds=300)})
    async with project.running() as engine:
        await eventually_async(lambda: project.database.read_now(engines.row, engine.id) is not None)
        await engine.use(project.settings.model_copy(update={"queue": Queue(lease_seconds=1, heartbeat_seconds=0.05)}))

        def beats() -> int:
            row = project.database.read_now(engines.row, engine.id)
            return 0 if row is None else row.beat

        await eventually_async(lambda: beats() > 3)
