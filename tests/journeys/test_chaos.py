"""Whatever is killed, nothing that was acknowledged is lost, and nothing is left running."""

import time
from pathlib import Path

from tests.journeys.chaos.rounds import WITHOUT_STRACE, play
from tests.journeys.chaos.tally import BACK_AT_WORK_SECONDS, Tally
from tests.waiting import slowness

SEED = 20261124
KILLS = 12


def test_nothing_is_lost_when_everything_is_killed_at_random_moments(tmp_path: Path) -> None:
    tally, slowest, rounds = Tally(), slowness(), 0

    while tally.kills < KILLS or not tally.back_seconds:
        rounds += 1
        play(tmp_path / str(rounds), SEED + rounds, KILLS, tally, names=WITHOUT_STRACE, until=time.monotonic() + 15)
        slowest = max(slowest, slowness())

    assert tally.executions
    assert max(tally.back_seconds) < BACK_AT_WORK_SECONDS * slowest
