"""A command while it is expanded: its step, with what stands around it, and what it passes on."""

from dataclasses import dataclass, field

from abathur_tui.language.drafts import Draft
from abathur_tui.language.resolved import ResolvedCommand


class Full(Exception):
    """The plan has too many nodes or edges, which has been noted: nothing more is expanded."""


@dataclass(frozen=True, slots=True)
class Inherited:
    """What a command passes on to what is nested in it."""

    priority: int = 5
    model: str | None = None
    tags: tuple[str, ...] = ()
    lineage: tuple[str, ...] = ()
    """Templates that brought each other along, from the outside in; commands written in the text begin a new line."""
    foreign: bool = False
    """One of those templates is a file of the project: a clone must not choose what runs on this machine."""
    instead: bool = False
    """It is part of a fallback, in which nothing has a fallback."""


@dataclass(slots=True)
class Step:
    """A command while its node is made."""

    command: ResolvedCommand
    own: list[Draft]
    """Its step, as many times as there are instances; nothing where the template has no step of its own (a fork)."""
    result: Draft | None
    """What the step comes to: itself, or the join of its instances."""
    face: Draft
    """What others see of it: its result, or the join of it and its parts."""
    inherited: Inherited
    gathering: Draft | None
    """The join of what it takes in; None where it takes each result directly."""
    followers: list[Draft] = field(default_factory=list)
    """What comes after the step."""
    inputs: list[Draft] = field(default_factory=list)
    """What comes before it, or stands side by side in a fork."""
    gathered: list[Draft] = field(default_factory=list)
    """What comes before it by way of the join."""
