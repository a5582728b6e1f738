"""What an engine works with, and how long it stays."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from pathlib import Path

from abathur_tui.domain.clock import Clock, SystemClock
from abathur_tui.domain.conversation import Tool
from abathur_tui.domain.templates import Registry
from abathur_tui.engine.caretaker import SEAL_SECONDS
from abathur_tui.engine.keys import KeyRing, Keys
from abathur_tui.engine.patient import GONE_SECONDS
from abathur_tui.engine.pool import OpenRuntime
from abathur_tui.engine.resources import SAMPLE_SECONDS
from abathur_tui.processes import Children
from abathur_tui.settings import Settings

RELEASE_SECONDS = 10.0
"""How long an ordered stop waits for a database that cannot be written; what is left then is rescued by the next engine."""


@dataclass(frozen=True, slots=True)
class Manner:
    """How long an engine stays."""

    stay: bool = False
    """It does not end when idle."""
    drain: bool = False
    """It ends when nothing is left that could run."""
    standby: bool = False
    """Where another engine is active it waits for its turn, instead of ending."""

    @property
    def ordered(self) -> bool:
        """Whether a person asked for it: lanes that wait for a key or for billing are tried again."""
        return self.stay or self.drain or self.standby


UNTIL_IDLE = Manner()
"""It ends some time after the last task."""


@dataclass(frozen=True, slots=True)
class Equipment:
    """What an engine works with."""

    project: Path
    """The folder that agents work on."""
    settings: Settings
    registry: Registry
    tools: Mapping[str, Tool]
    open_runtime: OpenRuntime
    children: Children
    keys: KeyRing = field(default_factory=Keys)
    on_work: Callable[[], None] = lambda: None
    """Called as soon as it is the active engine, and registered."""
    replaces: bool = False
    """Whether it goes on for one that has died: nobody is told what keeps it from starting, so it waits for the end of that."""
    on_stop: Callable[[], None] = lambda: None
    """Called as soon as a stop is ordered: the guard must not start another engine."""
    clock: Clock = field(default_factory=SystemClock)
    most_agents: int | None = None
    """How many agents this process can have at work at once, whatever is asked for; None: any number."""
    gone_seconds: float = GONE_SECONDS
    release_seconds: float = RELEASE_SECONDS
    sample_seconds: float = SAMPLE_SECONDS
    seal_seconds: float = SEAL_SECONDS
