"""Ending what has left its process group (`setsid`), by the mark in its environment."""

import threading

from abathur_tui.guard import kill_marked


class Sweeper:
    """However many programs end at once, all processes are looked at a few times only. Any thread may use it."""

    def __init__(self) -> None:
        """Nothing to sweep yet."""
        self._wanted: set[str] = set()
        self._sweeping = threading.Lock()

    def sweep(self, mark: str) -> None:
        """Kill all that carries this mark; returns when it was."""
        self._wanted.add(mark)
        with self._sweeping:
            if mark in self._wanted:
                marks = frozenset(self._wanted)
                kill_marked(marks)
                self._wanted -= marks
