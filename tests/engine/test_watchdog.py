"""Limits of time, and of silence."""

import asyncio

import pytest

from abathur_tui.engine.watchdog import Watchdog
from tests.engine.clocks import let_pass


async def test_words_put_it_off_and_what_we_do_with_them_is_no_silence() -> None:
    words, never = asyncio.Queue[str](), asyncio.Event()
    heard: list[str] = []

    async def listen() -> None:
        with Watchdog().limit(60) as silence:
            while (word := await words.get()) != "last":
                silence.pause()
                let_pass(61)  # our own time
                await asyncio.sleep(0)
                heard.append(word)
                silence.begin_anew()
                words.task_done()
            await never.wait()

    listening = asyncio.create_task(listen())
    for word in ("one", "two", "three"):
        await words.put(word)
        await words.join()
        let_pass(59)
        await asyncio.sleep(0)
    assert not listening.done()
    await words.put("last")
    await asyncio.sleep(0)
    let_pass(61)

    with pytest.raises(TimeoutError):
        await listening
    assert heard == ["one", "two", "three"]


async def test_whoever_is_cancelled_otherwise_is_not_told_of_silence() -> None:
    async def listen() -> None:
        with Watchdog().limit(60):
            await asyncio.Event().wait()

    listening = asyncio.create_task(listen())
    await asyncio.sleep(0)
    listening.cancel()

    with pytest.raises(asyncio.CancelledError):
        await listening


async def test_a_pause_takes_nothing_of_the_time_that_is_left() -> None:
    said, never = asyncio.Event(), asyncio.Event()

    async def work() -> None:
        with Watchdog().limit(60) as limit:
            await said.wait()
            limit.pause()
            let_pass(600)
            await asyncio.sleep(0)
            limit.go_on()
            await never.wait()

    working = asyncio.create_task(work())
    await asyncio.sleep(0)
    let_pass(50)
    said.set()
    await asyncio.sleep(0)
    await asyncio.sleep(0)
    await asyncio.sleep(0)
    let_pass(9)
    await asyncio.sleep(0)
    assert not working.done()
    let_pass(2)

    with pytest.raises(TimeoutError):
        await working


async def test_each_of_many_limits_ends_its_own_part_at_its_own_time() -> None:
    dog = Watchdog()

    async def work(seconds: float) -> str:
        try:
            with dog.limit(seconds):
                await asyncio.Event().wait()
        except TimeoutError:
            return "too long"
        return ""

    async def short() -> str:
        with dog.limit(5):
            return "done"

    working = {seconds: asyncio.create_task(work(seconds)) for seconds in (90, 30, 60)}
    await asyncio.sleep(0)
    ended = [await short() for _ in range(3)]
    over = []
    for _ in range(9):
        let_pass(10)
        for _ in range(5):
            await asyncio.sleep(0)
        over.append(sorted(seconds for seconds, task in working.items() if task.done()))

    assert ended == ["done"] * 3
    assert over == [[], [], [30], [30], [30], [30, 60], [30, 60], [30, 60], [30, 60, 90]]
    assert [task.result() for task in working.values()] == ["too long"] * 3
