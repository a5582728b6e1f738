"""Whatever is killed, nothing that was acknowledged is lost, and nothing is left running."""

from pathlib import Path

from tests.journeys.chaos import BACK_AT_WORK_SECONDS, Chaos


def test_nothing_is_lost_when_everything_is_killed_at_random_moments(tmp_path: Path) -> None:
    chaos = Chaos(tmp_path, seed=20261124)

    chaos.run(seconds=10)

    chaos.check()
    assert chaos.executions
    assert chaos.slowest_return_seconds < BACK_AT_WORK_SECONDS
