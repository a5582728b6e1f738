"""How many processes this user, and the container around us, may start beside those that are there; threads count as well."""

import os
import resource
from contextlib import suppress

from abathur_tui.processes import machine

TOLD = "no more processes may be started here (`ulimit -u`, or the container's limit of them)"
"""What keeps more from running."""
_OUR_OWN = 12
"""What runs for a moment, git and measures, and a few threads more; most of ours are there before it is asked."""
_PER_PROGRAM = 3
"""Itself, something that it starts, and our thread that waits for its end."""
_THREADS = 17
"""The field of a process's line that counts its threads."""


def room_for_programs() -> int | None:
    """How many programs may run at once beside what runs now; None where there is no limit, or none that can be asked for."""
    rooms = [*_of_user(), *_of_groups()]
    return max((min(rooms) - _OUR_OWN) // _PER_PROGRAM, 1) if rooms else None


def _of_user() -> list[int]:
    limit, _ = resource.getrlimit(resource.RLIMIT_NPROC)
    if limit == resource.RLIM_INFINITY or os.geteuid() == 0:  # which holds nobody up who is root
        return []
    return [limit - _tasks_of_user()]


def _of_groups() -> list[int]:
    rooms = []
    for folder in machine.folders("pids"):
        with suppress(OSError, ValueError):  # not there, or `max`
            rooms.append(int((folder / "pids.max").read_text("ascii")) - int((folder / "pids.current").read_text("ascii")))
    return rooms


def _tasks_of_user() -> int:
    """The processes and threads of this user; what cannot be seen counts for nothing."""
    found, me = 0, os.geteuid()
    with suppress(OSError):  # another system
        for name in os.listdir("/proc"):
            if name.isdigit():
                with suppress(OSError, ValueError, IndexError):  # it has just ended
                    if os.stat(f"/proc/{name}").st_uid == me:
                        with open(f"/proc/{name}/stat", "rb") as file:
                            line = file.read()
                        found += int(line[line.rindex(b")") + 2 :].split()[_THREADS])
    return found
