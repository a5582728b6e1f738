"""Rounds: hit a world for a while, drain it, check the laws."""

import time
from pathlib import Path

from tests.journeys.chaos import laws
from tests.journeys.chaos.blows import Blows
from tests.journeys.chaos.tally import Tally
from tests.journeys.chaos.world import World

WITHOUT_STRACE = ("engine", "guard", "engine_and_guard", "agent", "grandchild", "command", "hang_up", "engine_stopped_shortly")


def play(folder: Path, seed: int, kills: int, tally: Tally, *, names: tuple[str, ...] | None = None, until: float | None = None) -> None:
    """One round, to `kills` more kills (or the monotonic time `until`). Raises AssertionError where a law does not hold."""
    world = World(folder, seed)
    try:
        blows, enough = Blows(world, tally), tally.kills + kills
        while tally.kills < enough and (until is None or time.monotonic() < until):
            world.keep_busy()
            blows.strike(names)
            pause = time.monotonic() + world.random.uniform(0.0, 0.3)
            while time.monotonic() < pause:
                time.sleep(0.02)
        world.await_clients()
        world.drain()
        laws.check(world)
        tally.seeds.append(seed)
        tally.executions += len(world.executions)
        tally.tasks += world.read("SELECT count(*) FROM tasks")[0][0]
    finally:
        world.end()
