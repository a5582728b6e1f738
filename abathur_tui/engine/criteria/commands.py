"""The commands of a loop's criteria: shell commands in the project's folder, with a time limit and no key in their environment."""

import os
import signal
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from abathur_tui.domain.errors import CommandFailed
from abathur_tui.domain.ids import ExecutionId, TaskId, execution_text, task_text
from abathur_tui.domain.leases import Claim, Work
from abathur_tui.engine.workshop import Workshop
from abathur_tui.storage import journal

COMMAND_SECONDS = 300.0
"""How long one command may take, unless the loop has less left."""
_LONGEST_OUTPUT = 16_777_216
"""Bytes that a runner of tests may print."""
_SHOWN = 200
_NEVER_PASSED_ON = ("KEY", "TOKEN", "SECRET", "PASSWORD", "CREDENTIAL")


class Useless(Exception):
    """The command could not run to its end; the text says why."""


@dataclass(frozen=True, slots=True)
class Ran:
    """A command that ran to its end."""

    exit_code: int
    stdout: str
    stderr: str

    @property
    def said(self) -> str:
        """The end of what it printed, for a reason."""
        text = " ".join((self.stderr.strip() or self.stdout.strip()).split())
        return text if len(text) <= _SHOWN else "…" + text[-_SHOWN:]

    @property
    def ending(self) -> str:
        """How it ended, and what it said: `ended with exit code 3: no such table`."""
        said = f": {self.said}" if self.said else ""
        if self.exit_code >= 0:
            return f"ended with exit code {self.exit_code}{said}"
        try:
            name = signal.Signals(-self.exit_code).name
        except ValueError:  # a real-time signal has no name
            name = f"signal {-self.exit_code}"
        return f"was killed by {name}{said}"


class Commands:
    """Runs the commands that look at one result."""

    def __init__(self, shop: Workshop, claim: Claim, work: Work, number: int | None, task: int, seconds_left: float) -> None:
        """`task` is whose result is looked at; `number` the pass's, None where it is no pass."""
        self._shop = shop
        self._claim = claim
        self._work = work
        self._number = number
        self._task = task
        self._timeout = min(COMMAND_SECONDS, max(seconds_left, 1.0))

    async def run(self, command: str, stdin: str, *, long: bool = False) -> Ran:
        """Run it; `long`: it may print much. Raises Useless."""
        return await self.run_program(["/bin/sh", "-c", command], stdin, long=long)

    async def run_program(self, argv: Sequence[str], stdin: str, *, long: bool = False) -> Ran:
        """Run a program with these arguments in the same way. Raises Useless."""
        try:
            ran = await self._shop.children.run(
                argv,
                cwd=self._shop.project,
                env=self._environment(),
                stdin=stdin.encode("utf-8", "replace"),
                timeout_seconds=self._timeout,
                **({"output_limit": _LONGEST_OUTPUT} if long else {}),
            )
        except CommandFailed as error:
            raise Useless(f"was of no use: {error.message.rstrip('.')}") from error
        if ran.stderr.strip():
            said = ran.stderr.strip()[-2000:]
            await self._shop.database.write(lambda c: journal.log(c, self._claim.lease, "info", "stderr", said, self._shop.clock.now()))
        if ran.timed_out:
            raise Useless(f"took longer than {self._timeout:g} seconds")
        return Ran(ran.exit_code, ran.stdout, ran.stderr)

    def _environment(self) -> Mapping[str, str]:
        own = {name: value for name, value in os.environ.items() if not any(word in name.upper() for word in _NEVER_PASSED_ON)}
        return {
            **(dict(self._work.runtime.environment) or own),
            "ABATHUR_PROJECT": str(self._shop.project),
            "ABATHUR_EXECUTION": execution_text(ExecutionId(self._claim.execution)),
            "ABATHUR_TASK": task_text(TaskId(self._task)),
            "ABATHUR_ATTEMPT": str(self._claim.attempt),
            **({} if self._number is None else {"ABATHUR_PASS": str(self._number)}),
        }
