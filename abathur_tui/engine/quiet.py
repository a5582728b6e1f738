"""Quiet times: while one lasts the queue is held, so that nothing new starts and every row says until when."""

from sqlite3 import Connection

from abathur_tui.domain.quiet import QuietWindow, next_quiet, quiet_until, quiet_window
from abathur_tui.domain.status import Why
from abathur_tui.engine.log import EngineLog
from abathur_tui.engine.patient import PatientDatabase
from abathur_tui.settings.model import Queue
from abathur_tui.storage import queue


class QuietTimes:
    """Holds and frees the queue by the clock."""

    def __init__(self, settings: Queue, log: EngineLog) -> None:
        """Nobody knows yet what an earlier engine, with other settings perhaps, has left in the database."""
        self._texts: tuple[str, ...] = ()
        self._windows: tuple[QuietWindow, ...] = ()
        self.use(settings)
        self._log = log
        self._until: float | None = None
        self._known = False

    def use(self, settings: Queue) -> None:
        """Go by these settings from now on."""
        if settings.quiet_windows != self._texts:
            self._texts = settings.quiet_windows
            self._windows = tuple(quiet_window(text) for text in self._texts)

    async def keep(self, database: PatientDatabase, now: float) -> None:
        """Let the database say what holds at this moment."""
        until = quiet_until(self._windows, now) if self._windows else None
        if self._known and until == self._until:
            return
        if await database.write(_write, until, now):
            self._log.info("queue.quiet" if until else "queue.not_quiet", "nothing new starts" if until else "", until=until)
        self._until, self._known = until, True

    def next_start(self, now: float) -> float | None:
        """When the next quiet time begins; None where there is none."""
        return next_quiet(self._windows, now) if self._windows else None


def _write(c: Connection, until: float | None, now: float) -> bool:
    """Whether that was new."""
    if until is None:
        return queue.free_queue(c, "engine", now, why=Why.QUIET)
    return queue.hold_queue(c, "engine", now, why=Why.QUIET, until=until)
