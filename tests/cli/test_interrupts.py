"""Ctrl-C while something is awaited."""

import asyncio
import os
import signal

import pytest

from abathur_tui.cli.interrupts import Interrupted, Interrupts


def press() -> None:
    os.kill(os.getpid(), signal.SIGINT)


async def forever() -> None:
    await asyncio.Event().wait()


async def test_what_is_awaited_is_cancelled() -> None:
    waiting = asyncio.ensure_future(forever())
    with Interrupts() as interrupts:
        asyncio.get_running_loop().call_soon(press)
        with pytest.raises(Interrupted):
            await interrupts.unless_pressed(waiting)

    assert waiting.cancelled()


async def test_a_press_that_comes_too_late_counts_for_the_next() -> None:
    async def done_and_pressed() -> str:
        press()
        await asyncio.sleep(0)  # the handler runs in the loop's next round, when this one is done
        return "done"

    with Interrupts() as interrupts:
        assert await interrupts.unless_pressed(done_and_pressed()) == "done"
        with pytest.raises(Interrupted):
            await interrupts.unless_pressed(forever())


async def test_each_press_counts_once() -> None:
    with Interrupts() as interrupts:
        press()
        press()
        for _ in range(2):
            with pytest.raises(Interrupted):
                await interrupts.unless_pressed(forever())
        assert await interrupts.unless_pressed(asyncio.sleep(0, "free")) == "free"


async def test_outside_it_is_pythons_own_again() -> None:
    with Interrupts():
        pass

    assert signal.getsignal(signal.SIGINT) is signal.default_int_handler
