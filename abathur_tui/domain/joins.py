"""What a join leaves beside its result: who contributed what, where members contradicted each other, and what a judge said."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from abathur_tui.domain.data import JsonObject, JsonValue
from abathur_tui.domain.plan import JoinStrategy


@dataclass(frozen=True, slots=True)
class Judged:
    """What a judge says of one thing by which it scores."""

    name: str
    score: float
    """0 to 1."""
    reason: str


@dataclass(frozen=True, slots=True)
class Quality:
    """How good a result is, as a judge scored it, and what was found of each thing that it must meet."""

    score: float | None
    """0 to 1; None where nobody judged."""
    criteria: tuple[Judged, ...]
    confidence: float | None = None
    """How sure the judge is that the result is right, 0 to 1; None where nobody said."""

    def data(self) -> JsonObject:
        """As `run --json` gives it."""
        criteria: list[JsonValue] = [{"name": one.name, "score": one.score, "reason": one.reason} for one in self.criteria]
        return {"score": self.score, "confidence": self.confidence, "criteria": criteria}

    @property
    def told(self) -> tuple[str, ...]:
        """In words, a line for the whole and one for each thing that was looked at."""
        score = "" if self.score is None else f"{self.score:.2f}"
        sure = "" if self.confidence is None else f"confidence {self.confidence:.2f}"
        whole = ", ".join(part for part in (score, sure) if part)
        return tuple(line for line in (whole, *(f"{one.score:.2f} {one.name}: {one.reason}" for one in self.criteria)) if line)


@dataclass(frozen=True, slots=True)
class Stand:
    """What some of the members say about one thing."""

    value: JsonValue
    tasks: tuple[int, ...]


@dataclass(frozen=True, slots=True)
class Conflict:
    """Members that contradict each other."""

    kind: str
    """`key` (of structured results), `lines` (of a file) or `answer` (of a vote)."""
    where: str
    """`server.port`, `src/app.py:12`."""
    stands: tuple[Stand, ...]
    rule: str = ""
    """By what it was settled: a conflict rule, a vote, the agent that wrote the result; empty where it was not."""
    settled: JsonValue = None
    """What stands in the result."""
    reason: str = ""

    def data(self) -> JsonObject:
        """As it is kept; tasks are numbers."""
        return {
            "kind": self.kind,
            "where": self.where,
            "values": [{"value": stand.value, "members": list(stand.tasks)} for stand in self.stands],
            "rule": self.rule,
            "settled": self.settled,
            "reason": self.reason,
        }


@dataclass(frozen=True, slots=True)
class Contribution:
    """What a member added to the result."""

    task: int
    used: bool
    """Something of it is in the result."""
    note: str
    """In a few words: `4 keys`, `voted for "yes"`."""


@dataclass(frozen=True, slots=True)
class JoinReport:
    """How a join came to its result."""

    strategy: JoinStrategy
    account: str
    """One sentence, without its full stop."""
    missing: tuple[str, ...] = ()
    """A line for each member that did not complete, or whose result was of no use."""
    contributions: tuple[Contribution, ...] = ()
    conflicts: tuple[Conflict, ...] = ()
    quality: Quality | None = None

    def data(self) -> JsonObject:
        """What is kept with the join's task."""
        return {
            "strategy": str(self.strategy),
            "account": self.account,
            "missing": list(self.missing),
            "contributions": [{"task": one.task, "used": one.used, "note": one.note} for one in self.contributions],
            "conflicts": [conflict.data() for conflict in self.conflicts],
            "quality": None if self.quality is None else self.quality.data(),
        }


def report_from(detail: Mapping[str, Any]) -> JoinReport | None:
    """The report that `JoinReport.data` wrote into a task's detail; None where there is none."""
    if "strategy" not in detail:
        return None
    return JoinReport(
        JoinStrategy(detail["strategy"]),
        detail["account"],
        tuple(detail["missing"]),
        tuple(Contribution(one["task"], one["used"], one["note"]) for one in detail["contributions"]),
        tuple(_conflict(one) for one in detail["conflicts"]),
        quality_from(detail),
    )


def quality_from(detail: Mapping[str, Any]) -> Quality | None:
    """How good a task's result is, by its detail; None where nobody judged."""
    quality = detail.get("quality")
    if quality is None:
        return None
    # Null is not kept in a task's detail, where it means that there is nothing.
    return Quality(quality.get("score"), tuple(Judged(**one) for one in quality["criteria"]), quality.get("confidence"))


def _conflict(data: Mapping[str, Any]) -> Conflict:
    stands = tuple(Stand(one["value"], tuple(one["members"])) for one in data["values"])
    # Null is not kept in a task's detail, where it means that there is nothing.
    return Conflict(data["kind"], data["where"], stands, data["rule"], data.get("settled"), data["reason"])
