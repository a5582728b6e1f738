"""Time, as something that can be handed in."""

import time
from datetime import UTC, datetime
from typing import Protocol

_FIRST = datetime.min.replace(tzinfo=UTC).timestamp()
_LAST = datetime.max.replace(microsecond=0, tzinfo=UTC).timestamp()


class Clock(Protocol):
    """Where the time comes from."""

    def now(self) -> float:
        """Unix time in seconds."""
        ...

    def monotonic(self) -> float:
        """Seconds that never jump, from an arbitrary start."""
        ...


class SystemClock:
    """The machine's own clocks."""

    def now(self) -> float:
        """Unix time in seconds."""
        return time.time()

    def monotonic(self) -> float:
        """Seconds that never jump."""
        return time.monotonic()


def iso(moment: float | None) -> str | None:
    """A Unix time as ISO 8601 in UTC with milliseconds (`2026-01-31T14:05:00.000Z`); None stays None.

    What is outside of the calendar is its first or last moment: one odd row must not hide all others.
    """
    if moment is None:
        return None
    return datetime.fromtimestamp(min(max(moment, _FIRST), _LAST), UTC).isoformat(timespec="milliseconds").replace("+00:00", "Z")
