"""What the screen looks like, in pictures that somebody has approved."""

import pytest
from textual.widgets import Input

from abathur_tui.screen.screens.new import Editor
from tests.screen.conftest import Opener, settled
from tests.screen.pictures import Gallery

SIZES = {"80x24": (80, 24), "120x40": (120, 40)}
WORLDS = ["empty", "busy", "failed"]
TABS = ["result", "conversation", "events", "raw"]
OVER = {"question_mark": "help", "x": "cancel", "q": "leave", "ctrl+p": "palette"}


@pytest.mark.parametrize("size", SIZES)
@pytest.mark.parametrize("world", WORLDS)
async def test_the_cockpit_in_dark_and_light(world: str, size: str, opened: Opener, gallery: Gallery) -> None:
    async with opened(world, SIZES[size]) as (app, pilot, _):
        await gallery.check(app, f"cockpit-{world}-{size}-dark")
        await pilot.press("D")
        await gallery.check(app, f"cockpit-{world}-{size}-light")


@pytest.mark.parametrize("size", SIZES)
@pytest.mark.parametrize("world", WORLDS)
async def test_the_cockpit_without_colour(world: str, size: str, opened: Opener, gallery: Gallery, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("NO_COLOR", "1")
    async with opened(world, SIZES[size]) as (app, _, _):
        await gallery.check(app, f"cockpit-{world}-{size}-plain")


@pytest.mark.parametrize("world", WORLDS)
async def test_the_panes_below_the_queue(world: str, opened: Opener, gallery: Gallery) -> None:
    async with opened(world, (80, 24)) as (app, pilot, _):
        for key in ("2", "3", "4"):
            await pilot.press(key)
            await settled(app, pilot)
            await gallery.check(app, f"pane-{key}-{world}-80x24-dark")


async def test_a_tasks_own_screen(opened: Opener, gallery: Gallery) -> None:
    async with opened("busy") as (app, pilot, _):
        await pilot.press("slash", *"passkeys", "enter")
        await settled(app, pilot)
        await pilot.press("enter")
        for tab in TABS:
            await gallery.check(app, f"task-{tab}-120x40-dark")
            await pilot.press("tab")


async def test_new_shows_mistakes_and_plans_in_place(opened: Opener, gallery: Gallery) -> None:
    async with opened() as (app, pilot, _):
        await pilot.press("c")
        editor = app.screen.query_one(Editor)
        editor.cursor_blink = False
        editor.text = 'ABYSSAL[CODEE]("auth")\nABYSSAL[TEST]("x", prioritty=3)'
        await pilot.press("enter")
        await gallery.check(app, "new-mistakes-120x40-dark")


async def test_what_opens_over_the_panes(opened: Opener, gallery: Gallery) -> None:
    async with opened("busy") as (app, pilot, _):
        for key, name in OVER.items():
            await pilot.press(key)
            await pilot.pause()
            for field in app.screen.query(Input):
                field.cursor_blink = False
            await gallery.check(app, f"{name}-120x40-dark")
            await pilot.press("escape")
            await pilot.pause()


async def test_a_terminal_that_is_too_small_shows_one_pane(opened: Opener, gallery: Gallery) -> None:
    async with opened("busy", (60, 18)) as (app, _, _):
        await gallery.check(app, "small-60x18-dark")
