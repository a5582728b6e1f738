"""Time, as something that can be handed in."""

import time
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Protocol

_FIRST = datetime.min.replace(tzinfo=UTC).timestamp()
_LAST = datetime.max.replace(microsecond=0, tzinfo=UTC).timestamp()
SAME_SECONDS = 1.0
"""Moments that differ by no more may be the same one, as two processes or two clocks saw it."""
# Linux' monotonic clock stands still while the machine sleeps; the wall clock goes on.
_AWAKE_OR_NOT: int = getattr(time, "CLOCK_BOOTTIME", time.CLOCK_MONOTONIC)


class Clock(Protocol):
    """Where the time comes from."""

    def now(self) -> float:
        """Unix time in seconds."""
        ...

    def monotonic(self) -> float:
        """Seconds that never jump, from an arbitrary start."""
        ...

    def since_boot(self) -> float:
        """The same, also counting those in which the machine slept."""
        ...


class SystemClock:
    """The machine's own clocks."""

    def now(self) -> float:
        """Unix time in seconds."""
        return time.time()

    def monotonic(self) -> float:
        """Seconds that never jump."""
        return time.monotonic()

    def since_boot(self) -> float:
        """The same, also counting those in which the machine slept."""
        return time.clock_gettime(_AWAKE_OR_NOT)


@dataclass(frozen=True, slots=True)
class Look:
    """What the clocks said at a moment, to tell later what has passed and whether the wall clock was set."""

    now: float
    since_boot: float

    @classmethod
    def at(cls, clock: Clock) -> "Look":
        """What they say now."""
        return cls(clock.now(), clock.since_boot())

    def seconds_to(self, later: "Look") -> float:
        """How many have passed, whatever the wall clock says."""
        return later.since_boot - self.since_boot

    def set_by(self, later: "Look") -> float:
        """By how many seconds the wall clock was set forward in between; less than nothing: back; nothing where it only went on."""
        by = later.now - self.now - self.seconds_to(later)
        return by if abs(by) > SAME_SECONDS else 0.0


def iso(moment: float | None) -> str | None:
    """A Unix time as ISO 8601 in UTC with milliseconds (`2026-01-31T14:05:00.000Z`); None stays None.

    What is outside of the calendar is its first or last moment: one odd row must not hide all others.
    """
    if moment is None:
        return None
    return datetime.fromtimestamp(min(max(moment, _FIRST), _LAST), UTC).isoformat(timespec="milliseconds").replace("+00:00", "Z")
