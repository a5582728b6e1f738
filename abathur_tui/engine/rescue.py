"""Dead engines: what they left running is ended, and their tasks go back into the queue."""

import asyncio
import contextlib
import socket
from pathlib import Path

from abathur_tui.domain.clock import Clock
from abathur_tui.engine.leases import BeatWatch
from abathur_tui.engine.log import EngineLog
from abathur_tui.engine.patient import PatientDatabase
from abathur_tui.guard import kill_noted
from abathur_tui.storage import engines, queue
from abathur_tui.storage.engines import EngineRow


def notes_of(folder: Path, engine: str) -> Path:
    """The file in which an engine's guard notes the groups of its children."""
    return folder / "engines" / f"{engine}.children"


class Rescue:
    """Looks after the other engines of a project."""

    def __init__(self, folder: Path, engine: str, database: PatientDatabase, lease_seconds: float, clock: Clock, log: EngineLog) -> None:
        """`folder` is the `.abathur` folder, `engine` our own id."""
        self._folder = folder
        self._engine = engine
        self._database = database
        self._watch = BeatWatch(lease_seconds)
        self._clock = clock
        self._log = log

    def use(self, lease_seconds: float) -> None:
        """An engine of another host has lost its leases after so long, from now on."""
        self._watch.lease_seconds = lease_seconds

    async def look(self) -> int:
        """Rescue the tasks of every engine that is dead by now; gives how many."""
        rescued = 0
        for row in await self._database.read(engines.unended):
            if row.id != self._engine and await self._is_dead(row):
                rescued += await self._rescue(row)
        return rescued

    async def _is_dead(self, row: EngineRow) -> bool:
        if row.host == socket.gethostname():
            return not await asyncio.to_thread(engines.engine_alive, self._folder, row.id)
        return self._watch.is_lost(row, self._clock.monotonic())

    async def _rescue(self, row: EngineRow) -> int:
        # First what it runs, then its tasks: an agent that goes on while another takes its task would do the work twice.
        killed = await asyncio.to_thread(kill_noted, notes_of(self._folder, row.id)) if row.host == socket.gethostname() else []
        tasks = await self._database.write(queue.recover, row.id, self._clock.now())
        with contextlib.suppress(OSError):  # only its lock's file
            await asyncio.to_thread(engines.forget, self._folder, row.id)
        self._log.info("engine.rescued", f"{len(tasks)} tasks of a dead engine go on; {len(killed)} programs ended", other=row.id, pid=row.pid)
        return len(tasks)
