"""Errors that nobody has foreseen, met where they must end neither the engine nor what its workers do."""

import contextlib

from abathur_tui.domain.clock import Clock
from abathur_tui.domain.errors import AbathurError
from abathur_tui.engine.log import EngineLog
from abathur_tui.engine.patient import PatientDatabase
from abathur_tui.storage import journal

_LONGEST_PAUSE_SECONDS = 30.0


class Mishaps:
    """Of one kind of work, which is tried again: at once after the first, then after pauses that grow until it goes well."""

    def __init__(self, event: str, what: str, database: PatientDatabase, clock: Clock, log: EngineLog) -> None:
        """`event` is what the log calls it, `what` how a person is told that it has happened."""
        self._event = event
        self._what = what
        self._database = database
        self._clock = clock
        self._log = log
        self._in_a_row = 0
        self._told = ""
        self._until = float("-inf")
        """Monotonic."""

    @property
    def until(self) -> float | None:
        """The moment, on the monotonic clock, when it is tried again; None: now."""
        return self._until if self._until > self._clock.monotonic() else None

    def over(self) -> None:
        """It went well."""
        self._in_a_row, self._told = 0, ""

    async def met(self, error: Exception) -> None:
        """It has happened: the log has the trace, and all who look on are told, once while it is the same again and again."""
        self._log.broke(self._event, error)
        self._in_a_row += 1
        pause = 0.0 if self._in_a_row == 1 else min(2.0 ** (self._in_a_row - 2), _LONGEST_PAUSE_SECONDS)
        self._until = self._clock.monotonic() + pause
        if self._told != repr(error):
            self._told = repr(error)
            text = f"{self._what} The trace is in the engine's log (`.abathur/logs`): {error!r}"
            with contextlib.suppress(AbathurError):  # whatever keeps that from being written is met by the work too
                await self._database.write(lambda c: journal.notice(c, "error", text, self._clock.now()))
