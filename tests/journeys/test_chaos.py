"""Whatever is killed, nothing that was acknowledged is lost, and nothing is left running."""

import time
from pathlib import Path

from tests.journeys.chaos.rounds import WITHOUT_STRACE, play
from tests.journeys.chaos.tally import BACK_AT_WORK_SECONDS, Tally


def test_nothing_is_lost_when_everything_is_killed_at_random_moments(tmp_path: Path) -> None:
    tally = Tally()

    play(tmp_path, 20261124, 1000, tally, names=WITHOUT_STRACE, until=time.monotonic() + 10)

    assert tally.executions
    assert tally.kills > 5
    assert max(tally.back_seconds) < BACK_AT_WORK_SECONDS
