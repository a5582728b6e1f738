"""The embedded model, for real: its server is a process of its own, and everything that a user sees of it comes from there."""

import asyncio
import importlib.util
import os
import signal
import sys
from collections.abc import AsyncIterator
from pathlib import Path

import psutil  # type: ignore[import-untyped]
import pytest
import pytest_asyncio

from abathur_tui.domain.conversation import FailureKind
from abathur_tui.domain.errors import AccountRefused, ApiRefused, NoRuntime, RuntimeFailure
from abathur_tui.processes import Child, Children
from abathur_tui.runtimes import EMBEDDED_MODEL
from abathur_tui.runtimes.anthropic import AnthropicRuntime
from abathur_tui.runtimes.local import _SERVER, LocalRuntime, _served
from tests.alive import alive
from tests.runtimes.asking import READ_FILE, Turn, answer, request
from tests.waiting import eventually_async

pytestmark = [
    pytest.mark.skipif(importlib.util.find_spec("xllamacpp") is None, reason="xllamacpp is not installed: the embedded model cannot run"),
    pytest.mark.asyncio(loop_scope="module"),
]


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def children() -> AsyncIterator[Children]:
    started = Children()
    yield started
    await started.aclose()


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def local(children: Children) -> AsyncIterator[LocalRuntime]:
    runtime = LocalRuntime(children)
    yield runtime
    await runtime.aclose()


def server_of(runtime: LocalRuntime) -> Child:
    assert runtime._ready is not None
    return runtime._ready.result().child


async def test_it_answers_streaming_at_no_cost_and_says_who_speaks(local: LocalRuntime, capfd: pytest.CaptureFixture[str]) -> None:
    turn = await answer(local, request("Name one fruit.", max_output_tokens=40))

    assert "".join(turn.deltas).strip() == turn.end.message.text.strip() != ""
    assert len(turn.deltas) > 1
    assert turn.end.cost_usd == 0
    assert turn.end.model == EMBEDDED_MODEL
    assert 0 < turn.end.usage.input < 100
    assert 0 < turn.end.usage.output <= 40
    assert capfd.readouterr() == ("", "")


async def test_an_answer_at_its_limit_has_ended_and_shows_it(local: LocalRuntime) -> None:
    turn = await answer(local, request("Write a long story about a dragon.", max_output_tokens=10))

    assert turn.end.stop_reason == "end_turn"
    assert turn.end.message.text.endswith("…")
    assert "".join(turn.deltas) == turn.end.message.text


async def test_its_limits_are_the_servers(local: LocalRuntime) -> None:
    limits = await local.limits()

    assert not limits.tools
    assert limits.parallel is not None
    assert 1 <= limits.parallel <= 8
    assert limits.output_tokens < limits.context_tokens <= 8192


async def test_a_prompt_that_names_its_headings_gets_them_all(local: LocalRuntime) -> None:
    prompt = 'Write a roadmap for a bakery.\n\nUnder "## Goal" say for whom it is. Under "## Risks" name three.\n\nStart with "# Roadmap: a bakery".'

    turn = await answer(local, request(prompt, max_output_tokens=60))

    assert turn.end.message.text.startswith("# Roadmap: a bakery\n\n## Goal\n\n")
    assert "\n\n## Risks\n\n" in turn.end.message.text
    assert "".join(turn.deltas) == turn.end.message.text
    assert turn.end.usage.output <= 60
    assert turn.end.cost_usd == 0


async def test_tools_and_models_that_a_task_names_do_not_disturb_it(local: LocalRuntime) -> None:
    turn = await answer(local, request("Say yes.", tools=(READ_FILE,), model="opus", max_output_tokens=5))

    assert turn.end.model == EMBEDDED_MODEL


async def test_a_prompt_that_is_too_long_is_refused_for_good(local: LocalRuntime) -> None:
    with pytest.raises(ApiRefused) as caught:
        await answer(local, request("word " * 5_000))

    assert caught.value.kind is FailureKind.PERMANENT
    assert "shorter" in caught.value.advice


async def test_more_turns_than_slots_all_get_their_answer(local: LocalRuntime) -> None:
    turns = await asyncio.gather(*(answer(local, request(f"Say the number {number}.", max_output_tokens=8)) for number in range(6)))

    assert all(turn.end.usage.output for turn in turns)


async def test_nobody_else_gets_an_answer(local: LocalRuntime) -> None:
    await local.limits()
    connections = psutil.Process(server_of(local).pid).net_connections("inet")
    [address] = [connection.laddr for connection in connections if connection.status == psutil.CONN_LISTEN]
    stranger = AnthropicRuntime("guessed", base_url=f"http://127.0.0.1:{address.port}")

    with pytest.raises(AccountRefused):
        await answer(stranger)
    assert address.ip == "127.0.0.1"
    await stranger.aclose()


async def test_its_token_and_the_users_keys_are_in_no_command_line_or_environment(local: LocalRuntime, monkeypatch: pytest.MonkeyPatch) -> None:
    await local.limits()
    server = psutil.Process(server_of(local).pid)

    assert not [name for name in server.environ() if "ANTHROPIC" in name or "TOKEN" in name]
    assert all(len(word) < 40 for word in server.cmdline()[1:])


async def test_leaving_a_turn_frees_its_slot(local: LocalRuntime) -> None:
    for _ in range(6):
        events = local.turn(request("Write a long story about a dragon.", max_output_tokens=900))
        await anext(events)
        await events.aclose()

    async with asyncio.timeout(30):
        await answer(local, request("Say yes.", max_output_tokens=5))


async def test_a_server_that_dies_in_a_turn_is_a_passing_failure_and_the_next_turn_gets_a_new_one(local: LocalRuntime) -> None:
    await local.limits()
    killed, turn = server_of(local), Turn()

    async def kill_when_speaking() -> None:
        await eventually_async(lambda: turn.deltas)
        os.kill(killed.pid, signal.SIGKILL)

    killing = asyncio.create_task(kill_when_speaking())
    with pytest.raises(RuntimeFailure) as caught:
        await answer(local, request("Write a long story about a dragon.", max_output_tokens=900), turn)
    await killing

    assert caught.value.kind is FailureKind.TRANSIENT
    assert (await answer(local, request("Say yes.", max_output_tokens=5))).end.usage.output
    assert server_of(local).pid != killed.pid


async def test_a_server_that_died_between_turns_is_not_noticed_by_the_next(local: LocalRuntime) -> None:
    await local.limits()
    os.kill(server_of(local).pid, signal.SIGKILL)

    assert (await answer(local, request("Say yes.", max_output_tokens=5))).end.usage.output


async def test_an_idle_server_ends_and_comes_back(children: Children) -> None:
    runtime = LocalRuntime(children, idle_seconds=0.2)
    await runtime.limits()
    first = server_of(runtime)

    await eventually_async(lambda: first.exit_code is not None)
    await runtime.limits()

    assert server_of(runtime).pid != first.pid
    await runtime.aclose()


async def test_no_connection_is_kept_that_the_server_might_just_be_closing(local: LocalRuntime) -> None:
    await answer(local, request("Say yes.", max_output_tokens=5))
    server = psutil.Process(server_of(local).pid)

    await eventually_async(lambda: not any(one.status == psutil.CONN_ESTABLISHED for one in server.net_connections("tcp")))


async def test_closing_ends_the_server_also_while_it_starts(children: Children) -> None:
    runtime = LocalRuntime(children)
    starting = asyncio.create_task(runtime.limits())
    before = set(children._running)
    await eventually_async(lambda: set(children._running) - before)
    [server] = set(children._running) - before

    await runtime.aclose()

    with pytest.raises(RuntimeFailure):
        await starting
    assert server.exit_code is not None


async def test_a_server_whose_engine_is_killed_ends_by_itself(children: Children, tmp_path: Path) -> None:
    program = """
import asyncio, os, signal
from abathur_tui.processes import Children
from abathur_tui.runtimes.local import LocalRuntime
async def main():
    runtime = LocalRuntime(Children())
    await runtime.limits()
    print(runtime._ready.result().child.pid, flush=True)
    os.kill(os.getpid(), signal.SIGKILL)
asyncio.run(main())
"""
    done = await children.run([sys.executable, "-c", program], cwd=tmp_path, env={}, timeout_seconds=60)
    pid = int(done.stdout)

    await eventually_async(lambda: not alive(pid))


async def test_a_server_that_comes_after_its_engine_ends_at_once(children: Children) -> None:
    done = await children.run(_SERVER, cwd="/", env={}, stdin=b"token 1\n", timeout_seconds=60)

    assert done.exit_code == 1
    assert "address" not in done.stdout


async def test_a_server_that_cannot_load_says_why(local: LocalRuntime) -> None:
    await local.limits()
    with pytest.raises(NoRuntime, match="libgomp is missing") as caught:
        _served(server_of(local), '{"error": "ImportError: libgomp is missing"}', "token")

    assert caught.value.kind is FailureKind.PERMANENT
