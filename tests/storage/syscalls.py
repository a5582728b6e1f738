"""What a process has written and synced, in order, as `strace` saw it: and the files as a disk would have them after the power has gone."""

import random
import re
import shutil
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Literal

OPTIONS = ("-f", "-y", "-xx", "-s", "70000", "-e", "trace=pwrite64,fdatasync,fsync,ftruncate,write", "-e", "signal=none")
"""Of strace: all threads, paths instead of descriptors, whole contents."""
_LINE = re.compile(r"^(\d+) +(?:<\.\.\. )?(\w+)(.*)$")
_FILE = re.compile(r"\(\d+<([^>]*)>")
_WRITE = re.compile(r'"((?:\\x[0-9a-f]{2})*)"(?:, (\d+))?(?:, (\d+))?')


@dataclass(frozen=True, slots=True)
class Call:
    """A system call that counts for what is on the disk."""

    kind: Literal["write", "truncate", "sync", "say"]
    path: str
    data: bytes = b""
    offset: int = 0
    first: int = 0
    """For a sync: how many calls had been made when it began. It says nothing of later ones."""


def calls(trace: Path) -> list[Call]:
    """The calls of a trace: writes as they begin, syncs as they end."""
    found: list[Call] = []
    syncing: dict[str, tuple[str, int]] = {}
    for process, name, rest in (match.groups() for match in map(_LINE.match, _lines(trace)) if match is not None):
        file = _FILE.match(rest)
        path = "" if file is None else _text(file.group(1))
        if name in ("fdatasync", "fsync"):
            if file is not None:
                syncing[process] = path, len(found)
            if rest.endswith("= 0"):
                path, first = syncing.pop(process)
                found.append(Call("sync", path, first=first))
        elif file is not None and name == "ftruncate":
            found.append(Call("truncate", path, offset=int(rest.split(", ")[1].split(")")[0].split(" ")[0])))
        elif file is not None and (written := _WRITE.search(rest)) is not None:
            data = bytes.fromhex(written.group(1).replace("\\x", ""))
            if name == "pwrite64":
                found.append(Call("write", path, data, int(written.group(3))))
            elif rest.startswith("(1<"):
                found.append(Call("say", path, data))
    return found


def after_power_loss(before: Path, made: Iterable[Call], target: Path, chance: random.Random) -> list[str]:
    """Make `target` what a disk has of `before` after these calls: all that was synced, and of the rest what it happened to have written.

    Gives the lines that were said.
    """
    shutil.copytree(before, target)
    done = list(made)
    synced: dict[str, int] = {}
    for call in done:
        if call.kind == "sync":
            synced[call.path] = max(synced.get(call.path, 0), call.first)
    files: dict[str, bytearray] = {}
    for place, call in enumerate(done):
        changes = call.kind in ("write", "truncate") and Path(call.path).parent == before and not call.path.endswith("-shm")
        if changes and (place < synced.get(call.path, 0) or chance.random() < 0.5):
            _apply(call, files, before)
    for path, content in files.items():
        (target / Path(path).name).write_bytes(content)
    return b"".join(call.data for call in done if call.kind == "say").decode().splitlines()


def _apply(call: Call, files: dict[str, bytearray], before: Path) -> None:
    path = before / Path(call.path).name
    content = files.setdefault(call.path, bytearray(path.read_bytes() if path.exists() else b""))
    end = call.offset if call.kind == "truncate" else call.offset + len(call.data)
    if len(content) < end:
        content.extend(bytes(end - len(content)))
    if call.kind == "truncate":
        del content[call.offset :]
    else:
        content[call.offset : end] = call.data


def _lines(trace: Path) -> Iterator[str]:
    with trace.open() as file:
        for line in file:
            yield line.rstrip("\n")


def _text(path: str) -> str:
    return bytes.fromhex(path.replace("\\x", "")).decode() if path.startswith("\\x") else path
