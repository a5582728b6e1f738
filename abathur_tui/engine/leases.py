"""Leases: how an engine says that it lives, and how it finds out that another one does not."""

import threading
from collections.abc import Callable

from abathur_tui.domain.clock import Clock
from abathur_tui.domain.errors import AbathurError
from abathur_tui.storage.engines import EngineRow

_STEP_SECONDS = 1.0
"""How often the thread looks whether it was stopped, at least."""


class Heartbeat:
    """A thread that beats while the event loop ticks: a busy loop is forgiven for as long as the lease, a hang is not hidden."""

    def __init__(self, beat: Callable[[], bool], lost: Callable[[], object], *, heartbeat_seconds: float, lease_seconds: float, clock: Clock) -> None:
        """`beat` writes one and says whether the engine is still an engine; `lost` is called, in the thread, once it is not."""
        self._beat = beat
        self._lost = lost
        self._clock = clock
        self.use(heartbeat_seconds, lease_seconds)
        self._tick = clock.monotonic()
        self._ended = threading.Event()
        self._thread = threading.Thread(target=self._run, name="abathur-heartbeat", daemon=True)

    def use(self, heartbeat_seconds: float, lease_seconds: float) -> None:
        """Beat so often, and count as dead after so long, from now on."""
        self._every = min(heartbeat_seconds, lease_seconds / 2)
        self._lease = lease_seconds

    def start(self) -> None:
        """Begin to beat."""
        self._thread.start()

    def tick(self) -> None:
        """The event loop has just run."""
        self._tick = self._clock.monotonic()

    def stop(self) -> None:
        """Beat no more; returns when the thread has ended."""
        self._ended.set()
        self._thread.join()

    def _run(self) -> None:
        looked = beaten = self._clock.monotonic()
        while not self._ended.wait(min(self._every, _STEP_SECONDS)):
            now = self._clock.monotonic()
            # A process that was stopped for longer than its lease may have been superseded: it asks before anything else.
            slept = now - looked > self._lease
            looked = now
            if not slept and (now - beaten < self._every or now - self._tick >= self._lease):
                continue
            try:
                alive = self._beat()
            except AbathurError:
                continue  # The engine's own writes meet the same trouble, and say so.
            beaten = now
            if not alive:
                self._lost()
                return


class BeatWatch:
    """Watches other engines' beat counters on our own monotonic clock; wall times of other hosts are never compared."""

    def __init__(self, lease_seconds: float) -> None:
        """An engine whose counter stands still for `lease_seconds` has lost its leases."""
        self.lease_seconds = lease_seconds
        self._seen: dict[str, tuple[int, float]] = {}

    def is_lost(self, engine: EngineRow, now: float) -> bool:
        """Whether the counter has not changed for a whole lease. `now` is monotonic; the first look starts the lease anew."""
        beat, since = self._seen.get(engine.id, (None, now))
        if beat != engine.beat:
            self._seen[engine.id] = (engine.beat, now)
            return False
        return now - since >= self.lease_seconds
