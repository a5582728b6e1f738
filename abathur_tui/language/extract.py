"""Commands in prose."""

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Found:
    """A command found in a text."""

    line: int
    """From 1."""
    column: int
    """From 1, in characters."""
    text: str
    """The command, with the name that it is bound to where it has one."""


def is_document(text: str) -> bool:
    """Whether a text is meant as ABYSSAL: then it is that, or an error, and never a prompt."""
    return "ABYSSAL[" in text
