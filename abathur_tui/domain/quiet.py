"""Quiet times: hours of certain days in which nothing new starts."""

import re
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta

from abathur_tui.domain.time_zones import zone_of

_FORM = re.compile(r"(?:(?P<days>[a-z,-]+) +)?(?P<start>\d?\d:\d\d) ?- ?(?P<end>\d?\d:\d\d)(?: +(?P<zone>\S+))?", re.IGNORECASE | re.ASCII)
_DAYS = ("mon", "tue", "wed", "thu", "fri", "sat", "sun")
_DAY_MINUTES = 24 * 60
_EXAMPLE = 'such as "mon-fri 22:00-07:00 Europe/Berlin" or "sat,sun 00:00-24:00"'


@dataclass(frozen=True, slots=True)
class QuietWindow:
    """A time of the day, on certain days. It belongs to the day on which it begins, and may end on the next one."""

    days: frozenset[int]
    """0 is Monday."""
    start_minutes: int
    """After midnight, by the clock on the wall."""
    end_minutes: int
    """After the midnight of the same day; over 1,440 where it ends on the next one."""
    timezone: str | None
    """None: the machine's own."""


def quiet_window(text: str) -> QuietWindow:
    """The window that a text describes: days (every day, where none is named), hours, and a time zone. Raises ValueError."""
    found = _FORM.fullmatch(text.strip())
    if found is None:
        raise ValueError(f"{text!r} is no quiet time: write days, hours and a time zone, {_EXAMPLE}")
    start, end = _minutes(found["start"], text), _minutes(found["end"], text)
    if found["zone"] is not None:
        zone_of(found["zone"])
    if start in (end, _DAY_MINUTES):
        raise ValueError(f"{text!r} is no time at all: a whole day is 00:00-24:00")
    return QuietWindow(_days(found["days"]), start, end if end > start else end + _DAY_MINUTES, found["zone"])


def quiet_until(windows: Sequence[QuietWindow], moment: float) -> float | None:
    """When the quiet time in which `moment` (Unix seconds) lies is over, windows that touch each other taken together; None where it is in none."""
    until: float | None = None
    for _ in range(1 + 7 * len(windows)):  # windows over all of a week have no end: a week later is soon enough to look again
        at = moment if until is None else until
        ends = [end for window in windows for start, end in _around(window, at) if start <= at < end]
        if not ends:
            break
        until = max(ends)
    return until


def next_quiet(windows: Sequence[QuietWindow], moment: float) -> float | None:
    """When the next window after `moment` begins; None where there is none."""
    return min((start for window in windows for start, _ in _around(window, moment) if start > moment), default=None)


def _around(window: QuietWindow, moment: float) -> list[tuple[float, float]]:
    """Start and end of the window from the day before `moment` to a week after it.

    An hour that is there twice belongs to it twice; one that is skipped makes it end later, not sooner.
    """
    zone = None if window.timezone is None else zone_of(window.timezone)
    midnight = datetime.fromtimestamp(moment, zone).replace(hour=0, minute=0, second=0, microsecond=0, tzinfo=None)
    days = [midnight + timedelta(days=number) for number in range(-1, 9)]
    spans = []
    for day in days:
        if day.weekday() in window.days:
            start = (day + timedelta(minutes=window.start_minutes)).replace(tzinfo=zone)
            end = (day + timedelta(minutes=window.end_minutes)).replace(tzinfo=zone)
            spans.append((start.timestamp(), max(end.timestamp(), end.replace(fold=1).timestamp())))
    return spans


def _minutes(clock: str, text: str) -> int:
    hours, minutes = map(int, clock.split(":"))
    if minutes > 59 or hours * 60 + minutes > _DAY_MINUTES:
        raise ValueError(f"{text!r}: {clock} is no time of the day")
    return hours * 60 + minutes


def _days(text: str | None) -> frozenset[int]:
    if text is None or text.lower() == "daily":
        return frozenset(range(7))
    days: set[int] = set()
    for part in text.lower().split(","):
        first, dash, last = part.partition("-")
        if first not in _DAYS or (dash and last not in _DAYS):
            raise ValueError(f"{part!r} is no day: write {', '.join(_DAYS)}, or two of them with - between, {_EXAMPLE}")
        begin, end = _DAYS.index(first), _DAYS.index(last if dash else first)
        days |= {day % 7 for day in range(begin, end + 1 if end >= begin else end + 8)}
    return frozenset(days)
