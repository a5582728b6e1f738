"""Heartbeats, and how an engine's silence is seen."""

import threading
from dataclasses import replace

from abathur_tui.domain.clock import Clock, SystemClock
from abathur_tui.engine.leases import BeatWatch, Heartbeat
from abathur_tui.storage.engines import EngineRow
from tests.engine.clocks import HandClock
from tests.waiting import eventually

ROW = EngineRow("e", 1, "elsewhere", 0.0, beat=7)


class Beats:
    def __init__(self, alive: bool = True) -> None:
        self.count = 0
        self.alive = alive
        self.lost = threading.Event()

    def beat(self) -> bool:
        self.count += 1
        return self.alive


def heartbeat(beats: Beats, lease_seconds: float, clock: Clock | None = None) -> Heartbeat:
    return Heartbeat(beats.beat, beats.lost.set, heartbeat_seconds=0.01, lease_seconds=lease_seconds, clock=clock or SystemClock())


def test_it_beats_while_the_loop_ticks() -> None:
    beats = Beats()
    heart = heartbeat(beats, 5)
    heart.start()

    assert eventually(lambda: beats.count > 3)

    heart.stop()


def test_a_loop_that_hangs_longer_than_the_lease_is_not_hidden() -> None:
    beats, clock = Beats(), HandClock()
    heart = heartbeat(beats, 90, clock)
    heart.start()
    clock.forward(89)
    assert eventually(lambda: beats.count)

    looks, count = clock.forward(2), beats.count
    eventually(lambda: clock.looks > looks + 3)
    assert beats.count == count

    heart.tick()
    clock.forward(1)
    assert eventually(lambda: beats.count > count)
    heart.stop()


def test_an_engine_that_was_superseded_is_told_and_beats_no_more() -> None:
    beats = Beats(alive=False)
    heart = heartbeat(beats, 5)
    heart.start()

    assert beats.lost.wait(30)

    heart.stop()
    assert beats.count == 1


def test_silence_counts_from_the_first_look_and_every_beat_begins_it_anew() -> None:
    watch = BeatWatch(lease_seconds=90)

    assert not watch.is_lost(ROW, 1000)
    assert not watch.is_lost(ROW, 1089)
    assert not watch.is_lost(replace(ROW, beat=8), 1100)
    assert not watch.is_lost(replace(ROW, beat=8), 1189)
    assert watch.is_lost(replace(ROW, beat=8), 1190)
