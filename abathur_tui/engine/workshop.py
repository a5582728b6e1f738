"""What all workers of an engine share."""

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

from abathur_tui.domain.clock import Clock
from abathur_tui.domain.conversation import Tool
from abathur_tui.domain.templates import Registry
from abathur_tui.engine.answers import Answers
from abathur_tui.engine.desk import Desk
from abathur_tui.engine.endings import Endings
from abathur_tui.engine.live_settings import LiveSettings
from abathur_tui.engine.log import EngineLog
from abathur_tui.engine.patient import PatientDatabase
from abathur_tui.engine.pool import RuntimePool
from abathur_tui.engine.resources import Resources
from abathur_tui.engine.slots import Slots
from abathur_tui.engine.swarm import Swarm
from abathur_tui.engine.watchdog import Watchdog
from abathur_tui.processes import Children
from abathur_tui.settings import Settings


@dataclass(frozen=True, slots=True)
class Workshop:
    """The room, tools and rules of one engine."""

    engine: str
    """The engine's id."""
    project: Path
    """The folder that agents work on."""
    database: PatientDatabase
    live: LiveSettings
    registry: Registry
    runtimes: RuntimePool
    children: Children
    tools: Mapping[str, Tool]
    slots: Slots
    swarm: Swarm
    resources: Resources
    endings: Endings
    answers: Answers
    desk: Desk
    watchdog: Watchdog
    clock: Clock
    log: EngineLog

    @property
    def settings(self) -> Settings:
        """As they are now."""
        return self.live.now
