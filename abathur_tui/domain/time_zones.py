"""Time zones by their names, and the machine's own."""

import os
from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING

from abathur_tui.domain.nearest import nearest

if TYPE_CHECKING:
    from zoneinfo import ZoneInfo

_LOCALTIME = Path("/etc/localtime")
_TIMEZONE = Path("/etc/timezone")
_FOLDER = "zoneinfo/"


def zone_of(name: str) -> "ZoneInfo":
    """The time zone of that name (`Europe/Berlin`). Raises ValueError with what was probably meant."""
    from zoneinfo import ZoneInfo, available_timezones  # 5 ms that only those who name times need to pay

    try:
        return ZoneInfo(name)
    except (KeyError, ValueError, OSError) as error:
        near = nearest(name, available_timezones())
        raise ValueError(f"there is no time zone {name!r}" + (f" (did you mean {near}?)" if near else ", such as Europe/Berlin or UTC")) from error


def machine_zone_name(environ: Mapping[str, str] = os.environ) -> str:
    """The name of the machine's own time zone: TZ's, else that of /etc/localtime. Raises ValueError where it has no name."""
    named = environ.get("TZ", "").removeprefix(":")
    if _FOLDER in named:
        named = named.rpartition(_FOLDER)[2]
    if not named:
        named = os.path.realpath(_LOCALTIME).partition(_FOLDER)[2]
    if not named and _TIMEZONE.is_file():
        named = _TIMEZONE.read_text("utf-8").strip()
    try:
        return zone_of(named or "UTC").key
    except ValueError as error:
        raise ValueError(f"this machine's time zone has no name that is known here ({named}): name one") from error
