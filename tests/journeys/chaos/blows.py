"""What is done to a project's processes. Each blow counts what it did."""

import contextlib
import os
import select
import signal
import subprocess
import termios
import time
from collections.abc import Callable
from dataclasses import dataclass

import psutil  # type: ignore[import-untyped]

from tests.journeys.chaos.tally import KILL, Tally
from tests.journeys.chaos.world import LEASE_SECONDS, PROGRAM, World
from tests.waiting import eventually

WRITES = ("pwrite64", "fdatasync")
PATIENCE_SECONDS = 30.0
"""Longer than this is a failure on any machine, however busy; how long it took is in the report."""
SETTLED_SECONDS = 0.4
"""A guard that is younger may not know yet which engine it guards."""


@dataclass
class Blows:
    """Hits one world, and tallies."""

    world: World
    tally: Tally

    def strike(self, names: tuple[str, ...] | None = None) -> None:
        """One blow, chosen by its weight (of those that are named)."""
        chosen = [blow for blow in BLOWS if names is None or blow[1].__name__ in names]
        [blow] = self.world.random.choices([blow for _, blow in chosen], [weight for weight, _ in chosen])
        blow(self)

    # kill -9 at any moment

    def engine(self) -> None:
        """Its guard brings another one back."""
        self._kill_engine(KILL, signal.SIGKILL)

    def guard(self) -> None:
        """The engine starts another one."""
        self._kill_one("guard")

    def engine_and_guard(self) -> None:
        """Whoever comes next needs an engine, and starts one."""
        engine, guards = self.world.engine(), self.world.by_kind().get("guard", [])
        if engine is not None and guards:
            for guard in guards:
                self._send(guard.pid, signal.SIGKILL, "guard", KILL)
            self._send(engine[1], signal.SIGKILL, "engine", KILL)
            self.world.command("engine", "start", "--detach")

    def agent(self) -> None:
        """Its task is dead; the others go on."""
        self._kill_one("agent", most=self.world.random.randint(1, 6))

    def grandchild(self) -> None:
        """A process that an agent started outside of its group."""
        self._kill_one("grandchild", most=self.world.random.randint(1, 6))

    def command(self) -> None:
        """A command that submits, or waits."""
        self._kill_one("command")

    def screen(self) -> None:
        """A screen in a terminal of its own: of its two processes one or the other, or its window is closed."""
        for victim in ("screen", "screen's guard", "screen's window"):
            hit_screen(self.world, self.tally, victim)

    # kill -9 at the k-th write or sync

    def engine_at_a_write(self) -> None:
        """While it writes to the database, at a place that nobody would hit by chance."""
        engine = self.world.engine()
        if engine is None:
            return
        call = self.world.random.choice(WRITES)
        count = self.world.random.randint(1, 40 if call == "pwrite64" else 12)
        tracer = _trace(call, f"signal=KILL:when={count}", engine[1])
        self.world.keep_busy()
        with contextlib.suppress(subprocess.TimeoutExpired):
            tracer.wait(4)
        killed = not psutil.pid_exists(engine[1]) or psutil.Process(engine[1]).status() == psutil.STATUS_ZOMBIE
        _let_go(tracer)
        if killed:
            self.tally.count("engine", f"{KILL} at the k-th {call}")
            self._await_return(engine[0])

    def command_at_a_write(self) -> None:
        """A command that submits: either it is all on disk, or nothing is."""
        call = self.world.random.choice(WRITES)
        count = self.world.random.randint(1, 25 if call == "pwrite64" else 3)
        # Not with --seccomp-bpf: strace 6.1 injects no signals then.
        options = ("-f", "-qq", "-o", "/dev/null", "-e", f"trace={call}", "-e", f"inject={call}:signal=KILL:when={count}")
        # Not `run`, which starts an engine that would be traced too.
        client = self.world.start("task", "submit", "--json", "submitted under fire", under=("strace", *options))
        client.wait(60)
        if client.returncode == -signal.SIGKILL or client.returncode == 128 + signal.SIGKILL:
            self.tally.count("submitting command", f"{KILL} at the k-th {call}")

    # other signals

    def engine_term(self) -> None:
        """An ordered stop: nothing is started again until somebody needs it."""
        engine = self.world.engine()
        if engine is not None and self._send(engine[1], signal.SIGTERM, "engine", "SIGTERM"):
            eventually(lambda: (now := self.world.engine()) is None or now[0] != engine[0])

    def hang_up(self) -> None:
        """Neither engine nor guard is the terminal's; whatever else there is ends."""
        for process in self.world.processes():
            with contextlib.suppress(psutil.Error):
                self._send(process.pid, signal.SIGHUP, "everything", "SIGHUP")

    def guard_term(self) -> None:
        """It stays."""
        for guard in self.world.by_kind().get("guard", []):
            self._send(guard.pid, signal.SIGTERM, "guard", "SIGTERM")
            assert guard.is_running()

    def agent_term(self) -> None:
        """Its task is dead."""
        self._kill_one("agent", signal.SIGTERM, "SIGTERM")

    # stopped

    def engine_stopped(self) -> None:
        """For longer than its lease, at any moment, also in the middle of a write: a command that waits finds that out."""
        name = f"work number {self.world.random.randrange(10**9)} that is waited for"
        client = self.world.start("run", "--json", name)
        # Not earlier: where the engine stops in the middle of a write, whoever submits then is only told which process holds the database.
        eventually(lambda: client.poll() is not None or self.world.read("SELECT 1 FROM tasks WHERE name LIKE ?", f"%{name}%"), 60)
        engine = self.world.engine()
        if engine is None or client.poll() is not None:
            return
        began = time.monotonic()
        if self._send(engine[1], signal.SIGSTOP, "engine", "SIGSTOP longer than its lease"):
            eventually(lambda: self.world.at_work(engine[0]), LEASE_SECONDS + PATIENCE_SECONDS)
            self.tally.taken_over_seconds.append(time.monotonic() - began)
            with contextlib.suppress(ProcessLookupError):
                os.kill(engine[1], signal.SIGCONT)
            eventually(lambda: not _is_engine(engine[1], self.world))
        client.wait(60)

    def engine_stopped_shortly(self) -> None:
        """For less than its lease: it goes on as if nothing had been."""
        engine = self.world.engine()
        if engine is not None and self._send(engine[1], signal.SIGSTOP, "engine", "SIGSTOP shorter than its lease"):
            time.sleep(self.world.random.uniform(0.05, LEASE_SECONDS / 3))
            with contextlib.suppress(ProcessLookupError):
                os.kill(engine[1], signal.SIGCONT)

    def guard_stopped(self) -> None:
        """A guard that does nothing, and its engine killed: the next command starts one."""
        engine, guards = self.world.engine(), self.world.by_kind().get("guard", [])
        if engine is None or not guards:
            return
        for guard in guards:
            self._send(guard.pid, signal.SIGSTOP, "guard", "SIGSTOP")
        self._send(engine[1], signal.SIGKILL, "engine", KILL)
        self.world.command("engine", "start", "--detach")
        for guard in guards:
            with contextlib.suppress(psutil.Error):
                guard.send_signal(signal.SIGCONT)

    def command_stopped(self) -> None:
        """A command that somebody has stopped (Ctrl-Z) in the middle of whatever it does."""
        if commands := self.world.by_kind().get("command"):
            command = self.world.random.choice(commands)
            if self._send(command.pid, signal.SIGSTOP, "command", "SIGSTOP"):
                time.sleep(1)
                with contextlib.suppress(ProcessLookupError):
                    os.kill(command.pid, signal.SIGCONT)

    # two engines, disk

    def two_engines(self) -> None:
        """Two engines that are started in the same instant; one works, the other stands by; then both go."""
        pair = [self.world.start("engine", "start", "--json") for _ in range(2)]
        self.tally.count("engine", "two started at once")
        eventually(lambda: self.world.at_work(None))
        assert len(self.world.read("SELECT id FROM engines WHERE ended_at IS NULL")) <= 2
        for command in pair:
            command.send_signal(signal.SIGTERM)
        for command in pair:
            command.wait(30)

    def disk_full(self) -> None:
        """The engine waits, and goes on when there is room again."""
        self._disk_fails("pwrite64", "ENOSPC", f"error=ENOSPC:when=1..{self.world.random.randint(1, 40)}")

    def disk_broken(self) -> None:
        """A sync that fails: what it would have acknowledged is not."""
        self._disk_fails("fdatasync", "EIO", f"error=EIO:when={self.world.random.randint(1, 5)}")

    def _disk_fails(self, call: str, name: str, injection: str) -> None:
        engine = self.world.engine()
        if engine is None:
            return
        tracer = _trace(call, injection, engine[1])
        self.world.keep_busy()
        with contextlib.suppress(subprocess.TimeoutExpired):
            tracer.wait(1.5)
        _let_go(tracer)
        self.tally.count("engine's disk", name)

    # means

    def _kill_engine(self, kind: str, number: signal.Signals) -> None:
        engine = self.world.engine()
        guarded = [guard for guard in self.world.by_kind().get("guard", []) if time.time() - guard.create_time() > SETTLED_SECONDS]
        if engine is None:
            return
        settled = self.world.read("SELECT 1 FROM engines WHERE id = ?", engine[0])
        if self._send(engine[1], number, "engine", kind):
            if guarded and settled:
                self._await_return(engine[0])
            else:
                self.world.command("engine", "start", "--detach")

    def _await_return(self, engine: str) -> None:
        began = time.monotonic()
        eventually(lambda: self.world.at_work(engine), PATIENCE_SECONDS)
        self.tally.back_seconds.append(time.monotonic() - began)

    def _kill_one(self, kind: str, number: signal.Signals = signal.SIGKILL, name: str = KILL, most: int = 1) -> None:
        if found := self.world.by_kind().get(kind):
            for process in self.world.random.sample(found, k=min(len(found), most)):
                self._send(process.pid, number, kind, name)

    def _send(self, pid: int, number: signal.Signals, victim: str, kind: str) -> bool:
        try:
            os.kill(pid, number)
        except ProcessLookupError:
            return False
        self.tally.count(victim, kind)
        return True


def hit_screen(world: World, tally: Tally, victim: str) -> None:
    """Open a screen, hit it, and see that its terminal is as it was (where one of its two processes lives to see to that) and that it is gone."""
    master, slave = os.openpty()
    try:
        termios.tcsetwinsize(slave, (24, 80))
        before = termios.tcgetattr(slave)
        screen = subprocess.Popen(
            [PROGRAM],
            cwd=world.project,
            env=world.environment | {"TERM": "xterm-256color"},
            stdin=slave,
            stdout=slave,
            stderr=slave,
            start_new_session=True,
        )
        written = bytearray()
        eventually(lambda: b"\x1b[?1049h" in _read(master, written))
        [child] = eventually(lambda: [one for one in psutil.Process(screen.pid).children() if PROGRAM in one.cmdline()])
        time.sleep(world.random.uniform(0, 0.3))
        if victim == "screen's window":
            os.killpg(screen.pid, signal.SIGHUP)
            tally.count(victim, "closed")
        else:
            os.kill(child.pid if victim == "screen" else screen.pid, signal.SIGKILL)
            tally.count(victim)
        eventually(lambda: _read(master, written) and screen.poll() is not None and not child.is_running())
        eventually(lambda: written.rfind(b"\x1b[?1049l") > _read(master, written).rfind(b"\x1b[?1049h"))
        assert termios.tcgetattr(slave) == before, (victim, termios.tcgetattr(slave), before)
    finally:
        os.close(master)
        os.close(slave)


def _read(master: int, written: bytearray) -> bytearray:
    while select.select([master], [], [], 0)[0]:
        written += os.read(master, 65536)
    return written


def _is_engine(pid: int, world: World) -> bool:
    return any(process.pid == pid for process in world.by_kind().get("engine", []))


def _trace(call: str, injection: str, pid: int) -> "subprocess.Popen[bytes]":
    options = ("-f", "-qq", "-o", "/dev/null", "-e", f"trace={call}", "-e", f"inject={call}:{injection}")
    return subprocess.Popen(["strace", *options, "-p", str(pid)], stderr=subprocess.DEVNULL)


def _let_go(tracer: "subprocess.Popen[bytes]") -> None:
    """It detaches, and the engine goes on without it."""
    with contextlib.suppress(ProcessLookupError):
        tracer.terminate()
    try:
        tracer.wait(10)
    except subprocess.TimeoutExpired:
        # strace 6.1 may wait for ever where the engine began a program in that moment; without it both go on.
        tracer.kill()
        tracer.wait()


BLOWS: tuple[tuple[int, Callable[[Blows], None]], ...] = (
    (13, Blows.engine),
    (20, Blows.guard),
    (2, Blows.engine_and_guard),
    (12, Blows.agent),
    (10, Blows.grandchild),
    (2, Blows.command),
    (1, Blows.screen),
    (5, Blows.engine_at_a_write),
    (3, Blows.command_at_a_write),
    (1, Blows.engine_term),
    (1, Blows.hang_up),
    (1, Blows.guard_term),
    (1, Blows.agent_term),
    (1, Blows.engine_stopped),
    (1, Blows.engine_stopped_shortly),
    (1, Blows.guard_stopped),
    (1, Blows.command_stopped),
    (1, Blows.two_engines),
    (1, Blows.disk_full),
    (1, Blows.disk_broken),
)
"""Each with how often it is chosen. Commands are short: were they killed as often as the rest, nothing would ever be submitted."""
