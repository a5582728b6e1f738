"""Plain tasks: their one turn is begun in the transaction that claims them, so that it can be asked at once."""

from collections.abc import Sequence
from dataclasses import dataclass
from sqlite3 import Connection

from abathur_tui.domain.conversation import Limits, Runtime
from abathur_tui.domain.errors import PromptFailed
from abathur_tui.domain.leases import Claim, Work
from abathur_tui.domain.templates import AgentDefinition
from abathur_tui.engine.prompting import prompt_of, room_for_prompt
from abathur_tui.engine.swarm import Idle, Lent, dismiss
from abathur_tui.engine.workshop import Workshop
from abathur_tui.storage import queue
from abathur_tui.storage.queue import FirstTurn

GENERALIST = "generalist"


@dataclass(frozen=True, slots=True)
class Start:
    """All that the first turn of a plain task is made of."""

    work: Work
    definition: AgentDefinition
    runtime: Runtime
    limits: Limits
    system: str
    prompt: str


@dataclass(frozen=True, slots=True)
class Begun:
    """A first turn that is on disk, and who does it."""

    start: Start
    agent: int
    turn: int


def begin(c: Connection, shop: Workshop, claims: Sequence[Claim], lent: Lent, now: float) -> tuple[dict[int, Begun], list[Idle]]:
    """Part of the transaction that has taken these claims: their attempts, and the first turn of each task that is plain.

    Gives what was begun, by task, and the idle agents that were not needed. A task of which anything is not known yet (its runtime was never
    opened, its agent's definition is not in a file) is left to its worker.
    """
    if not claims:
        return {}, lent.idle
    works = queue.plain(c, claims)
    starts = {claim.lease.task: start for claim in claims if (work := works.get(claim.lease.task)) and (start := _start(shop, claim, work))}
    idle, firsts, new = list(lent.idle), [], 0
    for claim in claims:
        if (start := starts.get(claim.lease.task)) is not None:
            name = start.definition.name
            chosen = next((one for one in idle if one.definition == name), None)
            if chosen is None:
                new += 1
            else:
                idle.remove(chosen)
            firsts.append(FirstTurn(claim, None if chosen is None else chosen.agent, name, start.system, start.prompt))
    for one in sorted(idle, key=lambda one: one.since)[: max(new - max(lent.room, 0), 0)]:
        dismiss(c, one.agent, now)
        idle.remove(one)
    turns = queue.begin_turns(c, firsts, now) if firsts else []
    begun = {first.claim.lease.task: Begun(starts[first.claim.lease.task], agent, turn) for first, (agent, turn) in zip(firsts, turns, strict=True)}
    queue.begin_attempts(c, [(claim, begun[claim.lease.task].agent if claim.lease.task in begun else None) for claim in claims], now)
    return begun, idle


def _start(shop: Workshop, claim: Claim, work: Work) -> Start | None:
    definition = shop.registry.agent(claim.agent or GENERALIST)
    reached = shop.runtimes.reached(work.runtime)
    if definition is None or reached is None:
        return None
    runtime, limits = reached
    try:
        prompt = prompt_of(work, room_for_prompt(limits, definition.prompt))
    except PromptFailed:
        return None  # its worker meets that too, and says so
    return Start(work, definition, runtime, limits, definition.prompt, prompt)
