"""Priorities, durations and times as people type them in options."""

import math

from abathur_tui.domain.errors import ArgumentInvalid
from abathur_tui.domain.quantities import moment_of, seconds_of

MOST_LISTED = 1_000_000_000
"""The highest `--limit`: more than any project has."""
_WORDS = {"low": 2, "normal": 5, "high": 8, "critical": 10}


def priority_of(text: str) -> int:
    """0 to 10, or the number of a word. Raises ArgumentInvalid."""
    number = _WORDS.get(text.lower(), int(text) if text.isascii() and text.isdigit() and len(text) <= 2 else -1)
    if not 0 <= number <= 10:
        raise ArgumentInvalid(f"{text!r} is no priority.", hint="It is 0 to 10, or low (2), normal (5), high (8) or critical (10).")
    return number


def size_text(bytes: int) -> str:
    """`12 B`, `3.4 MB`; each step is 1024."""
    if bytes < 1024:
        return f"{bytes} B"
    amount, unit = bytes / 1024, "KB"
    for bigger in ("MB", "GB", "TB"):
        if amount >= 1024:
            amount, unit = amount / 1024, bigger
    return f"{amount:.1f} {unit}"


def dollars(text: str, option: str) -> float:
    """US dollars above nothing, such as `2.50` or `$2.50`. Raises ArgumentInvalid."""
    try:
        amount = float(text.removeprefix("$"))
    except ValueError:
        amount = math.nan
    if not 0 < amount < math.inf:
        raise ArgumentInvalid(f"{option} is an amount of US dollars above 0, not {text!r}.", hint=f"{option} 2.50")
    return amount


def seconds(text: str, option: str) -> float:
    """The seconds of a duration such as `30s` or `2h`. Raises ArgumentInvalid."""
    try:
        return seconds_of(text)
    except ValueError as error:
        raise _wrong(option, error) from error


def moment(text: str) -> float:
    """Unix time of an ISO date and time, in local time unless it says otherwise. Raises ArgumentInvalid."""
    try:
        return moment_of(text)
    except ValueError as error:
        raise _wrong("--at", error) from error


def _wrong(option: str, error: ValueError) -> ArgumentInvalid:
    """What is wrong apart from how it is written rightly, where the error says both."""
    what, _, how = str(error).rpartition(": write ")
    return ArgumentInvalid(f"{option}: {what}.", hint=f"Write {how}.") if what else ArgumentInvalid(f"{option}: {error}.")
