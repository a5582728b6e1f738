"""Figures as short text, so narrow and steady that columns of them never jump."""

import time

_MINUTE, _HOUR, _DAY, _YEAR = 60, 3600, 86_400, 365 * 86_400
_THOUSAND, _MILLION, _BILLION = 1_000, 1_000_000, 1_000_000_000


def age(seconds: float) -> str:
    """A duration in at most four characters: `9s`, `41m`, `3h`, `12d`, `2y`."""
    whole = max(0, int(seconds))
    for limit, unit, letter in ((_MINUTE, 1, "s"), (_HOUR, _MINUTE, "m"), (2 * _DAY, _HOUR, "h"), (_YEAR, _DAY, "d")):
        if whole < limit:
            return f"{whole // unit}{letter}"
    return f"{min(whole // _YEAR, 999)}y"


def duration(seconds: float) -> str:
    """A duration in words for details: `4 min 12 s`, `1.3 s`."""
    if seconds < 10:
        return f"{max(0.0, seconds):.1f} s"
    whole = int(seconds)
    if whole < _MINUTE:
        return f"{whole} s"
    if whole < _HOUR:
        return f"{whole // _MINUTE} min {whole % _MINUTE} s"
    return f"{whole // _HOUR} h {whole % _HOUR // _MINUTE} min"


def tokens(count: int) -> str:
    """A number of tokens in at most five characters: `950`, `8.1k`, `1.2M`."""
    if count < _THOUSAND:
        return str(count)
    for limit, unit, letter in ((_MILLION, _THOUSAND, "k"), (_BILLION, _MILLION, "M")):
        if count < 10 * unit:
            return f"{count / unit:.1f}{letter}"
        if count < limit:
            return f"{count // unit}{letter}"
    return f"{count / _BILLION:.1f}G"


def money(usd: float | None) -> str:
    """US dollars with cents, without the sign; `?` where the price is not known."""
    if usd is None:
        return "?"
    return f"{usd:.2f}" if usd < _THOUSAND else f"{usd:,.0f}"


def size(count: int) -> str:
    """Bytes: `148 MB`, `1.2 GB`."""
    if count < _BILLION:
        return f"{count // _MILLION} MB"
    return f"{count / _BILLION:.1f} GB"


def number(value: float) -> str:
    """A measured value, without digits that say nothing: `118`, `0.934`, `1.25e+09`."""
    return f"{value:.4g}" if abs(value) < 1e4 or abs(value) >= 1e9 or not value.is_integer() else f"{value:.0f}"


def short_number(value: float) -> str:
    """A value for the ticks of an axis, in at most seven characters: `118`, `0.93`, `12.5k`, `3e-07`."""
    size = abs(value)
    for limit, unit, letter in ((_BILLION, _BILLION, "G"), (_MILLION, _MILLION, "M"), (10 * _THOUSAND, _THOUSAND, "k")):
        if limit <= size < 1000 * _BILLION:
            return f"{value / unit:.4g}{letter}"
    text = f"{value:.4g}"
    return text if len(text) <= 7 else f"{value:.0e}"


def clock(moment: float) -> str:
    """A Unix time as local time of day."""
    return time.strftime("%H:%M:%S", time.localtime(moment))


def short_clock(moment: float) -> str:
    """A Unix time as local hours and minutes."""
    return time.strftime("%H:%M", time.localtime(moment))


def date_and_clock(moment: float) -> str:
    """A Unix time as local date and time."""
    return time.strftime("%Y-%m-%d %H:%M:%S", time.localtime(moment))
