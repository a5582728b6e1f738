"""What a person should be told of files that Abathur reads: which have changed, and which do not count and why."""

from dataclasses import dataclass
from enum import StrEnum

from abathur_tui.domain.errors import Detail


class NoticeKind(StrEnum):
    """What is the matter with a file."""

    CHANGED = "changed"
    """It was added, changed, mended or removed, and that holds from now on."""
    BROKEN = "broken"
    """It has mistakes: what it said before holds, if it said anything."""
    LEFT_OUT = "left out"
    """It does not count, for a reason that is no mistake in it."""


@dataclass(frozen=True, slots=True)
class Notice:
    """Something about a file that is worth a line on the screen or on standard error."""

    kind: NoticeKind
    text: str
    """All of it in a sentence or two, with file and line where there are."""
    file: str = ""
    line: int | None = None
    details: tuple[Detail, ...] = ()
    """Each mistake of a broken file."""

    def __str__(self) -> str:
        """The text."""
        return self.text
