"""Where answers go: results to standard output, all else to standard error."""

import contextlib
import errno
import json
import os
import sys
import unicodedata
from collections.abc import Iterator, Sequence
from typing import TextIO

from abathur_tui.domain.errors import AnswerNotWritten
from abathur_tui.domain.safe_text import safe, safe_json, safe_line

_CLOSED_PIPE_EXIT = 128 + 13  # what a shell says of a program that SIGPIPE ended


class OutputClosed(Exception):
    """Whoever read standard output has gone."""


def prepare() -> None:
    """A character that a stream's encoding does not have is written as an escape, never an error."""
    for stream in (sys.stdout, sys.stderr):
        if hasattr(stream, "reconfigure"):
            stream.reconfigure(errors="backslashreplace")


def closed() -> int:
    """Nobody reads any more: point standard output at nothing, so that the last flush says nothing either; the exit code for it."""
    os.dup2(os.open(os.devnull, os.O_WRONLY), 1)
    return _CLOSED_PIPE_EXIT


def forget_unwritten() -> None:
    """What a standard stream does not take is dropped here, where that was told, and not by the interpreter at its end."""
    for stream, number in ((sys.stdout, 1), (sys.stderr, 2)):
        try:
            stream.flush()
        except OSError:
            os.dup2(os.open(os.devnull, os.O_WRONLY), number)


def document(value: object, *, flush: bool = False) -> None:
    """The one JSON document of an answer: indented for people, on one line for programs."""
    _write(_json(value, indent=2 if sys.stdout.isatty() else None) + "\n", flush=flush)


def record(value: object, *, flush: bool = True) -> None:
    """One object of a stream of JSON lines."""
    _write(_json(value) + "\n", flush=flush)


def result(text: str) -> None:
    """A result's text: for a terminal made safe, and ended by a line break; for anything else exactly as it is."""
    if sys.stdout.isatty():
        text = safe(text) if text.endswith("\n") else safe(text) + "\n"
    _write(text)


def piece(text: str) -> None:
    """A part of an answer that is too long to be in memory as a whole: exactly as it is."""
    _write(text)


def lines(*texts: str, flush: bool = False) -> None:
    """Lines of an answer for people."""
    _write("".join(safe(text) + "\n" for text in texts), flush=flush)


def table(header: Sequence[str], rows: Sequence[Sequence[str]], *, right: frozenset[int] = frozenset()) -> None:
    """Rows under a header, columns lined up; those in `right` to the right. The last column is cut to the terminal's width."""
    cells = [[safe_line(cell) for cell in row] for row in (header, *rows)]
    widths = [max(cell_width(row[column]) for row in cells) for column in range(len(header))]
    room = os.get_terminal_size(1).columns if sys.stdout.isatty() else None
    written = []
    for row in cells:
        padded = [_padded(cell, widths[column], column in right) for column, cell in enumerate(row)]
        line = "  ".join(padded).rstrip()
        written.append(cut(line, room) if room else line)
    _write("\n".join(written) + "\n")


def note(text: str) -> None:
    """Something that is no result, on standard error."""
    try:
        sys.stderr.write(safe(text) + "\n")
        sys.stderr.flush()
    except OSError:
        return  # nobody reads it


def cell_width(text: str) -> int:
    """Terminal cells that a safe text takes."""
    return sum(_cells(char) for char in text)


def cut(text: str, width: int) -> str:
    """`text`, cut to `width` cells with `…`."""
    if cell_width(text) <= width:
        return text
    taken, end = 0, 0
    for end, char in enumerate(text):  # noqa: B007 (used after the loop)
        taken += _cells(char)
        if taken > width - 1:
            break
    return text[:end] + "…"


def encodable(text: str, stream: TextIO) -> bool:
    """True where the stream's encoding has all characters of `text`."""
    try:
        text.encode(stream.encoding or "ascii")
    except UnicodeEncodeError:
        return False
    return True


def _cells(char: str) -> int:
    if char.isascii():
        return 1
    if unicodedata.combining(char) or unicodedata.category(char) in ("Mn", "Me", "Cf"):
        return 0
    return 2 if unicodedata.east_asian_width(char) in "WF" else 1


def _padded(text: str, width: int, right: bool) -> str:
    space = " " * (width - cell_width(text))
    return space + text if right else text + space


def _json(value: object, indent: int | None = None) -> str:
    wide = (sys.stdout.encoding or "").lower().replace("-", "") == "utf8"
    return safe_json(json.dumps(value, ensure_ascii=not wide, indent=indent))


def flush() -> None:
    """Hand everything over that was written. Raises OutputClosed, AnswerNotWritten."""
    with writing():
        sys.stdout.flush()


def _write(text: str, *, flush: bool = False) -> None:
    with writing():
        sys.stdout.write(text)
        if flush:
            sys.stdout.flush()


@contextlib.contextmanager
def writing() -> Iterator[None]:
    """What goes wrong in here went wrong with standard output. Raises OutputClosed, AnswerNotWritten."""
    try:
        yield
    except OSError as error:
        if error.errno in (errno.EPIPE, errno.ESHUTDOWN):
            raise OutputClosed from error
        raise AnswerNotWritten(f"The answer could not be written to standard output: {error.strerror or error}.") from error
