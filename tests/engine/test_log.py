"""The engine's log: a file a day, another one when that is full, and none for ever."""

import json
from pathlib import Path

import pytest

from abathur_tui.domain.clock import SystemClock
from abathur_tui.engine import log as log_module
from abathur_tui.engine.log import EngineLog
from tests.engine.test_caretaker import Moved


def names(folder: Path) -> list[str]:
    return sorted(path.name for path in folder.iterdir())


def test_each_day_has_a_file_and_those_of_more_than_30_days_ago_go(tmp_path: Path) -> None:
    clock = Moved()
    log = EngineLog(tmp_path, "info", clock)
    (tmp_path / "engine.log").write_text("what it said on standard error")
    for clock.days in range(40):
        log.info("event", "message")
    assert len(names(tmp_path)) == 32
    assert (tmp_path / "engine.log").exists()
    assert log.unwritten == 0


def test_a_full_file_is_followed_by_another_one_also_of_the_next_engine(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(log_module, "MOST_BYTES", 2000)
    for engine in ("first", "second"):
        log = EngineLog(tmp_path, "info", SystemClock(), engine)
        for number in range(20):
            log.info("event", "message", number=number)
    files = [path for path in tmp_path.iterdir() if path.name.startswith("engine-")]
    assert len(files) > 2
    assert all(path.stat().st_size < 2300 for path in files)
    lines = [json.loads(line) for path in files for line in path.read_text().splitlines()]
    assert len(lines) == 40
