"""The scanner: a text cut into tokens by the grammar's terminals, in linear time, whatever the text is."""

import re
import unicodedata
from collections.abc import Iterator
from functools import cache
from typing import NamedTuple

from abathur_tui.language.grammar import terminals

WRONG = "WRONG"
"""The type of a token that is none: its `message` says what is the matter."""
COMMENT = "COMMENT"
OPENING = {"LPAR": "RPAR", "LSQB": "RSQB", "LBRACE": "RBRACE"}
"""Opening brackets, each with the one that closes it."""
CLOSING = {closing: opening for opening, closing in OPENING.items()}

_BLANK = re.compile(r"[ \t\r\n\f]*+")
_ODD_NUMBER = re.compile(r"[+-]?\.?[0-9][0-9A-Za-z_.+-]*+")
_ODD_WORD = re.compile(r"""[^\s"'()\[\]{},:=#@]++""")
_QUOTES = {"\u201c": "\u201d", "\u201e": "\u201c", "\u2018": "\u2019", "\u00ab": "\u00bb", "`": "`"}
"""Quotes that word processors make of plain ones, with what closes them."""
_LONGEST_QUOTED = 500
_LINE = re.compile(r"[^\r\n]*+")


class Token(NamedTuple):
    """A piece of the text."""

    type: str
    """The terminal's name in the grammar, or `WRONG`."""
    start: int
    end: int
    value: str | int | float | None
    """The piece itself; once the parser has read it, what a literal means (None where it cannot be read)."""
    message: str = ""
    suggestion: str | None = None


class Scanner:
    """Cuts one text into tokens. Several scans of one text share what was learned of unclosed triple quotes, so each is linear."""

    def __init__(self, text: str) -> None:
        """`text` is kept, not copied."""
        self._text = text
        self._never_closed: set[str] = set()

    def tokens(self, start: int = 0) -> Iterator[Token]:
        """The tokens from `start` on, comments among them, blanks left out."""
        text, match, never_closed, kinds = self._text, _pattern().match, self._never_closed, _kinds()
        new = tuple.__new__  # a third of the time of Token(…), for each token of the text
        position, length = start, len(text)
        if position == 0 and text.startswith("\ufeff"):
            position = 1
        while position < length:
            if never_closed:
                position = _BLANK.match(text, position).end()  # type: ignore[union-attr]  # it matches nothing at all, too
            found = match(text, position) if not never_closed or text[position : position + 3] not in never_closed else None
            if found is not None:
                index = found.lastindex or 0
                begin, position = found.span(index)
                yield new(Token, (kinds[index], begin, position, text[begin:position], "", None))
                continue
            position = _BLANK.match(text, position).end()  # type: ignore[union-attr]  # as above
            if position < length:
                token = self._wrong(position)
                yield token
                position = token.end

    def _wrong(self, start: int) -> Token:
        text = self._text
        character = text[start]
        if character in "\"'":
            quotes = text[start : start + 3]
            if quotes == character * 3:
                self._never_closed.add(quotes)
                return Token(WRONG, start, start + 3, quotes, f"this {quotes} is never closed", f"close the text with {quotes}")
            advice = f"close it with {character}, or use three quotes for a text of several lines"
            return self._token(start, _LINE, f"this text has no closing {character}", advice)
        if _ODD_NUMBER.match(text, start):
            return self._token(start, _ODD_NUMBER, "this is not a number", "numbers are written as in JSON: 12, -0.5, 2e3")
        found = _ODD_WORD.match(text, start)
        word = found[0] if found else character
        odd = next((letter for letter in word if not letter.isascii() or not letter.isprintable()), character)
        if odd in _QUOTES:
            end = text.find(_QUOTES[odd], start + 1, start + _LONGEST_QUOTED)
            return Token(WRONG, start, end + 1 or start + 1, text[start : end + 1 or start + 1], f"{_described(odd)} is no quote here", "use \" or '")
        suggestion = "names are made of plain letters, digits, _ and -; texts go in quotes" if odd.isalpha() else None
        return self._token(start, _ODD_WORD, f"{_described(odd)} has no meaning here", suggestion)

    def _token(self, start: int, pattern: re.Pattern[str], message: str, suggestion: str | None) -> Token:
        found = pattern.match(self._text, start)
        end = max(start + 1, found.end() if found else start)
        return Token(WRONG, start, end, self._text[start:end], message, suggestion)


def _described(character: str) -> str:
    code = f"U+{ord(character):04X}"
    if character.isascii() and character.isprintable() and character != "`":
        return f"`{character}`"
    if 0xD800 <= ord(character) <= 0xDFFF:
        return f"a byte that is not UTF-8 ({code})"
    name = unicodedata.name(character, "a control character" if unicodedata.category(character) == "Cc" else "a character without a name")
    return f"`{character}` ({code}, {name})" if character.isprintable() and character != "`" else f"{code} ({name})"


@cache
def _pattern() -> re.Pattern[str]:
    known = dict(terminals())
    blank = known.pop("SPACE")
    return re.compile(f"(?:{blank})?+(?:" + "|".join(f"({pattern})" for pattern in known.values()) + ")")


@cache
def _kinds() -> tuple[str, ...]:
    """The terminals' names by the number of their group in the pattern."""
    return (WRONG, *(name for name, _ in terminals() if name != "SPACE"))
