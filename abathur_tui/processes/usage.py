"""What this process and all that it has started take of the machine."""

import os
import time
from collections import Counter
from collections.abc import Container, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass

from abathur_tui.processes.child import Child


@dataclass(frozen=True, slots=True)
class Usage:
    """Memory and CPU at one moment."""

    memory_bytes: int
    """Resident memory of all processes."""
    cores: float | None
    """In use since the moment before, services left out: they work for all agents, whose number changes nothing about it. None for the first."""
    children_cores: float
    """What of it children used; 0 for the first."""
    processes: int
    by_child: Mapping[int, int]
    """Resident memory of each child with all that it has started, by its `pid`."""


class Meter:
    """Measures again and again; used from one thread at a time, and may block for some milliseconds."""

    def __init__(self) -> None:
        """Nothing was measured."""
        self._seconds: dict[tuple[int, float], float] = {}
        self._at: float | None = None

    def read(self, children: Sequence[Child]) -> Usage:
        """What this process and these children take, with all that they have started, also where it has left its parent."""
        import psutil  # type: ignore[import-untyped]  # 20 ms that an engine need not pay before it works

        groups = {child.pid: child.service for child in children}
        memory: Counter[int] = Counter()
        seconds: dict[tuple[int, float], float] = {}
        processes, of_children = 0, 0.0
        parents = {process.pid: process.info["ppid"] or 0 for process in psutil.process_iter(["ppid"])}
        for pid, group in _family(groups, parents).items():
            with suppress(psutil.Error):  # it has just ended, or is not ours to look at
                process = psutil.Process(pid)
                with process.oneshot():
                    memory[group] += process.memory_info().rss
                    times = process.cpu_times()
                    if not groups.get(group):
                        key = (pid, process.create_time())
                        seconds[key] = times.user + times.system
                        if group:
                            of_children += seconds[key] - self._seconds.get(key, 0.0)
                processes += 1
        used = sum(after - self._seconds.get(key, 0.0) for key, after in seconds.items())
        now = time.monotonic()
        elapsed = None if self._at is None else now - self._at
        self._seconds, self._at = seconds, now
        cores, of_children = (used / elapsed, of_children / elapsed) if elapsed else (None, 0.0)
        return Usage(memory.total(), cores, of_children, processes, {group: taken for group, taken in memory.items() if group in groups})


def _family(groups: Container[int], parents: Mapping[int, int]) -> dict[int, int]:
    """This process and all that it has started, of all processes with their parents: process to the child that it belongs to, 0 for our own.

    By parents and, for what has left its parent, by sessions: each child leads one.
    """
    me = os.getpid()
    found: dict[int, int] = {}
    for pid in parents:
        above = pid
        seen: set[int] = set()
        while above not in groups and above != me and above in parents and above not in seen:
            seen.add(above)
            above = parents[above]
        if above in groups:
            found[pid] = above
        elif above == me:
            found[pid] = 0
        else:
            with suppress(OSError):
                if (session := os.getsid(pid)) in groups:
                    found[pid] = session
    return found
