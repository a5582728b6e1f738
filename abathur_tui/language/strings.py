"""What the literals of the language mean: texts with JSON's escapes, and numbers."""

import math
import re
from collections.abc import Callable

Report = Callable[[int, int, str, str | None], None]
"""Is told of a mistake: offset within the literal, length, message, suggestion."""

_ESCAPE = re.compile(r"\\(?:u([0-9A-Fa-f]{4})(?:\\u([Dd][C-Fc-f][0-9A-Fa-f]{2}))?|(.))", re.DOTALL)
_SIMPLE = {'"': '"', "'": "'", "\\": "\\", "/": "/", "b": "\b", "f": "\f", "n": "\n", "r": "\r", "t": "\t"}
_UNUSABLE = re.compile("[\x00-\x08\x0b\x0c\x0e-\x1f\x7f\ud800-\udfff]")
_HALF = re.compile("[\ud800-\udfff]")
_LONGEST_NUMBER = 100


def text_of(literal: str, report: Report) -> str | None:
    """The text that a literal with its quotes means; None where it has mistakes, which are reported."""
    quotes = 3 if len(literal) > 5 and literal[1] == literal[0] == literal[2] else 1
    body = literal[quotes:-quotes]
    mistakes = 0
    if not (body.isascii() and body.isprintable()):
        for found in _UNUSABLE.finditer(body):
            mistakes += 1
            _report_unusable(found, quotes, report)
            if mistakes == 5:
                break
        if quotes == 3:
            body = body.replace("\r\n", "\n")
    if "\\" not in body:
        return None if mistakes else body

    def plain(found: re.Match[str]) -> str:
        nonlocal mistakes
        unit, low, simple = found.groups()
        if simple is not None and simple in _SIMPLE:
            return _SIMPLE[simple]
        if unit is not None:
            code = int(unit, 16)
            if 0xD800 <= code < 0xDC00 and low is not None:
                return chr(0x10000 + ((code - 0xD800) << 10) + int(low, 16) - 0xDC00)
            if not 0xD800 <= code <= 0xDFFF:
                return chr(code) + (_half(low, found, report) if low else "")
            message, suggestion = f"\\u{unit} is half of a character", "write both halves (\\ud83d\\ude00), or the character itself"
        elif simple == "u":
            message, suggestion = "\\u needs four hexadecimal digits", "\\u00e9"
        else:
            message, suggestion = f"there is no escape \\{simple}", f"write \\\\{simple} for a backslash" if simple.isprintable() else None
        mistakes += 1
        if mistakes <= 5:
            report(quotes + found.start(), 2 if unit is None else 6, message, suggestion)
        return ""

    def _half(low: str, found: re.Match[str], report: Report) -> str:
        nonlocal mistakes
        mistakes += 1
        report(quotes + found.start() + 6, 6, f"\\u{low} is half of a character", "write both halves (\\ud83d\\ude00), or the character itself")
        return ""

    text = _ESCAPE.sub(plain, body)
    return None if mistakes else text


def unusable(text: str) -> str | None:
    """What is wrong with a text that came without quotes (an argument, a prompt); None where it can be used."""
    if "\0" in text:
        return "it holds the character NUL"
    return "it holds bytes that are not UTF-8" if _HALF.search(text) else None


def number_of(literal: str, report: Report) -> int | float | None:
    """The number that a literal means; None where it is out of range, which is reported."""
    if len(literal) < 16 and literal.isdigit():
        return int(literal)
    if len(literal) <= _LONGEST_NUMBER:
        number = float(literal) if any(mark in literal for mark in ".eE") else int(literal)
        if math.isfinite(number):
            return number
    report(0, min(len(literal), _LONGEST_NUMBER), "this number is too large", "put it in quotes, if it is meant as text")
    return None


def _report_unusable(found: re.Match[str], quotes: int, report: Report) -> None:
    code = ord(found[0])
    if code >= 0xD800:
        report(quotes + found.start(), 1, "this byte is not UTF-8", "save the text as UTF-8")
    else:
        report(quotes + found.start(), 1, f"the control character U+{code:04X} cannot stand in a text", f"write \\u{code:04x}")
