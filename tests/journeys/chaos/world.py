"""A project in which everything may be hit: its processes, and what its commands were told to be on disk."""

import contextlib
import json
import os
import random
import signal
import sqlite3
import subprocess
import sys
import time
from dataclasses import dataclass, field
from pathlib import Path

import psutil  # type: ignore[import-untyped]

from abathur_tui.storage.locks import active_engine, active_engine_process

MARK = "ABATHUR_CHAOS"
PROGRAM = str(Path(sys.executable).parent / "abathur")
AGENT = "cat >/dev/null; setsid sleep 60 & p=$!; sleep 0.8; kill $p; echo made"
"""An agent with a grandchild outside of its process group, which only lives longer where the agent was killed."""
LEASE_SECONDS = 3.0
DOCUMENTS = (
    ("run", "--detach", "--json", 'ABYSSAL[CODE]("auth service", language="rust")'),
    ("run", "--detach", "--json", 'a = ABYSSAL[RESEARCH]("queues", parallel=6)\nABYSSAL[DOCUMENT](a)\nABYSSAL[ROADMAP]("a queue")'),
    ("run", "--detach", "--json", "\n".join(f'ABYSSAL[RESEARCH]("thing {number}")' for number in range(12))),
    ("run", "--json", "a plain prompt that is waited for"),
    ("loop", "start", "count", "--json", "--criterion", "n>=3: n=$(cat n 2>/dev/null || echo 0); n=$((n + 1)); echo $n > n; echo $n"),
)


@dataclass
class World:
    """One project, used for one round."""

    folder: Path
    seed: int
    executions: list[str] = field(default_factory=list)
    """What commands have said to be on disk."""

    def __post_init__(self) -> None:
        """Choices are made by the seed; what happens, by the machine's timing too."""
        self.random = random.Random(self.seed)
        self.project = self.folder / "project"
        self.data = self.project / ".abathur"
        self.project.mkdir(parents=True)
        self.clients: list[subprocess.Popen[str]] = []
        self.environment = {
            "PATH": os.environ["PATH"],
            "HOME": str(self.folder / "home"),
            "LANG": "C.UTF-8",
            "TERM": "dumb",
            MARK: str(self.folder),
            "ABATHUR_API__RUNTIME": "command",
            "ABATHUR_RUNTIMES__COMMAND__ARGV": json.dumps(["/bin/sh", "-c", AGENT]),
            "ABATHUR_RUNTIMES__COMMAND__ENV": json.dumps([MARK]),
            "ABATHUR_QUEUE__RETRY_INITIAL_SECONDS": "0.1",
            "ABATHUR_QUEUE__LEASE_SECONDS": str(LEASE_SECONDS),
            "ABATHUR_QUEUE__HEARTBEAT_SECONDS": "0.5",
        }
        self.command("init")
        self.database = sqlite3.connect(f"file:{self.data / 'abathur.db'}?mode=ro", uri=True, isolation_level=None, timeout=30)

    # Commands

    def command(self, *arguments: str) -> str:
        """Run a command to its end, and give its standard output."""
        done = subprocess.run([PROGRAM, *arguments], cwd=self.project, env=self.environment, text=True, capture_output=True, timeout=300)
        assert done.returncode == 0, (arguments, done.returncode, done.stderr)
        return done.stdout

    def start(self, *arguments: str, under: tuple[str, ...] = ()) -> "subprocess.Popen[str]":
        """Start a command whose answer counts."""
        client = subprocess.Popen(
            [*under, PROGRAM, *arguments],
            cwd=self.project,
            env=self.environment,
            text=True,
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
        )
        self.clients.append(client)
        return client

    def keep_busy(self) -> None:
        """See to it that there is work, and that a command is submitting more."""
        self.clients = [client for client in self.clients if not self._acknowledged(client)]
        (open_tasks,) = self.read("SELECT count(*) FROM tasks WHERE status IN ('waiting', 'pending', 'running')")[0]
        if not self.clients and open_tasks < 30:
            self.start(*self.random.choice(DOCUMENTS))

    def await_clients(self) -> None:
        """All commands have ended."""
        for client in self.clients:
            with contextlib.suppress(ProcessLookupError):
                client.send_signal(signal.SIGCONT)
            client.wait(120)
            self._acknowledged(client)
        self.clients = []

    def _acknowledged(self, client: "subprocess.Popen[str]") -> bool:
        """Whether the command has ended; its answer is kept, and it must be one that a user can understand."""
        if client.poll() is None:
            return False
        out, err = client.communicate()
        # An engine in the foreground answers too, and not with an execution.
        if out.startswith("{") and (execution := json.loads(out).get("execution")):
            self.executions.append(execution)
        assert "Traceback" not in err, err
        told = client.returncode < 0 or out or '"error"' in err or "ABTH-ERR" in err or client.returncode in (129, 130, 137, 143)
        assert told, (client.args, client.returncode, out, err)
        return True

    # What there is

    def read(self, statement: str, *values: object) -> list[tuple[int, ...]]:
        """Rows of the database."""
        return self.database.execute(statement, values).fetchall()

    def engine(self) -> tuple[str, int] | None:
        """The active engine's id and process."""
        id, process = active_engine(self.data), active_engine_process(self.data)
        return (id, process) if id and process else None

    def at_work(self, other_than: str | None) -> bool:
        """Whether another engine than that one is registered, and has taken work if there is any."""
        engine = self.engine()
        if engine is None or engine[0] == other_than or not self.read("SELECT 1 FROM engines WHERE id = ? AND ended_at IS NULL", engine[0]):
            return False
        ready = self.read("SELECT 1 FROM tasks WHERE status = 'pending' AND due IS NULL AND held IS NULL LIMIT 1")
        return not ready or bool(self.read("SELECT 1 FROM tasks WHERE status = 'running' AND engine = ? LIMIT 1", engine[0]))

    def processes(self) -> list[psutil.Process]:
        """All processes of this project."""
        found, mark = [], f"{MARK}={self.folder}".encode()
        for entry in os.listdir("/proc"):
            with contextlib.suppress(OSError, psutil.Error):
                if entry.isdecimal() and mark in Path("/proc", entry, "environ").read_bytes().split(b"\0"):
                    found.append(psutil.Process(int(entry)))
        return found

    def by_kind(self) -> dict[str, list[psutil.Process]]:
        """The same, by what they are."""
        found: dict[str, list[psutil.Process]] = {}
        for process in self.processes():
            with contextlib.suppress(psutil.Error):
                found.setdefault(_kind(process.cmdline()), []).append(process)
        return found

    # Means

    def drain(self) -> None:
        """Work off what is left. What its own agent's death has made dead or failed is tried again: that verdict is right."""
        for _ in range(8):
            self.command("engine", "start", "--drain")
            assert not self.read("SELECT error_message FROM tasks WHERE error_code = 'ABTH-ERR-199'")
            bad = self.read("SELECT id FROM tasks WHERE status IN ('dead', 'failed') ORDER BY kind = 'loop', id")
            if not bad:
                break
            # One that comes back with another is not there to be retried any more, which is said.
            subprocess.run([PROGRAM, "task", "retry", *(f"t{id}" for (id,) in bad)], cwd=self.project, env=self.environment, capture_output=True)
        self.command("engine", "stop")

    def end(self) -> None:
        """Kill all that is left."""
        # A guard whose engine is killed before it starts another one.
        while left := self.processes():
            for process in left:
                with contextlib.suppress(psutil.Error):
                    process.kill()
            time.sleep(0.05)
        for client in self.clients:
            client.communicate()
        self.database.close()


def _kind(words: list[str]) -> str:
    if not words or Path(words[0]).name == "strace":
        return "gone"
    if any("beside.py" in word for word in words):
        return "guard"
    if any("kill_noted" in word for word in words):
        return "last guard"
    if "abathur_tui.engine" in words:
        return "engine"
    if PROGRAM in words:
        return "screen" if words[-1] == PROGRAM else "command"
    return "grandchild" if words == ["sleep", "60"] else "agent"
