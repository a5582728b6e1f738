"""The swarm's own rows: how many agents somebody has asked for, and what was decided about new ones."""

from sqlite3 import Connection
from typing import Any

from abathur_tui.domain.data import JsonObject, canonical
from abathur_tui.domain.resources import Sample, gate_for
from abathur_tui.storage.sql import named

_SQL = named("swarm")

KEPT_SAMPLES = 720
"""An hour of them, where somebody works all the time."""


def limit(c: Connection) -> int | None:
    """How many agents may work at once, as somebody has asked for; None where the settings say."""
    found = c.execute(_SQL["limit"]).fetchone()
    return None if found is None or found[0] is None else int(found[0])


def scale(c: Connection, agents: int, actor: str, now: float) -> None:
    """So many agents at once, in the engine that works and in those to come."""
    if c.execute(_SQL["scale"], {"agents": agents, "actor": actor, "now": now}).rowcount:
        c.execute(_SQL["scale_engines"], {"agents": agents})
        audit(c, "swarm.scaled", f"{agents} agents at once", {"agents": agents}, actor, now)


def keep_sample(c: Connection, sample: Sample) -> None:
    """What was taken of the machine, and what holds new agents up."""
    c.execute(
        _SQL["keep_sample"],
        {
            "at": sample.at,
            "engine": sample.engine,
            "memory_bytes": sample.memory_bytes,
            "memory_limit": sample.memory_limit,
            "cores": sample.cores,
            "cores_limit": sample.cores_limit,
            "processes": sample.processes,
            "gate": sample.gate.why,
        },
    )
    c.execute(_SQL["forget_samples"], (KEPT_SAMPLES,))
    c.execute(_SQL["gate"], {"gate": sample.gate.why})


def open_gate(c: Connection) -> None:
    """Nothing is known any more that would hold new agents up."""
    c.execute(_SQL["gate"], {"gate": ""})


def samples(c: Connection, limit: int) -> list[Sample]:
    """The newest samples, the newest first."""
    return [_sample(row) for row in c.execute(_SQL["samples"], (limit,))]


def audit(c: Connection, action: str, reason: str, detail: JsonObject, actor: str, now: float, *, engine: str | None = None) -> None:
    """Keep what was decided."""
    values = {"now": now, "actor": actor, "action": action, "engine": engine, "reason": reason, "detail": canonical(detail)}
    c.execute(_SQL["audit"], values)


def _sample(row: tuple[Any, ...]) -> Sample:
    at, engine, taken, memory_limit, cores, cores_limit, processes, why = row
    by_memory, by_cores = (taken / memory_limit if why == "memory" else 0.0), ((cores or 0.0) / cores_limit if why == "cpu" else 0.0)
    return Sample(at, engine, taken, memory_limit, cores, cores_limit, processes, gate_for(by_memory, by_cores))
