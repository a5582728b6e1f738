"""A clock that is set by hand, and tells when somebody has looked at it; and time that passes at once for the event loop."""

import asyncio
from dataclasses import dataclass

from abathur_tui.domain.clock import SystemClock


@dataclass
class HandClock(SystemClock):
    """The monotonic clock goes on by `forward` only."""

    at: float = 1000.0
    looks: int = 0

    def monotonic(self) -> float:
        """Where it was set."""
        self.looks += 1
        return self.at

    def forward(self, seconds: float) -> int:
        """Let time pass; gives how often somebody had looked by then."""
        self.at += seconds
        return self.looks


def let_pass(seconds: float) -> None:
    """All that the running event loop has put off comes due as if this time had passed: pauses, limits, silences."""
    loop = asyncio.get_running_loop()
    before = loop.time
    loop.time = lambda: before() + seconds  # type: ignore[method-assign]
