"""The engine's care for the file: seals over the audit every few seconds, or as soon as there is enough for one, and once a day what has outlived its
time goes."""

import asyncio
import contextlib

from abathur_tui.domain.clock import Clock, Look
from abathur_tui.domain.errors import AbathurError
from abathur_tui.engine.log import EngineLog
from abathur_tui.engine.patient import PatientDatabase
from abathur_tui.engine.tidying import collect, give_back, sweep
from abathur_tui.storage import retention, seals
from abathur_tui.storage.seals import MOST_ROWS

SEAL_SECONDS = 5.0
"""How long a row of the audit waits for its seal."""
WHOLE_SECONDS = 0.1
"""Where as many rows come as one seal takes, it is made so soon: beside the work, and none of it at the end."""
SWEEP_SECONDS = 86_400.0
"""How often is looked for what may go, whichever engine does; at the start where that is due."""
AGAIN_SECONDS = 60.0
"""Pause after the second in a row that did not come to its end, doubled for each further one; the first is taken up at once."""
STEADY_SECONDS = 3600.0
"""After the wall clock was set, nothing is taken away for so long."""
DAY_SECONDS = 86_400.0


class Caretaker:
    """One per engine; `run` it beside the work."""

    def __init__(self, database: PatientDatabase, clock: Clock, log: EngineLog, retention_days: float, seal_seconds: float = SEAL_SECONDS) -> None:
        """`retention_days`: how old audit groups and lines of the log become."""
        self._database = database
        self._clock = clock
        self._log = log
        self.use(retention_days)
        self._seal_seconds = seal_seconds
        self._something = asyncio.Event()
        self._seen = Look.at(clock)
        self._set: Look | None = None
        """When the wall clock was last set."""

    def changed(self) -> None:
        """Something was written."""
        self._something.set()

    def use(self, retention_days: float) -> None:
        """Rows become so old from now on; what is older already goes when it is looked for the next time."""
        self._keep_seconds = retention_days * DAY_SECONDS

    async def run(self) -> None:
        """Until it is cancelled. Nothing that goes wrong here stops the work."""
        while True:
            try:
                await self._look()
                await self._seal_whole_groups(self._seal_seconds)
            except AbathurError as error:
                self._log.warning("storage.not_tidied", error.message, code=error.code)
                await asyncio.sleep(self._seal_seconds)
            except Exception as error:
                self._log.broke("storage.not_tidied", error)
                await asyncio.sleep(self._seal_seconds)

    async def _look(self) -> None:
        await self.seal()
        steady = self._is_steady()
        tidied = await self._database.read(retention.tidied)
        if steady and not 0 <= self._clock.now() - tidied.at < _pause(tidied.unfinished):
            await self.sweep()

    def _is_steady(self) -> bool:
        """Whether nobody has set the clock of late: one that is wrong by years for some minutes must not make everything look old."""
        before, self._seen = self._seen, Look.at(self._clock)
        if before.set_by(self._seen):
            self._set = self._seen
        return self._set is None or self._set.seconds_to(self._seen) >= STEADY_SECONDS

    async def seal(self) -> None:
        """Seal what the audit has by now. The hash is made in a reader's thread, so that the writer only adds a row."""
        while (seal := await self._database.read(seals.next_seal, self._clock.now())) is not None:
            await self._database.write(seals.add_seal, seal)
            if seal.last - seal.first + 1 < MOST_ROWS:
                return  # the rest is younger than this call

    async def _seal_whole_groups(self, seconds: float) -> None:
        """For so long, seal what is a whole group as it comes."""
        with contextlib.suppress(TimeoutError):
            async with asyncio.timeout(seconds):
                while True:
                    await self._something.wait()
                    self._something.clear()
                    if (seal := await self._database.read(seals.next_seal, self._clock.now(), MOST_ROWS)) is not None:
                        await self._database.write(seals.add_seal, seal)
                    await asyncio.sleep(WHOLE_SECONDS)

    async def sweep(self) -> None:
        """Take away what has outlived the retention, and texts that nothing names."""
        now = self._clock.now()
        await self._database.write(retention.begin_tidying, now)
        rows, lines = await sweep(self._database, now - self._keep_seconds, now)
        collected = await collect(self._database)
        if rows or lines or collected.texts:
            await give_back(self._database)
            await self.seal()
        await self._database.write(retention.end_tidying)
        if rows or lines or collected.texts:
            self._log.info(
                "storage.swept", f"{rows} rows of the audit, {lines} lines of the log and {collected.texts} unused texts have outlived their time"
            )


def _pause(unfinished: int) -> float:
    """Seconds from the beginning of the last look to the next one."""
    if unfinished == 0:
        return SWEEP_SECONDS
    return 0.0 if unfinished == 1 else min(AGAIN_SECONDS * 2.0 ** min(unfinished - 2, 20), SWEEP_SECONDS)
