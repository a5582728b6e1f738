"""Plain tasks: their one turn is begun in the transaction that claims them, so that it can be asked at once."""

import sqlite3
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from sqlite3 import Connection
from typing import NamedTuple

from abathur_tui.domain.conversation import Limits, Runtime
from abathur_tui.domain.leases import Claim, Work
from abathur_tui.domain.templates import AgentDefinition
from abathur_tui.engine.prompting import plain_prompt, prompt_of, room_for_prompt
from abathur_tui.engine.swarm import Idle, Lent, dismiss
from abathur_tui.engine.workshop import Workshop
from abathur_tui.storage import queue, views
from abathur_tui.storage.queue import FirstTurn, LastTurn, PlainTask

GENERALIST = "generalist"


class Start(NamedTuple):
    """All that the first turn of a plain task is made of."""

    task: PlainTask
    built_on: Work | None
    """The task with the result that it builds on, where it builds on one."""
    definition: AgentDefinition
    runtime: Runtime
    limits: Limits
    prompt: str
    is_given: bool
    """The prompt is the parameter of that name as it stands."""

    def work(self) -> Work:
        """All that is known of the task."""
        return self.built_on or self.task.work()


class Begun(NamedTuple):
    """A first turn that is on disk, and who does it."""

    start: Start
    agent: int
    turn: int


@dataclass(frozen=True, slots=True)
class Hands:
    """Who can be given a task."""

    lent: Lent
    """Those who are idle."""
    ended: Sequence[LastTurn]
    """What has ended in this transaction: those agents go on to the next task without a pause."""


@dataclass(frozen=True, slots=True)
class AllBegun:
    """What was begun in one transaction."""

    turns: Mapping[int, Begun]
    """By task."""
    idle: Sequence[Idle]
    """Who was idle and is still."""
    handed_on: frozenset[int]
    """The agents whose tasks have ended, and who are not idle: they have their next task, or have made room for a new agent."""


def begin(c: Connection, shop: Workshop, claims: Sequence[Claim], hands: Hands, now: float) -> AllBegun:
    """Part of the transaction that has taken these claims: their attempts, and the first turn of each task that is plain.

    A task of which anything is not known yet (its runtime was never opened, its agent's definition is not in a file) is left to its worker.
    """
    if not claims:
        return AllBegun({}, hands.lent.idle, frozenset())
    means = _Means(shop)
    starts = {id: start for id, task in queue.plain(c, claims).items() if (start := means.start(c, task)) is not None}
    idle, ended, firsts, new = list(hands.lent.idle), list(hands.ended), [], 0
    for claim in claims:
        if (start := starts.get(claim.lease.task)) is not None:
            name = start.definition.name
            after = next((last for last in ended if last.definition == name), None)
            resting = None if after is not None else next((one for one in idle if one.definition == name), None)
            if after is not None:
                ended.remove(after)
            elif resting is not None:
                idle.remove(resting)
            else:
                new += 1
            firsts.append(
                FirstTurn(claim, after, None if resting is None else resting.agent, name, start.definition.prompt, start.prompt, start.is_given)
            )
    for last, one in _too_many(new - max(hands.lent.room, 0), idle, ended):
        if last is not None:
            queue.free_agents(c, [last], now)
            ended.remove(last)
            dismiss(c, last.agent, now)
        elif one is not None:
            idle.remove(one)
            dismiss(c, one.agent, now)
    turns = queue.begin_turns(c, firsts, now) if firsts else []
    begun = {first.claim.lease.task: Begun(starts[first.claim.lease.task], *turn) for first, turn in zip(firsts, turns, strict=True)}
    queue.begin_attempts(c, [(claim, begun[claim.lease.task].agent if claim.lease.task in begun else None) for claim in claims], now)
    return AllBegun(begun, idle, frozenset(last.agent for last in hands.ended) - {last.agent for last in ended})


def _too_many(number: int, idle: Sequence[Idle], ended: Sequence[LastTurn]) -> list[tuple[LastTurn | None, Idle | None]]:
    """Who makes room for new agents: the longest idle first, then those whose task has just ended."""
    resting: list[tuple[LastTurn | None, Idle | None]] = [(None, one) for one in sorted(idle, key=lambda one: one.since)]
    return [*resting, *((last, None) for last in ended)][: max(number, 0)]


class _Means:
    """What is known of agents and runtimes, looked up once for all tasks of a transaction."""

    def __init__(self, shop: Workshop) -> None:
        self._shop = shop
        self._definitions: dict[str, AgentDefinition | None] = {}
        self._reached: dict[int, tuple[Runtime, Limits] | None] = {}
        """By the identity of the choice, which all tasks of one transaction share that have the same."""

    def start(self, c: Connection, task: PlainTask) -> Start | None:
        """How a plain task begins; None where its worker has to find that out."""
        try:
            return self._start(c, task)
        except sqlite3.Error:
            raise
        except Exception:
            return None  # its worker meets that too, and says so: it is the task's own, and must not keep the others from beginning

    def _start(self, c: Connection, task: PlainTask) -> Start | None:
        name, choice = task.claim.agent or GENERALIST, task.choice
        if name not in self._definitions:
            self._definitions[name] = self._shop.registry.agent(name)
        if id(choice) not in self._reached:
            self._reached[id(choice)] = self._shop.runtimes.reached(choice)
        definition, reached = self._definitions[name], self._reached[id(choice)]
        if definition is None or reached is None:
            return None
        if task.link is not None:
            work = views.work(c, task.claim.lease.task)
            prompt = prompt_of(work, room_for_prompt(reached[1], definition.prompt))
            return Start(task, work, definition, *reached, prompt, work.parameters.get("prompt") == prompt)
        parameters = task.given()
        prompt = plain_prompt(task.prompt, parameters, task.instance, task.instances)
        return Start(task, None, definition, *reached, prompt, parameters.get("prompt") == prompt)
