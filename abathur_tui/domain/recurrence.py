"""When a recurring task is due: a cron expression in a time zone.

The clock changes of the zone count as for Debian's cron: of a task that is due at certain times, a time that is skipped in spring comes
right after the gap, and one that is there twice in autumn comes once; of one that is due every so many minutes or hours (its minute or hour
begins with `*`) each comes.
"""

import math
import re
from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime, timedelta, tzinfo

from abathur_tui.domain.time_zones import zone_of

_SHORT = {
    "@yearly": "0 0 1 1 *",
    "@annually": "0 0 1 1 *",
    "@monthly": "0 0 1 * *",
    "@weekly": "0 0 * * 0",
    "@daily": "0 0 * * *",
    "@midnight": "0 0 * * *",
    "@hourly": "0 * * * *",
}
_ZONE = re.compile(r"(?:CRON_)?TZ=(\S+)\s+(.*)", re.DOTALL)
_FIELDS = 5
_START = datetime(1970, 1, 1)
"""Unix time's, as a local time: those have no zone here."""
_DAY_SECONDS = 86_400
"""No zone changes its offset twice in that time."""


@dataclass(frozen=True, slots=True)
class Recurrence:
    """A cron expression and the name of the time zone in which it is meant."""

    cron: str
    timezone: str

    def after(self, moment: float) -> float | None:
        """The first time (Unix seconds) after `moment`; None where none comes within 50 years. Raises ValueError for what cannot be read."""
        from cronsim import CronSim, CronSimError  # 12 ms that only recurring tasks need to pay

        zone = zone_of(self.timezone)
        try:
            if any(field.startswith("*") for field in self.cron.split()[:2]):
                return _each(lambda local: next(CronSim(self.cron, local), None), moment, zone)
            times = CronSim(self.cron, datetime.fromtimestamp(moment, zone))
        except CronSimError as error:
            raise ValueError(f"{self.cron!r} cannot be read: {_lowered(str(error))}") from error
        for time in times:
            # A local time that is there twice counts as its first one, which may have passed.
            if (at := time.timestamp()) > moment:
                return at
        return None


def recurrence(text: str, timezone: str | None, default_zone: Callable[[], str]) -> Recurrence:
    """What a cron expression says, with its zone before it (`CRON_TZ=Europe/Berlin 0 7 * * 1-5`), named beside it, or the default one.

    Raises ValueError with what is wrong.
    """
    prefixed = _ZONE.fullmatch(text.strip())
    named, fields = (prefixed[1], prefixed[2]) if prefixed else (None, text.strip())
    if named is not None and timezone is not None and named != timezone:
        raise ValueError(f"two time zones are named, {named} and {timezone}")
    chosen = timezone if named is None else named
    zone = zone_of(default_zone() if chosen is None else chosen).key
    fields = _SHORT.get(fields.lower(), fields)
    if fields.startswith("@"):
        raise ValueError(f"{fields!r} is not one of {', '.join(_SHORT)}")
    parts = fields.split()
    if len(parts) != _FIELDS:
        raise ValueError(f"{fields!r} has {len(parts)} fields, not five: minute, hour, day of month, month, day of week")
    found = Recurrence(" ".join(parts), zone)
    found.after(0.0)
    return found


def _each(following: Callable[[datetime], datetime | None], moment: float, zone: tzinfo) -> float | None:
    """The first moment after one at which the zone's clocks show a time that matches; `following`: the next such time after a local one.

    CronSim's own steps of an hour go astray in zones that skip midnight or go forward by half an hour.
    """
    at = math.floor(moment) + 1
    offset = _offset(at, zone)
    while (local := following(_START + timedelta(seconds=at + offset - 1))) is not None:
        due = round((local - _START).total_seconds()) - offset
        while (changed := _change(at, min(due, at + _DAY_SECONDS), zone)) is None:
            if due <= at + _DAY_SECONDS:
                return float(due)
            at += _DAY_SECONDS
        at, offset = changed, _offset(changed, zone)
    return None


def _change(after: int, until: int, zone: tzinfo) -> int | None:
    """The first second of another offset from UTC, of a time in which it changes once at most; None where it stays."""
    offset = _offset(after, zone)
    if _offset(until, zone) == offset:
        return None
    while until - after > 1:
        middle = (after + until) // 2
        if _offset(middle, zone) == offset:
            after = middle
        else:
            until = middle
    return until


def _offset(moment: int, zone: tzinfo) -> int:
    ahead = datetime.fromtimestamp(moment, zone).utcoffset()
    return 0 if ahead is None else round(ahead.total_seconds())


def _lowered(message: str) -> str:
    return message[:1].lower() + message[1:]
