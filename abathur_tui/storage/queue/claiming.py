"""Claims, and the lanes that limit them."""

from collections.abc import Mapping
from sqlite3 import Connection

from abathur_tui.domain.leases import Claim, LaneState

JOIN_LANE = "join"
"""Joins need no runtime, so they have a lane of their own that nothing limits; `claim` always looks there too."""


def claim(c: Connection, engine: str, free: Mapping[str, int], limit: int, now: float) -> list[Claim]:
    """Up to `limit` tasks, the most urgent first, and of each lane no more than its `free` slots (lane to number). Held lanes give none."""
    raise NotImplementedError


def lanes(c: Connection) -> list[LaneState]:
    """The lanes that have pending tasks."""
    raise NotImplementedError


def hold_lane(c: Connection, lane: str, why: str, until: float | None, message: str, actor: str, now: float) -> None:
    """Claim nothing of this lane until `until` (None: until somebody frees it); its tasks stay pending and show `why`."""
    raise NotImplementedError


def free_lane(c: Connection, lane: str, actor: str, now: float) -> None:
    """Let a held lane go on."""
    raise NotImplementedError
