"""What all errors have in common."""

from collections.abc import Sequence
from dataclasses import dataclass
from enum import IntEnum
from typing import ClassVar

from abathur_tui.domain.data import JsonObject


class Exit(IntEnum):
    """What a command's exit code means."""

    DONE = 0
    FAILED = 1
    WRONG_USE = 2
    NOT_FOUND = 3
    REFUSED = 4
    INTERRUPTED = 130


@dataclass(frozen=True, slots=True)
class Detail:
    """One of several things that are wrong, with its place where it has one."""

    message: str
    line: int | None = None
    """From 1."""
    column: int | None = None
    """From 1, in characters."""
    source: str | None = None
    """The line of text that it is in."""
    length: int = 1
    """How many characters the caret underlines."""
    suggestion: str | None = None
    file: str | None = None
    code: str | None = None

    def data(self) -> JsonObject:
        """The keys of `details` in an error's JSON; those without a value are left out."""
        pairs = {
            "line": self.line,
            "column": self.column,
            "message": self.message,
            "suggestion": self.suggestion,
            "source": self.source,
            "file": self.file,
            "code": self.code,
        }
        return {key: value for key, value in pairs.items() if value is not None}


class AbathurError(Exception):
    """An error of Abathur's own."""

    code: ClassVar[str] = "ABTH-ERR-199"
    exit: ClassVar[Exit] = Exit.FAILED
    hint: ClassVar[str] = ""
    """What to do, where the raiser does not know better."""

    def __init__(self, message: str, *, hint: str | None = None, details: Sequence[Detail] = ()) -> None:
        """`message` says what happened; `hint` what to do; `details` the single mistakes."""
        super().__init__(message)
        self.message = message
        self.advice = self.hint if hint is None else hint
        self.details = tuple(details)

    def data(self) -> JsonObject:
        """The object that `--json` prints on standard error."""
        return {
            "error": {
                "code": self.code,
                "message": self.message,
                "hint": self.advice,
                "details": [detail.data() for detail in self.details],
            }
        }


class Unexpected(AbathurError):
    """Something unexpected.

    A mistake in Abathur itself.
    """

    code = "ABTH-ERR-199"
    hint = "Run the command again with --debug for the stack trace, and report it."
