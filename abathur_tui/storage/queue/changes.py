"""What people ask of tasks: each id on its own, unknown ids and refused changes reported with it."""

import json
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from pathlib import Path
from sqlite3 import Connection

from abathur_tui.domain.data import canonical
from abathur_tui.domain.errors import AbathurError, ArgumentInvalid, ChangeRefused, NotFound
from abathur_tui.domain.leases import Changed
from abathur_tui.domain.status import ENDED, Status
from abathur_tui.storage.connection import folder_of
from abathur_tui.storage.locks import engine_alive
from abathur_tui.storage.questions import still_asks
from abathur_tui.storage.queue.asked import cancelled_steps
from abathur_tui.storage.queue.ending import leave_attempt
from abathur_tui.storage.queue.settling import fail_the_doomed, revive_dependents
from abathur_tui.storage.records import clean
from abathur_tui.storage.sql import named

_SQL = named("changes")

_RETRIABLE = ENDED - {Status.COMPLETED}
_NOT_RETRIED = {Status.COMPLETED: "To do it once more, submit it anew.", Status.PAUSED: "`abathur task resume` lets it go on."}
"""What to do with a task that cannot be retried, where a change of it is what was wanted."""


@dataclass(frozen=True, slots=True)
class _Member:
    """A task inside the one that somebody named, or that one itself."""

    id: int
    status: Status
    epoch: int
    engine: str | None


def cancel(c: Connection, ids: Sequence[int], actor: str, reason: str, now: float) -> list[Changed]:
    """Cancel tasks with what is inside them (a root: its whole execution).

    What does not run is cancelled at once, what is cancelled already stays so. What runs under a living engine gets a request and is
    still RUNNING in the answer; without one it ends at once. What needs a cancelled task fails, unless it is one of these itself.
    """
    alive = _Alive(folder_of(c))
    done: set[int] = set()

    def change(id: int) -> None:
        members = _inside(c, id)
        own = _own(members, id)
        if id in done:
            return  # it was inside another one of these
        if own.status in ENDED and own.status is not Status.CANCELLED:  # whoever asks again has what he asked for
            raise ChangeRefused(f"t{id} is {own.status} already.")
        at_once = []
        for member in members:
            if member.status in ENDED:
                continue
            if member.status is Status.RUNNING and alive(member.engine):
                _ask(c, member, "cancel", actor, clean(reason) or "cancelled", now)
            else:
                at_once.append(member)
        for waits in (1, 0):
            values = {"ids": _json(at_once), "waits": waits, "actor": actor, "reason": clean(reason) or "cancelled", "now": now}
            c.execute(_SQL["cancel"], values)
        _leave(c, at_once, "cancelled", now)
        done.update(member.id for member in at_once)

    answers = one_by_one(c, ids, change)
    fail_the_doomed(c, now)
    return answers


def pause(c: Connection, ids: Sequence[int], actor: str, now: float) -> list[Changed]:
    """Stop tasks, with what is inside them, until they are resumed; a running one by a request to its worker."""
    alive = _Alive(folder_of(c))

    def change(id: int) -> None:
        members = _inside(c, id)
        own = _own(members, id)
        if own.status in ENDED:
            raise ChangeRefused(f"t{id} is {own.status} already.")
        at_once = []
        for member in members:
            if member.status in ENDED or member.status is Status.PAUSED:
                continue
            if member.status is Status.RUNNING and alive(member.engine):
                _ask(c, member, "pause", actor, "paused", now)
            else:
                at_once.append(member)
        c.execute(_SQL["pause"], {"ids": _json(at_once), "actor": actor, "now": now})
        _leave(c, at_once, "paused", now)

    return one_by_one(c, ids, change)


def resume(c: Connection, ids: Sequence[int], actor: str, now: float) -> list[Changed]:
    """Let paused tasks, with what is inside them, go on; a request to pause that no worker has followed yet is taken back."""
    done: set[int] = set()

    def change(id: int) -> None:
        members = _inside(c, id)
        own = _own(members, id)
        if id in done and own.status is not Status.PAUSED:
            return  # it was inside another one of these
        ids = _json(members)
        withdrawn = c.execute(_SQL["withdraw"], {"ids": ids, "now": now}).rowcount
        resumed = c.execute(_SQL["resume"], {"ids": ids, "actor": actor, "now": now}).rowcount
        if not withdrawn and not resumed:
            raise ChangeRefused(f"t{id} is not paused; it is {own.status}.")
        done.update(member.id for member in members if member.status is Status.PAUSED)
        still_asks(c, [member.id for member in members])
        fail_the_doomed(c, now)

    return one_by_one(c, ids, change)


def reprioritize(c: Connection, ids: Sequence[int], actor: str, now: float, priority: int) -> list[Changed]:
    """Give tasks that have not ended, with what is inside them, another priority. Raises ArgumentInvalid where it is not 0 to 10."""
    if not 0 <= priority <= 10:
        raise ArgumentInvalid(f"A priority is a number from 0 to 10, not {priority}.")

    def change(id: int) -> None:
        members = _inside(c, id)
        own = _own(members, id)
        if own.status in ENDED:
            raise ChangeRefused(f"t{id} is {own.status} already.")
        values = {"ids": _json(member for member in members if member.status not in ENDED), "priority": priority, "actor": actor, "now": now}
        c.execute(_SQL["prioritize_audit"], values)
        c.execute(_SQL["prioritize"], values)

    return one_by_one(c, ids, change)


def retry(c: Connection, ids: Sequence[int], actor: str, now: float) -> list[Changed]:
    """Put failed, dead and cancelled tasks back, with those that stand in their way, and revive the dependents that failed because of them.

    In a task's way are the tasks that it needs and cannot have, and a join's members that did not complete; what was cancelled inside a
    cancelled task comes back with it.
    """

    def change(id: int) -> None:
        status = _task(c, id)[0]
        if status not in _RETRIABLE:
            raise ChangeRefused(f"t{id} is {status}; only failed, dead and cancelled tasks can be retried.", hint=_NOT_RETRIED.get(status))
        back = _all_that_come_back(c, id, status)
        if (gone := c.execute(_SQL["purged"], {"ids": json.dumps(back), "id": id}).fetchone()) is not None:
            needs = "" if gone[0] == id else f", which t{id} needs,"
            raise ChangeRefused(f"The content of t{gone[0]}{needs} was purged; what it was asked and said is gone.", hint="Submit it anew.")
        values = {"ids": json.dumps(back), "actor": actor, "now": now}
        c.execute(_SQL["reopen"], values)
        c.execute(_SQL["retry"], values)
        revive_dependents(c, back, now)
        c.execute(_SQL["ready"], values)
        c.execute(_SQL["why_after"], values)
        fail_the_doomed(c, now)

    answers: list[Changed] = []
    for id in dict.fromkeys(ids):
        # One that came back with another one of these is what was asked for.
        revived = any(answer.error is None for answer in answers) and _status(c, id) in (Status.WAITING, Status.PENDING)
        answers += [Changed(id, _status(c, id))] if revived else one_by_one(c, [id], change)
    return answers


class _Alive:
    """Whether an engine lives; asked once for each."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder
        self._known: dict[str, bool] = {}

    def __call__(self, engine: str | None) -> bool:
        if engine is None:
            return False
        if engine not in self._known:
            self._known[engine] = engine_alive(self._folder, engine)
        return self._known[engine]


def one_by_one(c: Connection, ids: Sequence[int], change: Callable[[int], object]) -> list[Changed]:
    """What became of each task, changed on its own."""
    answers = []
    for id in dict.fromkeys(ids):
        error: AbathurError | None = None
        try:
            change(id)
        except (NotFound, ChangeRefused) as refusal:
            error = refusal
        answers.append(Changed(id, _status(c, id), error))
    return answers


def _task(c: Connection, id: int) -> tuple[Status, int, bool]:
    """Status, execution, and whether it is the execution's root. Raises NotFound."""
    found = c.execute(_SQL["task"], (id,)).fetchone()
    if found is None:
        raise NotFound(f"There is no task t{id}.")
    return Status(found[0]), found[1], bool(found[2])


def _status(c: Connection, id: int) -> Status | None:
    found = c.execute(_SQL["task"], (id,)).fetchone()
    return None if found is None else Status(found[0])


def _inside(c: Connection, id: int) -> list[_Member]:
    """A task with all that is inside it; a root: its whole execution. Raises NotFound."""
    _, execution, is_root = _task(c, id)
    rows = c.execute(_SQL["of_execution"], (execution,)) if is_root else c.execute(_SQL["inside"], {"id": id})
    return [_Member(member, Status(status), epoch, engine) for member, status, epoch, engine in rows.fetchall()]


def _own(members: Iterable[_Member], id: int) -> _Member:
    return next(member for member in members if member.id == id)


def _json(members: Iterable[_Member]) -> str:
    return json.dumps([member.id for member in members])


def _ask(c: Connection, member: _Member, kind: str, actor: str, reason: str, now: float) -> None:
    payload = canonical({"reason": reason})
    values = {"task": member.id, "epoch": member.epoch, "kind": kind, "actor": actor, "payload": payload, "now": now}
    if c.execute(_SQL["request"], values).rowcount:
        c.execute(_SQL["audit_request"], (now, actor, f"request.{kind}", payload, member.id))


def _leave(c: Connection, members: Iterable[_Member], outcome: str, now: float) -> None:
    """End the attempts of those that a dead engine was running."""
    for member in members:
        if member.status is Status.RUNNING:
            leave_attempt(c, member.id, member.epoch, outcome, now)


def _all_that_come_back(c: Connection, id: int, status: Status) -> list[int]:
    """The task, and all that must come back for it to run."""
    found = {id: status}
    queue = [id]
    for task in queue:
        blockers = c.execute(_SQL["blockers"], (task,)).fetchall()
        if found[task] is Status.CANCELLED:
            _, execution, is_root = _task(c, task)
            blockers += (c.execute(_SQL["cancelled_of"], (execution,)) if is_root else c.execute(_SQL["cancelled_inside"], (task,))).fetchall()
        elif found[task] is Status.DEAD:
            blockers += cancelled_steps(c, task)
        for blocker, its_status in blockers:
            if blocker not in found:
                found[blocker] = Status(its_status)
                queue.append(blocker)
    return list(found)
