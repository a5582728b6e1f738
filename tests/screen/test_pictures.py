"""What the screen looks like, in pictures that somebody has approved."""

import pytest
from textual.widgets import Input, TextArea

from tests.screen.conftest import Opener, settled
from tests.screen.pictures import Gallery

SIZES = {"80x24": (80, 24), "120x40": (120, 40)}
LOOKS = {"dark": ("dark", ""), "light": ("light", ""), "plain": ("dark", "1")}


@pytest.mark.parametrize("look", LOOKS)
@pytest.mark.parametrize("size", SIZES)
@pytest.mark.parametrize("world", ["empty", "busy", "failed"])
async def test_the_cockpit(world: str, size: str, look: str, opened: Opener, gallery: Gallery, monkeypatch: pytest.MonkeyPatch) -> None:
    theme, no_color = LOOKS[look]
    if no_color:
        monkeypatch.setenv("NO_COLOR", no_color)
    async with opened(world, SIZES[size], theme) as (app, _, _):
        await gallery.check(app, f"cockpit-{world}-{size}-{look}")


@pytest.mark.parametrize("world", ["empty", "busy", "failed"])
@pytest.mark.parametrize("key", ["2", "3", "4"])
async def test_a_pane_below_the_queue(world: str, key: str, opened: Opener, gallery: Gallery) -> None:
    async with opened(world, (80, 24)) as (app, pilot, _):
        await pilot.press(key)
        await settled(app, pilot)
        await gallery.check(app, f"pane-{key}-{world}-80x24-dark")


@pytest.mark.parametrize("tab", ["result", "conversation", "events", "raw"])
async def test_a_tasks_own_screen(tab: str, opened: Opener, gallery: Gallery) -> None:
    async with opened("busy") as (app, pilot, _):
        await pilot.press("slash", *"passkeys", "enter")
        await settled(app, pilot)
        await pilot.press("enter")
        await pilot.pause(0.3)
        for _ in range(["result", "conversation", "events", "raw"].index(tab)):
            await pilot.press("tab")
        await gallery.check(app, f"task-{tab}-120x40-dark")


async def test_new_shows_mistakes_in_place(opened: Opener, gallery: Gallery) -> None:
    async with opened() as (app, pilot, _):
        await pilot.press("c")
        await pilot.pause()
        editor = app.screen.query_one(TextArea)
        editor.cursor_blink = False
        editor.text = 'ABYSSAL[CODEE]("auth")\nABYSSAL[TEST]("x", prioritty=3)'
        await pilot.press("enter")
        await gallery.check(app, "new-mistakes-120x40-dark")


@pytest.mark.parametrize(("key", "name"), [("question_mark", "help"), ("x", "cancel"), ("q", "leave"), ("ctrl+p", "palette")])
async def test_what_opens_over_the_panes(key: str, name: str, opened: Opener, gallery: Gallery) -> None:
    async with opened("busy") as (app, pilot, _):
        await pilot.press(key)
        await pilot.pause()
        for field in app.screen.query(Input):
            field.cursor_blink = False
        await gallery.check(app, f"{name}-120x40-dark")


async def test_a_terminal_that_is_too_small_shows_one_pane(opened: Opener, gallery: Gallery) -> None:
    async with opened("busy", (60, 18)) as (app, _, _):
        await gallery.check(app, "small-60x18-dark")
