"""What the literals of the language mean: texts with JSON's escapes, and numbers."""

import math
import re
from collections.abc import Callable

Report = Callable[[int, int, str, str | None], None]
"""Is told of a mistake: offset within the literal, length, message, suggestion."""

_ESCAPE = re.compile(
    r"\\u([Dd][89ABab][0-9A-Fa-f]{2})\\u([Dd][C-Fc-f][0-9A-Fa-f]{2})|\\u([0-9A-Fa-f]{4})|\\(.)",
    re.DOTALL,
)
_SIMPLE = {'"': '"', "'": "'", "\\": "\\", "/": "/", "b": "\b", "f": "\f", "n": "\n", "r": "\r", "t": "\t"}
_UNUSABLE = re.compile("[\x00-\x08\x0b\x0c\x0e-\x1f\x7f\ud800-\udfff]")
HALF = re.compile("[\ud800-\udfff]")
"""Half of a character: where a byte was not UTF-8, Python puts one."""
_LONGEST_NUMBER = 100
_MOST_IN_ONE_TEXT = 5
"""Mistakes that are told of one literal."""


def text_of(literal: str, report: Report) -> str | None:
    """The text that a literal with its quotes means; None where it has mistakes, which are reported."""
    quotes = 3 if len(literal) > 5 and literal[1] == literal[0] == literal[2] else 1
    body = literal[quotes:-quotes]
    wrong = 0

    def tell(offset: int, length: int, message: str, suggestion: str | None) -> None:
        nonlocal wrong
        wrong += 1
        if wrong <= _MOST_IN_ONE_TEXT:
            report(quotes + offset, length, message, suggestion)

    if not (body.isascii() and body.isprintable()):
        for found in _UNUSABLE.finditer(body):
            tell(found.start(), 1, *_unusable_message(found[0]))
        if quotes == 3:
            return _unescaped(body, tell).replace("\r\n", "\n") if not wrong else None
    text = _unescaped(body, tell) if "\\" in body else body
    return None if wrong else text


def _unescaped(body: str, tell: Report) -> str:
    """The text with its escapes replaced; wrong ones are told."""

    def meaning(found: re.Match[str]) -> str:
        high, low, unit, simple = found.groups()
        if high is not None:
            return chr(0x10000 + ((int(high, 16) - 0xD800) << 10) + int(low, 16) - 0xDC00)
        if simple is not None and simple in _SIMPLE:
            return _SIMPLE[simple]
        if unit is not None and unit != "0000" and not 0xD800 <= int(unit, 16) <= 0xDFFF:
            return chr(int(unit, 16))
        tell(found.start(), len(found[0]), *_escape_message(unit, simple))
        return ""

    return _ESCAPE.sub(meaning, body)


def _escape_message(unit: str | None, simple: str | None) -> tuple[str, str | None]:
    if unit == "0000":
        return "the character NUL cannot stand in a text", None
    if unit is not None:
        return f"\\u{unit} is half of a character", "write both halves (\\ud83d\\ude00), or the character itself"
    if simple == "u":
        return "\\u needs four hexadecimal digits", "\\u00e9"
    return f"there is no escape \\{simple}", f"write \\\\{simple} for a backslash" if str(simple).isprintable() else None


def unusable(text: str) -> str | None:
    """What is wrong with a text that came without quotes (an argument, a prompt); None where it can be used."""
    if "\0" in text:
        return "it holds the character NUL"
    return "it holds bytes that are not UTF-8" if HALF.search(text) else None


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


def _unusable_message(character: str) -> tuple[str, str | None]:
    code = ord(character)
    if code >= 0xD800:
        return "this byte is not UTF-8", "save the text as UTF-8"
    return f"the control character U+{code:04X} cannot stand in a text", f"write \\u{code:04x}" if code else None
