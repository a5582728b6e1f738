"""A screen on a real project, with a frozen clock."""

import time
from collections.abc import AsyncIterator, Callable, Iterator
from contextlib import AbstractAsyncContextManager, asynccontextmanager
from pathlib import Path
from typing import TypeAlias

import pytest
from textual.pilot import Pilot

from abathur_tui.project import Project
from abathur_tui.screen.app import AbathurApp
from abathur_tui.screen.machine import Sample
from abathur_tui.storage.engines import hold_engine_lock
from tests.screen.pictures import Gallery
from tests.screen.worlds import ENGINE, NOW, WORLDS, World
from tests.waiting import eventually_async

ENVIRONMENT = {"ABATHUR_API__RUNTIME": "command", "ABATHUR_RUNTIMES__COMMAND__ARGV": '["cat"]', "PATH": "/usr/bin:/bin"}
Opened: TypeAlias = tuple[AbathurApp, Pilot[int], World]
Opener: TypeAlias = Callable[..., AbstractAsyncContextManager[Opened]]


class FrozenClock:
    """It is always the same moment."""

    def now(self) -> float:
        """Unix time in seconds."""
        return NOW

    def monotonic(self) -> float:
        """Seconds."""
        return 1000.0

    def since_boot(self) -> float:
        """Seconds."""
        return 1000.0


class SteadyMachine:
    """A machine on which nothing changes."""

    def __init__(self, *, engine_lives: bool) -> None:
        self._engine_lives = engine_lives

    async def sample(self) -> Sample:
        """Always the same."""
        return Sample(self._engine_lives, 148_000_000, 21.0)


@pytest.fixture(autouse=True)
def surroundings(monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    """A terminal with all colours and UTF-8, in UTC, whatever the tests run in."""
    for name in ("NO_COLOR", "COLORFGBG", "LC_ALL", "LC_CTYPE", "ANTHROPIC_API_KEY", "ANTHROPIC_AUTH_TOKEN", "ABATHUR_PROJECT", "ABATHUR_DATA_DIR"):
        monkeypatch.delenv(name, raising=False)
    for name, value in {"TERM": "xterm-256color", "COLORTERM": "truecolor", "LANG": "C.UTF-8", "TZ": "UTC", "TEXTUAL_ANIMATIONS": "none"}.items():
        monkeypatch.setenv(name, value)
    time.tzset()
    yield
    monkeypatch.undo()
    time.tzset()


@pytest.fixture
def project(tmp_path: Path) -> Iterator[Project]:
    """An empty project."""
    folder = tmp_path / "shop-api"
    folder.mkdir()
    with Project.open(folder, create=True, environ=ENVIRONMENT) as made:
        yield made


@pytest.fixture
def opened(project: Project) -> Opener:
    """Opens the screen on the project, filled as one of `WORLDS`; fails where the screen made mistakes in the background."""

    @asynccontextmanager
    async def open(world: str | Callable[[World], None] = "empty", size: tuple[int, int] = (120, 40), theme: str = "dark") -> AsyncIterator[Opened]:
        made = World(project.database)
        fill = WORLDS[world] if isinstance(world, str) else world
        fill(made)
        lives = bool(made.database.read_now(lambda c: c.execute("SELECT 1 FROM engines").fetchone()))
        lock = hold_engine_lock(project.place.data, ENGINE) if lives else None
        app = AbathurApp(project, clock=FrozenClock(), theme=theme, probe=SteadyMachine(engine_lives=lives), starts_engine=False)
        try:
            async with app.run_test(size=size) as pilot:
                await settled(app, pilot)
                yield app, pilot, made
        finally:
            if lock is not None:
                lock.release()
        assert app.problems == []

    return open


@pytest.fixture
def gallery(request: pytest.FixtureRequest, tmp_path: Path) -> Gallery:
    """The approved pictures."""
    return Gallery(tmp_path, update=bool(request.config.getoption("update_snapshots", default=False)))


async def settled(app: AbathurApp, pilot: Pilot[int]) -> None:
    """The screen shows all that the database has."""
    store = app.store
    await eventually_async(lambda: store.loaded and store.queue.complete and bool(store.figures.answers) and store.figures.memory_bytes is not None)
    await eventually_async(lambda: all(id in store.queue.rows for id in list(store.queue.ids)[:30]))
    if store.loops:
        await eventually_async(lambda: bool(app.screen.query("LoopPlot")) or bool(app.screen_stack[0].query("LoopPlot")))
    for _ in range(3):
        await pilot.pause()
