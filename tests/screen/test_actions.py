"""One registry of actions: everything that shows or takes a key agrees with it."""

from pathlib import Path

import pytest
from textual.command import CommandList, CommandPalette
from textual.dom import DOMNode

from abathur_tui.screen.actions import ACTIONS, BY_NAME, Where, of
from abathur_tui.screen.app import AbathurApp
from abathur_tui.screen.palette import find_action
from abathur_tui.screen.panes.agents import AgentsPane
from abathur_tui.screen.panes.convergence import ConvergencePane
from abathur_tui.screen.panes.logs import LogsPane
from abathur_tui.screen.panes.queue import QueuePane
from abathur_tui.screen.reference import page
from abathur_tui.screen.screens.answer import QuestionLines
from abathur_tui.screen.screens.cockpit import Cockpit
from abathur_tui.screen.screens.dialogs import Confirm, LeaveScreen
from abathur_tui.screen.screens.help import help_lines
from abathur_tui.screen.screens.new import NewScreen
from abathur_tui.screen.screens.task import TaskScreen
from tests.screen.conftest import Opener, settled
from tests.waiting import eventually_async

DOERS: dict[Where, tuple[type[DOMNode], ...]] = {
    Where.EVERYWHERE: (Cockpit, AbathurApp),
    Where.LISTS: (QueuePane, LogsPane, AgentsPane, ConvergencePane),
    Where.TASKS: (QueuePane,),
    Where.AGENTS: (AgentsPane,),
    Where.LOGS: (LogsPane,),
    Where.CONVERGENCE: (ConvergencePane,),
    Where.TASK_SCREEN: (TaskScreen,),
    Where.NEW: (NewScreen,),
    Where.ANSWERING: (QuestionLines,),
    Where.DIALOGS: (Confirm,),
    Where.LEAVING: (LeaveScreen,),
}


def test_the_keys_page_is_current() -> None:
    written = Path(__file__).parents[2] / "docs" / "keys.md"

    assert written.read_text(encoding="utf-8") == page(), "run: python -m abathur_tui.screen.reference > docs/keys.md"


@pytest.mark.parametrize("name", BY_NAME)
def test_every_action_has_somebody_who_does_it(name: str) -> None:
    action = BY_NAME[name]

    assert any(hasattr(doer, action.method) for doer in DOERS[action.where])


def test_names_are_unique() -> None:
    assert len(BY_NAME) == len(ACTIONS)


@pytest.mark.parametrize(
    "places", [(place,) for place in Where] + [(Where.LISTS, Where.TASKS), (Where.LISTS, Where.LOGS), (Where.LISTS, Where.AGENTS)]
)
def test_no_key_means_two_things_in_one_place(places: tuple[Where, ...]) -> None:
    keys = [key for action in of(*places) for key in action.keys]

    assert len(keys) == len(set(keys))


def test_keys_of_a_pane_take_none_that_work_everywhere() -> None:
    everywhere = {key for action in of(Where.EVERYWHERE) for key in action.keys}

    for place in (Where.LISTS, Where.TASKS, Where.AGENTS, Where.LOGS, Where.CONVERGENCE):
        assert not everywhere & {key for action in of(place) for key in action.keys}, place


@pytest.mark.parametrize(
    ("typed", "name"), [("task.cancel", "task.cancel"), ("cancel", "task.cancel"), ("next pane", "pane.next"), ("foll", "log.follow")]
)
def test_a_command_is_found_by_name_or_by_its_last_word(typed: str, name: str) -> None:
    found = find_action(typed, lambda _: True)

    assert found is not None
    assert found.name == name


async def test_the_footer_shows_only_what_works_on_the_row(opened: Opener) -> None:
    async with opened("failed", (160, 40)) as (app, pilot, _):
        # The first row has failed: it can be retried, not cancelled.
        assert app.offered("task.retry")
        assert not app.offered("task.cancel")
        # The last row waits: the other way round.
        await pilot.press("G")
        assert app.offered("task.cancel")
        assert not app.offered("task.retry")


async def test_an_action_is_done_by_its_typed_name(opened: Opener) -> None:
    async with opened("busy") as (app, pilot, _):
        await pilot.press("colon", *"logs", "enter")
        await settled(app, pilot)

        assert isinstance(app.screen.focused, LogsPane)


async def test_a_mistyped_command_says_what_was_probably_meant(opened: Opener) -> None:
    async with opened("busy") as (app, pilot, _):
        await pilot.press("colon", *"convergance", "enter")
        await pilot.pause()

        assert "did you mean" in app.export_screenshot().replace("&#160;", " ")


async def test_the_palette_does_what_is_chosen(opened: Opener) -> None:
    async with opened("busy") as (app, pilot, _):
        await pilot.press("ctrl+p")
        await eventually_async(lambda: isinstance(app.screen, CommandPalette))
        await pilot.pause()
        await pilot.press(*"zoom")
        found = app.screen.query_one(CommandList)
        await eventually_async(lambda: found.option_count > 0 and "zoom" in str(found.get_option_at_index(0).prompt).lower())
        await pilot.press("enter")

        await eventually_async(lambda: isinstance(app.screen, Cockpit) and not app.screen.query_one(LogsPane).display)
        assert [pane.NUMBER for pane in app.query(QueuePane) if pane.display] == [1]


def test_help_keeps_keys_and_titles_apart() -> None:
    for line in help_lines(()):
        assert all(span.text.endswith(" ") for span in line[:-1])
