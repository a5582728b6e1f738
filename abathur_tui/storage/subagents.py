"""Sub-agents: tasks that an agent has made through a tool call, and the roles that it has made up for them."""

import json
from dataclasses import dataclass
from sqlite3 import Connection

from abathur_tui.domain.leases import Lease
from abathur_tui.domain.plan import PlanNode
from abathur_tui.domain.templates import MADE
from abathur_tui.storage.queue.submitting import add_child
from abathur_tui.storage.records import keep, strings
from abathur_tui.storage.sql import named

_SQL = named("subagents")

NUMBERS_BELOW = -1_000_000
"""The numbers of sub-agents' tasks among those that a task has made: passes count from 1, questions from -1 down."""


@dataclass(frozen=True, slots=True)
class Place:
    """Where an agent stands in the tree."""

    parent: int | None
    """The agent that spawned it."""
    depth: int
    """1 for a sub-agent of an agent that is none."""
    tools: tuple[str, ...]
    """It may use none but these."""


@dataclass(frozen=True, slots=True)
class Asked:
    """The tool call that asks for a sub-agent."""

    turn: int
    call: str


def made_by(c: Connection, asked: Asked) -> int | None:
    """The task that a call has made, also in an earlier engine; None where it has made none."""
    found = c.execute(_SQL["of_call"], (asked.turn, asked.call)).fetchone()
    return None if found is None else int(found[0])


def place_of(c: Connection, task: int) -> Place | None:
    """Where the agent of a task stands; None where it is nobody's sub-agent."""
    found = c.execute(_SQL["of_task"], (task,)).fetchone()
    return None if found is None else Place(found[0], found[1], strings(found[2]))


def add(c: Connection, lease: Lease, node: PlanNode, asked: Asked, place: Place, now: float) -> int:
    """A task for a sub-agent, inside the lease's. Raises LeaseLost."""
    (number,) = c.execute(_SQL["number"], {"task": lease.task}).fetchone()
    task = add_child(c, lease, node, now, pass_number=number)
    c.execute(_SQL["keep"], (task, place.parent, asked.turn, asked.call, place.depth, json.dumps(place.tools)))
    return task


def keep_role(c: Connection, execution: int, name: str, text: str) -> str:
    """Keep a definition that was made for the execution; gives its name there, with a number where another one has it already."""
    number, free = 1, name
    while (kept := c.execute(_SQL["kept_role"], (execution, f"{MADE}{free}")).fetchone()) is not None and kept[0] != text:
        number += 1
        free = f"{name}-{number}"
    if kept is None:
        c.execute(_SQL["keep_role"], (execution, f"{MADE}{free}", keep(c, text)))
    return free
