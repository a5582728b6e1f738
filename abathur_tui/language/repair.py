"""What was probably meant where the grammar has no place for a token: one token more, one less, or another."""

from dataclasses import dataclass

from abathur_tui.language.grammar import Machine
from abathur_tui.language.tokens import CLOSING, OPENING, Token

_SIGNS = {
    "LPAR": "(",
    "RPAR": ")",
    "LSQB": "[",
    "RSQB": "]",
    "LBRACE": "{",
    "RBRACE": "}",
    "COMMA": ",",
    "COLON": ":",
    "EQUAL": "=",
    "ABYSSAL": "ABYSSAL[",
    "PIN": "@version",
}
_VALUES = {"STRING", "TRIPLE", "NUMBER", "CONSTANT", "NAME", "ABYSSAL", "LSQB", "LBRACE"}
_INSERTED = (("COMMA", "a comma is missing"), ("RSQB", "a ] is missing"), ("EQUAL", "a = is missing"), ("COLON", "a : is missing"))
_REPLACED = {"COLON": "EQUAL", "EQUAL": "COLON", "STRING": "NAME"}


@dataclass(frozen=True, slots=True)
class Repair:
    """How reading goes on, and what is told."""

    message: str
    suggestion: str | None = None
    found: bool = False
    """False: there is no repair, only a message."""
    before: tuple[Token, ...] = ()
    """Tokens to put before the one without a place."""
    token: Token | None = None
    """What to take in its stead; None: nothing."""
    after_previous: bool = False
    """The place to show is just behind the token before."""


def mended(machine: Machine, previous: Token | None, token: Token | None) -> Repair:
    """The repair for a `token` (None: the end of the text) for which the machine, that took `previous` last, has no place."""
    if token is None:
        return Repair(f"the text ends too early: expected {_listed(machine.expected())}")
    kind = token.type
    before = previous.type if previous else ""
    if kind == "COMMA" and (before == "COMMA" or before in OPENING):
        return Repair("this comma separates nothing", "leave it out", found=True)
    if kind == "LPAR" and previous is not None and machine.expected() == {"EQUAL"}:
        return Repair(f"`{_short(str(previous.value))}(` starts no command", f"write ABYSSAL[{_short(str(previous.value))}](…)")
    other = _REPLACED.get(kind)
    if other and machine.takes(other) and (kind != "STRING" or (before == "LSQB" and str(token.value).isidentifier())):
        message = "a name stands without quotes here" if kind == "STRING" else f"expected {_SIGNS[other]}, found {_SIGNS[kind]}"
        suggestion = str(token.value) if kind == "STRING" else f"write {_SIGNS[other]}"
        return Repair(message, suggestion, found=True, token=token._replace(type=other))
    if (kind == "COMMA" or kind in CLOSING) and before in ("EQUAL", "COLON") and machine.takes("STRING", kind):
        gap = Token("STRING", token.start, token.start, None)
        return Repair("a value is missing here", None, found=True, before=(gap,), token=token, after_previous=True)
    for inserted, message in _INSERTED:
        if machine.takes(inserted, kind):
            sign = Token(inserted, token.start, token.start, "")
            return Repair(message, f"{_SIGNS[inserted]} before {described(token)}", found=True, before=(sign,), token=token, after_previous=True)
    expected = machine.expected()
    prose = "begin a comment with #; `abathur extract` finds commands in prose" if expected == {"EQUAL"} else None
    return Repair(f"expected {_listed(expected)}, found {described(token)}", prose)


def described(token: Token) -> str:
    """The token as messages show it."""
    if token.type in _SIGNS and token.type not in ("ABYSSAL", "PIN"):
        return f"`{_SIGNS[token.type]}`"
    text = str(token.value)
    if token.type in ("STRING", "TRIPLE"):
        return f'the text "{_short(text)}"' if token.value is not None else "a text"
    return f"`{_short(text)}`"


def _short(text: str) -> str:
    line = text.split("\n", 1)[0]
    return line if len(line) <= 24 and line == text else line[:23] + "…"


def _listed(types: set[str]) -> str:
    names = []
    if types >= {"STRING", "NUMBER", "LSQB", "LBRACE"}:
        names.append("a value")
        types = types - _VALUES
    elif "STRING" in types and "NAME" in types:
        names.append("a key")
        types = types - {"STRING", "NAME", "CONSTANT", "ABYSSAL"}
    elif "NAME" in types:
        names.append("a name")
        types = types - {"NAME"}
    names += [f"`{sign}`" for kind, sign in _SIGNS.items() if kind in types]
    if not names:
        return "a new statement"
    return names[0] if len(names) == 1 else ", ".join(names[:-1]) + " or " + names[-1]
