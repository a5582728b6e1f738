"""How many files this process may have open at once: every connection is one, every running program two."""

import resource

TOLD = "this process may not have more files open (`ulimit -n`)"
"""What keeps more from running."""
WANTED = 4096
"""Enough for the largest swarm, each of its agents with a connection and a command."""
_OUR_OWN = 64
"""The database, its locks, logs, sockets, and what is opened for a moment."""
_PER_PROGRAM = 2
"""What it writes, on standard output and standard error; its input is closed once it has it."""


def raise_limit(wanted: int = WANTED) -> int | None:
    """Let this process have `wanted` files open, or as many as the system's hard limit allows; the limit before that, None where there was none."""
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    if soft == resource.RLIM_INFINITY:
        return None
    allowed = wanted if hard == resource.RLIM_INFINITY else min(wanted, hard)
    if allowed > soft:
        resource.setrlimit(resource.RLIMIT_NOFILE, (allowed, hard))
    return soft


def room_for_agents() -> int | None:
    """How many agents may work at once so that each has a connection; None where there is no limit."""
    soft, _ = resource.getrlimit(resource.RLIMIT_NOFILE)
    return None if soft == resource.RLIM_INFINITY else max(soft - _OUR_OWN, 1)


def room_for_programs() -> int | None:
    """How many programs may run at once; None where there is no limit."""
    agents = room_for_agents()
    return None if agents is None else max(agents // _PER_PROGRAM, 1)
