"""Whether a process runs."""

import psutil  # type: ignore[import-untyped]


def alive(pid: int) -> bool:
    """Whether there is such a process, and not only its entry that waits to be reaped."""
    try:
        return bool(psutil.Process(pid).status() != psutil.STATUS_ZOMBIE)
    except psutil.NoSuchProcess:
        return False
