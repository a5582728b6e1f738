"""What a loop's passes and judges have cost, and which ceilings hold for a task."""

from dataclasses import dataclass
from sqlite3 import Connection

from abathur_tui.storage.sql import named

_SQL = named("spending")


@dataclass(frozen=True, slots=True)
class Spent:
    """What some tasks and all inside them have used."""

    tokens_input: int
    tokens_output: int
    cost_usd: float
    """What is known of it; each turn that was broken off counts as the dearest one that was not."""
    unknown: int
    """Turns without a known price."""
    broken_off: int
    """Turns that were broken off, of which nobody knows what they have cost."""
    began_at: float | None
    """When the first of the tasks was started."""

    @property
    def known_cost_usd(self) -> float | None:
        """None where anything of it is not known."""
        return None if self.unknown or self.broken_off else self.cost_usd


@dataclass(frozen=True, slots=True)
class Ceiling:
    """A budget that holds for a task."""

    loop: int
    """The task of the loop whose budget it is."""
    budget_usd: float


@dataclass(frozen=True, slots=True)
class Share:
    """A sub-agent's part of its agent's budget."""

    task: int
    asked: int
    """How many sub-agents its agent has asked for in the same turn."""
    together_usd: float
    """What all of these have cost, with all inside them."""
    own_usd: float
    """What of it is its own."""

    def usd(self, left_usd: float) -> float:
        """How much it may cost where so much is left for all: they have equal parts, and so has their agent, which is to go on after them."""
        return (self.together_usd + left_usd) / (self.asked + 1)


def spent(c: Connection, loop: int) -> Spent:
    """What the passes and judges of a loop's present round have cost so far."""
    return _spent(c, {"loop": loop, "pass": None, "first": 0, "last": 0})


def spent_in(c: Connection, loop: int, number: int, questions: range) -> Spent:
    """What one pass has cost, with what was asked of it; `questions` are their numbers among the loop's steps."""
    return _spent(c, {"loop": loop, "pass": number, "first": min(questions), "last": max(questions)})


def ceilings(c: Connection, task: int) -> tuple[Ceiling, ...]:
    """The budgets of the loops that a task is inside of, the nearest first."""
    return tuple(Ceiling(loop, budget) for loop, budget in c.execute(_SQL["ceilings"], (task,)))


def shares(c: Connection, task: int) -> list[Share]:
    """Of every sub-agent that a task is inside of, itself too, the outermost first: how its agent's budget is split."""
    asked = [id for (id,) in c.execute(_SQL["asked_above"], (task,))]
    return [Share(id, *c.execute(_SQL["share"], {"task": id}).fetchone()) for id in asked]


def _spent(c: Connection, values: dict[str, int | None]) -> Spent:
    tokens_input, tokens_output, cost, unpriced, began_at = c.execute(_SQL["spent"], values).fetchone()
    if not unpriced:
        return Spent(tokens_input, tokens_output, cost, 0, 0, began_at)
    unknown, dearest = c.execute(_SQL["unpriced"], values).fetchone()
    broken_off = max(unpriced - unknown, 0)
    return Spent(tokens_input, tokens_output, cost + broken_off * dearest, unknown, broken_off, began_at)
