"""What a result must meet to count: commands that must exit 0, sentences that a judge checks, a least quality, a least confidence."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from abathur_tui.domain.data import JsonObject

LEAST = 0.8
"""Of a threshold that is switched on without a number, and of the score that a judge must give to a sentence."""


@dataclass(frozen=True, slots=True)
class Success:
    """A result that does not meet all of it is a failed attempt."""

    commands: tuple[str, ...] = ()
    """Shell commands that must exit 0; each gets the result on standard input."""
    sentences: tuple[str, ...] = ()
    """What a judge must find met."""
    quality: float | None = None
    """The lowest score from 0 to 1 that a judge may give; None: any."""
    confidence: float | None = None
    """How sure a judge must be at least that the result is right, from 0 to 1; None: any."""
    attempts: int | None = 0
    """How many more attempts follow one whose result does not do; None: as many as the queue's setting says."""

    @property
    def judged(self) -> bool:
        """Whether a judge is asked."""
        return bool(self.sentences) or self.quality is not None or self.confidence is not None

    @property
    def told(self) -> tuple[str, ...]:
        """Each thing in words, as an agent is told of them."""
        least = [f"a judge's score of at least {self.quality:g}"] if self.quality is not None else []
        sure = [f"a judge that is sure of it to at least {self.confidence:g}"] if self.confidence is not None else []
        return (*self.sentences, *(f"`{command}` exits 0; it is given the result on standard input" for command in self.commands), *least, *sure)


@dataclass(frozen=True, slots=True)
class Unmet:
    """A result that did not do, for the attempt after it."""

    number: int
    """How many attempts of the task had failed then, that one included."""
    reason: str

    def data(self) -> JsonObject:
        """As it is kept with the task."""
        return {"number": self.number, "reason": self.reason}


def unmet_from(detail: Mapping[str, Any]) -> Unmet | None:
    """What `Unmet.data` wrote into a task's detail under `unmet`; None where there is nothing."""
    match detail.get("unmet"):
        case {"number": int(number), "reason": str(reason)}:
            return Unmet(number, reason)
        case _:
            return None
