"""Process groups that outlive whoever started them: what tells one from a later one with the same number, and how they end."""

import os
import signal
import subprocess
import sys
from contextlib import suppress
from functools import cache
from pathlib import Path

LINUX: bool = sys.platform == "linux"


def kill_group(group: int) -> None:
    """Kill all processes of a group at once; one that is gone is fine."""
    # A group of which only an unreaped leader is left gives EPERM on macOS.
    with suppress(ProcessLookupError, PermissionError):
        os.killpg(group, signal.SIGKILL)


def identity(pid: int) -> str | None:
    """What no other process had or will have under this number: boot and start time. None where there is no such process."""
    started = _started(pid)
    return None if started is None else f"{_boot()}/{started}"


def write_notes(path: Path, groups: dict[int, str]) -> None:
    """Replace the file by these groups and the identity of their leaders, one a line."""
    draft = path.with_suffix(".draft")
    draft.write_text("".join(f"{group} {leader}\n" for group, leader in groups.items()))
    draft.replace(path)


def kill_noted(path: Path) -> list[int]:
    """Kill the groups that the engine of this file has left behind, and remove the file; gives the groups that were killed.

    For an engine that starts and finds the file of a dead one. A group counts only while its leader is the process that was noted
    (a number that somebody else has by now is left alone), or while processes of the leader's own session are left of it.
    """
    try:
        lines = path.read_text(errors="replace").splitlines()
    except OSError:  # There is none, or none that can be read.
        return []
    killed = []
    for line in lines:
        number, _, leader = line.partition(" ")
        if number.isdecimal() and int(number) > 1 and _is_the_noted_group(int(number), leader):
            kill_group(int(number))
            killed.append(int(number))
    with suppress(OSError):
        path.unlink()
    return killed


def _is_the_noted_group(group: int, leader: str) -> bool:
    now = identity(group)
    if now is not None:
        return now == leader
    boot, _, started = leader.partition("/")
    if boot != _boot() or not started.isdecimal() or not LINUX:
        return False
    # The leader is gone, but members of its group may live: its number is then still taken by the group.
    for entry in os.listdir("/proc"):
        if entry.isdecimal() and (fields := _stat(int(entry))) and fields[2] == fields[3] == str(group):
            return int(fields[19]) >= int(started)
    return False


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
