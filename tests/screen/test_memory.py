"""What a person arranges: panes of other sizes, filters as tabs, words in the log, a paused queue, dead letters."""

import json
from pathlib import Path

import pytest

from abathur_tui.domain.plan import Kind
from abathur_tui.domain.status import Status
from abathur_tui.screen.memory import Memory, Remembered
from abathur_tui.screen.panes.logs import LogsPane
from abathur_tui.screen.panes.pane import Pane
from abathur_tui.screen.panes.queue import QueuePane
from abathur_tui.screen.screens.dialogs import Confirm
from abathur_tui.screen.screens.task import TaskScreen
from abathur_tui.storage import views
from tests.screen.conftest import Opener, settled
from tests.screen.worlds import LOOP, World, node
from tests.waiting import eventually_async


@pytest.fixture
def state(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """The user's folder for state."""
    monkeypatch.setenv("XDG_STATE_HOME", str(tmp_path / "state"))
    return tmp_path / "state" / "abathur" / "screens"


def test_what_was_arranged_is_there_again_and_nonsense_is_as_if_nothing_was(state: Path) -> None:
    memory = Memory("a-project")
    assert memory.known == Remembered()
    memory.known = memory.known.resized(left=-5, upper=90)
    memory.write()
    assert Memory("a-project").known == Remembered(left=55, upper=80)
    assert Memory("another").known == Remembered()

    file = state / "a-project.json"
    for text in ("{", "[]", json.dumps({"left": "x", "upper": 1e9, "queue": 500, "filters": [1, "status:failed"]})):
        file.write_text(text)
        read = Memory("a-project").known
    assert read == Remembered(queue=80, filters=("status:failed",))


def test_a_home_that_cannot_be_written_is_no_trouble(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("XDG_STATE_HOME", "/proc/nowhere")
    memory = Memory("a-project")
    memory.write()
    assert memory.known == Remembered()


async def test_dividers_move_and_stay_within_bounds(opened: Opener) -> None:
    async with opened("busy") as (app, pilot, _):
        sizes = {pane.NUMBER: pane.outer_size for pane in app.screen.query(Pane)}
        await pilot.press("ctrl+left", "ctrl+down")
        await pilot.pause()
        after = {pane.NUMBER: pane.outer_size for pane in app.screen.query(Pane)}
        assert after[1].width < sizes[1].width
        assert after[1].height > sizes[1].height
        assert after[4].width > sizes[4].width
        await pilot.press(*["ctrl+left"] * 9)
        await pilot.pause()
        assert app.screen.query_one(QueuePane).outer_size.width == 24


async def test_the_divider_above_the_tabs_moves(opened: Opener) -> None:
    async with opened("busy", (80, 24)) as (app, pilot, _):
        before = app.screen.query_one(QueuePane).outer_size.height
        await pilot.press("ctrl+up", "ctrl+up", "ctrl+left")
        await pilot.pause()
        assert app.screen.query_one(QueuePane).outer_size.height < before


async def test_filters_become_tabs_and_are_chosen_by_key(opened: Opener) -> None:
    async with opened("failed") as (app, pilot, _):
        queue = app.screen.query_one(QueuePane)

        def title() -> str:
            return "".join(span.text for span in queue.title_details())

        for text in ("status:failed", "status:dead"):
            await pilot.press("slash", *["backspace"] * 13, *text, "enter")
            await settled(app, pilot)
            await pilot.press("S")
        assert title().startswith("all │ status:failed │ status:dead ")
        await pilot.press("right_square_bracket")
        await settled(app, pilot)
        assert title().startswith("all 6 │")
        await pilot.press("left_square_bracket", "S")
        await settled(app, pilot)
        assert app.screen.query_one(QueuePane)._memory.known.filters == ("status:failed",)


async def test_words_are_searched_for_in_the_log(opened: Opener) -> None:
    async with opened("busy") as (app, pilot, _):
        logs = app.screen.query_one(LogsPane)
        await pilot.press("3", "slash", *"FINDINGS", "enter")
        await pilot.pause()
        assert logs._found is not None
        assert "Two findings" in logs._rows[logs._found].text
        first = logs._found
        await pilot.press("slash", *["backspace"] * 8, *"gateway", "enter", "N")
        await pilot.pause()
        assert logs._found != first
        assert app.screen.focused is logs
        await pilot.press("escape")
        await pilot.pause()
        assert logs._found is None


async def test_the_whole_queue_is_paused_and_goes_on(opened: Opener) -> None:
    async with opened("busy") as (app, pilot, world):
        await pilot.press("P")
        await eventually_async(lambda: app.store.figures.hold == "queue paused")
        assert world.database.read_now(views.status, 0).hold is not None
        await pilot.press("colon", *"resume queue", "enter")
        await eventually_async(lambda: app.store.figures.hold == "")


async def test_dead_letters_are_shown_and_left_as_they_are(opened: Opener) -> None:
    async with opened("failed") as (app, pilot, world):
        await pilot.press("d")
        await eventually_async(lambda: len(app.store.queue) == 1)
        await settled(app, pilot)
        dead = app.store.queue.ids[0]
        await pilot.press("C")
        await eventually_async(lambda: isinstance(app.screen, Confirm))
        await pilot.pause()
        await pilot.press("y")
        await eventually_async(lambda: len(app.store.queue) == 0)
        assert world.database.read_now(views.task, dead).status is Status.DEAD
        await pilot.press("d")
        await eventually_async(lambda: len(app.store.queue) == 6)


async def test_a_loops_cost_that_is_not_known_is_unknown_in_its_detail_too(opened: Opener) -> None:
    def unpriced(world: World) -> None:
        made = world.submit(node("OPTIMIZE it", agent="optimizer", kind=Kind.LOOP, loop=LOOP))
        world.claim()
        (loop,) = made.values()
        world.passes(loop, (200.0,), cost=None)

    async with opened(unpriced) as (app, pilot, _):
        await pilot.press("enter")
        await eventually_async(lambda: isinstance(app.screen, TaskScreen) and bool(app.screen._detail))
        await eventually_async(lambda: "$?" in "".join(span.text for span in app.screen.query_one("#task-head")._line))  # type: ignore[attr-defined]
