"""What the header says of the machine: what the engine has measured, by which it lets agents start or not."""

import asyncio
from dataclasses import dataclass
from typing import Protocol

from abathur_tui.project import Project


@dataclass(frozen=True, slots=True)
class Sample:
    """A measurement."""

    engine_lives: bool
    """Whether an engine on this machine works at the project."""
    memory_bytes: int | None
    """That engine, agents and their commands take together; None where nothing was measured."""
    cpu_percent: float | None
    """Of the cores that they may take; None where that is not known yet."""
    engine_restarts: bool = False
    """Whether one that died is being started again by its guard."""
    engine_waits: str = ""
    """The code of the trouble whose end it waits for."""


class Probe(Protocol):
    """Who knows it."""

    async def sample(self) -> Sample:
        """As it is now. Raises AbathurError."""
        ...


class EngineProbe:
    """Asks the project."""

    def __init__(self, project: Project) -> None:
        """Nothing is asked yet."""
        self._project = project

    async def sample(self) -> Sample:
        """What the project's engine has measured last. Raises AbathurError."""
        lives = await asyncio.to_thread(self._project.engine) is not None
        trouble = await asyncio.to_thread(self._project.engine_trouble) if lives else None
        waits = "" if trouble is None else trouble.code
        taken = await self._project.swarm.resources() if lives else None
        if taken is None:
            return Sample(lives, None, None, not lives and await asyncio.to_thread(self._project.restarting_since) is not None, waits)
        return Sample(lives, taken.memory_bytes, None if taken.cores is None else 100 * taken.cores / taken.cores_limit, engine_waits=waits)
