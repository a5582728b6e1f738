"""What this process and all that it has started take of the machine."""

import os
from collections import Counter
from collections.abc import Container, Iterator, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass
from functools import cache
from time import monotonic
from typing import NamedTuple

from abathur_tui.processes.child import Child

_STAT = "/proc/{}/stat"
_LONGEST_LINE = 4096
_SHORTEST_SECONDS = 0.2
"""CPU is counted over no shorter time: the system counts it in hundredths of a second, and programs take it in bursts."""


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


class _Process(NamedTuple):
    """What the system says of a process."""

    pid: int
    parent: int
    session: int
    started: float
    """In the system's own unit: with `pid`, what no other process ever has."""
    seconds: float
    """Of processor time."""
    memory_bytes: int


class Meter:
    """Measures again and again; used from one thread at a time, and may block for some milliseconds."""

    def __init__(self) -> None:
        """Nothing was measured."""
        self._seconds: dict[tuple[int, float], float] = {}
        self._at: float | None = None
        self._cores: tuple[float | None, float] = (None, 0.0)
        """In all, and of children."""

    def read(self, children: Sequence[Child]) -> Usage:
        """What this process and these children take, with all that they have started, also where it has left its parent."""
        groups = {child.pid: child.service for child in children}
        table = {process.pid: process for process in _processes()}
        memory: Counter[int] = Counter()
        seconds: dict[tuple[int, float], float] = {}
        family = _family(groups, table)
        used = of_children = 0.0
        for pid, group in family.items():
            process = table[pid]
            memory[group] += process.memory_bytes
            if not groups.get(group):
                key = (pid, process.started)
                seconds[key] = process.seconds
                used += process.seconds - self._seconds.get(key, 0.0)
                if group:
                    of_children += process.seconds - self._seconds.get(key, 0.0)
        now = monotonic()
        if self._at is None or now - self._at >= _SHORTEST_SECONDS:
            if self._at is not None:
                self._cores = used / (now - self._at), of_children / (now - self._at)
            self._seconds, self._at = seconds, now
        return Usage(memory.total(), *self._cores, len(family), {group: taken for group, taken in memory.items() if group in groups})


def _family(groups: Container[int], table: Mapping[int, _Process]) -> dict[int, int]:
    """This process and all that it has started, of all processes: process to the child that it belongs to, 0 for our own.

    By parents and, for what has left its parent, by sessions: each child leads one.
    """
    me = os.getpid()
    found: dict[int, int] = {}
    for pid, process in table.items():
        above = pid
        seen: set[int] = set()
        while above not in groups and above != me and above in table and above not in seen:
            seen.add(above)
            above = table[above].parent
        if above in groups:
            found[pid] = above
        elif above == me:
            found[pid] = 0
        elif process.session in groups:
            found[pid] = process.session
    return found


def _processes() -> Iterator[_Process]:
    """All processes that the system shows us."""
    return _from_files() if os.path.exists(_STAT.format("self")) else _from_psutil()


def _from_files() -> Iterator[_Process]:
    """As Linux tells of each in one line: with hundreds of programs six times as fast as psutil, which asks for each figure by itself."""
    tick, page = _units()
    for name in os.listdir("/proc"):
        if name.isdigit():
            with suppress(OSError, ValueError, IndexError):  # it has just ended
                with open(_STAT.format(name), "rb", buffering=0) as file:
                    line = file.read(_LONGEST_LINE)
                # The name in brackets may hold anything, brackets too: what is counted stands behind its last one.
                field = line[line.rindex(b")") + 2 :].split()
                seconds = (int(field[11]) + int(field[12])) * tick
                yield _Process(int(name), int(field[1]), int(field[3]), float(field[19]), seconds, int(field[21]) * page)


@cache
def _units() -> tuple[float, int]:
    """A tick in seconds, and a page in bytes."""
    return 1 / os.sysconf("SC_CLK_TCK"), os.sysconf("SC_PAGE_SIZE")


def _from_psutil() -> Iterator[_Process]:
    import psutil  # type: ignore[import-untyped]  # 20 ms that an engine need not pay before it works

    for process in psutil.process_iter():
        with suppress(psutil.Error, OSError), process.oneshot():  # it has just ended, or is not ours to look at
            times = process.cpu_times()
            session = os.getsid(process.pid)
            yield _Process(process.pid, process.ppid(), session, process.create_time(), times.user + times.system, process.memory_info().rss)
