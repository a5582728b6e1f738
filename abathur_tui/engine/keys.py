"""API keys for a running engine: handed over a private socket, kept in memory by fingerprint, never written."""

import asyncio
import contextlib
import hashlib
import json
import os
import socket
import stat
import struct
import sys
from collections.abc import AsyncIterator, Awaitable, Callable, Iterator, Mapping
from pathlib import Path
from typing import TypeAlias

import platformdirs

from abathur_tui import guard

SOCKET = "engine.sock"
_PATH_LIMIT = 100
"""Bytes that a socket's path may have on every system (Linux takes 107, macOS 103)."""
_LINUX = sys.platform.startswith("linux")
_MESSAGE_LIMIT = 64 * 1024
_SECONDS = 5.0
"""How long either side waits for the other."""


class Keys(dict[str, str]):
    """A key ring of one process, that nobody keeps for the next one."""

    def add(self, fingerprint: str, key: str) -> None:
        """Keep a key."""
        self[fingerprint] = key


KeyRing: TypeAlias = Keys | guard.Keys
"""API keys by their fingerprint; the guard's are there again in the engine that it starts after a dead one."""


@contextlib.asynccontextmanager
async def receiving(folder: Path, received: Callable[[dict[str, str]], Awaitable[None]]) -> AsyncIterator[None]:
    """Take keys at `folder`'s socket while the block runs; `received` gets them by fingerprint, and is waited for before the sender hears so.

    Raises OSError.
    """

    async def serve(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        try:
            peer = writer.get_extra_info("socket")
            if _peer_uid(peer) == os.getuid():
                async with asyncio.timeout(_SECONDS):
                    keys = _read_keys(await reader.readline())
                    if keys is not None:
                        await received(keys)
                        writer.write(b"ok\n")
                        await writer.drain()
        except (OSError, ValueError, TimeoutError):
            pass  # Whoever sent that is told by the missing answer; what they sent may hold a key, so it goes into no log.
        finally:
            writer.close()

    with _address(folder) as path:
        listener = _listen(path)
        ours = os.lstat(path).st_ino
        server = await asyncio.start_unix_server(serve, sock=listener, limit=_MESSAGE_LIMIT)
        try:
            yield
        finally:
            server.close()
            # An engine that has taken over from us has its own socket there.
            with contextlib.suppress(OSError):
                if os.lstat(path).st_ino == ours:
                    os.unlink(path)
            await server.wait_closed()


def hand_over(folder: Path, keys: Mapping[str, str]) -> bool:
    """Give keys, by fingerprint, to the engine that listens at `folder`'s socket; True when it took them."""
    with _address(folder) as path, socket.socket(socket.AF_UNIX, socket.SOCK_STREAM) as connection:
        connection.settimeout(_SECONDS)
        try:
            connection.connect(path)
            if _peer_uid(connection) != os.getuid():
                return False
            connection.sendall(json.dumps({"keys": dict(keys)}).encode() + b"\n")
            return connection.recv(16) == b"ok\n"
        except OSError:
            return False


def _read_keys(line: bytes) -> dict[str, str] | None:
    data: object = json.loads(line)
    keys = data.get("keys") if isinstance(data, dict) else None
    if not isinstance(keys, dict) or not all(isinstance(name, str) and isinstance(key, str) for name, key in keys.items()):
        return None
    return {str(name): str(key) for name, key in keys.items()}


def _listen(path: str) -> socket.socket:
    """A listening socket that only this user can reach; a socket that a dead engine left there makes way."""
    with contextlib.suppress(FileNotFoundError):
        if stat.S_ISSOCK(os.lstat(path).st_mode):
            os.unlink(path)
    listener = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM)
    try:
        # The folder is 0700, so nobody else gets to the socket between these two calls.
        listener.bind(path)
        os.chmod(path, 0o600)
        listener.listen(16)
    except OSError:
        listener.close()
        raise
    return listener


@contextlib.contextmanager
def _address(folder: Path) -> Iterator[str]:
    """A path to `folder`'s socket that is short enough for the system."""
    path = folder / SOCKET
    if len(os.fsencode(path)) <= _PATH_LIMIT:
        yield str(path)
    elif _LINUX:
        descriptor = os.open(folder, os.O_PATH | os.O_DIRECTORY | os.O_CLOEXEC)
        try:
            yield f"/proc/self/fd/{descriptor}/{SOCKET}"
        finally:
            os.close(descriptor)
    else:
        private = platformdirs.user_runtime_path("abathur")
        private.mkdir(mode=0o700, parents=True, exist_ok=True)
        status = private.lstat()
        if not stat.S_ISDIR(status.st_mode) or status.st_uid != os.getuid() or status.st_mode & 0o077:
            raise PermissionError(f"{private} is not this user's own private folder")
        yield str(private / f"{hashlib.sha256(os.fsencode(folder.resolve())).hexdigest()[:24]}.sock")


def _peer_uid(connection: socket.socket) -> int:
    if _LINUX:
        _, uid, _ = struct.unpack("3i", connection.getsockopt(socket.SOL_SOCKET, socket.SO_PEERCRED, struct.calcsize("3i")))
        return int(uid)
    # macOS and the BSDs: `struct xucred`, read at level SOL_LOCAL (0), option LOCAL_PEERCRED (1).
    _, uid = struct.unpack_from("=II", connection.getsockopt(0, 1, 76))
    return int(uid)
