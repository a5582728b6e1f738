"""What each piece of a text is, for an editor that colours it: by the grammar's terminals, whether the text is whole or not."""

from collections.abc import Iterator, Sequence
from enum import StrEnum
from typing import NamedTuple

from abathur_tui.language.extract import is_document
from abathur_tui.language.sources import FUNCTIONS
from abathur_tui.language.tokens import COMMENT, WRONG, Scanner, Token


class Part(StrEnum):
    """What a piece of a text is."""

    KEYWORD = "keyword"
    """`ABYSSAL`."""
    TEMPLATE = "template"
    """A template's name, or the version that is pinned."""
    NAME = "name"
    """A statement's name: where it is bound, and where it stands for the result."""
    PARAMETER = "parameter"
    """The name of an argument, or a key of an object."""
    FUNCTION = "function"
    """`file`, `env` or `git`."""
    TEXT = "text"
    NUMBER = "number"
    CONSTANT = "constant"
    """`true`, `false`, `null`."""
    COMMENT = "comment"
    PUNCTUATION = "punctuation"
    WRONG = "wrong"
    """What has no meaning, or a text that is not closed (yet)."""


class Highlight(NamedTuple):
    """A piece of a text."""

    start: int
    end: int
    part: Part


_PARTS = {
    "ABYSSAL": Part.KEYWORD,
    "PIN": Part.TEMPLATE,
    "STRING": Part.TEXT,
    "TRIPLE": Part.TEXT,
    "NUMBER": Part.NUMBER,
    "CONSTANT": Part.CONSTANT,
    COMMENT: Part.COMMENT,
    WRONG: Part.WRONG,
}


def highlight(text: str) -> list[Highlight]:
    """The pieces of a document in its order, blanks left out; none of a plain prompt. Takes linear time, whatever the text is."""
    if not is_document(text):
        return []
    tokens = list(Scanner(text).tokens())
    return [Highlight(token.start, token.end, part) for token, part in _parts(tokens)]


def _parts(tokens: Sequence[Token]) -> Iterator[tuple[Token, Part]]:
    told = [index for index, token in enumerate(tokens) if token.type != COMMENT]
    following = dict(zip(told, [*(tokens[index].type for index in told[1:]), ""], strict=True))
    opened: list[str] = []
    """Types of the brackets that are open."""
    before: tuple[str, str] = ("", "")
    for index, token in enumerate(tokens):
        part = _PARTS.get(token.type, Part.PUNCTUATION)
        after = following.get(index, "")
        if token.type == "NAME":
            part = _name(token, before, after, opened[-1:])
        elif after == "COLON" and opened[-1:] == ["LBRACE"]:
            part = Part.PARAMETER
        yield token, part
        if token.type in ("LPAR", "LSQB", "LBRACE"):
            opened.append(token.type)
        elif token.type in ("RPAR", "RSQB", "RBRACE") and opened:
            opened.pop()
        if token.type != COMMENT:
            before = (before[1], token.type)


def _name(token: Token, before: tuple[str, str], after: str, opened: list[str]) -> Part:
    if before == ("ABYSSAL", "LSQB"):
        return Part.TEMPLATE
    if (after == "EQUAL" and opened) or (after == "COLON" and opened == ["LBRACE"]):
        return Part.PARAMETER
    if after == "LPAR":
        return Part.FUNCTION if token.value in FUNCTIONS else Part.WRONG
    return Part.NAME
