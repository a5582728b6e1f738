"""The program as its users run it: a process, in a folder, with an environment."""

import contextlib
import io
import json
import os
import sqlite3
import subprocess
import sys
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any
from unittest import mock

import psutil  # type: ignore[import-untyped]

from abathur_tui.cli import entry
from tests.waiting import eventually

PROGRAM = str(Path(sys.executable).parent / "abathur")
AGENT = str(Path(__file__).parent / "agent.py")


@dataclass
class Answer:
    """What a command answered."""

    code: int
    out: str
    err: str

    @property
    def data(self) -> Any:
        """Standard output as one JSON document."""
        return json.loads(self.out)

    @property
    def records(self) -> list[Any]:
        """Standard output as JSON lines."""
        return [json.loads(line) for line in self.out.splitlines()]

    @property
    def error(self) -> Any:
        """The error object on standard error, whatever else is there."""
        objects = [json.loads(line) for line in self.err.splitlines() if line.startswith('{"error"')]
        (only,) = objects
        return only["error"]


@dataclass
class Program:
    """`abathur` in a folder of its own, with a home of its own, and the test's agent behind the command runtime."""

    folder: Path
    home: Path
    environ: dict[str, str] = field(default_factory=dict)

    def environment(self, more: Mapping[str, str] | None = None) -> dict[str, str]:
        """What the program sees: nothing of the developer's own settings and keys."""
        return {
            "PATH": os.environ["PATH"],
            "HOME": str(self.home),
            "LANG": "C.UTF-8",
            "TERM": "dumb",
            "ABATHUR_API__RUNTIME": "command",
            "ABATHUR_RUNTIMES__COMMAND__ARGV": json.dumps([sys.executable, AGENT]),
            "ABATHUR_QUEUE__RETRY_INITIAL_SECONDS": "0.05",
            **self.environ,
            **(more or {}),
        }

    def start(self, *arguments: str, env: Mapping[str, str] | None = None, **settings: Any) -> subprocess.Popen[str]:
        """Start a command, with pipes for standard output and error."""
        defaults: dict[str, Any] = {
            "stdin": subprocess.DEVNULL,
            "stdout": subprocess.PIPE,
            "stderr": subprocess.PIPE,
            "text": True,
            "encoding": "utf-8",
        }
        return subprocess.Popen([PROGRAM, *arguments], cwd=self.folder, env=self.environment(env), **(defaults | settings))

    def at_work(self, process: subprocess.Popen[str]) -> None:
        """Wait until a command that was started has its project open: an interrupt before that meets an interpreter that only starts."""
        name = str(self.folder / ".abathur" / "abathur.db")
        eventually(lambda: any(file.path == name for file in psutil.Process(process.pid).open_files()))

    def __call__(self, *arguments: str, input: str | None = None, env: Mapping[str, str] | None = None, timeout: float = 60) -> Answer:
        """Run a command to its end."""
        done = subprocess.run(
            [PROGRAM, *arguments],
            cwd=self.folder,
            env=self.environment(env),
            input=input if input is not None else "",
            capture_output=True,
            text=True,
            encoding="utf-8",
            timeout=timeout,
            check=False,
        )
        return Answer(done.returncode, done.stdout, done.stderr)

    def inside(self, *arguments: str, input: str = "", env: Mapping[str, str] | None = None) -> Answer:
        """Run a command to its end in this process: the same code without the start of an interpreter."""
        out, err = io.StringIO(), io.StringIO()
        folder = Path.cwd()
        os.chdir(self.folder)
        try:
            with (
                mock.patch.dict(os.environ, self.environment(env), clear=True),
                mock.patch.object(sys, "stdin", io.TextIOWrapper(io.BytesIO(input.encode()))),
                contextlib.redirect_stdout(out),
                contextlib.redirect_stderr(err),
            ):
                code = entry.run(arguments)
        finally:
            os.chdir(folder)
        return Answer(code, out.getvalue(), err.getvalue())

    def ask(self, *arguments: str, input: str = "", env: Mapping[str, str] | None = None) -> Any:
        """`inside` with `--json`, which must succeed; gives the document."""
        answer = self.inside(*arguments, "--json", input=input, env=env)
        assert answer.code == 0, answer
        return answer.data

    def due_since(self, table: str, moment: float) -> None:
        """Let what is to come come now: as if the time had passed."""
        column = "next_at" if table == "schedules" else "due"
        with contextlib.closing(sqlite3.connect(self.folder / ".abathur" / "abathur.db")) as database, database:
            database.execute("PRAGMA recursive_triggers = on")
            database.execute(f"UPDATE {table} SET {column} = ? WHERE {column} IS NOT NULL", (moment,))

    def json(self, *arguments: str, input: str | None = None, env: Mapping[str, str] | None = None) -> Any:
        """Run a command with `--json`, which must succeed, and give its document."""
        answer = self(*arguments, "--json", input=input, env=env)
        assert answer.code == 0, answer
        return answer.data
