"""What Abathur takes of this machine: its engine with all that it started, and the screen itself."""

import os
import socket
import time
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Protocol

from abathur_tui.domain.errors import AbathurError
from abathur_tui.storage.engines import EngineRow, active_engine


@dataclass(frozen=True, slots=True)
class Sample:
    """A measurement."""

    memory_bytes: int
    """Resident memory of all its processes."""
    engine_lives: bool
    """Whether an engine on this machine works at the project."""
    cpu_percent: float | None
    """Share of the whole machine since the sample before; None for the first."""


class Probe(Protocol):
    """What measures; called from one thread at a time, and may block."""

    engines: Sequence[EngineRow]
    """Engines that may live, as the database last said."""

    def sample(self) -> Sample | None:
        """Memory and CPU now; None where the system does not tell."""
        ...


class MachineProbe:
    """Measures the process trees; used from one thread at a time."""

    def __init__(self, folder: Path) -> None:
        """`folder` is the project's `.abathur`."""
        self.engines: Sequence[EngineRow] = ()
        """Engines that may live, as the database last said."""
        self._folder = folder
        self._cpu_seconds: dict[tuple[int, float], float] = {}
        self._sampled_at: float | None = None

    def sample(self) -> Sample | None:
        """Memory and CPU now; None where the system does not tell. Blocks for some milliseconds."""
        import psutil  # type: ignore[import-untyped]  # 20 ms: after the first frame

        roots = [os.getpid()]
        try:
            active = active_engine(self._folder)
        except AbathurError:
            active = None
        roots += [engine.pid for engine in self.engines if engine.id == active and engine.host == socket.gethostname()]
        memory, seconds, now = 0, {}, time.monotonic()
        for root in roots:
            try:
                process = psutil.Process(root)
                for each in (process, *process.children(recursive=True)):
                    try:
                        memory += each.memory_info().rss
                        times = each.cpu_times()
                        seconds[each.pid, each.create_time()] = times.user + times.system
                    except psutil.Error:
                        continue
            except (psutil.Error, OSError):
                continue
        used = sum(after - self._cpu_seconds.get(key, after) for key, after in seconds.items())
        elapsed = now - self._sampled_at if self._sampled_at is not None else None
        self._cpu_seconds, self._sampled_at = seconds, now
        if not memory:
            return None
        return Sample(memory, active is not None, 100 * used / elapsed / (psutil.cpu_count() or 1) if elapsed else None)
