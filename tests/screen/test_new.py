"""New: what is written is planned at once, its mistakes are shown in place, and only a whole document is queued."""

from textual.widgets import Static

from abathur_tui.domain.filters import TaskFilter
from abathur_tui.screen.app import AbathurApp
from abathur_tui.screen.roles import Role
from abathur_tui.screen.screens.cockpit import Cockpit
from abathur_tui.screen.screens.new import Editor, NewScreen
from abathur_tui.screen.theme import looks_of
from abathur_tui.storage import views
from tests.screen.conftest import Opener
from tests.screen.worlds import World
from tests.waiting import eventually_async


def said(app: AbathurApp) -> str:
    """What stands below the editor."""
    return str(app.screen.query_one("#new-outcome", Static).visual)


def names(world: World) -> list[str]:
    return [task.name for task in world.database.read_now(views.tasks, TaskFilter(), 100)]


async def test_a_plain_prompt_is_queued_at_enter(opened: Opener) -> None:
    async with opened() as (app, pilot, world):
        await pilot.press("c")
        await pilot.press(*"write a haiku", "enter")
        await eventually_async(lambda: names(world) == ["write a haiku"])
        await eventually_async(lambda: isinstance(app.screen, Cockpit))


async def test_an_abyssal_line_is_planned_while_it_is_written(opened: Opener) -> None:
    async with opened() as (app, pilot, world):
        await pilot.press("c")
        app.screen.query_one(Editor).text = 'ABYSSAL[CODE]("auth service", language="rust")'
        await eventually_async(lambda: "CODE auth service" in said(app) and "TEST" in said(app))
        assert names(world) == []
        await pilot.press("ctrl+s")
        await eventually_async(lambda: any(name.startswith("TEST") for name in names(world)))


async def test_mistakes_are_shown_with_place_caret_and_suggestion_and_nothing_is_queued(opened: Opener) -> None:
    async with opened() as (app, pilot, world):
        await pilot.press("c")
        app.screen.query_one(Editor).text = 'ABYSSAL[CODEE]("漢字")\nABYSSAL[TEST]("x", prioritty=3)'
        await pilot.press("enter")
        await eventually_async(lambda: "1:9" in said(app))
        text = said(app)
        assert "2:20" in text
        assert "^^^^^" in text
        assert "did you mean CODE?" in text
        assert isinstance(app.screen, NewScreen)
        assert names(world) == []


async def test_ctrl_j_begins_a_new_line(opened: Opener) -> None:
    async with opened() as (app, pilot, _):
        await pilot.press("c", "a", "ctrl+j", "b")
        assert app.screen.query_one(Editor).text == "a\nb"


async def test_a_draft_is_kept_until_it_is_submitted(opened: Opener) -> None:
    async with opened() as (app, pilot, _):
        await pilot.press("c", *"draft")
        await pilot.press("escape")
        await pilot.pause()
        await pilot.press("c")
        await pilot.pause()
        assert app.screen.query_one(Editor).text == "draft"


async def test_the_example_is_shown_with_its_brackets(opened: Opener) -> None:
    async with opened() as (app, pilot, _):
        await pilot.press("c")
        assert app.screen.query_one(Editor).render_line(0).text.startswith("A prompt, or ABYSSAL[ROADMAP](")


async def test_an_empty_text_is_not_submitted(opened: Opener) -> None:
    async with opened() as (app, pilot, world):
        await pilot.press("c", "enter")
        await pilot.pause()
        assert isinstance(app.screen, NewScreen)
        assert names(world) == []


async def test_what_is_written_is_coloured_and_what_it_may_go_on_with_is_offered(opened: Opener) -> None:
    async with opened() as (app, pilot, _):
        await pilot.press("c")
        editor = app.screen.query_one(Editor)
        await pilot.press(*"ABYSSAL[res")
        await eventually_async(lambda: editor.suggestion == "EARCH](")
        assert any(span.style == looks_of(app.theme).roles[Role.ACCENT] for span in editor.get_line(0).spans)
        await pilot.press("tab")
        assert editor.text == "ABYSSAL[RESEARCH]("
        await pilot.press(*"'x', dep")
        await eventually_async(lambda: editor.suggestion == "th=")
        await pilot.press("left")
        await eventually_async(lambda: editor.suggestion == "")
        await pilot.press("right")
        assert editor.text == "ABYSSAL[RESEARCH]('x', dep"


async def test_a_prompt_is_neither_coloured_nor_completed(opened: Opener) -> None:
    async with opened() as (app, pilot, _):
        await pilot.press("c")
        editor = app.screen.query_one(Editor)
        await pilot.press(*"write 'a' # b")
        await eventually_async(lambda: "write" in said(app))
        assert editor.get_line(0).spans == []
        assert editor.suggestion == ""
