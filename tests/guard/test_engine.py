"""Whichever of engine and guard is killed, no child is left running, and the work goes on unless it was told to stop."""

import contextlib
import json
import os
import random
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import psutil  # type: ignore[import-untyped]
import pytest

from abathur_tui.guard import RESTARTING, GuardPipe, Keys, Restarts, restarting_since
from tests.guard.small_engine import FAMILIES, FAMILY_SIZE, FOLDER_VARIABLE
from tests.waiting import eventually

REPOSITORY = Path(__file__).parents[2]


@dataclass(frozen=True, slots=True)
class Start:
    """What an engine said when it was at work."""

    pid: int
    guard: int
    restarted: bool
    keys: dict[str, str]
    killed: list[int]
    families: list[int]


class Bench:
    """A folder in which small engines run."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.log = folder / "engine.log"
        self._engines: list[subprocess.Popen[bytes]] = []

    def start(self, mode: str = "work") -> subprocess.Popen[bytes]:
        """Start an engine as its launcher does: detached, with a file as its output."""
        with self.log.open("ab") as log:
            engine = subprocess.Popen(
                [sys.executable, "-m", "tests.guard.small_engine", str(self.folder), mode],
                cwd=REPOSITORY,
                env={**os.environ, FOLDER_VARIABLE: str(self.folder)},
                stdin=subprocess.DEVNULL,
                stdout=log,
                stderr=log,
                start_new_session=True,
            )
        self._engines.append(engine)
        return engine

    def starts(self) -> list[Start]:
        """All engines that have been at work, in order."""
        file = self.folder / "starts.jsonl"
        return [Start(**json.loads(line)) for line in file.read_text().splitlines()] if file.exists() else []

    def at_work(self, count: int) -> Start:
        """The `count`th start, when it has come."""
        eventually(lambda: len(self.starts()) >= count)
        return self.starts()[count - 1]

    def running(self) -> list[psutil.Process]:
        """All processes that carry this folder: engines, guards, children, grandchildren."""
        return [process for process in psutil.process_iter() if self._is_ours(process)]

    def families(self) -> set[int]:
        """Those of them that are neither engine nor guard."""
        keepers = {"small_engine", "beside.py", "kill_noted"}
        return {process.pid for process in self.running() if not any(keeper in self.command(process) for keeper in keepers)}

    def guards(self) -> list[int]:
        """The guards among them."""
        return [process.pid for process in self.running() if "beside.py" in self.command(process)]

    def last_guards(self) -> list[int]:
        """The processes that kill what is noted where engine and guard are killed in the same instant."""
        return [process.pid for process in self.running() if "kill_noted" in self.command(process)]

    def grown_families(self) -> set[int]:
        """All of them, when each has started all that it starts."""
        return eventually(lambda: families if len(families := self.families()) == FAMILIES * FAMILY_SIZE else set())

    def end(self) -> None:
        """Kill all that is left, guards first, or they would start engines again."""
        for _ in range(3):
            for process in sorted(self.running(), key=lambda process: "beside.py" not in self.command(process)):
                with contextlib.suppress(psutil.Error):
                    process.kill()
        for engine in self._engines:
            engine.wait()

    def _is_ours(self, process: psutil.Process) -> bool:
        try:
            return bool(process.environ().get(FOLDER_VARIABLE) == str(self.folder) and process.status() != psutil.STATUS_ZOMBIE)
        except psutil.Error:
            return False

    def command(self, process: psutil.Process) -> str:
        try:
            return " ".join(process.cmdline())
        except psutil.Error:
            return "small_engine"  # gone meanwhile


@pytest.fixture
def bench(tmp_path: Path) -> Iterator[Bench]:
    bench = Bench(tmp_path)
    yield bench
    bench.end()


def kill(pid: int) -> None:
    os.kill(pid, signal.SIGKILL)


def test_a_killed_engine_is_started_again_with_its_keys_and_its_children_are_gone(bench: Bench) -> None:
    engine = bench.start()
    first = bench.at_work(1)
    assert (first.pid, first.restarted, first.keys) == (engine.pid, False, {})
    family = bench.grown_families()

    kill(engine.pid)
    engine.wait()

    second = bench.at_work(2)
    assert second.restarted
    assert second.keys == {"fingerprint": "sk-secret"}
    assert second.guard == first.guard
    eventually(lambda: not family & {process.pid for process in bench.running()})
    assert b"guard: the engine died" in bench.log.read_bytes()


def test_an_engine_that_was_started_again_is_guarded_like_the_first(bench: Bench) -> None:
    engine = bench.start()
    kill(bench.at_work(1).pid)
    engine.wait()
    second = bench.at_work(2)
    family = bench.grown_families()

    kill(second.pid)

    third = bench.at_work(3)
    assert third.keys == {"fingerprint": "sk-secret"}
    eventually(lambda: not family & {process.pid for process in bench.running()})
    assert not psutil.pid_exists(second.pid), "the guard has reaped the engine that it had started"
    os.kill(third.pid, signal.SIGTERM)
    eventually(lambda: not bench.running())
    assert len(bench.starts()) == 3


@pytest.mark.parametrize("mode", ["crash", "vanish"])
def test_an_engine_that_dies_at_once_again_and_again_is_given_up(bench: Bench, mode: str) -> None:
    bench.start(mode)
    eventually(lambda: b"given up" in bench.log.read_bytes())
    eventually(lambda: not bench.running())
    assert len(bench.starts()) == 4


def test_an_engine_that_takes_its_time_to_die_before_it_is_at_work_is_given_up_too(bench: Bench) -> None:
    bench.start("slow-crash")
    eventually(lambda: b"given up" in bench.log.read_bytes())
    eventually(lambda: not bench.running())
    assert bench.log.read_bytes().count(b"starting it again") == 3


@pytest.mark.parametrize(("mode", "code"), [("return", 5), ("exit", 6)])
def test_an_engine_that_ends_by_itself_is_not_started_again(bench: Bench, mode: str, code: int) -> None:
    engine = bench.start(mode)
    assert engine.wait(30) == code
    eventually(lambda: not bench.running())
    assert len(bench.starts()) == 1


def test_a_stopped_engine_leaves_no_process_and_no_notes(bench: Bench) -> None:
    engine = bench.start()
    bench.at_work(1)
    assert len(list(bench.folder.glob("*.children"))) == 1

    os.kill(engine.pid, signal.SIGTERM)

    assert engine.wait(30) == 0
    eventually(lambda: not bench.running())
    assert not list(bench.folder.glob("*.children"))


def test_an_order_to_end_that_comes_before_an_engine_listens_is_no_crash(bench: Bench) -> None:
    engine = bench.start("term-with-guard")

    assert engine.wait(30) == 128 + signal.SIGTERM
    eventually(lambda: not bench.running())
    assert bench.log.read_bytes() == b""


def test_nor_is_one_to_an_engine_that_the_guard_has_started_again(bench: Bench) -> None:
    engine = bench.start("term-in-restart")
    kill(bench.at_work(1).pid)
    engine.wait()

    eventually(lambda: not bench.running())
    assert len(bench.starts()) == 1
    assert bench.log.read_bytes().count(b"starting it again") == 1


def test_an_engine_that_is_killed_while_it_stops_is_not_started_again(bench: Bench) -> None:
    engine = bench.start("stop-then-work")
    bench.at_work(1)

    kill(engine.pid)
    engine.wait()

    eventually(lambda: not bench.running())
    assert len(bench.starts()) == 1


def test_a_killed_guard_is_replaced_and_the_new_one_knows_all(bench: Bench) -> None:
    engine = bench.start()
    first = bench.at_work(1)
    family = bench.grown_families()

    kill(first.guard)

    eventually(lambda: bench.guards() and first.guard not in bench.guards())
    assert bench.families() == family, "the children do not notice"
    # The new guard has been told everything as soon as it reads; what it was sent survives the engine.
    kill(engine.pid)
    engine.wait()
    second = bench.at_work(2)
    assert second.keys == {"fingerprint": "sk-secret"}
    eventually(lambda: not family & {process.pid for process in bench.running()})


def test_where_engine_and_guard_are_killed_in_the_same_instant_nothing_is_left_running(bench: Bench) -> None:
    engine = bench.start()
    first = bench.at_work(1)
    family = bench.grown_families()
    [last] = bench.last_guards()
    assert "abathur" not in " ".join(psutil.Process(last).cmdline()[1:])  # `pkill -f` of all that is ours does not hit it
    for number in (signal.SIGINT, signal.SIGHUP, signal.SIGTERM, signal.SIGQUIT):
        os.kill(last, number)
    # Stopped first, or it might have a new guard before it is killed itself.
    os.kill(engine.pid, signal.SIGSTOP)
    kill(first.guard)
    kill(engine.pid)
    kill(first.families[0])
    engine.wait()
    assert family

    eventually(lambda: not bench.running(), 5)


@pytest.mark.parametrize("times", [1, 3])
def test_a_killed_last_guard_is_replaced_and_does_the_same(bench: Bench, times: int) -> None:
    engine = bench.start()
    first = bench.at_work(1)
    killed: set[int] = set()

    def last() -> int | None:
        return next((pid for pid in bench.last_guards() if pid not in killed), None)

    for _ in range(times):
        pid = eventually(last)
        assert pid is not None
        kill(pid)
        killed.add(pid)
    eventually(last)
    bench.grown_families()
    # Stopped first, or it might have a new guard before it is killed itself.
    os.kill(engine.pid, signal.SIGSTOP)
    kill(first.guard)
    kill(engine.pid)
    engine.wait()

    eventually(lambda: not bench.running(), 5)


def test_a_last_guard_that_is_killed_while_its_engine_ends_is_not_replaced(bench: Bench) -> None:
    engine = bench.start()
    bench.at_work(1)

    os.kill(engine.pid, signal.SIGTERM)
    for last in bench.last_guards():
        with contextlib.suppress(ProcessLookupError):
            kill(last)

    assert engine.wait(30) == 0
    eventually(lambda: not bench.running())


def test_while_an_engine_is_started_again_that_is_noted(bench: Bench) -> None:
    engine = bench.start("slow-restart")
    guard = bench.at_work(1).guard
    notice = bench.folder / RESTARTING
    assert restarting_since(notice) is None
    kill(engine.pid)
    engine.wait()

    since = eventually(lambda: restarting_since(notice))

    assert since is not None
    assert abs(time.time() - since) < 60
    (bench.folder / "go").touch()
    bench.at_work(2)
    eventually(lambda: not notice.exists())
    [again] = [start for start in bench.starts() if start.restarted]
    assert again.guard == guard


def test_a_notice_of_a_guard_that_was_killed_says_nothing(bench: Bench) -> None:
    engine = bench.start("slow-restart")
    guard = bench.at_work(1).guard
    kill(engine.pid)
    engine.wait()
    notice = bench.folder / RESTARTING
    eventually(lambda: restarting_since(notice))

    kill(guard)

    eventually(lambda: restarting_since(notice) is None)
    assert notice.exists()


def test_where_all_guards_were_killed_too_the_next_engine_kills_what_is_left(bench: Bench) -> None:
    engine = bench.start()
    first = bench.at_work(1)
    # Also a family whose leader is gone already.
    family = bench.grown_families()
    # Stopped first, or it might have new guards before it is killed itself.
    os.kill(engine.pid, signal.SIGSTOP)
    for pid in (*bench.last_guards(), first.guard):
        kill(pid)
    kill(engine.pid)
    kill(first.families[0])
    engine.wait()
    assert family - {first.families[0]} <= bench.families()

    bench.start()

    second = bench.at_work(2)
    assert sorted(second.killed) == sorted(first.families)
    eventually(lambda: not family & {process.pid for process in bench.running()})


def test_the_guard_outlives_the_signals_of_a_closed_terminal(bench: Bench) -> None:
    engine = bench.start()
    first = bench.at_work(1)
    for number in (signal.SIGINT, signal.SIGHUP, signal.SIGTERM, signal.SIGQUIT):
        os.kill(first.guard, number)
    kill(engine.pid)
    engine.wait()
    second = bench.at_work(2)
    assert second.guard == first.guard
    # What the guard itself does with those signals is not inherited.
    os.kill(second.pid, signal.SIGINT)
    eventually(lambda: not psutil.pid_exists(second.pid))


def test_guard_and_engine_are_in_sessions_of_their_own(bench: Bench) -> None:
    first = (bench.start(), bench.at_work(1))[1]
    kill(first.pid)
    second = bench.at_work(2)
    assert os.getsid(second.guard) == second.guard
    assert os.getsid(second.pid) == second.pid


def test_keys_are_never_written(bench: Bench) -> None:
    bench.start()
    kill(bench.at_work(1).pid)
    second = bench.at_work(2)
    written = b"".join(file.read_bytes() for file in bench.folder.iterdir() if file.name != "starts.jsonl")
    seen = "".join(" ".join(process.cmdline()) + str(process.environ()) for process in map(psutil.Process, (second.pid, second.guard)))
    assert b"sk-secret" not in written
    assert "sk-secret" not in seen


def test_killing_anything_at_random_moments_leaves_nothing_running(bench: Bench) -> None:
    seed = random.randrange(1_000_000)
    chance = random.Random(seed)
    print(f"seed {seed}")
    bench.start("churn")
    starts = 1
    killed: set[int] = set()
    for _ in range(8):
        engine = bench.at_work(starts).pid
        # A guard that was killed a moment ago may still be seen.
        eventually(lambda: set(bench.guards()) - killed)
        time.sleep(chance.uniform(0, 0.1))  # The random moment.
        victim = chance.choice(["engine", "guard", "both"])
        # Held still first: the one must not notice the other's end where both are to die at once.
        if victim != "guard":
            os.kill(engine, signal.SIGSTOP)
        victims = [engine] * (victim != "guard") + [pid for pid in bench.guards() if pid not in killed] * (victim != "engine")
        for number in (signal.SIGSTOP, signal.SIGKILL):
            for pid in victims:
                os.kill(pid, number)
        killed.update(victims)
        if victim == "both":
            bench.start("churn")
        starts += victim != "guard"
    os.kill(bench.at_work(starts).pid, signal.SIGTERM)
    eventually(lambda: not bench.running())


def test_a_guard_that_takes_no_line_is_replaced(bench: Bench) -> None:
    bench.start("flood")  # The engine stops its guard, then sends it more than fits.
    stopped = bench.at_work(1).guard
    eventually(lambda: bench.guards() and stopped not in bench.guards())


def test_a_key_with_white_space_is_refused() -> None:
    keys = Keys(GuardPipe(Restarts()))
    with pytest.raises(ValueError, match="white space"):
        keys.add("fingerprint", "two\nlines")
    with pytest.raises(ValueError, match="white space"):
        keys.add("", "key")
    assert dict(keys) == {}


def test_keys_do_not_show_themselves() -> None:
    keys = Keys(GuardPipe(Restarts()))
    keys.add("fingerprint", "sk-secret")
    assert keys["fingerprint"] == "sk-secret"
    assert repr(keys) == "<Keys: fingerprint>"
