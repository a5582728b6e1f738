"""Runtimes are opened once, and a refused key makes way for a better one."""

import asyncio
import threading
from collections.abc import Mapping

import pytest

from abathur_tui.domain.conversation import Runtime
from abathur_tui.domain.errors import AccountRefused
from abathur_tui.domain.execution import RuntimeChoice, RuntimeName
from abathur_tui.engine.pool import RuntimePool
from abathur_tui.processes import Children
from tests.scripted import ScriptedRuntime, say
from tests.waiting import eventually_async

CHOICE = RuntimeChoice(RuntimeName.ANTHROPIC, key_fingerprint="old")


class Opener:
    def __init__(self) -> None:
        self.used: list[str | None] = []
        self.opened: list[ScriptedRuntime] = []
        self.wait: threading.Event | None = None

    def __call__(self, choice: RuntimeChoice, keys: Mapping[str, str], children: Children) -> Runtime:
        self.used.append(choice.key_fingerprint)
        if self.wait is not None:
            self.wait.wait(30)
        if choice.key_fingerprint not in keys:
            raise AccountRefused("no such key")
        self.opened.append(ScriptedRuntime(say("")))
        return self.opened[-1]


async def test_many_who_ask_at_once_get_the_same_runtime() -> None:
    opener = Opener()
    pool = RuntimePool(opener, {"old": "1"}, Children())

    runtimes = await asyncio.gather(*(pool.open(CHOICE) for _ in range(5)))

    assert len({id(runtime) for runtime in runtimes}) == len(opener.opened) == 1
    await pool.aclose()
    assert opener.opened[0].closed


async def test_a_failure_is_not_kept() -> None:
    opener, keys = Opener(), dict[str, str]()
    pool = RuntimePool(opener, keys, Children())
    with pytest.raises(AccountRefused):
        await pool.open(CHOICE)

    keys["old"] = "1"

    assert await pool.open(CHOICE)
    await pool.aclose()


async def test_the_newest_key_takes_the_place_of_one_that_is_missing_or_refused() -> None:
    opener, keys = Opener(), {"old": "1"}
    pool = RuntimePool(opener, keys, Children())
    await pool.open(CHOICE)
    pool.refused(CHOICE)

    keys["new"] = "2"
    pool.key_arrived("new")
    await pool.open(CHOICE)

    assert opener.used == ["old", "new"]
    await pool.aclose()


async def test_an_engine_that_was_started_with_another_key_uses_that_one() -> None:
    opener = Opener()
    pool = RuntimePool(opener, {"other": "1", "newest": "2"}, Children())

    await pool.open(CHOICE)

    assert opener.used == ["newest"]
    await pool.aclose()


async def test_a_key_that_is_handed_over_again_is_tried_again() -> None:
    opener = Opener()
    pool = RuntimePool(opener, {"old": "1", "new": "2"}, Children())
    pool.refused(CHOICE)
    pool.key_arrived("new")

    pool.key_arrived("old")
    await pool.open(CHOICE)

    assert opener.used == ["old"]
    await pool.aclose()


async def test_who_is_cancelled_while_it_opens_takes_it_from_nobody_and_it_is_closed_in_the_end() -> None:
    opener = Opener()
    opener.wait = threading.Event()
    pool = RuntimePool(opener, {"old": "1"}, Children())
    first, second = asyncio.create_task(pool.open(CHOICE)), asyncio.create_task(pool.open(CHOICE))
    await eventually_async(lambda: opener.used)

    first.cancel()
    opener.wait.set()

    assert await second is opener.opened[0]
    await pool.aclose()
    assert opener.opened[0].closed
