"""Tasks that declare how much memory or how many cores they need start only when that fits beside those that are at work.

Until then they are set aside (`held`), so that a claim never walks over them.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from sqlite3 import Connection

from abathur_tui.domain.errors import NeedsTooMuch
from abathur_tui.domain.quantities import bytes_text
from abathur_tui.storage.queue.settling import fail_the_doomed
from abathur_tui.storage.sql import named

_SQL = named("fitting")

_LOOKED_AT = 100
"""How many are looked at: a small one may start before a large one that does not fit, within these."""


@dataclass(frozen=True, slots=True)
class Room:
    """What there is for tasks."""

    memory_bytes: int
    """In all."""
    cores: float
    """In all."""
    memory_taken: int = 0
    """As it was measured last."""


def let_go_what_fits(c: Connection, room: Room, free: Mapping[str, int], now: float) -> None:
    """Before a claim: let go, of each lane no more than it has free slots, what fits, and set the rest aside; what could never fit fails."""
    if not c.execute(_SQL["anybody"]).fetchone()[0]:
        return
    there = f"{bytes_text(room.memory_bytes)} and {room.cores:g} cores"
    values = {"now": now, "code": NeedsTooMuch.code, "there": there, "memory": room.memory_bytes, "cores": room.cores}
    if c.execute(_SQL["too_large"], values).rowcount:
        fail_the_doomed(c, now)
    set_aside(c)
    working, memory, cores = c.execute(_SQL["taken"]).fetchone()
    # Where nobody works, what the engine itself takes must not keep a task out for ever.
    memory = room.memory_bytes - max(memory, room.memory_taken if working else 0)
    cores = room.cores - cores
    slots = dict(free)
    for id, lane, needs_memory, needs_cores in c.execute(_SQL["next"], {"most": _LOOKED_AT}).fetchall():
        lacks = "memory" if (needs_memory or 0) > memory else "cpu" if (needs_cores or 0) > cores else ""
        if lacks:
            c.execute(_SQL["keep_back"], {"id": id, "held": lacks})
        elif slots.get(lane, 0) > 0:
            slots[lane] -= 1
            memory -= needs_memory or 0
            cores -= needs_cores or 0
            c.execute(_SQL["let_go"], (id,))


def set_aside(c: Connection) -> None:
    """After a claim: what was let go and not claimed waits again."""
    c.execute(_SQL["set_aside"])
