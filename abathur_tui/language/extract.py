"""Commands in prose: in Markdown, in a chat, in a comment; fenced, inline, or just so."""

import re
from dataclasses import dataclass

from abathur_tui.language.grammar import Machine
from abathur_tui.language.parser import MAX_BRACKETS, MAX_BYTES, check_length
from abathur_tui.language.places import Places
from abathur_tui.language.prose import Comments, without_results
from abathur_tui.language.tokens import CLOSING, COMMENT, OPENING, WRONG, Scanner

_COMMAND = re.compile(r"(?<![0-9A-Za-z_-])ABYSSAL(?:\s|(?:#|//)[^\n]*+\n)*+\[")
_BINDING = re.compile(r"(?<![^\s`>*])[A-Za-z_][0-9A-Za-z_-]*[ \t]*=[ \t]*\Z")
_LONGEST_BINDING = 100


@dataclass(frozen=True, slots=True)
class Found:
    """A command found in a text."""

    line: int
    """From 1."""
    column: int
    """From 1, in characters."""
    text: str
    """The command as it stands there, with the name that it is bound to where it has one."""


def is_document(text: str) -> bool:
    """Whether a text is meant as ABYSSAL: then it is that, or an error, and never a prompt."""
    return "ABYSSAL[" in text


def extract(text: str, *, max_bytes: int = MAX_BYTES) -> list[Found]:
    """The commands in a text, in its order; what only looks like the beginning of one is passed over. Raises `OverLimit`."""
    places = Places(text)
    return [Found(*places.position(start), text[start:end]) for start, end in command_spans(text, max_bytes=max_bytes)]


def command_spans(text: str, *, max_bytes: int = MAX_BYTES) -> list[tuple[int, int]]:
    """Where the commands in a text begin and end, each with its binding. Raises `OverLimit`.

    Not those in HTML comments, and in results that were put there.
    """
    check_length(text, max_bytes)
    text = without_results(text)
    scanner = Scanner(text)
    found: list[tuple[int, int]] = []
    broken: set[int] = set()
    comments = Comments(text)
    position = after_last = 0
    while (command := _COMMAND.search(text, position)) is not None:
        position = command.end()
        if command.start() in broken:
            continue
        if (hidden := comments.end_around(command.start(), after_last)) is not None:
            position = hidden
            continue
        end, unfinished = _command_end(text, scanner, command.start())
        broken |= unfinished
        if end is not None:
            found.append((_with_binding(text, command.start()), end))
            position = after_last = end
    return found


def _command_end(text: str, scanner: Scanner, start: int) -> tuple[int | None, set[int]]:
    """Where the command that starts there ends; None, and all commands that cannot be finished, where it does not."""
    machine = Machine()
    brackets = 0
    unfinished: list[tuple[int, int]] = []
    before = start
    for token in scanner.tokens(start):
        if token.type == COMMENT:
            continue
        if token.type == WRONG or brackets > MAX_BRACKETS or not machine.take(token):
            break
        if token.type == "LSQB" and text.startswith("ABYSSAL", before):
            unfinished.append((before, brackets))
        if token.type in OPENING:
            brackets += 1
        elif token.type in CLOSING:
            brackets -= 1
            if token.type == "RPAR" and unfinished[-1][1] == brackets:
                unfinished.pop()
                if not unfinished:
                    return token.end, set()
        before = token.start
    return None, {place for place, _ in unfinished}


def _with_binding(text: str, start: int) -> int:
    """Where the binding of the command begins, if it has one on its line."""
    line = max(text.rfind("\n", max(0, start - _LONGEST_BINDING), start) + 1, start - _LONGEST_BINDING, 0)
    binding = _BINDING.search(text, line, start)
    return binding.start() if binding else start
