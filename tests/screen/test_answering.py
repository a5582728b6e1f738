"""What tasks ask a person, on the screen: rows that say so, a dialog with every contradiction, and keys that say why they do nothing."""

import asyncio
from pathlib import Path

import pytest

from abathur_tui.domain.plan import ConflictRule, Edge, JoinSpec, JoinStrategy, Kind, Need
from abathur_tui.domain.questions import Asking, Possible
from abathur_tui.domain.status import Why
from abathur_tui.project import Project
from abathur_tui.screen.app import AbathurApp
from abathur_tui.screen.screens.answer import AnswerScreen
from abathur_tui.screen.screens.task import TaskScreen
from abathur_tui.storage import questions, queue
from tests.screen.conftest import ENVIRONMENT, Opener
from tests.screen.pictures import Gallery
from tests.screen.terminal import Terminal
from tests.screen.test_hostile_text import ALL, ALLOWED, FORBIDDEN
from tests.screen.worlds import NOW, World, node
from tests.waiting import eventually_async


def asking(world: World, more: str = "") -> None:
    """A merge of two members asks about a key, a file and a switch; a task beside it has completed."""
    world.engine(limit=10)
    rule = JoinSpec(JoinStrategy.MERGE, 0.8, conflicts=ConflictRule.ASK)
    made = world.submit(
        node("CODE settings", id="a", agent="code-generator", instance=1, instances=2),
        node("CODE settings", id="b", agent="code-generator", instance=2, instances=2),
        node(f"MERGE CODE settings{more}", id="m", agent=None, kind=Kind.JOIN, join=rule, template=None, template_version=None),
        edges=[Edge("m", "a", Need.SETTLES), Edge("m", "b", Need.SETTLES)],
    )
    world.claim()
    one, two = made["a"], made["b"]
    for task in (one, two):
        world.complete(task, "{}")
    world.claim(most=1)
    wanted = [
        Asking("key", f"server.port{more}", "Which value is right?", (Possible(8080, (one,)), Possible(9090, (two,)))),
        Asking("lines", "src/app.py:12", "Which lines?", (Possible(f"a\nb{more}\n", (one,)), Possible("c\n", (two,)))),
        Asking("key", "debug", "Which value is right?", (Possible(True, (one,)), Possible(False, (two,)))),
    ]
    world.do(questions.ask, world.held[made["m"]], wanted, NOW - 60)
    world.do(queue.park, world.held[made["m"]], Why.ASKS, NOW - 60)


def left(world: World) -> list[str]:
    """Where questions are open."""
    return [one.asking.where for one in world.database.read_now(questions.open_questions)]


def notices(app: AbathurApp) -> list[str]:
    """What is being said."""
    return [notice.message for notice in app._notifications]


@pytest.mark.parametrize("size", ["80x24", "120x40"])
async def test_the_dialog_lists_every_contradiction(size: str, opened: Opener, gallery: Gallery) -> None:
    width, height = map(int, size.split("x"))
    async with opened(asking, (width, height)) as (app, pilot, _):
        await pilot.press("G")
        await gallery.check(app, f"cockpit-asking-{size}-dark")
        await pilot.press("a")
        await eventually_async(lambda: isinstance(app.screen, AnswerScreen))
        await pilot.press("j", "space")
        await gallery.check(app, f"answer-{size}-dark")


async def test_many_are_answered_at_once_by_what_one_member_states(opened: Opener) -> None:
    async with opened(asking) as (app, pilot, world):
        assert app.store.figures.need_you == 1
        await pilot.press("*", "a")
        await eventually_async(lambda: isinstance(app.screen, AnswerScreen))
        await pilot.press("j", "a", "enter")
        await eventually_async(lambda: left(world) == [])
        answers = [world.database.read_now(questions.question, id).answer for id in (1, 2, 3)]
        assert [answer.value for answer in answers if answer is not None] == [9090, "c\n", False]
        await eventually_async(lambda: app.store.figures.need_you == 0)


async def test_one_is_chosen_another_is_written_and_the_third_stays_open(opened: Opener) -> None:
    async with opened(asking) as (app, pilot, world):
        await pilot.press("G", "enter")
        await eventually_async(lambda: isinstance(app.screen, TaskScreen) and bool(app.screen._detail))
        await pilot.press("a")
        await eventually_async(lambda: isinstance(app.screen, AnswerScreen))
        await pilot.press("space", "e", *"z = 1", "enter", "enter")
        await eventually_async(lambda: left(world) == ["debug"])
        first, second = (world.database.read_now(questions.question, id).answer for id in (1, 2))
        assert first is not None
        assert second is not None
        assert (first.value, second.value, second.members, second.by) == (8080, "z = 1", (), "user")


async def test_escape_answers_nothing(opened: Opener) -> None:
    async with opened(asking) as (app, pilot, world):
        await pilot.press("G", "a")
        await eventually_async(lambda: isinstance(app.screen, AnswerScreen))
        await pilot.press("space", "escape")
        await pilot.pause()
        assert len(left(world)) == 3


async def test_keys_that_change_nothing_on_a_row_say_why(opened: Opener) -> None:
    async with opened(asking) as (app, pilot, _):
        for key, why in (
            ("x", "t1 cannot be cancelled: it has ended (completed)"),
            ("p", "t1 cannot be paused: it has ended (completed)"),
            ("r", "t1 cannot be retried: it is completed"),
            ("a", "t1 asks nothing"),
            ("plus", "t1 cannot be given another priority: it has ended (completed)"),
        ):
            await pilot.press("g", key)
            await pilot.pause()
            assert why in notices(app)


async def test_files_that_are_saved_and_broken_are_told(opened: Opener) -> None:
    async with opened() as (app, _, _):
        folder = Path(app.store.database.folder) / "templates"
        await asyncio.to_thread(folder.mkdir, exist_ok=True)
        await asyncio.to_thread((folder / "hello.toml").write_text, 'name = "HELLO"\n')
        await eventually_async(lambda: any("hello.toml" in said and "prompt is missing" in said for said in notices(app)))


def test_what_members_state_never_drives_the_terminal(tmp_path: Path) -> None:
    (tmp_path / "p").mkdir()
    with Project.open(tmp_path / "p", create=True, environ=ENVIRONMENT) as project:
        asking(World(project.database), more=f"NAME{ALL}")
    with Terminal(tmp_path / "p", size=(150, 44)) as terminal:
        terminal.until("asks you")
        terminal.type("Ga")
        terminal.until(lambda display: "server.portNAME␛" in display and "bNAME␛" in display and "0 of 3 chosen" in display)
        terminal.type("\x1b")
        terminal.until(lambda display: "0 of 3" not in display)
        assert terminal.leaves() == 0
        rest = ALLOWED.sub("", terminal.written.decode())
    assert "\x1b" not in rest
    assert FORBIDDEN.search(rest) is None
