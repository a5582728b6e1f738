"""The scripted engine, which kills itself with -9 at the moment that the file FOLDER/moment names, once for each; or hangs there,
where there is a file FOLDER/hang.

`python -m tests.engine.dying_engine FOLDER LEASE_SECONDS TURN_SECONDS [FLAG]…`. A moment is `before` or `after` one of the conversation's own writes,
or `in the tool`, after its effect.
"""

import os
import signal
import sys
import time
from collections.abc import Callable
from pathlib import Path
from sqlite3 import Connection
from typing import Concatenate, ParamSpec, TypeVar

from abathur_tui.domain.conversation import ToolOutcome
from abathur_tui.domain.data import JsonObject
from abathur_tui.guard import run_engine
from abathur_tui.storage import Database
from tests.engine import scripted_engine
from tests.scripted import Affect

P = ParamSpec("P")
T = TypeVar("T")

MOMENTS: dict[str, tuple[str, int]] = {
    "before _begin": ("known", 1),
    "after _begin": ("known", 1),
    "before _finish": ("known", 1),
    "after _finish": ("known", 1),
    "before _intend": ("known", 1),
    "after _intend": ("unknown", 0),
    "in the tool": ("unknown", 1),
    "before _done": ("unknown", 1),
    "after _done": ("known", 1),
}
"""Moments of a task with one tool call, in their order; what the model is told of the call afterwards, and how often it had its effect."""


def die(folder: Path, moment: str) -> None:
    """Die, if it is to be at this moment and has not been yet."""
    mark, wanted = folder / f"died {moment}", folder / "moment"
    if not mark.exists() and wanted.exists() and wanted.read_text() == moment:
        mark.touch()
        if (folder / "hang").exists():
            time.sleep(60)
        os.kill(os.getpid(), signal.SIGKILL)


class DyingDatabase(Database):
    """Dies before or after a write."""

    async def write(self, operation: Callable[Concatenate[Connection, P], T], *args: P.args, **kwargs: P.kwargs) -> T:
        """As ever, where it comes to that."""
        name = getattr(operation, "__name__", "")
        die(self.folder.parent, f"before {name}")
        result = await super().write(operation, *args, **kwargs)
        die(self.folder.parent, f"after {name}")
        return result


class DyingAffect(Affect):
    """Dies after its effect."""

    async def run(self, arguments: JsonObject) -> ToolOutcome:
        """Have the effect."""
        outcome = await super().run(arguments)
        die(self.folder, "in the tool")
        return outcome


if __name__ == "__main__":
    vars(scripted_engine).update(Database=DyingDatabase, Affect=DyingAffect)
    sys.exit(run_engine(scripted_engine.serve, scripted_engine.RESTARTS))
