"""Durations and sizes as people write them: `90`, `"30s"`, `"5m"`, `"1h30m"`, `"512MB"`."""

import re

_DURATION_UNITS = {"ms": 0.001, "s": 1.0, "m": 60.0, "h": 3600.0, "d": 86_400.0, "w": 604_800.0}
_DURATION_PART = re.compile(r"([0-9]+(?:\.[0-9]+)?) ?(ms|s|m|h|d|w)", re.ASCII)
_SIZE = re.compile(r"([0-9]+(?:\.[0-9]+)?) ?([kmgt]?)(i?)b?", re.ASCII | re.IGNORECASE)
_SIZE_POWERS = {"": 0, "k": 1, "m": 2, "g": 3, "t": 4}
_NUMBER = re.compile(r"[0-9]+(?:\.[0-9]+)?", re.ASCII)


def seconds_of(text: str) -> float:
    """The seconds of a duration: a plain number of seconds, or parts with units (`"1h30m"`). Raises ValueError."""
    written = text.strip().lower()
    if _NUMBER.fullmatch(written):
        return float(written)
    total, end = 0.0, 0
    for part in _DURATION_PART.finditer(written):
        if written[end : part.start()].strip():
            break
        total += float(part[1]) * _DURATION_UNITS[part[2]]
        end = part.end()
    if end == 0 or end != len(written):
        raise ValueError(f'{text!r} is not a duration: write seconds as a number, or a text such as "30s", "5m", "1h30m" or "2d"')
    return total


def bytes_of(text: str) -> int:
    """The bytes of a size: a plain number, or one with a unit (`"512MB"`, `"2GiB"`; each step is 1024). Raises ValueError."""
    match = _SIZE.fullmatch(text.strip())
    if match is None or (match[3] and not match[2]):
        raise ValueError(f'{text!r} is not a size: write bytes as a number, or a text such as "64KB", "512MB" or "2GB"')
    return int(float(match[1]) * 1024 ** _SIZE_POWERS[match[2].lower()])
