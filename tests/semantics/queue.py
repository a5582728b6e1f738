"""A project as its user has it: commands, agents that are shell programs, and the file."""

import json
import sqlite3
from collections.abc import Mapping
from contextlib import closing
from dataclasses import dataclass
from typing import Any

from tests.cli.program import Program
from tests.waiting import eventually

SHELL = ["sh", "-c", "eval \"$(sed -n 's/^! //p')\""]
"""An agent that does what the lines of its prompt say that begin with an exclamation mark: what it builds on stands there too."""


@dataclass
class Queue:
    """A project whose prompts are shell commands."""

    program: Program

    def submit(self, prompt: str, *options: str) -> str:
        """Queue one task; gives its id."""
        return str(self.program.ask("task", "submit", f"! {prompt}", *options)["task"])

    def batch(self, *lines: Mapping[str, Any]) -> list[str]:
        """Queue several as one execution; gives their ids."""
        return list(
            self.program.ask("task", "batch-submit", "-", input="\n".join(json.dumps({**line, "prompt": f"! {line['prompt']}"}) for line in lines))[
                "tasks"
            ]
        )

    def drain(self, **settings: str) -> None:
        """Let an engine work it off."""
        assert self.program("engine", "start", "--drain", "--quiet", env=settings, timeout=120).code == 0

    def show(self, task: str) -> Any:
        """All of a task."""
        return self.program.ask("task", "show", task)

    def statuses(self, *tasks: str) -> list[str]:
        """How they stand."""
        found = {f"t{id}": status for id, status in self.rows("SELECT id, status FROM tasks")}
        return [found[task] for task in tasks]

    def ends(self, task: str, status: str) -> None:
        """Wait until it stands like that."""
        eventually(lambda: self.statuses(task) == [status], 60)

    def rows(self, statement: str) -> list[Any]:
        """What any SQLite tool reads."""
        with closing(sqlite3.connect(f"file:{self.program.folder}/.abathur/abathur.db?mode=ro", uri=True)) as database:
            return database.execute(statement).fetchall()

    def claims(self) -> list[str]:
        """The tasks in the order in which they were started."""
        return [f"t{task}" for (task,) in self.rows("SELECT task FROM audit WHERE action = 'task.running' ORDER BY id")]

    def check(self) -> None:
        """Counts equal rows, the audit has every change of every task once and in order, and `db check` finds nothing."""
        counted = self.rows("SELECT lane, status, tasks FROM counts WHERE tasks > 0 ORDER BY 1, 2")
        assert counted == self.rows("SELECT lane, status, count(*) FROM tasks GROUP BY 1, 2 ORDER BY 1, 2")
        told = self.rows("SELECT task, version, to_state FROM audit WHERE action LIKE 'task.%' AND to_state IS NOT NULL ORDER BY id")
        histories: dict[int, list[tuple[int, str]]] = {}
        for task, version, status in told:
            histories.setdefault(task, []).append((version, status))
        stands = {id: (version, status) for id, version, status in self.rows("SELECT id, version, status FROM tasks")}
        assert {id: history[-1] for id, history in histories.items()} == stands
        assert all([version for version, _ in history] == list(range(len(history))) for history in histories.values())
        assert self.program.ask("db", "check") == {"ok": True, "problems": []}
