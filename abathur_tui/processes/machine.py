"""What this machine has to give: its memory and its cores, or those of the container around us."""

import os
from contextlib import suppress
from pathlib import Path

_GROUPS = Path("/sys/fs/cgroup")
_MEMBER = Path("/proc/self/cgroup")
_MEMORY = Path("/proc/meminfo")


def memory_bytes() -> int:
    """Of the machine, or of the tightest control group that we are in."""
    machine = os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES")
    limits = [_number(folder / name) for folder in folders("memory") for name in ("memory.max", "memory.limit_in_bytes")]
    return min([machine, *(int(limit) for limit in limits if limit)])


def free_bytes() -> int | None:
    """Of memory, what the whole machine could still give, whoever takes it; None where it cannot be asked in microseconds."""
    with suppress(OSError, ValueError):
        for line in _MEMORY.read_bytes().splitlines():
            if line.startswith(b"MemAvailable:"):
                return int(line.split()[1]) * 1024
    return None


def cores() -> float:
    """That we may run on, and that the tightest control group gives."""
    machine = float(len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1)
    return min([machine, *(quota for folder in folders("cpu") if (quota := _quota(folder)) is not None)])


def folders(controller: str) -> list[Path]:
    """The control groups that we are in, from the innermost to the root: of version 2, and of version 1's controller."""
    try:
        memberships = _MEMBER.read_text("utf-8").splitlines()
    except OSError:
        return []  # another system
    found = []
    for line in memberships:
        _, controllers, path = line.split(":", 2)
        if controllers == "" or controller in controllers.split(","):
            root = _GROUPS / controller if controllers else _GROUPS
            inner = root / path.lstrip("/")
            found += [folder for folder in (inner, *inner.parents) if folder.is_relative_to(root)]
    return found


def _quota(folder: Path) -> float | None:
    try:
        quota, _, period = (folder / "cpu.max").read_text("utf-8").partition(" ")
        return float(quota) / float(period)
    except (OSError, ValueError):  # not there, or `max`
        quota_us, period_us = _number(folder / "cpu.cfs_quota_us"), _number(folder / "cpu.cfs_period_us")
        return quota_us / period_us if quota_us and quota_us > 0 and period_us else None


def _number(file: Path) -> float | None:
    try:
        return float(file.read_text("utf-8"))
    except (OSError, ValueError):  # not there, or `max`
        return None
