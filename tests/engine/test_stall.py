"""A limit of silence."""

import asyncio

import pytest

from abathur_tui.engine.stall import Stall
from tests.engine.clocks import let_pass


async def test_words_put_it_off_and_what_we_do_with_them_is_no_silence() -> None:
    words, never = asyncio.Queue[str](), asyncio.Event()
    heard: list[str] = []

    async def listen() -> None:
        with Stall(60) as stall:
            while (word := await words.get()) != "last":
                stall.heard()
                let_pass(61)  # our own time
                await asyncio.sleep(0)
                heard.append(word)
                stall.listen()
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
        with Stall(60):
            await asyncio.Event().wait()

    listening = asyncio.create_task(listen())
    await asyncio.sleep(0)
    listening.cancel()

    with pytest.raises(asyncio.CancelledError):
        await listening
