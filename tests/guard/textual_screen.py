"""A real Textual app under the guard: `python -m tests.guard.textual_screen FOLDER`. Ctrl-Z suspends it."""

import os
import sys
from pathlib import Path

from abathur_tui.guard import run_screen


def show() -> int:
    """Run the app; FOLDER/pids has its own and its parent's process id as soon as it is ready."""
    from textual.app import App  # As in the product: after the fork.

    class Screen(App[int]):
        BINDINGS = [("ctrl+z", "suspend_process", "Suspend"), ("q", "exit(0)", "Quit")]  # noqa: RUF012

        def on_ready(self) -> None:
            folder = Path(sys.argv[1])
            (folder / "draft").write_text(f"{os.getpid()} {os.getppid()}\n")
            (folder / "draft").rename(folder / "pids")

    return Screen().run() or 0


if __name__ == "__main__":
    sys.exit(run_screen(show))
