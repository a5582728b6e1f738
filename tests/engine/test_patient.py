"""Writes whose caller is cancelled while they are under way."""

import asyncio
import threading
from collections.abc import Callable
from sqlite3 import Connection

import pytest

from abathur_tui.domain.clock import SystemClock
from abathur_tui.engine.log import EngineLog
from abathur_tui.engine.patient import PatientDatabase
from tests.engine.bench import Bench
from tests.scripted import Script, say


async def test_what_was_written_is_known_however_often_the_caller_is_cancelled(bench: Callable[[Script], Bench]) -> None:
    # Given a write that is under way, whose caller is cancelled (its time is over),
    project = bench(say("x"))
    clock = SystemClock()
    patient = PatientDatabase(project.database, EngineLog(project.data / "logs", "info", clock), clock, lambda _: None)
    going, gate, kept = threading.Event(), threading.Event(), list[str]()

    def write(_: Connection) -> str:
        going.set()
        assert gate.wait(30)
        return "done"

    caller = asyncio.create_task(patient.write_kept(kept.append, write))
    await asyncio.to_thread(going.wait, 30)
    caller.cancel()
    await asyncio.sleep(0)
    # when it is cancelled once more before the write's end (somebody stops it),
    caller.cancel()
    await asyncio.sleep(0)
    gate.set()
    # then it waits for that all the same, and what came of it is kept.
    with pytest.raises(asyncio.CancelledError):
        await caller
    assert kept == ["done"]
