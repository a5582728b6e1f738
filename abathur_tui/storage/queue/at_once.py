"""Plain tasks, many at once: what the claim, the one turn and the end of each write, in one pass of each statement over all of them.

The rows are those that `claim`, `journal` and `complete` write for a task alone, in the same order.
"""

import json
import time
from collections.abc import Sequence
from functools import lru_cache
from sqlite3 import Connection
from typing import NamedTuple

from abathur_tui.domain.conversation import TurnDone
from abathur_tui.domain.data import JsonObject, canonical
from abathur_tui.domain.errors import Unexpected
from abathur_tui.domain.execution import RuntimeChoice
from abathur_tui.domain.leases import Claim, Lease, Work
from abathur_tui.domain.plan import OnFailure
from abathur_tui.domain.status import Status
from abathur_tui.domain.tasks import Task
from abathur_tui.storage import agents
from abathur_tui.storage.queue.settling import fail_the_doomed
from abathur_tui.storage.records import json_object, keep_all, runtime_from, tags_of
from abathur_tui.storage.sql import named

_SQL = named("at_once")

MOST_CHARACTERS = 20_000
"""Of a prompt's template and its parameters together: what is longer is not read while everybody else waits to write."""


class FirstTurn(NamedTuple):
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


class LastTurn(NamedTuple):
    """The turn that has answered a plain task: one text, no tool call, nothing that was written while it was said."""

    lease: Lease
    execution: int
    definition: str
    """Of the agent, by its name."""
    agent: int
    turn: int
    done: TurnDone


class PlainTask(NamedTuple):
    """A just claimed task of which nothing was begun, as its row has it: one agent's, first tried, with no fallback or criteria."""

    claim: Claim
    link: int | None
    """The one task that it builds on, if it does."""
    parent: int | None
    name: str
    template: str | None
    template_version: str | None
    tags: str
    created_at: float
    started_at: float
    instance: int
    instances: int
    on_failure: str
    model: str | None
    timeout_seconds: float
    retries: int
    depth: int
    runtime: str
    is_root: int
    prompt: str
    parameters: str

    @property
    def choice(self) -> RuntimeChoice:
        """What answers; those of one choice share it."""
        return runtime_from(self.runtime, self.model)

    def given(self) -> JsonObject:
        """Its parameters."""
        return json_object(self.parameters)

    def work(self) -> Work:
        """All that a worker needs to know of it, where it builds on nothing; made only for those who ask: most plain tasks end without."""
        claim = self.claim
        task = Task(
            id=claim.lease.task,
            execution=claim.execution,
            parent=self.parent,
            kind=claim.kind,
            name=self.name,
            template=self.template,
            template_version=self.template_version,
            agent=claim.agent,
            status=Status.RUNNING,
            why="",
            progress=None,
            priority=claim.priority,
            attempt=claim.attempt,
            unmet=0,
            depends_on=(),
            tags=tags_of(self.tags),
            created_at=self.created_at,
            started_at=self.started_at,
            finished_at=None,
            due_at=None,
            error=None,
            tokens_input=0,
            tokens_output=0,
            cost_usd=0.0,
            instance=self.instance,
            instances=self.instances,
        )
        return Work(
            task=task,
            prompt=self.prompt,
            parameters=self.given(),
            references={},
            runtime=self.choice,
            model=self.model,
            timeout_seconds=self.timeout_seconds,
            retries=self.retries,
            failures=claim.failures,
            on_failure=OnFailure(self.on_failure),
            loop=None,
            join=None,
            lead=None,
            inputs=(),
            depth=self.depth,
            pass_number=None,
            is_root=bool(self.is_root),
        )


def plain(c: Connection, claims: Sequence[Claim]) -> dict[int, PlainTask]:
    """Those of just claimed tasks that are plain, each with the one task that it builds on where it does."""
    by_task = {claim.lease.task: claim for claim in claims}
    rows = c.execute(_SQL["plain"], {"ids": json.dumps(list(by_task)), "most": MOST_CHARACTERS}).fetchall()
    return {id: PlainTask(by_task[id], *row) for id, *row in rows}


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
    known = [first.agent if first.after is None else first.after.agent for first in firsts]
    alone = [(first.claim.lease, first.definition) for first, agent in zip(firsts, known, strict=True) if agent is None]
    made = iter(agents.spawn_all(c, alone, now))
    begun = [(next(made) if agent is None else agent, number) for number, agent in enumerate(known, turn + 1)]
    given = [(first.claim.lease.task, first.claim.execution, agent, first.after) for first, (agent, _) in zip(firsts, begun, strict=True)]
    fresh = [(task, now, task, execution, agent) for task, execution, agent, after in given if after is None]
    if fresh and c.executemany(_SQL["assign"], fresh).rowcount != len(fresh):
        raise Unexpected("An agent that was idle is not idle any more.")
    handed_on = [(task, task, execution, *_used(after), agent, after.lease.task) for task, execution, agent, after in given if after is not None]
    if handed_on and c.executemany(_SQL["hand_on"], handed_on).rowcount != len(handed_on):
        raise Unexpected("An agent is not at the task that it was at.")
    c.executemany(_SQL["prompt"], [(hashes.get(first.prompt), hashes[first.system], first.claim.lease.task) for first in firsts])
    turns = [
        (turn, claim.lease.task, claim.lease.task, claim.lease.epoch, claim.attempt, agent, now)
        for claim, (agent, turn) in zip((first.claim for first in firsts), begun, strict=True)
    ]
    c.executemany(_SQL["first_turn"], turns)
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
    texts = [last.done.message.text for last in ending]
    hashes = keep_all(c, set(texts))
    turns, told, logged, tasks, attempts = [], [], [], [], []
    for last, text in zip(ending, texts, strict=True):
        lease, done, said = last.lease, last.done, hashes[text]
        usage = done.usage
        ended = (done.model, done.stop_reason, done.request_id, usage.input, usage.output, usage.cache_read, usage.cache_write, done.cost_usd, now)
        turns.append((said, *ended, last.turn, lease.task, lease.epoch))
        told.append((now, f"a{last.agent}", last.execution, lease.task, last.agent, _detail(last, said)))
        line = f"turn 1: {usage.input} in, {usage.output} out, {done.stop_reason}"
        logged.append((now, last.execution, lease.task, last.agent, last.turn, line))
        tasks.append((now, said, *_used(last), now, lease.task, lease.epoch, lease.engine))
        attempts.append((now, lease.task, lease.epoch))
    if c.executemany(_SQL["finish_turn"], turns).rowcount != len(ending):
        raise Unexpected("A turn was ended by somebody else.")
    c.executemany(_SQL["turn_done"], told)
    c.executemany(_SQL["log_turn"], logged)
    if c.executemany(_SQL["complete"], tasks).rowcount != len(ending):
        raise Unexpected("A task was ended by somebody else.")
    c.executemany(_SQL["end_attempt"], attempts)
    c.executemany(_SQL["add_to_day"], _usage(ending, now))
    if c.execute(_SQL["any_asked"]).fetchone() is not None:
        c.executemany(_SQL["close_requests"], [(now, last.lease.task) for last in ending])
    fail_the_doomed(c, now)
    return holds


def free_agents(c: Connection, lasts: Sequence[LastTurn], now: float) -> None:
    """Whose tasks have ended in this transaction is idle."""
    if lasts:
        c.executemany(_SQL["free_agent"], [(now, *_used(last), last.agent, last.lease.task) for last in lasts])


def _used(last: LastTurn) -> tuple[int, int, float, int]:
    """What an agent's last turn took: tokens in and out, US dollars, and 1 where nobody knows how many."""
    usage, cost = last.done.usage, last.done.cost_usd
    return usage.input, usage.output, cost or 0.0, int(cost is None)


def _detail(last: LastTurn, said: str) -> str:
    """What the audit says of a turn, as `canonical` writes it."""
    done, usage = last.done, last.done.usage
    return (
        f'{{"answer":"{said}","cost_usd":{_json(done.cost_usd)},"model":{_json(done.model)},"number":1,"stop_reason":{_json(done.stop_reason)},'
        f'"tokens_input":{usage.input},"tokens_output":{usage.output},"turn":{last.turn}}}'
    )


@lru_cache(maxsize=256, typed=True)
def _json(value: str | float | None) -> str:
    """The few values that come again and again."""
    return canonical(value)


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
