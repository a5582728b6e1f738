"""The parser: tokens to a syntax tree, statement by statement, going on after a mistake.

A mistake is mended on the spot where one token more, less or another makes sense of it (`repair.py`), so that what follows is read and
checked as well; else the rest of the statement is passed over. Either way it is told once.
"""

import re
from contextlib import suppress
from dataclasses import replace

from abathur_tui.domain.errors import DocumentInvalid, OverLimit
from abathur_tui.language.garbage import no_garbage_collection
from abathur_tui.language.grammar import Machine
from abathur_tui.language.mistakes import Mistakes, TooMany
from abathur_tui.language.repair import Repair, described, mended
from abathur_tui.language.strings import HALF, number_of, text_of
from abathur_tui.language.tokens import CLOSING, COMMENT, OPENING, WRONG, Scanner, Token
from abathur_tui.language.tree import Comment, Document, Statement

MAX_BYTES = 1_048_576
"""How long a document may be where nobody says otherwise (`language.max_bytes`)."""
MAX_BRACKETS = 64
"""How many brackets may be open at once: whoever walks the tree may recurse."""
_RESTARTS = 10
"""How often reading starts again at a later line, after a bracket that is never closed: it must not take quadratic time."""
_MOST_REPAIRS = 50
"""Repairs of one statement, after which the rest of it is passed over."""
_DEEPEST_INDENT = 16
_HEAD = re.compile(r"[A-Za-z_][0-9A-Za-z_-]*+\s*+(?:[=\[]|:?=?\s*+ABYSSAL(?![0-9A-Za-z_-]))")
"""How a statement begins where no bracket is open, be it with a mistake."""
_STATEMENT = re.compile(r"(?:[A-Za-z_][0-9A-Za-z_-]*+\s*+=\s*+)?ABYSSAL(?![0-9A-Za-z_-])")
"""How a statement begins at the beginning of a line while a bracket is open."""
_BINDING = re.compile(r"([A-Za-z_][0-9A-Za-z_-]*+)\s*+:?=")
_WORDS = frozenset({"NAME", "ABYSSAL", "CONSTANT"})
_BRACKETS = frozenset({*OPENING, *CLOSING})
_STARTS = frozenset({"NAME", "ABYSSAL"})
_LITERALS = frozenset({"STRING", "TRIPLE", "NUMBER"})


def parse(text: str, *, max_bytes: int = MAX_BYTES) -> Document:
    """The syntax tree of a text. Raises `DocumentInvalid` with all the mistakes of its syntax, `OverLimit` where it is too long."""
    document, mistakes = read(text, max_bytes=max_bytes)
    mistakes.raise_if_any()
    return document


def read(text: str, *, max_bytes: int = MAX_BYTES) -> tuple[Document, Mistakes]:
    """What could be read of a text, and what is wrong with the rest. Raises `OverLimit` where the text is too long."""
    check_length(text, max_bytes)
    mistakes = Mistakes(text)
    reader = _Reader(text, mistakes)
    with no_garbage_collection(), suppress(TooMany):
        reader.read()
    document = Document(text, tuple(reader.statements), tuple(reader.comments), frozenset(reader.lost_names))
    return document, mistakes


def check_length(text: str, max_bytes: int) -> None:
    """Raises `OverLimit` where the text is longer than `max_bytes` in UTF-8; quick also where it is much longer."""
    if len(text) > max_bytes or (not text.isascii() and len(text.encode("utf-8", "surrogatepass")) > max_bytes):
        message = f"the text is longer than {max_bytes:,} bytes"
        raise OverLimit(message, hint="Split it, or raise language.max_bytes.")


class _Reader:
    """Reads one text."""

    def __init__(self, text: str, mistakes: Mistakes) -> None:
        self.statements: list[Statement] = []
        self.comments: list[Comment] = []
        self.lost_names: set[str] = set()
        self._text = text
        self._mistakes = mistakes
        self._scanner = Scanner(text)
        self._tokens = self._scanner.tokens()
        self._peeked: list[Token] = []
        self._restarts = 0
        self._begin(None)

    def read(self) -> None:
        """Read it all."""
        step = self._step
        while True:
            tokens = self._tokens
            for token in tokens:
                step(token)
                while self._peeked:
                    step(self._peeked.pop())
                if self._tokens is not tokens:
                    break
            else:
                if not self._goes_on():
                    return

    def _read_again(self, start: int) -> None:
        """Go on at an earlier place, in a new statement."""
        self._restarts += 1
        self._tokens = self._scanner.tokens(start)
        self._peeked.clear()
        self.comments = [comment for comment in self.comments if comment.start < start]
        self._begin(None)

    def _begin(self, first: Token | None) -> None:
        self._machine = Machine()
        self._first = first
        self._open: list[Token] = []
        self._previous: Token | None = None
        self._skipping = False
        self._since_repair = 3
        self._repairs = 0
        self._restart: tuple[int, Token, bool] | None = None

    def _step(self, token: Token) -> None:
        kind = token.type
        if kind == COMMENT:
            self._comment(token)
            return
        if self._skipping:
            self._skip(token)
            return
        if self._first is None:
            self._first = token
        if kind in _WORDS:
            token = self._word(token)
        elif kind in _LITERALS:
            token = self._literal(token)
        elif kind == WRONG:
            self._wrong(token)
            return
        elif kind in CLOSING and self._open and OPENING[self._open[-1].type] != kind:
            self._mismatch(token)
            return
        if self._machine.take(token):
            self._previous = token
            self._since_repair += 1
            if kind in _BRACKETS:
                self._bracket(token)
        else:
            self._unexpected(token)

    def _comment(self, token: Token) -> None:
        text = str(token.value)
        half = None if text.isascii() else HALF.search(text)
        if half:
            place = (token.start + half.start(), token.start + half.end())
            self._mistakes.add(DocumentInvalid, place, "this byte is not UTF-8", "save the text as UTF-8")
        self.comments.append(Comment(text.rstrip(), token.start, token.end))

    def _literal(self, token: Token) -> Token:
        """The token with what it means."""
        text = str(token.value)
        if text.isascii() and text.isprintable() and "\\" not in text and token.type == "STRING":
            return Token("STRING", token.start, token.end, text[1:-1])

        def report(offset: int, length: int, message: str, suggestion: str | None) -> None:
            start = token.start + offset
            self._mistakes.add(DocumentInvalid, (start, start + length), message, suggestion)

        value = number_of(text, report) if token.type == "NUMBER" else text_of(text, report)
        return Token(token.type, token.start, token.end, value)

    def _take(self, token: Token) -> None:
        if self._machine.take(token):
            self._taken(token)
        else:
            self._unexpected(token)

    def _taken(self, token: Token) -> None:
        self._previous = token
        self._since_repair += 1
        if token.type in _BRACKETS:
            self._bracket(token)

    def _bracket(self, token: Token) -> None:
        """A bracket has been taken."""
        if token.type in OPENING:
            self._open.append(token)
            if len(self._open) > MAX_BRACKETS:
                self._report(
                    token, f"more than {MAX_BRACKETS} brackets are open here", "give parts of it names, in statements of their own", OverLimit
                )
                self._give_up()
            return
        self._open.pop()
        if not self._open and token.type == "RPAR":
            statement = self._machine.finish()
            if statement is not None:
                self.statements.append(replace(statement, mended=True) if self._repairs else statement)
            self._begin(None)

    # Mistakes

    def _wrong(self, token: Token) -> None:
        self._repairs += 1
        self._report(token, token.message, token.suggestion)
        text = str(token.value)
        if text[:3] in ('"""', "'''"):
            self._give_up()
            return
        stand_in = "NUMBER" if text[0] in "+-.0123456789" else "NAME" if text[0].isalpha() else "STRING"
        if self._machine.takes(stand_in):
            value = text if stand_in == "NAME" else None
            self._machine.take(token._replace(type=stand_in, value=value))
            self._taken(token._replace(type=stand_in))
        elif self._previous is None:
            self._begin(None)
            return
        self._since_repair = 0

    def _word(self, token: Token) -> Token:
        if token.type != "ABYSSAL" and self._text.startswith("[", token.end) and self._machine.takes("ABYSSAL"):
            self._report(token, f"`{token.value}[` starts no command", "commands start with ABYSSAL[")
            return token._replace(type="ABYSSAL")
        if self._open and token.type != "CONSTANT" and self._restart is None and self._starts_line(token):
            self._restart = (token.start, self._open[-1], self._since_repair >= 3)
        return token

    def _mismatch(self, token: Token) -> None:
        """A closing bracket that is not the one that is due."""
        self._repairs += 1
        top = self._open[-1]
        due = OPENING[top.type]
        if any(opening.type == CLOSING[token.type] for opening in self._open):
            self._report(top, f"this {described(top)} is never closed", f"close it before the {described(token)}")
            while self._open and OPENING[self._open[-1].type] != token.type:
                missing = Token(OPENING[self._open[-1].type], token.start, token.start, "")
                if not self._machine.take(missing):
                    self._give_up(token)
                    return
                self._open.pop()
            self._take(token)
            return
        following = self._peek()
        line = self._mistakes.line(top.start)
        message = f"this {described(token)} closes nothing: the {described(top)} of line {line} is open"
        self._report(token, message, f"close it with {described(Token(due, 0, 0, ''))}")
        if following is None or following.type != due:
            self._take(token._replace(type=due))

    def _unexpected(self, token: Token) -> None:
        """The grammar has no place for the token: mend the text if that is possible, else pass over the statement."""
        if self._open and self._starts_line(token):
            self._never_closed(token)
            return
        self._repairs += 1
        repair = mended(self._machine, self._previous, token)
        self._report_repair(token, repair)
        if not repair.found or self._repairs > _MOST_REPAIRS:
            self._give_up(token)
            return
        for inserted in repair.before:
            self._machine.take(inserted)
            self._taken(inserted)
        if repair.token is not None and not self._skipping:
            self._take(repair.token)
        self._since_repair = 0

    def _report_repair(self, token: Token, repair: Repair) -> None:
        if self._since_repair < (2 if repair.found else 3):
            return
        place = token
        if repair.after_previous and self._previous is not None:
            place = Token("", self._previous.end, self._previous.end + 1, "")
        self._report(place, repair.message, repair.suggestion)

    def _give_up(self, token: Token | None = None) -> None:
        """Pass over the rest of the statement, from `token` on."""
        binding = _BINDING.match(self._text, self._first.start) if self._first else None
        if binding:
            self.lost_names.add(binding[1])
        self._skipping = True
        if token is not None:
            self._skip(token)

    def _skip(self, token: Token) -> None:
        """One token further, while passing over a statement."""
        if token.type in _STARTS:
            begins = _HEAD.match(self._text, token.start) if not self._open else self._starts_line(token)
            if begins:
                self._begin(None)
                self._step(token)
                return
        if token.type in OPENING:
            self._open.append(token)
        elif token.type in CLOSING and self._open:
            self._open.pop()

    def _never_closed(self, token: Token | None) -> None:
        """A new statement, or the end of the text, while a bracket is open."""
        opening, news = self._open[-1], self._since_repair >= 2
        again = self._restart if self._restarts < _RESTARTS else None
        if again is not None:
            start, opening, news = again
        if news:
            self._report(opening, f"this {described(opening)} is never closed", f"add {described(Token(OPENING[opening.type], 0, 0, ''))}")
        self._give_up(None if again else token)
        if again is not None:
            self._read_again(start)

    def _goes_on(self) -> bool:
        """At the end of the text: tell what is unfinished; whether an earlier place is read again."""
        if self._first is None or self._skipping:
            return False
        if self._open:
            self._never_closed(None)
            return not self._skipping
        end = self._previous.end if self._previous else self._first.end
        repair = mended(self._machine, self._previous, None)
        if self._since_repair >= 3:
            self._report(Token("", max(0, end - 1), end, ""), repair.message, repair.suggestion)
        self._give_up()
        return False

    # Small things

    def _peek(self) -> Token | None:
        for token in self._tokens:
            if token.type == COMMENT:
                self._step(token)
                continue
            self._peeked.append(token)
            return token
        return None

    def _starts_line(self, token: Token) -> bool:
        """Whether a statement starts here: at the beginning of a line, no further to the right than the one being read."""
        indent = self._indent(token.start)
        if indent is None or indent > (self._indent(self._first.start) or 0 if self._first else 0):
            return False
        return _STATEMENT.match(self._text, token.start) is not None

    def _indent(self, offset: int) -> int | None:
        """Blanks before the offset on its line; None where there is something else, or too many."""
        start = offset
        while start > 0 and self._text[start - 1] in " \t" and offset - start <= _DEEPEST_INDENT:
            start -= 1
        return offset - start if start == 0 or self._text[start - 1] == "\n" else None

    def _report(self, token: Token, message: str, suggestion: str | None, kind: type[DocumentInvalid] = DocumentInvalid) -> None:
        self._mistakes.add(kind, (token.start, token.end), message, suggestion)
