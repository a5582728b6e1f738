"""Durations, sizes and moments as people write them: `90`, `"30s"`, `"5m"`, `"1h30m"`, `"512MB"`, `"2026-01-31T18:30"`."""

import re
from datetime import UTC, datetime

LONGEST_SECONDS = 100 * 365.25 * 86_400
"""What is longer leads out of the calendar when it is added to a moment, and is a slip of the finger."""


class TooLong(ValueError):
    """A duration that is written rightly, and is longer than that."""


_DURATION_UNITS = {"ms": 0.001, "s": 1.0, "m": 60.0, "h": 3600.0, "d": 86_400.0, "w": 604_800.0}
_DURATION_PART = re.compile(r"([0-9]+(?:\.[0-9]+)?) ?(ms|s|m|h|d|w)", re.ASCII)
_SIZE = re.compile(r"([0-9]+(?:\.[0-9]+)?) ?([kmgt]?)(i?)b?", re.ASCII | re.IGNORECASE)
_SIZE_POWERS = {"": 0, "k": 1, "m": 2, "g": 3, "t": 4}
_NUMBER = re.compile(r"[0-9]+(?:\.[0-9]+)?", re.ASCII)


def seconds_of(text: str) -> float:
    """The seconds of a duration: a plain number of seconds, or parts with units (`"1h30m"`). Raises ValueError."""
    written = text.strip().lower()
    total, end = 0.0, 0
    if _NUMBER.fullmatch(written):
        total, end = float(written), len(written)
    for part in _DURATION_PART.finditer(written):
        if written[end : part.start()].strip():
            break
        total += float(part[1]) * _DURATION_UNITS[part[2]]
        end = part.end()
    if end == 0 or end != len(written):
        raise ValueError(f'{text!r} is not a duration: write seconds as a number, or a text such as "30s", "5m", "1h30m" or "2d"')
    if total > LONGEST_SECONDS:
        raise TooLong(f"{text!r} is longer than a hundred years")
    return total


def moment_of(text: str) -> float:
    """The Unix time of an ISO date and time, in this machine's time zone unless it names one. Raises ValueError."""
    try:
        moment = datetime.fromisoformat(text.strip()).timestamp()
        datetime.fromtimestamp(moment, UTC)
        return moment
    except (ValueError, OverflowError, OSError) as error:
        example = datetime.now().strftime("%Y-%m-%dT18:30")
        raise ValueError(f"{text!r} is no date and time: write it as {example}, with a zone such as +02:00 where it is not this machine's") from error


def bytes_of(text: str) -> int:
    """The bytes of a size: a plain number, or one with a unit (`"512MB"`, `"2GiB"`; each step is 1024). Raises ValueError."""
    match = _SIZE.fullmatch(text.strip())
    if match is None or (match[3] and not match[2]):
        raise ValueError(f'{text!r} is not a size: write bytes as a number, or a text such as "64KB", "512MB" or "2GB"')
    return int(float(match[1]) * 1024 ** _SIZE_POWERS[match[2].lower()])


def bytes_text(number: int) -> str:
    """`512 B`, `1.5 MB`, `148 MB`, `2.0 GB`."""
    size, unit = float(number), "B"
    for larger in ("KB", "MB", "GB", "TB"):
        if size < 1024:
            break
        size, unit = size / 1024, larger
    return f"{size:.0f} {unit}" if size >= 100 or unit == "B" else f"{size:.1f} {unit}"
