"""Keys are handed over a private socket."""

import asyncio
import json
import os
import socket
import stat
from collections.abc import Awaitable, Callable
from pathlib import Path

import pytest

from abathur_tui.engine import keys


def into(received: list[dict[str, str]]) -> Callable[[dict[str, str]], Awaitable[None]]:
    async def take(some: dict[str, str]) -> None:
        received.append(some)

    return take


async def test_a_running_engine_takes_keys(tmp_path: Path) -> None:
    received: list[dict[str, str]] = []

    async with keys.receiving(tmp_path, into(received)):
        taken = await asyncio.to_thread(keys.hand_over, tmp_path, {"abc": "sk-1"})

    assert taken
    assert received == [{"abc": "sk-1"}]


async def test_the_socket_is_the_users_alone_and_goes_with_the_engine(tmp_path: Path) -> None:
    async with keys.receiving(tmp_path, into([])):
        mode = (tmp_path / keys.SOCKET).stat().st_mode
        assert stat.S_IMODE(mode) == 0o600

    assert not (tmp_path / keys.SOCKET).exists()


async def test_a_path_that_is_too_long_for_a_socket_works_all_the_same(tmp_path: Path) -> None:
    folder = tmp_path / ("x" * 120) / "project"
    folder.mkdir(parents=True)
    received: list[dict[str, str]] = []

    async with keys.receiving(folder, into(received)):
        taken = await asyncio.to_thread(keys.hand_over, folder, {"abc": "sk-1"})

    assert taken
    assert received


def test_without_an_engine_nobody_takes_them(tmp_path: Path) -> None:
    assert not keys.hand_over(tmp_path, {"abc": "sk-1"})


async def test_a_socket_that_a_dead_engine_left_makes_way(tmp_path: Path) -> None:
    left = socket.socket(socket.AF_UNIX)
    left.bind(os.fspath(tmp_path / keys.SOCKET))
    left.close()

    async with keys.receiving(tmp_path, into([])):
        assert await asyncio.to_thread(keys.hand_over, tmp_path, {})


async def test_an_engine_that_was_superseded_leaves_the_new_ones_socket_alone(tmp_path: Path) -> None:
    async with keys.receiving(tmp_path, into([])):
        new = keys.receiving(tmp_path, into([]))
        await new.__aenter__()

    assert await asyncio.to_thread(keys.hand_over, tmp_path, {})
    await new.__aexit__(None, None, None)


@pytest.mark.parametrize(
    "line", [b"", b"rubbish\n", b"[]\n", b'{"keys": [1]}\n', b'{"keys": {"a": 1}}\n', json.dumps({"keys": {"a": "b" * 100_000}}).encode() + b"\n"]
)
async def test_rubbish_is_not_taken_and_does_no_harm(tmp_path: Path, line: bytes) -> None:
    received: list[dict[str, str]] = []

    async with keys.receiving(tmp_path, into(received)):
        reader, writer = await asyncio.open_unix_connection(tmp_path / keys.SOCKET)
        writer.write(line)
        writer.write_eof()
        assert await reader.read() == b""
        writer.close()
        await writer.wait_closed()
        assert await asyncio.to_thread(keys.hand_over, tmp_path, {"abc": "sk-1"})

    assert received == [{"abc": "sk-1"}]
