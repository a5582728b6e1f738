"""Whatever is killed, nothing that was acknowledged is lost, and nothing is left running."""

import subprocess
import sys
import time
from pathlib import Path

from tests.journeys.chaos.rounds import WITHOUT_STRACE, play
from tests.journeys.chaos.tally import BACK_AT_WORK_SECONDS, Tally

SEED = 20261124
KILLS = 12
USUAL_SECONDS = 1.0
"""An engine's own imports take less than this, on a machine that has little else to do."""


def test_nothing_is_lost_when_everything_is_killed_at_random_moments(tmp_path: Path) -> None:
    tally, slowest, rounds = Tally(), slowness(), 0

    while tally.kills < KILLS or not tally.back_seconds:
        rounds += 1
        play(tmp_path / str(rounds), SEED + rounds, KILLS, tally, names=WITHOUT_STRACE, until=time.monotonic() + 15)
        slowest = max(slowest, slowness())

    assert tally.executions
    assert max(tally.back_seconds) < BACK_AT_WORK_SECONDS * slowest


def slowness() -> float:
    """How many times more than usual this machine takes now for what an engine does before anything else."""
    began = time.monotonic()
    subprocess.run([sys.executable, "-c", "import abathur_tui.engine.process"], check=True)
    return max(1.0, (time.monotonic() - began) / USUAL_SECONDS)
