"""The syntax tree: what a text says, with the exact place of every part of it.

Places are offsets into the text (`start`, and `end` just behind); `Mistakes` turns them into lines and columns where somebody is told.
"""

from dataclasses import dataclass
from typing import TypeAlias


@dataclass(frozen=True, slots=True)
class Literal:
    """A string, number, true, false or null."""

    value: str | int | float | bool | None
    start: int
    end: int


@dataclass(frozen=True, slots=True)
class Array:
    """`[…]`."""

    items: tuple["Value", ...]
    start: int
    end: int


@dataclass(frozen=True, slots=True)
class Entry:
    """One `key: value` of an object; its place is the key's."""

    key: str
    value: "Value"
    start: int
    end: int


@dataclass(frozen=True, slots=True)
class Object:
    """`{…}`."""

    entries: tuple[Entry, ...]
    start: int
    end: int


@dataclass(frozen=True, slots=True)
class Name:
    """A bare name: the result of the statement that bound it."""

    name: str
    start: int
    end: int


@dataclass(frozen=True, slots=True)
class Argument:
    """One argument; its place is its name's, or its value's where it has no name."""

    name: str | None
    value: "Value"
    start: int
    end: int


@dataclass(frozen=True, slots=True)
class Call:
    """`file("…")`, `env("…")`, `git("…")`, or a name that is no such function."""

    function: str
    arguments: tuple[Argument, ...]
    start: int
    end: int


@dataclass(frozen=True, slots=True)
class Command:
    """`ABYSSAL[TEMPLATE@version](…)`."""

    template: str
    version: str | None
    arguments: tuple[Argument, ...]
    start: int
    end: int
    template_start: int
    template_end: int
    """Behind the version, where there is one."""


@dataclass(frozen=True, slots=True)
class Broken:
    """A place where a value should be; what is wrong with it has been reported."""

    start: int
    end: int


Value: TypeAlias = Literal | Array | Object | Name | Call | Command | Broken


@dataclass(frozen=True, slots=True)
class Statement:
    """A command, with the name that it is bound to."""

    name: str | None
    command: Command
    start: int
    end: int
    mended: bool = False
    """It could be read only after a repair: its arguments may not be as they were meant."""


@dataclass(frozen=True, slots=True)
class Comment:
    """From `#` or `//` to the end of its line."""

    text: str
    start: int
    end: int


@dataclass(frozen=True, slots=True)
class Document:
    """A whole text."""

    text: str
    statements: tuple[Statement, ...]
    comments: tuple[Comment, ...] = ()
    lost_names: frozenset[str] = frozenset()
    """Names bound by statements that could not be read: references to them are no further mistakes."""
