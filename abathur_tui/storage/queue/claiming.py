"""Claims, and the lanes that limit them."""

from collections.abc import Iterable, Mapping
from functools import lru_cache
from sqlite3 import Connection
from typing import Any

from abathur_tui.domain.data import canonical
from abathur_tui.domain.execution import RuntimeChoice
from abathur_tui.domain.leases import Claim, LaneState, Lease
from abathur_tui.domain.plan import Kind
from abathur_tui.domain.tasks import TaskError
from abathur_tui.storage.queue.asked import cancel_steps
from abathur_tui.storage.queue.at_once import begin_attempts
from abathur_tui.storage.queue.holding import held
from abathur_tui.storage.queue.settling import fail_the_doomed
from abathur_tui.storage.records import clean, runtime_from
from abathur_tui.storage.sql import named

_SQL = named("claiming")

JOIN_LANE = "join"
"""Joins need no runtime, so they have a lane of their own that nothing limits; `claim` always looks there too."""


def claim(c: Connection, engine: str, free: Mapping[str, int], limit: int, now: float) -> list[Claim]:
    """Up to `limit` tasks, the most urgent first, and of each lane no more than its `free` slots (lane to number).

    Held lanes give none, lanes that `free` does not name neither; joins are always claimed. Of the tasks whose workers died twice or more
    in a row only one runs at a time. While the queue is held there is none at all.
    """
    claims = take(c, engine, free, limit, now)
    begin_attempts(c, [(claim, None) for claim in claims], now)
    return claims


def take(c: Connection, engine: str, free: Mapping[str, int], limit: int, now: float) -> list[Claim]:
    """The same, for whoever writes the attempts in the same transaction."""
    if limit <= 0 or held(c) is not None:
        return []
    slots = {lane: min(number, limit) for lane, number in free.items() if number > 0} | {JOIN_LANE: limit}
    rows = _claim_a_suspect(c, engine, slots, now)
    if rows:
        slots[rows[0][4]] -= 1
        limit -= 1
    parameters = {"engine": engine, "now": now, "most": limit} | _by_number(slots)
    rows += c.execute(claim_statement(len(slots)), parameters).fetchall()
    # RETURNING comes in the order of ids.
    rows.sort(key=lambda row: (-row[8], row[2], row[9], row[0]))
    return [
        Claim(Lease(id, epoch, engine), execution, Kind(kind), lane, attempt, failures, agent, priority)
        for id, epoch, execution, kind, lane, attempt, failures, agent, priority, _ in rows
    ]


def next_up(c: Connection, free: Mapping[str, int]) -> int | None:
    """The task that `take` would give first, or alone; None where it would give none."""
    if held(c) is not None:
        return None
    slots = {lane: 1 for lane, number in free.items() if number > 0} | {JOIN_LANE: 1}
    if (suspect := _suspect(c, slots)) is not None and c.execute(_SQL["suspect_runs"]).fetchone() is None:
        return suspect
    row = c.execute(_over_lanes("next_up", len(slots)), _by_number(slots)).fetchone()
    return None if row is None else int(row[0])


def refuse(c: Connection, task: int, error: TaskError, now: float) -> None:
    """A pending task that cannot even be claimed has failed, and with it what depends on it."""
    message = clean(error.message)
    values = {"id": task, "code": error.code, "message": message, "reason": message or error.code, "now": now}
    if c.execute(_SQL["refuse"], values).rowcount:
        cancel_steps(c, task, now)
        fail_the_doomed(c, now)


def lanes(c: Connection) -> list[LaneState]:
    """The lanes that have pending tasks."""
    return [
        LaneState(lane, pending, bool(ready), why, until, message, None if lane == JOIN_LANE else _runtime_of(c, lane, runtime))
        for lane, pending, why, until, message, runtime, ready in c.execute(_SQL["lanes"])
    ]


def retrying(c: Connection) -> bool:
    """Whether a task waits for its next attempt, which its lane and the queue would let it have."""
    return c.execute(_SQL["retrying"]).fetchone() is not None


def parked(c: Connection) -> int:
    """How many running tasks only wait for what they have inside them: whether they go on is a question of that."""
    (number,) = c.execute(_SQL["parked"]).fetchone()
    return int(number)


def hold_lane(c: Connection, lane: str, why: str, until: float | None, message: str, actor: str, now: float) -> None:
    """Claim nothing of this lane until `until` (None: until somebody frees it); its tasks stay pending and show `why`."""
    c.execute(_SQL["hold_lane"], {"lane": lane, "why": why, "until": until, "message": clean(message), "actor": actor, "now": now})
    _audit(c, "lane.held", {"lane": lane, "why": why, "until": until, "message": clean(message)}, actor, now)


def free_lane(c: Connection, lane: str, actor: str, now: float) -> None:
    """Let a held lane go on."""
    if c.execute(_SQL["free_lane"], {"lane": lane}).rowcount:
        _audit(c, "lane.freed", {"lane": lane}, actor, now)


@lru_cache(maxsize=64)
def claim_statement(lanes: int) -> str:
    """The statement that claims from so many lanes, with parameters `lane0`, `free0`, `lane1`…"""
    return _over_lanes("claim", lanes)


def _over_lanes(query: str, lanes: int) -> str:
    parts = (_SQL["lane_candidates"].replace(":laneN", f":lane{number}").replace(":freeN", f":free{number}") for number in range(lanes))
    return _SQL[query].replace("CANDIDATES", "\nUNION ALL\n".join(parts))


def _by_number(slots: Mapping[str, int]) -> dict[str, object]:
    """The parameters of such a statement."""
    lanes = {f"lane{number}": lane for number, lane in enumerate(slots)}
    return lanes | {f"free{number}": most for number, most in enumerate(slots.values())}


def _claim_a_suspect(c: Connection, engine: str, slots: Mapping[str, int], now: float) -> list[Any]:
    id = _suspect(c, slots)
    if id is None or c.execute(_SQL["suspect_runs"]).fetchone() is not None:
        return []
    return c.execute(_SQL["claim_suspect"], {"id": id, "engine": engine, "now": now}).fetchall()


def _suspect(c: Connection, slots: Mapping[str, int]) -> int | None:
    """The first task whose workers died twice or more, of the lanes with slots."""
    suspects: Iterable[tuple[int, str]] = c.execute(_SQL["suspects"]).fetchall()
    return next((id for id, lane in suspects if slots.get(lane, 0) > 0), None)


def _audit(c: Connection, action: str, detail: Mapping[str, object], actor: str, now: float) -> None:
    c.execute(_SQL["audit_lane"], (now, actor, action, canonical(detail)))


def _runtime_of(c: Connection, lane: str, text: str | None) -> RuntimeChoice | None:
    """How a lane's tasks are run, by what the lane says, or else its first task's execution; None where neither can be read."""
    try:
        return runtime_from(text or "")
    except ValueError:
        found = c.execute(_SQL["next_runtime"], (lane,)).fetchone()
    try:
        return None if found is None else runtime_from(*found)
    except ValueError:
        return None
