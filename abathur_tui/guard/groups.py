"""Programs that outlive whoever started them: what tells a group from a later one with the same number, and how they end.

Standard library only, and nothing of ours: the guard beside an engine imports this file alone.
"""

import os
import signal
import subprocess
import sys
from collections.abc import Collection, Mapping
from contextlib import suppress
from functools import cache
from pathlib import Path
from typing import NamedTuple

LINUX: bool = sys.platform == "linux"
IGNORED = (signal.SIGINT, signal.SIGHUP, signal.SIGTERM, signal.SIGQUIT)
"""What closing a terminal, or stopping everything at once, sends: a guard stays, its engine ends by itself then, and says `stop`."""
MARK = "ABATHUR_CHILD"
"""A variable in the environment of every program of an engine and of all that these start: it finds those that have left their group."""
_SWEEPS = 5
"""How often all processes are looked at until nobody with a mark is found: one may start another while it is being killed."""


class Note(NamedTuple):
    """What is known of a child's group."""

    leader: str
    """The identity of its leader; empty where it was dead already."""
    mark: str = ""
    """The value of MARK that its processes carry."""


def kill_group(group: int) -> None:
    """Kill all processes of a group at once; one that is gone is fine."""
    # A group of which only an unreaped leader is left gives EPERM on macOS.
    with suppress(ProcessLookupError, PermissionError):
        os.killpg(group, signal.SIGKILL)


def kill_process(pid: int, expected: str) -> bool:
    """Kill the process with this number and identity; False where it is another one, this one, not ours to kill, or gone."""
    if pid == os.getpid() or not expected:
        return False
    try:
        # The descriptor names the process, whoever has its number afterwards.
        descriptor = os.pidfd_open(pid) if LINUX else None
    except OSError:
        return False
    try:
        if identity(pid) != expected:
            return False
        if descriptor is not None:
            signal.pidfd_send_signal(descriptor, signal.SIGKILL)
        else:
            os.kill(pid, signal.SIGKILL)
    except (ProcessLookupError, PermissionError):
        return False
    finally:
        if descriptor is not None:
            os.close(descriptor)
    return True


def is_stopped(pid: int, expected: str | None = None) -> bool:
    """Whether a process is stopped (by SIGSTOP, Ctrl-Z or a debugger), and has this identity where one is given."""
    if expected is not None and identity(pid) != expected:
        return False
    if LINUX:
        fields = _stat(pid)
        return fields is not None and fields[0] in "Tt"
    answer = subprocess.run(["/bin/ps", "-o", "stat=", "-p", str(pid)], capture_output=True, text=True, check=False).stdout
    return answer.strip().startswith("T")


def identity(pid: int) -> str | None:
    """What no other process had or will have under this number: boot and start time. None where there is no such process."""
    started = _started(pid)
    return None if started is None else f"{_boot()}/{started}"


def restarting_since(notice: Path) -> float | None:
    """Since when a guard that lives is starting the engine again that died, by the file of its notice; None where none is. Unix seconds."""
    try:
        pid, expected = notice.read_text().split()
        since = notice.stat().st_mtime
    except (OSError, ValueError):
        return None
    return since if pid.isdecimal() and identity(int(pid)) == expected else None


def write_notes(path: Path, groups: Mapping[int, Note]) -> None:
    """Replace the file by these groups, one a line."""
    draft = path.with_suffix(".draft")
    draft.write_text("".join(f"{group} {note.leader} {note.mark}\n" for group, note in groups.items()))
    draft.replace(path)


def kill_noted(path: Path) -> list[int]:
    """Kill the groups that the engine of this file has left behind, and what has left them; remove the file; gives the groups that were killed.

    For an engine that starts and finds the file of a dead one.
    """
    try:
        lines = path.read_text(errors="replace").splitlines()
    except OSError:  # There is none, or none that can be read.
        return []
    groups: dict[int, Note] = {}
    for line in lines:
        number, leader, mark, *_ = [*line.split(" "), "", "", ""]
        if number.isdecimal() and int(number) > 1:
            groups[int(number)] = Note(leader, mark)
    killed = kill_groups(groups)
    with suppress(OSError):
        path.unlink()
    return killed


def kill_groups(groups: Mapping[int, Note]) -> list[int]:
    """Kill these groups and all that carries their marks; gives the groups that were killed.

    A group counts only while its leader is the process that was noted (a number that somebody else has by now is left alone), or while
    processes of the leader's own session are left of it.
    """
    killed = [group for group, note in groups.items() if _is_the_noted_group(group, note.leader)]
    for group in killed:
        kill_group(group)
    kill_marked({note.mark for note in groups.values() if note.mark})
    return killed


def kill_marked(marks: Collection[str]) -> None:
    """Kill all processes of this user that carry one of these marks, in whatever group and session. Linux only: elsewhere nobody may look."""
    wanted = {f"{MARK}={mark}".encode() for mark in marks}
    for _ in range(_SWEEPS if LINUX and wanted else 0):
        found = [pid for pid in _processes() if not wanted.isdisjoint(_environment(pid))]
        if not found:
            return
        for pid in found:
            with suppress(ProcessLookupError, PermissionError):
                os.kill(pid, signal.SIGKILL)


def _is_the_noted_group(group: int, leader: str) -> bool:
    now = identity(group)
    if now is not None:
        return now == leader
    boot, _, started = leader.partition("/")
    if boot != _boot() or not started.isdecimal() or not LINUX:
        return False
    # The leader is gone, but members of its group may live: its number is then still taken by the group.
    for pid in _processes():
        if (fields := _stat(pid)) and fields[2] == fields[3] == str(group):
            return int(fields[19]) >= int(started)
    return False


def _processes() -> list[int]:
    try:
        return [int(entry) for entry in os.listdir("/proc") if entry.isdecimal()]
    except OSError:  # No more files can be opened; whoever asks must go on all the same.
        return []


def _environment(pid: int) -> list[bytes]:
    try:
        with open(f"/proc/{pid}/environ", "rb") as file:
            return file.read().split(b"\0")
    except OSError:  # Somebody else's, or gone.
        return []


def _started(pid: int) -> str | None:
    if LINUX:
        fields = _stat(pid)
        return None if fields is None or fields[0] in "ZX" else fields[19]
    answer = subprocess.run(["/bin/ps", "-o", "stat=,lstart=", "-p", str(pid)], capture_output=True, text=True, check=False).stdout.split()
    return None if not answer or answer[0].startswith("Z") else "_".join(answer[1:])


def _stat(pid: int) -> list[str] | None:
    """The fields of /proc/PID/stat from `state` on: 2 is the group, 3 the session, 19 the start in ticks since boot."""
    try:
        with open(f"/proc/{pid}/stat", encoding="utf-8", errors="replace") as file:
            return file.read().rpartition(")")[2].split()
    except OSError:
        return None


@cache
def _boot() -> str:
    if LINUX:
        return Path("/proc/sys/kernel/random/boot_id").read_text().strip()
    return subprocess.run(["/usr/sbin/sysctl", "-n", "kern.bootsessionuuid"], capture_output=True, text=True, check=False).stdout.strip()
