"""The cockpit as somebody uses it: layouts, panes, keys, and what they ask of the project."""

import pytest
from textual.events import MouseScrollDown

from abathur_tui.domain.filters import TaskFilter
from abathur_tui.domain.status import Status
from abathur_tui.domain.tasks import Task
from abathur_tui.screen.app import AbathurApp
from abathur_tui.screen.panes.agents import AgentsPane
from abathur_tui.screen.panes.logs import LogsPane
from abathur_tui.screen.panes.pane import Pane
from abathur_tui.screen.panes.queue import QueuePane
from abathur_tui.screen.screens.cockpit import Cockpit, Layout, layout_for
from abathur_tui.screen.screens.dialogs import Confirm
from abathur_tui.screen.screens.help import HelpLines
from abathur_tui.screen.screens.task import TaskScreen
from abathur_tui.storage import queue, views
from tests.screen.conftest import Opener, settled
from tests.screen.worlds import NOW, World, node
from tests.waiting import eventually_async


def tasks(world: World) -> dict[str, Task]:
    return {task.name: task for task in world.database.read_now(views.tasks, TaskFilter(), 1000)}


def current(app: AbathurApp) -> str:
    """The name of the task under the queue's cursor."""
    task = app.store.queue.task(app.screen.query_one(QueuePane).cursor)
    return task.name if task else ""


def shown(app: AbathurApp) -> list[int]:
    return [pane.NUMBER for pane in app.screen.query(Pane) if pane.display]


@pytest.mark.parametrize(
    ("size", "layout"),
    [
        ((120, 24), Layout.FOUR),
        ((200, 60), Layout.FOUR),
        ((119, 40), Layout.TABS),
        ((80, 24), Layout.TABS),
        ((79, 40), Layout.ONE),
        ((200, 23), Layout.ONE),
    ],
)
def test_the_size_decides_the_layout(size: tuple[int, int], layout: Layout) -> None:
    assert layout_for(*size) is layout


async def test_tabs_below_the_queue_change_places(opened: Opener) -> None:
    async with opened("busy", (80, 24)) as (app, pilot, _):
        assert shown(app) == [1, 2]
        await pilot.press("4")
        assert shown(app) == [1, 4]
        await pilot.press("tab")
        assert isinstance(app.screen.focused, QueuePane)
        await pilot.press("shift+tab", "shift+tab")
        assert shown(app) == [1, 3]


async def test_a_terminal_that_grows_gets_its_panes(opened: Opener) -> None:
    async with opened("busy", (60, 18)) as (app, pilot, _):
        assert shown(app) == [1]
        await pilot.resize_terminal(120, 40)
        await pilot.pause()
        assert shown(app) == [1, 2, 3, 4]


async def test_zoom_follows_the_focus_and_goes_back(opened: Opener) -> None:
    async with opened("busy") as (app, pilot, _):
        await pilot.press("3", "z")
        assert shown(app) == [3]
        await pilot.press("2")
        assert shown(app) == [2]
        await pilot.press("escape")
        assert shown(app) == [1, 2, 3, 4]


async def test_the_cursor_moves_as_in_vi_and_with_arrows(opened: Opener) -> None:
    async with opened("busy") as (app, pilot, _):
        pane = app.screen.query_one(QueuePane)
        places = []
        for key in ("j", "down", "k", "G", "up", "g", "ctrl+d", "ctrl+u"):
            await pilot.press(key)
            places.append(pane.cursor)
        last = pane.count - 1
        assert places == [1, 2, 1, last, last - 1, 0, last, 0]


async def test_the_cursor_stays_on_its_task_when_others_come_before_it(opened: Opener) -> None:
    async with opened("busy") as (app, pilot, world):
        await pilot.press("j", "j")
        before = current(app)
        world.submit(node("URGENT", priority=10))
        await eventually_async(lambda: app.store.queue.task(0) is not None and len(app.store.queue) == 10)
        await settled(app, pilot)
        assert current(app) == before


async def test_cancelling_asks_once_with_the_count_and_does_it(opened: Opener) -> None:
    async with opened("busy") as (app, pilot, world):
        await pilot.press("G", "space", "k", "k", "k", "space")  # the paused one, and the pending one
        marked = [task.name for task in tasks(world).values() if task.id in app.screen.query_one(QueuePane).marks]
        await pilot.press("x")
        await eventually_async(lambda: isinstance(app.screen, Confirm))
        await pilot.pause()
        assert "Cancel&#160;2&#160;tasks" in app.export_screenshot()
        await pilot.press("y")
        await eventually_async(lambda: [tasks(world)[name].status for name in marked] == [Status.CANCELLED, Status.CANCELLED])


async def test_a_question_that_is_denied_does_nothing(opened: Opener) -> None:
    async with opened("busy") as (app, pilot, world):
        before = tasks(world)
        await pilot.press("x")
        await eventually_async(lambda: isinstance(app.screen, Confirm))
        await pilot.pause()
        await pilot.press("n")
        await eventually_async(lambda: isinstance(app.screen, Cockpit))
        assert tasks(world) == before


async def test_retry_brings_a_dead_task_back_with_its_dependents(opened: Opener) -> None:
    async with opened("failed") as (app, pilot, world):
        await pilot.press("j")
        assert current(app) == "CODE API gateway"
        await pilot.press("r")
        await eventually_async(lambda: tasks(world)["CODE API gateway"].status is Status.PENDING)
        assert tasks(world)["TEST API gateway"].status is Status.WAITING


async def test_pause_and_resume_are_one_key(opened: Opener) -> None:
    async with opened(lambda world: void(world.submit(node("a")))) as (app, pilot, world):
        await pilot.press("p")
        await eventually_async(lambda: [task.status for task in app.store.queue.rows.values()] == [Status.PAUSED])
        await pilot.press("p")
        await eventually_async(lambda: tasks(world)["a"].status is Status.PENDING)


async def test_priorities_go_up_and_down_for_each_marked_task(opened: Opener) -> None:
    async with opened(lambda world: void(world.submit(node("a", priority=3)), world.submit(node("b", priority=10)))) as (app, pilot, world):
        await pilot.press("asterisk", "plus")
        await eventually_async(lambda: sorted(task.priority for task in app.store.queue.rows.values()) == [4, 10])
        assert (tasks(world)["a"].priority, tasks(world)["b"].priority) == (4, 10)
        await pilot.press("minus")
        await eventually_async(lambda: (tasks(world)["a"].priority, tasks(world)["b"].priority) == (3, 9))


async def test_what_is_refused_is_said_with_its_code(opened: Opener) -> None:
    def fill(world: World) -> None:
        made = world.submit(node("runs"), node("dead"))
        world.claim()
        world.fail(made["dead"], "ABTH-ERR-046", "exit code 3", Status.DEAD)

    async with opened(fill) as (app, pilot, _):
        await pilot.press("asterisk", "r")
        await eventually_async(lambda: any(notice.title == "ABTH-ERR-007" and "refused" in notice.message for notice in app._notifications))


async def test_a_range_marks_from_here_to_the_cursor(opened: Opener) -> None:
    async with opened("busy") as (app, pilot, _):
        pane = app.screen.query_one(QueuePane)
        await pilot.press("j", "v", "j", "j")
        assert pane.marks == set(app.store.queue.ids[1:4])
        await pilot.press("k")
        assert pane.marks == set(app.store.queue.ids[1:3])
        await pilot.press("escape", "escape")
        assert pane.marks == set()


async def test_a_filter_shows_at_once_and_esc_takes_it_back(opened: Opener) -> None:
    async with opened("busy") as (app, pilot, _):
        await pilot.press("slash", *"status:waiting")
        await eventually_async(lambda: len(app.store.queue) == 3)
        await pilot.press("enter")
        assert isinstance(app.screen.focused, QueuePane)
        await pilot.press("escape")
        await eventually_async(lambda: len(app.store.queue) == 9)


async def test_a_filter_that_is_given_up_changes_nothing(opened: Opener) -> None:
    async with opened("busy") as (app, pilot, _):
        await pilot.press("slash", *"nothing")
        await eventually_async(lambda: len(app.store.queue) == 0)
        await pilot.press("escape")
        await eventually_async(lambda: len(app.store.queue) == 9)


async def test_n_goes_to_the_next_match_of_the_last_filter(opened: Opener) -> None:
    async with opened("busy") as (app, pilot, _):
        await pilot.press("slash", *"status:waiting", "enter")
        await eventually_async(lambda: len(app.store.queue) == 3)
        await pilot.press("escape")
        await eventually_async(lambda: len(app.store.queue) == 9)
        await settled(app, pilot)
        for key, found in (("n", "DOCUMENT gateway runbook"), ("n", "ARCHITECTURE microservices"), ("N", "DOCUMENT gateway runbook")):
            await pilot.press(key)
            await eventually_async(lambda found=found: current(app) == found)  # type: ignore[misc]


async def test_sorting_goes_through_the_columns(opened: Opener) -> None:
    async with opened("busy") as (app, pilot, world):
        oldest = min(tasks(world).values(), key=lambda task: task.id).name
        await pilot.press("s", "g")
        await settled(app, pilot)
        await eventually_async(lambda: (first := app.store.queue.task(0)) is not None and first.name == oldest)
        await pilot.press("g")
        assert current(app) == oldest


async def test_enter_opens_a_task_and_esc_comes_back(opened: Opener) -> None:
    async with opened("busy") as (app, pilot, _):
        await pilot.press("enter")
        await eventually_async(lambda: isinstance(app.screen, TaskScreen))
        await pilot.pause()
        await pilot.press("escape")
        await eventually_async(lambda: isinstance(app.screen.focused, QueuePane))


async def test_a_head_that_does_not_fit_ends_with_an_ellipsis(opened: Opener) -> None:
    async with opened("busy", (44, 20)) as (app, pilot, _):
        await pilot.press("enter")
        await eventually_async(lambda: isinstance(app.screen, TaskScreen))
        head = app.screen.query_one("#task-head")
        await eventually_async(lambda: head.render_line(0).text.endswith("…"))
        assert head.render_line(0).cell_length == 44


async def test_a_task_that_is_gone_says_so(opened: Opener) -> None:
    async with opened("busy") as (app, pilot, _):
        app.push_screen(TaskScreen(app.store, 4711))
        await eventually_async(lambda: "There&#160;is&#160;no&#160;task" in app.export_screenshot())
        await pilot.press("escape")


async def test_the_chosen_agents_log_and_back_to_all(opened: Opener) -> None:
    async with opened("busy") as (app, pilot, _):
        await pilot.press("2", "j", "l")
        await eventually_async(lambda: bool(app.store.scope_log.lines))
        await settled(app, pilot)
        assert isinstance(app.screen.focused, LogsPane)
        assert {line.agent for line in app.store.shown_log.lines} == {app.store.scope.agent}
        await pilot.press("escape")
        await pilot.pause()
        assert app.store.shown_log is app.store.log


async def test_a_log_follows_until_somebody_scrolls_up(opened: Opener) -> None:
    async with opened("busy", (80, 24)) as (app, pilot, world):
        await pilot.press("3")
        pane = app.screen.query_one(LogsPane)
        await settled(app, pilot)
        assert pane.first_visible == pane.count - pane.page
        await pilot.press("k", "k")
        place = pane.first_visible
        world.do(queue.hold_lane, "other", "quota", NOW + 60, "enough for today", "engine", NOW)
        await eventually_async(lambda: any("enough" in line.text for line in app.store.log.lines))
        assert pane.first_visible == place
        await pilot.press("G")
        assert pane.first_visible == pane.count - pane.page


async def test_an_executions_agents_fold(opened: Opener) -> None:
    async with opened("busy") as (app, pilot, _):
        pane = app.screen.query_one(AgentsPane)
        before = pane.count
        await pilot.press("2", "space")
        assert pane.count == before - 2
        await pilot.press("space")
        assert pane.count == before


async def test_a_click_moves_the_cursor_and_a_click_on_a_key_does_what_it_does(opened: Opener) -> None:
    async with opened("busy") as (app, pilot, _):
        await pilot.click("#queue", offset=(20, 5))
        assert current(app) == "TEST load tests"
        await pilot.click("#footer", offset=(2, 0))  # enter
        await pilot.pause()
        assert isinstance(app.screen, TaskScreen)


async def test_dark_and_light_change_places(opened: Opener) -> None:
    async with opened("empty") as (app, pilot, _):
        await pilot.press("D")
        assert app.theme == "abathur-light"
        await pilot.press("D")
        assert app.theme == "abathur-dark"


def void(*_: object) -> None:
    """For the value of expressions in a lambda."""


@pytest.mark.parametrize("keys", [("G",), ("end",), ("G", *"kkkjjjj"), ("ctrl+d",) * 20, ("pagedown",) * 20])
async def test_help_is_read_to_its_end(opened: Opener, keys: tuple[str, ...]) -> None:
    async with opened("busy", (80, 24)) as (app, pilot, _):
        await pilot.press("question_mark", *keys)
        lines = app.screen.query_one(HelpLines)
        await eventually_async(lambda: lines.first_visible == lines.count - lines.page > 0)
        await pilot.press("k", "g")
        await eventually_async(lambda: lines.first_visible == 0)


async def test_the_wheel_scrolls_the_queue_and_help(opened: Opener) -> None:
    async with opened("busy", (80, 24)) as (app, pilot, _):
        pane = app.screen.query_one(QueuePane)
        await settled(app, pilot)
        assert pane.count > pane.page
        await pilot._post_mouse_events([MouseScrollDown], QueuePane, (5, 3))
        await eventually_async(lambda: pane.first_visible > 0)
        await pilot.press("question_mark")
        await pilot._post_mouse_events([MouseScrollDown], HelpLines, (5, 3))
        await eventually_async(lambda: app.screen.query_one(HelpLines).first_visible > 0)
