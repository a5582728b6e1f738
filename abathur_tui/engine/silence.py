"""An engine that gives no sign of life for its whole lease: stopped (SIGSTOP), or hanging. Whoever waits for it ends it."""

import socket
from dataclasses import dataclass
from enum import Enum
from sqlite3 import Connection

from abathur_tui.domain.clock import Clock
from abathur_tui.domain.errors import AbathurError, DatabaseBusy
from abathur_tui.engine.leases import BeatWatch
from abathur_tui.engine.rescue import notes_of
from abathur_tui.guard import is_stopped, kill_noted, kill_process
from abathur_tui.storage import Database, engines, queue
from abathur_tui.storage.engines import EngineRow, Holder
from abathur_tui.storage.turnstile import is_blocked


class End(Enum):
    """What has become of it. Either way the engine lock is free, and its tasks go on with the next engine."""

    KILLED = "killed"
    """Its process is gone."""
    SUPERSEDED = "superseded"
    """Its process is still there, and ends itself as soon as it runs again."""


@dataclass(frozen=True, slots=True)
class Silent:
    """An active engine whose beats have stood still for a whole lease."""

    holder: Holder
    row: EngineRow | None
    """None where it has the engine lock and never registered."""


class Silence:
    """Watches the active engine of this host, on our own monotonic clock. All methods block for some milliseconds."""

    def __init__(self, database: Database, lease_seconds: float, clock: Clock) -> None:
        """The first look starts the lease."""
        self._database = database
        self._clock = clock
        self._watch = BeatWatch(lease_seconds)

    def use(self, lease_seconds: float) -> None:
        """The active engine has been silent for too long after so many seconds, from now on."""
        self._watch.lease_seconds = lease_seconds

    def found(self) -> Silent | None:
        """The active engine, if it has been silent for its whole lease. Raises AbathurError."""
        holder = engines.active_holder(self._database.folder)
        if holder is None:
            return None
        row = self._database.read_now(engines.row, holder.engine)
        seen = row or EngineRow(holder.engine, holder.pid, socket.gethostname(), 0.0, beat=-1)
        return Silent(holder, row) if self._watch.is_lost(seen, self._clock.monotonic()) else None

    def end(self, silent: Silent) -> End | None:
        """End it; None where it is not to blame for its silence, or has just spoken. Raises AbathurError where the database cannot be written.

        One that is stopped finds out when it goes on that another engine has its tasks, and ends itself. But where it was stopped in the middle of
        a write, nobody else can write, or only after a wait, before it is gone: so it is killed. One that is not stopped may wait for a full disk or
        for another program's lock; so it is only ended after somebody else could write in its stead.
        """
        pid, identity, row = silent.holder.pid, silent.holder.identity, silent.row
        stopped = is_stopped(pid, identity)
        if row is None:
            return End.KILLED if stopped and kill_process(pid, identity) else None
        try:
            if row.ended_at is None and not self._supersede(row):
                return None
        except DatabaseBusy:
            if stopped and kill_process(pid, identity):
                return End.KILLED
            raise
        if (not stopped or is_blocked(self._database.folder)) and kill_process(pid, identity):
            return End.KILLED
        self._database.write_now(self._free_lock, silent.holder.engine)
        return End.SUPERSEDED

    def relieve(self) -> bool:
        """End the active engine if it is silent; whether another one is needed now."""
        try:
            silent = self.found()
            return silent is not None and self.end(silent) is not None
        except AbathurError:
            return False  # Whoever waits meets the same trouble, and says it.

    def _supersede(self, row: EngineRow) -> bool:
        # First what it runs, then its tasks: an agent that goes on while another takes its task would do the work twice.
        if not self._database.write_now(queue.is_silent, row.id, row.beat):
            return False
        kill_noted(notes_of(self._database.folder, row.id))
        return self._database.write_now(queue.supersede, row.id, row.beat, self._clock.now())

    def _free_lock(self, c: Connection, engine: str) -> None:
        row = engines.row(c, engine)
        if row is None or row.ended_at is not None:
            engines.take_away(self._database.folder, engine)
