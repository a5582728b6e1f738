"""Plain tasks, many at once: what the claim, the one turn and the end of each write, in one pass of each statement over all of them.

The rows are those that `claim`, `journal` and `complete` write for a task alone, in the same order.
"""

import json
import time
from collections.abc import Sequence
from dataclasses import dataclass
from sqlite3 import Connection

from abathur_tui.domain.conversation import TurnDone
from abathur_tui.domain.data import canonical
from abathur_tui.domain.errors import Unexpected
from abathur_tui.domain.leases import Claim, Lease, Work
from abathur_tui.domain.plan import OnFailure
from abathur_tui.domain.status import Status
from abathur_tui.domain.tasks import Task
from abathur_tui.storage import agents
from abathur_tui.storage.queue.settling import fail_the_doomed
from abathur_tui.storage.records import json_object, keep_all, runtime_from, strings
from abathur_tui.storage.sql import named

_SQL = named("at_once")

MOST_CHARACTERS = 20_000
"""Of a prompt's template and its parameters together: what is longer is not read while everybody else waits to write."""


@dataclass(frozen=True, slots=True)
class FirstTurn:
    """The turn with which a plain task begins."""

    claim: Claim
    after: "LastTurn | None"
    """What has ended in this transaction: its agent does it."""
    agent: int | None
    """Else who is idle and does it; None: a new one."""
    definition: str
    """The agent definition's name."""
    system: str
    prompt: str
    is_given: bool
    """The prompt is the parameter of that name as it stands, which is kept: it need not be kept once more."""


@dataclass(frozen=True, slots=True)
class LastTurn:
    """The turn that has answered a plain task: one text, no tool call, nothing that was written while it was said."""

    lease: Lease
    execution: int
    definition: str
    """Of the agent, by its name."""
    agent: int
    turn: int
    done: TurnDone


def plain(c: Connection, claims: Sequence[Claim]) -> dict[int, Work]:
    """Those of just claimed tasks that are plain: one agent's, first tried, with no fallback, criteria, or task to wait for."""
    by_task = {claim.lease.task: claim for claim in claims}
    rows = c.execute(_SQL["plain"], {"ids": json.dumps(list(by_task)), "most": MOST_CHARACTERS}).fetchall()
    return {row[0]: _work(by_task[row[0]], *row) for row in rows}


def plain_links(c: Connection, claims: Sequence[Claim]) -> list[int]:
    """Those of just claimed tasks that are plain but for one other task that each builds on."""
    ids = json.dumps([claim.lease.task for claim in claims])
    return [id for (id,) in c.execute(_SQL["plain_links"], {"ids": ids, "most": MOST_CHARACTERS})]


def begin_attempts(c: Connection, begun: Sequence[tuple[Claim, int | None]], now: float) -> None:
    """The attempts of claims, and who does each where that is known."""
    rows = [(claim.lease.task, claim.lease.epoch, claim.attempt, claim.lease.engine, agent, now) for claim, agent in begun]
    c.executemany(_SQL["attempt"], rows)


def begin_turns(c: Connection, firsts: Sequence[FirstTurn], now: float) -> list[tuple[int, int]]:
    """Begin the first turns of tasks that were claimed in this transaction; gives the agent and the turn of each."""
    texts = {first.prompt for first in firsts if not first.is_given} | {first.system for first in firsts}
    hashes = keep_all(c, texts)
    found = c.execute(_SQL["last_turn"]).fetchone()
    turn = 0 if found is None else int(found[0])
    begun: list[tuple[int, int]] = []
    for number, first in enumerate(firsts, turn + 1):
        agent = first.agent if first.after is None else first.after.agent
        if agent is None:
            agent = agents.spawn(c, first.claim.lease, first.definition, None, now)
            agents.set_state(c, agent, "IDLE", now)
        begun.append((agent, number))
    rows = [
        {
            "task": first.claim.lease.task,
            "epoch": first.claim.lease.epoch,
            "attempt": first.claim.attempt,
            "execution": first.claim.execution,
            "agent": agent,
            "turn": number,
            "now": now,
        }
        for first, (agent, number) in zip(firsts, begun, strict=True)
    ]
    fresh = [row for row, first in zip(rows, firsts, strict=True) if first.after is None]
    if fresh and c.executemany(_SQL["assign"], fresh).rowcount != len(fresh):
        raise Unexpected("An agent that was idle is not idle any more.")
    handed_on = [row | _used(first.after) for row, first in zip(rows, firsts, strict=True) if first.after is not None]
    if handed_on and c.executemany(_SQL["hand_on"], handed_on).rowcount != len(handed_on):
        raise Unexpected("An agent is not at the task that it was at.")
    c.executemany(_SQL["prompt"], [(hashes.get(first.prompt), hashes[first.system], first.claim.lease.task) for first in firsts])
    c.executemany(_SQL["first_turn"], rows)
    return begun


def end_turns(c: Connection, lasts: Sequence[LastTurn], now: float) -> list[bool]:
    """Finish the turns of plain tasks and complete the tasks; of each whether its lease still held. What lost it is left alone.

    Their agents are busy still: they begin the next task in the same transaction, or `free_agents` has them.
    """
    ids = json.dumps([last.lease.task for last in lasts])
    held = {(id, epoch) for id, epoch in c.execute(_SQL["held"], {"ids": ids, "engine": lasts[0].lease.engine})}
    holds = [(last.lease.task, last.lease.epoch) in held for last in lasts]
    ending = [last for last, is_held in zip(lasts, holds, strict=True) if is_held]
    if not ending:
        return holds
    hashes = keep_all(c, [last.done.message.text for last in ending])
    rows = [_end_row(last, hashes[last.done.message.text], now) for last in ending]
    if c.executemany(_SQL["finish_turn"], rows).rowcount != len(rows):
        raise Unexpected("A turn was ended by somebody else.")
    c.executemany(_SQL["turn_done"], rows)
    c.executemany(_SQL["log_turn"], rows)
    if c.executemany(_SQL["complete"], rows).rowcount != len(rows):
        raise Unexpected("A task was ended by somebody else.")
    c.executemany(_SQL["end_attempt"], rows)
    c.executemany(_SQL["add_to_day"], _usage(ending, now))
    if c.execute(_SQL["any_asked"]).fetchone() is not None:
        c.executemany(_SQL["close_requests"], rows)
    fail_the_doomed(c, now)
    return holds


def free_agents(c: Connection, lasts: Sequence[LastTurn], now: float) -> None:
    """Whose tasks have ended in this transaction is idle."""
    if lasts:
        c.executemany(_SQL["free_agent"], [{"agent": last.agent, "task": last.lease.task, "now": now} | _used(last) for last in lasts])


def _used(last: LastTurn) -> dict[str, object]:
    """What an agent's last turn took."""
    return {"last": last.lease.task, "input": last.done.usage.input, "output": last.done.usage.output, "cost": last.done.cost_usd}


def _work(
    claim: Claim,
    id: int,
    parent: int | None,
    name: str,
    template: str | None,
    template_version: str | None,
    tags: str,
    created_at: float,
    started_at: float,
    instance: int,
    instances: int,
    on_failure: str,
    model: str | None,
    timeout_seconds: float,
    retries: int,
    depth: int,
    runtime: str,
    is_root: int,
    prompt: str,
    parameters: str,
) -> Work:
    task = Task(
        id=id,
        execution=claim.execution,
        parent=parent,
        kind=claim.kind,
        name=name,
        template=template,
        template_version=template_version,
        agent=claim.agent,
        status=Status.RUNNING,
        why="",
        progress=None,
        priority=claim.priority,
        attempt=claim.attempt,
        unmet=0,
        depends_on=(),
        tags=strings(tags) if tags != "[]" else (),
        created_at=created_at,
        started_at=started_at,
        finished_at=None,
        due_at=None,
        error=None,
        tokens_input=0,
        tokens_output=0,
        cost_usd=0.0,
        instance=instance,
        instances=instances,
    )
    return Work(
        task=task,
        prompt=prompt,
        parameters=json_object(parameters),
        references={},
        runtime=runtime_from(runtime, model),
        model=model,
        timeout_seconds=timeout_seconds,
        retries=retries,
        failures=claim.failures,
        on_failure=OnFailure(on_failure),
        loop=None,
        join=None,
        lead=None,
        inputs=(),
        depth=depth,
        pass_number=None,
        is_root=bool(is_root),
    )


def _end_row(last: LastTurn, said: str, now: float) -> dict[str, object]:
    done = last.done
    detail = {
        "turn": last.turn,
        "number": 1,
        "model": done.model,
        "stop_reason": done.stop_reason,
        "answer": said,
        "tokens_input": done.usage.input,
        "tokens_output": done.usage.output,
        "cost_usd": done.cost_usd,
    }
    return {
        "task": last.lease.task,
        "epoch": last.lease.epoch,
        "engine": last.lease.engine,
        "execution": last.execution,
        "agent": last.agent,
        "turn": last.turn,
        "said": said,
        "model": done.model,
        "stop_reason": done.stop_reason,
        "request_id": done.request_id,
        "input": done.usage.input,
        "output": done.usage.output,
        "cache_read": done.usage.cache_read,
        "cache_write": done.usage.cache_write,
        "cost": done.cost_usd,
        "detail": canonical(detail),
        "text": f"turn 1: {done.usage.input} in, {done.usage.output} out, {done.stop_reason}",
        "now": now,
    }


def _usage(lasts: Sequence[LastTurn], now: float) -> list[tuple[str, str, int, int, int, int, int, float, int]]:
    day = time.strftime("%Y-%m-%d", time.localtime(now))
    by_model: dict[str, list[TurnDone]] = {}
    for last in lasts:
        by_model.setdefault(last.done.model, []).append(last.done)
    return [
        (
            day,
            model,
            len(turns),
            sum(done.usage.input for done in turns),
            sum(done.usage.output for done in turns),
            sum(done.usage.cache_read for done in turns),
            sum(done.usage.cache_write for done in turns),
            sum(done.cost_usd or 0.0 for done in turns),
            sum(done.cost_usd is None for done in turns),
        )
        for model, turns in by_model.items()
    ]
