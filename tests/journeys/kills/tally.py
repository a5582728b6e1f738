"""What a run has done."""

from collections import Counter
from dataclasses import dataclass
from typing import Any, TypeAlias

Counts: TypeAlias = Counter[tuple[str, str, str]]
"""Scenario, call and what was done at it, to how often; all was well after each."""


@dataclass(frozen=True, slots=True)
class Run:
    """One, of which the page says what it was."""

    command: str
    revision: str
    machine: str
    minutes: float
    counts: Counts
    note: str = ""
    """What a person has to say of it, such as that it was broken off."""

    def data(self) -> dict[str, object]:
        """For a file."""
        rows = [[*key, number] for key, number in sorted(self.counts.items())]
        return {
            "command": self.command,
            "revision": self.revision,
            "machine": self.machine,
            "minutes": round(self.minutes, 1),
            "note": self.note,
            "counts": rows,
        }

    @classmethod
    def from_json(cls, data: Any) -> "Run":
        """What `data` has made."""
        counts: Counts = Counter({(name, call, what): number for name, call, what, number in data["counts"]})
        return cls(data["command"], data["revision"], data["machine"], data["minutes"], counts, data["note"])
