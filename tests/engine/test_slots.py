"""Slots: limits for all and per lane, and those who wait for one."""

import asyncio

import pytest

from abathur_tui.engine.slots import Slots
from tests.waiting import eventually_async


def slots(limit: int) -> Slots:
    return Slots(limit, lambda: None)


def test_a_lane_takes_no_more_than_its_own_limit_and_all_no_more_than_the_whole() -> None:
    some = slots(3)
    some.limit_lane("local", 2)

    taken = [some.take("local"), some.take("local")]

    assert (some.free(), some.free_in("local"), some.free_in("api")) == (1, 0, 1)
    taken[0].release()
    assert (some.free(), some.free_in("local")) == (2, 1)


def test_a_slot_given_back_twice_counts_once() -> None:
    some = slots(1)
    slot = some.take("a")

    slot.release()
    slot.release()

    assert some.busy == 0


async def test_who_waits_comes_before_claims_and_the_more_urgent_first() -> None:
    some = slots(1)
    working = some.take("a")
    got: list[int] = []

    async def wait(priority: int) -> None:
        slot = await some.acquire(priority)
        got.append(priority)
        slot.release()

    async with asyncio.TaskGroup() as group:
        for priority in (2, 9, 5):
            group.create_task(wait(priority))
        await asyncio.sleep(0)
        assert some.free() == 0
        working.release()

    assert got == [9, 5, 2]
    assert some.free() == 1


async def test_a_waiter_that_is_cancelled_holds_nothing() -> None:
    some = slots(1)
    working = some.take("a")
    waiting = asyncio.create_task(some.acquire(5))
    await asyncio.sleep(0)

    waiting.cancel()
    with pytest.raises(asyncio.CancelledError):
        await waiting
    working.release()

    assert (some.busy, some.free()) == (0, 1)


async def test_a_waiter_that_is_cancelled_in_the_moment_of_its_turn_gives_the_slot_back() -> None:
    some = slots(1)
    working = some.take("a")
    waiting = asyncio.create_task(some.acquire(5))
    await asyncio.sleep(0)

    working.release()
    waiting.cancel()
    with pytest.raises(asyncio.CancelledError):
        await waiting

    assert await eventually_async(lambda: some.free() == 1)


async def test_who_waits_in_a_full_lane_holds_up_nobody_else_and_is_next_in_its_own() -> None:
    some = slots(3)
    some.limit_lane("local", 1)
    local = some.take("local")
    waiting = asyncio.create_task(some.acquire(9, "local"))
    await asyncio.sleep(0)

    assert (some.free(), some.free_in("api"), some.free_in("local")) == (2, 2, 0)
    other = await some.acquire(1)
    local.release()
    again = await waiting

    assert some.free_in("local") == 0
    again.release()
    other.release()
    assert some.busy == 0


async def test_a_slot_that_was_given_back_is_held_again_when_there_is_one() -> None:
    some = slots(1)
    slot = some.take("a")
    slot.release()
    between = some.take("a")
    back = asyncio.create_task(slot.regain(5))
    await asyncio.sleep(0)
    assert not back.done()

    between.release()
    await back

    assert (some.busy, slot.held) == (1, True)
    slot.release()
    assert some.busy == 0


async def test_a_larger_limit_lets_those_in_who_wait() -> None:
    some = slots(1)
    first = some.take("a")
    waiting = asyncio.create_task(some.acquire(5))
    await asyncio.sleep(0)

    some.resize(2)

    assert (await waiting).held
    some.resize(1)
    assert some.free() == 0
    first.release()
    assert some.free() == 0
