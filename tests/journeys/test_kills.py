"""Killed, or refused by the disk, at one write or another of each kind of operation; `python -m tests.journeys.kills` goes through all of them."""

import shutil
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.journeys.kills.lab import Forge, Hit, prepared, well_after
from tests.journeys.kills.scenario import Scenario
from tests.journeys.kills.scenarios import ALL, BY_NAME

pytestmark = pytest.mark.skipif(shutil.which("strace") is None, reason="strace kills at the k-th call")

PLACES = {
    "plain": ("fdatasync", 6),
    "joins": ("pwrite64", 500),
    "loop": ("fdatasync", 20),
    "tools": ("fdatasync", 17),
    "rescue": ("fdatasync", 3),
    "backoff": ("fdatasync", 9),
    "retry": ("fdatasync", 1),
    "asked": ("fdatasync", 5),
    "once": ("pwrite64", 18),
    "requests": ("fdatasync", 7),
    "schedule": ("fdatasync", 3),
    "commands": ("fdatasync", 4),
    "sweep": ("pwrite64", 60),
    "checkpoint": ("fdatasync", 9),
    "purge": ("fdatasync", 3),
    "backup": ("link", 1),
    "migration": ("rename", 1),
    "recover": ("link", 2),
    "salvage": ("link", 1),
    "vacuum": ("pwrite64", 40),
    "release": ("fdatasync", 2),
    "export": ("write", 1),
    "making": ("fsync", 2),
    "given": ("fdatasync", 12),
}
"""About the middle of what each does."""


@pytest.fixture(scope="module")
def forge(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Forge]:
    """Forks the processes that are killed."""
    made = Forge(tmp_path_factory.mktemp("forge") / "said")
    yield made
    made.close()


def test_each_scenario_is_tried() -> None:
    assert set(PLACES) == set(BY_NAME)


@pytest.mark.parametrize("scenario", ALL, ids=lambda scenario: scenario.name)
def test_what_was_begun_is_done_once_and_wholly(forge: Forge, scenario: Scenario, tmp_path: Path) -> None:
    before = prepared(scenario, forge, tmp_path / "before")

    assert well_after(scenario, forge, before, tmp_path / "killed", Hit(*PLACES[scenario.name]))


@pytest.mark.parametrize(
    ("scenario", "hit"),
    [
        ("plain", Hit("pwrite64", 30, "ENOSPC", calls=4)),
        ("joins", Hit("fdatasync", 12, "EIO")),
        ("plain", Hit("openat", 2, "EIO")),
        ("making", Hit("fsync", 7, "EIO")),
        ("recover", Hit("rename", 1, "EROFS")),
        ("given", Hit("pwrite64", 60, "EDQUOT")),
    ],
    ids=lambda value: value if isinstance(value, str) else value.name,
)
def test_what_the_disk_refuses_is_told_or_waited_for_and_nothing_is_lost(forge: Forge, scenario: str, hit: Hit, tmp_path: Path) -> None:
    before = prepared(BY_NAME[scenario], forge, tmp_path / "before")

    assert well_after(BY_NAME[scenario], forge, before, tmp_path / "hit", hit)
