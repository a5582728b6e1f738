"""Programs are started, fed, read and ended; whatever they do, nothing hangs and nothing is left running."""

import asyncio
import contextlib
import os
import resource
import signal
import subprocess
import sys
import time
from collections.abc import AsyncIterator, Callable
from pathlib import Path

import psutil  # type: ignore[import-untyped]
import pytest

from abathur_tui.domain.conversation import FailureKind
from abathur_tui.domain.errors import CommandFailed
from abathur_tui.guard import MARK, GuardPipe, Restarts
from abathur_tui.processes import Child, Children, machine, process_limits
from abathur_tui.processes.children import WITH_INPUT, WITHOUT_INPUT
from tests.alive import alive
from tests.waiting import eventually_async

ENVIRONMENT = {"PATH": os.environ["PATH"]}


@pytest.fixture
async def children() -> AsyncIterator[Children]:
    children = Children()
    yield children
    await children.aclose()


def shell(script: str) -> list[str]:
    return ["sh", "-c", script]


def python(script: str) -> list[str]:
    return [sys.executable, "-I", "-S", "-c", script]


async def first_numbers(child: Child, count: int) -> list[int]:
    """The process ids that a test's program prints at first, one a line."""
    lines = child.stdout.lines()
    return [int(await anext(lines)) for _ in range(count)]


# Running to the end


async def test_both_outputs_and_the_exit_code_come_back(children: Children, tmp_path: Path) -> None:
    finished = await children.run(shell("echo out; echo err >&2; pwd; exit 7"), cwd=tmp_path, env=ENVIRONMENT)
    assert (finished.exit_code, finished.stdout, finished.stderr, finished.timed_out) == (7, f"out\n{tmp_path}\n", "err\n", False)


async def test_a_killed_program_has_a_negative_exit_code(children: Children, tmp_path: Path) -> None:
    finished = await children.run(shell("kill -SEGV $$"), cwd=tmp_path, env=ENVIRONMENT)
    assert finished.exit_code == -signal.SIGSEGV


async def test_the_environment_is_exactly_the_given_one(children: Children, tmp_path: Path) -> None:
    finished = await children.run(["env"], cwd=tmp_path, env={**ENVIRONMENT, "GREETING": "häl lo\nthere"})
    # A shell may add its own about the folder and itself.
    names = {line.partition("=")[0] for line in finished.stdout.replace("\nthere", "").splitlines()}
    assert names - {"PWD", "OLDPWD", "SHLVL", "_"} == {"PATH", "GREETING", MARK}
    assert "GREETING=häl lo\nthere\n" in finished.stdout


async def test_arguments_arrive_as_they_are(children: Children, tmp_path: Path) -> None:
    arguments = ["", " ", "$HOME", "`id`", "a\nb", "-e", "'\"", "ä", "*"]
    finished = await children.run(python("import sys; print(sys.argv[1:])") + arguments, cwd=tmp_path, env=ENVIRONMENT)
    assert finished.stdout == f"{arguments}\n"


async def test_a_long_input_is_fed_while_the_output_is_read(children: Children, tmp_path: Path) -> None:
    data = os.urandom(1_000_000).hex().encode()
    finished = await children.run(["cat"], cwd=tmp_path, env=ENVIRONMENT, stdin=data, output_limit=None)
    assert finished.stdout.encode() == data


async def test_an_input_that_begins_with_empty_lines_arrives_whole(children: Children, tmp_path: Path) -> None:
    finished = await children.run(["cat"], cwd=tmp_path, env=ENVIRONMENT, stdin=b"\n\n\\ text\n")
    assert finished.stdout == "\n\n\\ text\n"


@pytest.mark.parametrize("stdin", [None, b""])
async def test_without_input_there_is_nothing_to_read(children: Children, tmp_path: Path, stdin: bytes | None) -> None:
    finished = await children.run(["cat"], cwd=tmp_path, env=ENVIRONMENT, stdin=stdin, timeout_seconds=60)
    assert (finished.exit_code, finished.stdout) == (0, "")


@pytest.mark.parametrize("script", ["exit 0", "exec <&-; sleep 0.1; exit 0"])
async def test_a_program_that_does_not_read_its_input_is_fine(children: Children, tmp_path: Path, script: str) -> None:
    finished = await children.run(shell(script), cwd=tmp_path, env=ENVIRONMENT, stdin=b"x" * 1_000_000, timeout_seconds=60)
    assert (finished.exit_code, finished.stderr) == (0, "")


async def test_a_program_has_a_session_of_its_own_and_no_terminal(children: Children, tmp_path: Path) -> None:
    finished = await children.run(python("import os; print(os.getsid(0) == os.getpid()); open('/dev/tty')"), cwd=tmp_path, env=ENVIRONMENT)
    assert finished.stdout == "True\n"
    assert "OSError" in finished.stderr


async def test_many_programs_at_once_leave_nothing_behind(children: Children, tmp_path: Path) -> None:
    before, there = psutil.Process().num_fds(), set(psutil.Process().children())
    async with asyncio.TaskGroup() as group:
        runs = [group.create_task(children.run(shell(f"cat; echo {number}"), cwd=tmp_path, env=ENVIRONMENT, stdin=b"x")) for number in range(50)]
    assert [run.result().stdout for run in runs] == [f"x{number}\n" for number in range(50)]
    assert psutil.Process().num_fds() == before
    assert set(psutil.Process().children()) <= there


async def test_starting_many_programs_lets_everything_else_go_on_in_between(children: Children, tmp_path: Path) -> None:
    rounds = 0
    started: list[int] = []

    async def tick() -> None:
        nonlocal rounds
        while True:
            rounds += 1
            await asyncio.sleep(0)

    async def start() -> None:
        async with await children.start(["true"], cwd=tmp_path, env=ENVIRONMENT) as child:
            started.append(rounds)
            await child.wait()

    ticking = asyncio.create_task(tick())
    async with asyncio.TaskGroup() as group:
        for _ in range(30):
            group.create_task(start())
    ticking.cancel()
    assert len(set(started)) == 30  # never two in one round of the event loop


async def test_a_program_has_the_limit_of_open_files_that_it_would_have_without_us(tmp_path: Path) -> None:
    finished = await Children(files=123).run(shell("ulimit -S -n; ulimit -H -n"), cwd=tmp_path, env=ENVIRONMENT)
    assert finished.stdout == f"123\n{resource.getrlimit(resource.RLIMIT_NOFILE)[1]}\n"


def test_this_process_may_have_more_files_open_and_where_it_may_not_fewer_agents_work() -> None:
    def limits(hard: int) -> list[str]:
        code = (
            "from abathur_tui.processes import open_files as o; print(o.raise_limit(), o.room_for_agents(), o.room_for_programs(), o.raise_limit())"
        )
        limited = f'ulimit -S -n 256; ulimit -H -n {hard}; exec "$0" -c "$1"'
        return subprocess.run(["sh", "-c", limited, sys.executable, code], capture_output=True, text=True, check=True).stdout.split()

    assert limits(8192) == ["256", "4032", "2016", "4096"]
    assert limits(1024) == ["256", "960", "480", "1024"]
    assert limits(256) == ["256", "192", "96", "256"]


def test_where_the_system_lets_nothing_more_start_the_next_program_waits_for_one_that_ends() -> None:
    # Given a process with files for about five programs,
    code = """if True:
        import asyncio, resource
        from abathur_tui.processes import Children
        resource.setrlimit(resource.RLIMIT_NOFILE, (24, 24))

        async def main():
            children = Children()
            runs = [children.run(["sleep", "0.2"], cwd="/", env={"PATH": "/usr/bin:/bin"}) for _ in range(12)]
            print([one.exit_code for one in await asyncio.gather(*runs)])

        asyncio.run(main())
    """
    # when it is to run a dozen at once, then each of them has run.
    ended = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=False)
    assert ended.stdout == f"{[0] * 12}\n", ended.stderr


def test_as_many_programs_run_as_there_may_be_processes(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    (tmp_path / "pids.max").write_text("102\n")
    (tmp_path / "pids.current").write_text("30\n")
    (tmp_path / "above").mkdir()
    (tmp_path / "above" / "pids.max").write_text("max\n")
    monkeypatch.setattr(machine, "folders", lambda controller: [tmp_path, tmp_path / "above"] if controller == "pids" else [])
    assert process_limits.room_for_programs() == 20


# Reading


async def test_output_comes_as_it_is_written(children: Children, tmp_path: Path) -> None:
    os.mkfifo(tmp_path / "gate")
    async with await children.start(shell("echo one; read line <gate; echo two"), cwd=tmp_path, env=ENVIRONMENT) as child:
        chunks = child.stdout.chunks()
        assert await anext(chunks) == "one\n"
        assert child.exit_code is None
        (tmp_path / "gate").write_text("go\n")
        assert await anext(chunks) == "two\n"
        assert await child.wait() == 0


async def test_characters_that_are_split_between_chunks_stay_whole(children: Children, tmp_path: Path) -> None:
    script = "import os, time\nfor byte in 'äöü€🐛'.encode(): os.write(1, bytes([byte])); time.sleep(0.002)"
    async with await children.start(python(script), cwd=tmp_path, env=ENVIRONMENT) as child:
        chunks = [chunk async for chunk in child.stdout.chunks()]
    assert "".join(chunks) == "äöü€🐛"
    assert len(chunks) > 1


async def test_what_is_no_text_is_replaced(children: Children, tmp_path: Path) -> None:
    finished = await children.run(["printf", r"a\377b\303"], cwd=tmp_path, env=ENVIRONMENT)
    assert finished.stdout == "a\ufffdb\ufffd"


async def test_lines_lose_their_ends_and_an_endless_one_comes_in_pieces(children: Children, tmp_path: Path) -> None:
    script = r"import sys; sys.stdout.write('one\r\n\ntwo\n' + 'x' * 200_000)"
    async with await children.start(python(script), cwd=tmp_path, env=ENVIRONMENT) as child:
        lines = [line async for line in child.stdout.lines()]
    assert lines[:3] == ["one", "", "two"]
    assert "".join(lines[3:]) == "x" * 200_000
    assert max(map(len, lines)) <= 65536


async def test_too_much_output_is_an_error_and_the_end(children: Children, tmp_path: Path) -> None:
    with pytest.raises(CommandFailed, match="more than 100,000 bytes to its standard output"):
        await children.run(shell("echo $$ > pid; exec yes"), cwd=tmp_path, env=ENVIRONMENT, output_limit=100_000)
    assert not alive(int((tmp_path / "pid").read_text()))


async def test_a_fast_writer_does_not_keep_the_event_loop(children: Children, tmp_path: Path) -> None:
    longest, last = 0.0, time.thread_time()  # the processor's: on a busy machine others may take it away in between

    async def tick() -> None:
        nonlocal longest, last
        while True:
            longest, last = max(longest, time.thread_time() - last), time.thread_time()
            await asyncio.sleep(0)

    ticking = asyncio.create_task(tick())
    finished = await children.run(["yes"], cwd=tmp_path, env=ENVIRONMENT, timeout_seconds=1.0, output_limit=None)
    ticking.cancel()
    assert finished.timed_out
    assert len(finished.stdout) > 1_000_000
    assert longest < 0.25


# Ending


async def test_term_comes_first_and_kill_after_the_grace(children: Children, tmp_path: Path) -> None:
    polite = await children.start(shell("trap 'exit 5' TERM; echo ready; while :; do sleep 0.01; done"), cwd=tmp_path, env=ENVIRONMENT)
    stubborn = await children.start(shell("trap '' TERM; echo ready; while :; do sleep 0.01; done"), cwd=tmp_path, env=ENVIRONMENT)
    async with polite, stubborn:
        for child in (polite, stubborn):
            assert await anext(child.stdout.lines()) == "ready"
        assert await polite.end() == 5
        assert await stubborn.end(grace_seconds=0.1) == -signal.SIGKILL


async def test_a_program_that_is_stopped_ends_too(children: Children, tmp_path: Path) -> None:
    async with await children.start(["sleep", "60"], cwd=tmp_path, env=ENVIRONMENT) as child:
        os.kill(child.pid, signal.SIGSTOP)
        assert await child.end() == -signal.SIGTERM


async def test_ending_takes_the_grandchildren_along(children: Children, tmp_path: Path) -> None:
    script = "sleep 60 & echo $!; (trap '' TERM HUP; exec sleep 60) & echo $!; wait"
    async with await children.start(shell(script), cwd=tmp_path, env=ENVIRONMENT) as child:
        grandchildren = await first_numbers(child, 2)
    await eventually_async(lambda: not any(map(alive, grandchildren)))


async def test_what_a_program_leaves_behind_in_its_group_ends_with_it(children: Children, tmp_path: Path) -> None:
    started = time.monotonic()
    finished = await children.run(shell("sleep 60 & echo $!"), cwd=tmp_path, env=ENVIRONMENT)
    assert finished.exit_code == 0
    assert time.monotonic() - started < 30, "a grandchild that keeps the pipes open is not waited for"
    await eventually_async(lambda: not alive(int(finished.stdout)))


@pytest.mark.skipif(sys.platform == "darwin", reason="macOS has no setsid program, and nobody may look for it")
async def test_a_program_that_is_ended_takes_along_what_has_left_its_group(children: Children, tmp_path: Path) -> None:
    script = "setsid sh -c 'echo $$; setsid sleep 60 & echo $!; wait' & wait"
    async with await children.start(shell(script), cwd=tmp_path, env=ENVIRONMENT) as child:
        fugitives = await first_numbers(child, 2)
    await eventually_async(lambda: not any(map(alive, fugitives)))


@pytest.mark.skipif(sys.platform == "darwin", reason="macOS has no setsid program")
async def test_a_program_that_is_killed_leaves_nothing_behind_and_one_that_ended_in_order_its_services(children: Children, tmp_path: Path) -> None:
    script = "setsid sh -c 'echo $$; : >left; exec sleep 60' & while [ ! -e left ]; do sleep 0.01; done; kill -HOW $$; exit 0"
    for how, stays in (("KILL", False), ("0", True)):
        (tmp_path / "left").unlink(missing_ok=True)
        finished = await children.run(shell(script.replace("HOW", how)), cwd=tmp_path, env=ENVIRONMENT)
        fled = int(finished.stdout)
        if stays:
            assert alive(fled)
            kill(fled)
        else:
            await eventually_async(lambda: not alive(fled))  # noqa: B023 (awaited before the next turn)


def kill(pid: int) -> None:
    """Kill a process that may be gone."""
    with contextlib.suppress(ProcessLookupError):
        os.kill(pid, signal.SIGKILL)


@pytest.mark.skipif(sys.platform == "darwin", reason="macOS has no setsid program")
@pytest.mark.parametrize("fugitive", ["sleep 60", "yes", "sh -c 'while :; do echo more || exit; done'"])
async def test_a_grandchild_that_has_fled_with_the_pipes_holds_nothing_up(children: Children, tmp_path: Path, fugitive: str) -> None:
    script = f"setsid {fugitive} & echo $! >pid; sleep 0.05; echo done >&2"
    try:
        finished = await children.run(shell(script), cwd=tmp_path, env=ENVIRONMENT, timeout_seconds=60, output_limit=None)
        assert (finished.timed_out, finished.exit_code, finished.stderr.splitlines()[-1]) == (False, 0, "done")
    finally:
        os.kill(int((tmp_path / "pid").read_text()), signal.SIGKILL)


async def test_past_its_time_a_program_is_ended_and_what_it_said_is_kept(children: Children, tmp_path: Path) -> None:
    finished = await children.run(shell("echo begun; sleep 60"), cwd=tmp_path, env=ENVIRONMENT, timeout_seconds=1.0)
    assert (finished.timed_out, finished.stdout, finished.exit_code) == (True, "begun\n", -signal.SIGTERM)


async def test_cancelling_a_run_ends_its_group(children: Children, tmp_path: Path) -> None:
    there = set(psutil.Process().children())
    running = asyncio.create_task(children.run(shell("sleep 60 & echo $! >pid; mv pid pids; wait"), cwd=tmp_path, env=ENVIRONMENT))
    await eventually_async(lambda: (tmp_path / "pids").exists())
    running.cancel()
    with pytest.raises(asyncio.CancelledError):
        await running
    await eventually_async(lambda: not alive(int((tmp_path / "pids").read_text())))
    assert set(psutil.Process().children()) <= there


async def test_cancelling_an_end_kills_at_once(children: Children, tmp_path: Path) -> None:
    child = await children.start(shell("trap '' TERM; echo ready; while :; do sleep 0.01; done"), cwd=tmp_path, env=ENVIRONMENT)
    assert await anext(child.stdout.lines()) == "ready"
    ending = asyncio.create_task(child.end(grace_seconds=60))
    await asyncio.sleep(0)
    ending.cancel()
    with pytest.raises(asyncio.CancelledError):
        await ending
    async with asyncio.timeout(30):
        assert await child.wait() == -signal.SIGKILL


async def test_leaving_the_block_by_an_error_ends_the_program(children: Children, tmp_path: Path) -> None:
    with pytest.raises(LookupError):
        async with await children.start(["sleep", "60"], cwd=tmp_path, env=ENVIRONMENT) as child:
            raise LookupError
    assert not alive(child.pid)


async def test_a_reader_in_another_task_ends_with_the_program(children: Children, tmp_path: Path) -> None:
    child = await children.start(["sleep", "60"], cwd=tmp_path, env=ENVIRONMENT)

    async def read() -> list[str]:
        return [line async for line in child.stdout.lines()]

    reading = asyncio.create_task(read())
    await asyncio.sleep(0)
    await children.aclose()
    assert await reading == []


# Starting


def use(path: Path, mode: int, text: str = "") -> Path:
    path.write_text(text)
    path.chmod(mode)
    return path


async def test_a_relative_program_is_the_folders_and_a_bare_name_the_paths(children: Children, tmp_path: Path) -> None:
    (tmp_path / "bin").mkdir()
    use(tmp_path / "bin" / "hello", 0o755, "#!/bin/sh\necho hello\n")
    relative = await children.run(["bin/hello"], cwd=tmp_path, env=ENVIRONMENT)
    bare = await children.run(["hello"], cwd=tmp_path, env={"PATH": str(tmp_path / "bin")})
    assert relative.stdout == bare.stdout == "hello\n"


@pytest.mark.parametrize(
    ("argv", "message"),
    [
        (lambda folder: ["no-such-program"], "There is no program 'no-such-program' on the PATH"),
        (lambda folder: [str(folder / "missing")], "There is no program .*missing"),
        (lambda folder: [str(folder)], "That is a folder, not a program"),
        (lambda folder: [str(use(folder / "plain", 0o644))], "The program is not executable: .*plain"),
        (lambda folder: ["true", "x" * 3_000_000], "The arguments of .*true are too long"),
        (lambda folder: ["true", "a\0b"], "The command cannot be started: embedded null byte"),
        (lambda folder: [], "No command is given"),
        (lambda folder: [""], "No command is given"),
    ],
)
async def test_what_cannot_start_says_why(children: Children, tmp_path: Path, argv: Callable[[Path], list[str]], message: str) -> None:
    with pytest.raises(CommandFailed, match=message) as failure:
        await children.start(argv(tmp_path), cwd=tmp_path, env=ENVIRONMENT)
    assert failure.value.kind is FailureKind.PERMANENT
    assert failure.value.advice


async def test_a_folder_that_is_gone_is_named(children: Children, tmp_path: Path) -> None:
    with pytest.raises(CommandFailed, match=r"The folder to run in is gone: .*gone"):
        await children.start(["true"], cwd=tmp_path / "gone", env=ENVIRONMENT)


async def test_a_missing_interpreter_is_an_exit_code_with_a_word_about_it(children: Children, tmp_path: Path) -> None:
    program = use(tmp_path / "script", 0o755, "#!/no/such/interpreter\n")
    finished = await children.run([str(program)], cwd=tmp_path, env=ENVIRONMENT)
    assert finished.exit_code in (126, 127)
    assert "script" in finished.stderr


@pytest.mark.parametrize("script", [WITH_INPUT, WITHOUT_INPUT])
def test_without_the_line_that_lets_it_go_a_program_never_runs(tmp_path: Path, script: str) -> None:
    # As when this process is killed after it has started a child and before it has noted it.
    ended = subprocess.run(["/bin/sh", "-c", script, "sh", "touch", "trace"], cwd=tmp_path, stdin=subprocess.DEVNULL, check=False)
    assert ended.returncode == 125
    assert not (tmp_path / "trace").exists()


async def test_a_group_is_noted_for_as_long_as_it_runs(tmp_path: Path) -> None:
    guard = GuardPipe(Restarts())
    guard.keep_notes_in(tmp_path / "notes.children")
    async with await Children(guard).start(["cat", "notes.children"], cwd=tmp_path, env=ENVIRONMENT) as child:
        noted = "".join([chunk async for chunk in child.stdout.chunks()])
        await child.wait()
    assert noted.startswith(f"{child.pid} ")
    assert (tmp_path / "notes.children").read_text() == ""
    guard.close()
