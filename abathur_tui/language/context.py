"""What a plan is made in: the folder, the environment and the settings that count for the language."""

import os
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Self

from abathur_tui.domain.templates import TemplateUse

if TYPE_CHECKING:
    from abathur_tui.settings import Settings


@dataclass(frozen=True, slots=True)
class PlanContext:
    """Where and under which limits a text is planned; the defaults are the settings' own."""

    folder: Path | None = None
    """The project's folder, in which `file()` and `git()` read; None: there is none, and they are refused."""
    environ: Mapping[str, str] = field(default_factory=lambda: os.environ)
    """What `env()` reads."""
    max_depth: int = 6
    """How deep the expanded tree may be."""
    max_nodes: int = 10_000
    """How many tasks a document may expand to."""
    max_bytes: int = 1_048_576
    """How long a document, or a file that it names, may be."""
    success_threshold: float = 0.8
    """The share of a join's members that must complete."""
    max_iterations: int = 10
    """Passes of a loop that names no limit."""
    slots: int = 10
    """How many agents may work at once."""
    busy: int = 0
    """How many of them work now."""
    max_retries: int = 3
    """Attempts after the first, of a task that names no number."""
    cores: int = field(default_factory=lambda: os.cpu_count() or 1)
    """The machine's."""
    history: Mapping[tuple[str, str], TemplateUse] = field(default_factory=dict)
    """How templates have done, by name and version: estimates are made of it."""

    @classmethod
    def of(cls, settings: "Settings", folder: Path | None, environ: Mapping[str, str]) -> Self:
        """The context that these settings make."""
        return cls(
            folder,
            environ,
            settings.language.max_depth,
            settings.language.max_nodes,
            settings.language.max_bytes,
            settings.fork.success_threshold,
            settings.loop.max_iterations,
            settings.swarm.max_agents,
            max_retries=settings.queue.max_retries,
        )

    @property
    def free_slots(self) -> int:
        """How many more agents could work now."""
        return max(self.slots - self.busy, 0)
