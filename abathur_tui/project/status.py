"""A project at a glance."""

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

from abathur_tui.domain.clock import iso
from abathur_tui.domain.data import JsonObject
from abathur_tui.domain.leases import Hold
from abathur_tui.domain.status import Status
from abathur_tui.domain.tasks import EngineInfo
from abathur_tui.project.answers import counts_data, hold_alert, hold_data, restart_alert, trouble_alert
from abathur_tui.storage.engines import Trouble


@dataclass(frozen=True, slots=True)
class ProjectStatus:
    """A project at a glance."""

    project: Path
    engine: EngineInfo | None
    """The active one."""
    counts: Mapping[Status, int]
    agents_busy: int
    agents_limit: int | None
    """The active engine's; without one, what the settings say, or None where they were not read."""
    tokens_today: int
    cost_today_usd: float | None
    asking: int = 0
    """Tasks that wait for a person's answer."""
    hold: Hold | None = None
    """Why nothing is claimed; None where claiming goes on."""
    restarting_since: float | None = None
    """Since when an engine that died is being started again by its guard; None where none is."""
    trouble: Trouble | None = None
    """What the engine waits for: a full disk, another program's lock."""

    def data(self) -> JsonObject:
        """What `status --json` gives."""
        engine = self.engine
        return {
            "project": str(self.project),
            "engine": None if engine is None else {"pid": engine.pid, "host": engine.host, "since": iso(engine.since)},
            "tasks": counts_data(self.counts),
            "agents": {"busy": self.agents_busy, "limit": self.agents_limit},
            "today": {"tokens": self.tokens_today, "cost_usd": self.cost_today_usd},
            "asking": self.asking,
            "queue": hold_data(self.hold),
            "alerts": [
                *([] if self.restarting_since is None else [restart_alert(self.restarting_since)]),
                *([] if self.trouble is None else [trouble_alert(self.trouble)]),
                *([] if self.hold is None else [hold_alert(self.hold)]),
            ],
        }
