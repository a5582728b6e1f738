"""What engine, agents and their commands take of the machine, and what follows for new agents."""

from dataclasses import dataclass
from enum import IntEnum

ONE_AT_A_TIME = 0.8
"""Share of a limit beyond which agents start one at a time."""
NONE_STARTS = 0.9
"""Share of a limit beyond which none starts."""


class Starts(IntEnum):
    """How new agents start."""

    FREELY = 0
    ONE = 1
    """One at a time: the next one after another look."""
    NONE = 2


@dataclass(frozen=True, slots=True)
class Gate:
    """Whether new agents start, and what holds them up."""

    starts: Starts = Starts.FREELY
    why: str = ""
    """`memory` or `cpu`; empty where they start freely."""


OPEN = Gate()


@dataclass(frozen=True, slots=True)
class Sample:
    """What was taken at one moment."""

    at: float
    engine: str
    memory_bytes: int
    memory_limit: int
    cores: float | None
    """In use since the sample before; None for an engine's first."""
    cores_limit: float
    processes: int
    gate: Gate = OPEN

    @property
    def exhausted(self) -> bool:
        """Whether all memory is taken."""
        return self.memory_bytes >= self.memory_limit


def gate_for(memory_share: float, cores_share: float) -> Gate:
    """What follows from these shares of the limits: the stricter of the two counts, of equals memory."""
    by_memory, by_cores = _starts(memory_share), _starts(cores_share)
    if by_memory is by_cores is Starts.FREELY:
        return OPEN
    return Gate(by_memory, "memory") if by_memory >= by_cores else Gate(by_cores, "cpu")


def _starts(share: float) -> Starts:
    return Starts.NONE if share > NONE_STARTS else Starts.ONE if share > ONE_AT_A_TIME else Starts.FREELY
