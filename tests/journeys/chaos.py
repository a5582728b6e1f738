"""Kills everything at random moments, and checks that nothing was lost.

    python -m tests.journeys.chaos --seconds 600 --seed 1

Engines, guards, commands and agents' programs of a project of its own are killed with -9 while commands submit work. Afterwards the queue is
drained, and every task that a command reported must be there and completed, its audit must explain it, and nothing may be left running.
"""

import argparse
import contextlib
import json
import os
import random
import signal
import sqlite3
import subprocess
import sys
import tempfile
import time
from collections import Counter
from dataclasses import dataclass, field
from pathlib import Path

import psutil  # type: ignore[import-untyped]

from tests.waiting import eventually

MARK = "ABATHUR_CHAOS"
PROGRAM = str(Path(sys.executable).parent / "abathur")
AGENT = "import sys, time; sys.stdin.read(); time.sleep(0.2); print('made')"
DOCUMENTS = (
    'ABYSSAL[CODE]("auth service", language="rust")',
    'a = ABYSSAL[RESEARCH]("queues")\nABYSSAL[DOCUMENT](a)\nABYSSAL[ROADMAP]("a queue")',
    "a plain prompt",
)
BACK_AT_WORK_SECONDS = 5.0


@dataclass
class Chaos:
    """A project in a folder of its own, what was killed in it, and what its commands acknowledged."""

    folder: Path
    seed: int
    kills: Counter[str] = field(default_factory=Counter)
    executions: list[str] = field(default_factory=list)
    slowest_return_seconds: float = 0.0

    def __post_init__(self) -> None:
        """Choices are made by the seed; what happens by the machine's timing."""
        self._random = random.Random(self.seed)
        self._environment = {
            "PATH": os.environ["PATH"],
            "HOME": str(self.folder / "home"),
            "LANG": "C.UTF-8",
            "TERM": "dumb",
            MARK: str(self.folder),
            "ABATHUR_API__RUNTIME": "command",
            "ABATHUR_RUNTIMES__COMMAND__ARGV": json.dumps([sys.executable, "-c", AGENT]),
            "ABATHUR_RUNTIMES__COMMAND__ENV": json.dumps([MARK]),
            "ABATHUR_QUEUE__RETRY_INITIAL_SECONDS": "0.1",
        }
        self.project = self.folder / "project"
        self.project.mkdir()

    def run(self, seconds: float) -> None:
        """Submit and kill until the time is over, then drain."""
        self.command("init")
        deadline = time.monotonic() + seconds
        clients: list[subprocess.Popen[str]] = []
        while time.monotonic() < deadline:
            if len(clients) < 3:
                clients.append(self.submit())
            pause = time.monotonic() + self._random.uniform(0.05, 0.8)
            while time.monotonic() < min(pause, deadline):
                clients = [client for client in clients if not self.acknowledged(client)]
                time.sleep(0.02)
            self.kill_something()
        for client in clients:
            client.wait(60)
            self.acknowledged(client)
        self.drain()

    def submit(self) -> subprocess.Popen[str]:
        """Hand in a document; the command answers when it is on disk."""
        arguments = [PROGRAM, "run", "--detach", "--json", self._random.choice(DOCUMENTS)]
        return subprocess.Popen(
            arguments, cwd=self.project, env=self._environment, text=True, stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=subprocess.PIPE
        )

    def acknowledged(self, client: subprocess.Popen[str]) -> bool:
        """Whether the command has ended; its answer is kept."""
        if client.poll() is None:
            return False
        out, err = client.communicate()
        if client.returncode == 0:
            self.executions.append(json.loads(out)["execution"])
        assert "Traceback" not in err, err
        assert client.returncode in (0, -signal.SIGKILL), err
        return True

    def kill_something(self) -> None:
        """Kill one or two processes of a random kind."""
        by_kind: dict[str, list[psutil.Process]] = {}
        for process in self.processes():
            by_kind.setdefault(self.kind(process), []).append(process)
        # Commands are short: were they killed as often as the rest, nothing would ever be submitted.
        kinds = [kind for kind in ("engine", "guard", "agent", "command") if kind in by_kind and (kind != "command" or self._random.random() < 0.2)]
        if not kinds:
            return
        chosen = self._random.sample(kinds, k=min(len(kinds), self._random.choice((1, 1, 2))))
        for kind in chosen:
            with contextlib.suppress(psutil.NoSuchProcess):
                self._random.choice(by_kind[kind]).kill()
                self.kills[kind] += 1
        if "engine" in chosen and "guard" not in chosen and "guard" in by_kind:
            self.await_return()

    def await_return(self) -> None:
        """A killed engine's guard brings an engine back, with nobody attached."""
        start = time.monotonic()
        eventually(lambda: self.status()["engine"] is not None, BACK_AT_WORK_SECONDS * 2)
        self.slowest_return_seconds = max(self.slowest_return_seconds, time.monotonic() - start)

    def status(self) -> dict[str, object]:
        """`abathur status --json`."""
        answer: dict[str, object] = json.loads(self.command("status", "--json"))
        return answer

    def command(self, *arguments: str) -> str:
        """Run a command to its end, and give its standard output."""
        done = subprocess.run([PROGRAM, *arguments], cwd=self.project, env=self._environment, text=True, capture_output=True, timeout=300, check=True)
        return done.stdout

    def drain(self) -> None:
        """Work off what is left. What its own agent's death has made dead is retried: that verdict is right."""
        for _ in range(20):
            self.command("engine", "start", "--drain")
            dead = [task["id"] for task in json.loads(self.command("task", "list", "--status", "dead", "--limit", "100000", "--json"))]
            if not dead:
                break
            self.command("task", "retry", *dead, "--json")
        self.command("engine", "stop")

    def check(self) -> None:
        """Every law that a user would rely on. Raises AssertionError."""
        database = sqlite3.connect(f"file:{self.project / '.abathur' / 'abathur.db'}?mode=ro", uri=True)
        with contextlib.closing(database):
            assert database.execute("PRAGMA integrity_check").fetchall() == [("ok",)]
            statuses = dict(database.execute("SELECT status, count(*) FROM tasks GROUP BY status"))
            assert set(statuses) == {"completed"}, statuses
            known = {f"x{number}" for (number,) in database.execute("SELECT id FROM executions")}
            assert set(self.executions) <= known, set(self.executions) - known
            twice = database.execute("SELECT task, count(*) FROM audit WHERE action = 'task.completed' GROUP BY task HAVING count(*) > 1").fetchall()
            assert not twice, twice
            self.check_audit(database)
            counted = dict(database.execute("SELECT status, sum(tasks) FROM counts GROUP BY status HAVING sum(tasks) > 0"))
            assert counted == statuses
        left = eventually(lambda: None if self.processes() else "nothing", 10)
        assert left == "nothing"

    def check_audit(self, database: sqlite3.Connection) -> None:
        """Each task's audit is one chain from its submission to its end."""
        last: dict[int, str | None] = {}
        for task, before, after in database.execute("SELECT task, from_state, to_state FROM audit WHERE action LIKE 'task.%' ORDER BY id"):
            if after is not None:
                assert before == last.get(task), (task, before, after)
                last[task] = after
        assert set(last.values()) == {"completed"}, last

    def processes(self) -> list[psutil.Process]:
        """All processes of this project."""
        found = []
        for process in psutil.process_iter():
            with contextlib.suppress(psutil.Error):
                if process.status() != psutil.STATUS_ZOMBIE and process.environ().get(MARK) == str(self.folder):
                    found.append(process)
        return found

    def kind(self, process: psutil.Process) -> str:
        """What a process is."""
        try:
            words = process.cmdline()
        except psutil.Error:
            return "gone"
        if any("beside.py" in word for word in words):
            return "guard"
        if "abathur_tui.engine" in words:
            return "engine"
        return "command" if PROGRAM in words else "agent"


def main() -> None:
    """Run for as long as asked, check, report."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--seconds", type=float, default=60)
    parser.add_argument("--seed", type=int, default=int(time.time()))
    arguments = parser.parse_args()
    with tempfile.TemporaryDirectory(ignore_cleanup_errors=True) as folder:
        chaos = Chaos(Path(folder), arguments.seed)
        try:
            chaos.run(arguments.seconds)
            chaos.check()
        finally:
            for process in chaos.processes():
                process.kill()
        print(
            f"seed {arguments.seed}: {sum(chaos.kills.values())} kills ({dict(chaos.kills)}), {len(chaos.executions)} executions acknowledged, "
            f"back at work after at most {chaos.slowest_return_seconds:.1f} s, nothing lost"
        )


if __name__ == "__main__":
    main()
