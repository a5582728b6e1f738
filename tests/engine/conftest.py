"""Benches for the engine's tests."""

from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from tests.engine.bench import Bench
from tests.scripted import Script, ScriptedRuntime


@pytest.fixture
def bench(tmp_path: Path) -> Iterator[Callable[[Script], Bench]]:
    """Makes a project whose runtime answers by a script."""
    benches: list[Bench] = []

    def make(script: Script) -> Bench:
        benches.append(Bench(tmp_path / "project", ScriptedRuntime(script)))
        return benches[-1]

    (tmp_path / "project").mkdir()
    yield make
    for made in benches:
        made.close()
