"""What a submit asks for besides its text."""

from dataclasses import dataclass, field

from abathur_tui.domain.data import JsonObject


@dataclass(frozen=True, slots=True)
class Wish:
    """How a text is to be run, beyond what it says itself."""

    runtime: str | None = None
    """None: by the settings, else by what is there."""
    model: str | None = None
    after: tuple[int, ...] = ()
    """Tasks that its first nodes wait for."""
    ignore_dependency_failure: bool = False
    not_before: float | None = None
    """Unix time of the earliest start."""
    on_the_clock: bool = False
    """That moment was named (`--at`), and stays when the clock is set; else it is a time from now (`--in`)."""
    common: JsonObject = field(default_factory=dict)
    """The common parameters of every command by their names: `priority`, `agent`, `tags`, `retries`, `timeout`…"""
    key: str | None = None
    """A name of the submission's own: submitted again with it, the same work is there once, and what was made the first time is answered."""
