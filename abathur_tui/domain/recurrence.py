"""When a recurring task is due: a cron expression in a time zone.

The clock changes of the zone count as for Debian's cron: of a task that is due at certain times, a time that is skipped in spring comes
right after the gap, and one that is there twice in autumn comes once; of one that is due every so many minutes or hours (its minute or hour
begins with `*`) each comes.
"""

import re
from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime

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


def _lowered(message: str) -> str:
    return message[:1].lower() + message[1:]
