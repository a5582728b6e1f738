"""The rounds of an engine: what is asked of its workers, what is due, and which tasks its free slots take."""

import asyncio
import contextlib
from collections.abc import Callable, Coroutine
from dataclasses import dataclass
from sqlite3 import Connection
from typing import Any

from abathur_tui.domain.clock import Look
from abathur_tui.domain.errors import AbathurError, Unexpected
from abathur_tui.domain.leases import Claim, LaneState, Request
from abathur_tui.domain.plan import Kind
from abathur_tui.domain.tasks import Task, TaskError
from abathur_tui.engine.desk import MOST_AT_ONCE, Errand, Outcome
from abathur_tui.engine.failures import ends_the_engine
from abathur_tui.engine.lanes import Lanes, limited
from abathur_tui.engine.mishaps import Mishaps
from abathur_tui.engine.plain import AllBegun, Hands, begin
from abathur_tui.engine.quiet import QuietTimes
from abathur_tui.engine.swarm import Lent, dismiss_all
from abathur_tui.engine.worker import Stop, Worker
from abathur_tui.engine.workshop import Workshop
from abathur_tui.settings import Settings
from abathur_tui.storage import engines, questions, queue, requests, swarm, views

DUE_SECONDS = 0.25
"""How soon after a change it asks again what is due when."""
CLOCK_SECONDS = 2.0
"""How often the wall clock is looked at while something is due at some time: it may be set."""
_LEAST_PAUSE_SECONDS = 0.01
_JOINS_AT_ONCE = 20
_STOPS = {"cancel": Stop.CANCEL, "pause": Stop.PAUSE}


@dataclass(frozen=True, slots=True)
class _Look:
    """What a round decides from, of one moment."""

    requests: list[Request]
    lanes: list[LaneState]
    awaited: list[Task]
    asking: set[int]
    """The tasks, of those that waited for a person, that still do."""
    agents: int | None
    """How many may work at once, where somebody has asked for a number."""


@dataclass(frozen=True, slots=True)
class _Claimed:
    claims: list[Claim]
    begun: AllBegun


@dataclass(slots=True)
class _Alone:
    """While tasks are claimed one at a time."""

    head: int | None = None
    """The task that is just being claimed: an error is that task's own."""
    claimed: int = 0


class Foreman:
    """Hands out the work. All of its workers are tasks of the group that it is given."""

    def __init__(self, shop: Workshop, group: asyncio.TaskGroup, superseded: Callable[[], None]) -> None:
        """Nobody works yet. `superseded` is called when another engine has taken over from this one."""
        self.lanes = Lanes(shop)
        self._quiet = QuietTimes(shop.settings.queue, shop.log)
        self._shop = shop
        self._group = group
        self._superseded = superseded
        self._workers: dict[int, Worker] = {}
        """By task; of two that have had the same task, the later one."""
        self._freeing: list[Worker] = []
        """Those that were stopped for their memory, when that was asked for last."""
        self._running: set[asyncio.Task[None]] = set()
        self._preparing: set[asyncio.Task[None]] = set()
        self._next_due: float | None = 0.0
        """On the wall clock."""
        self._due_asked = float("-inf")
        """Monotonic."""
        self._seen: Look | None = None
        """The clocks when they were last looked at; before that nobody knows whether the wall clock was set."""
        self._used = shop.settings
        """The settings that are worked by."""
        self._asked: int | None = None
        """How many agents were asked for, last."""
        self._joins_ready = False
        self._alone: _Alone | None = None
        self._mishaps = Mishaps("claim.broke", "Tasks could not be claimed.", shop.database, shop.clock, shop.log)
        self._changed = True
        """Whether anything has changed since it was asked what is due."""
        self._closed = False

    @property
    def busy(self) -> bool:
        """Whether somebody works, or a lane is being prepared for it; who only waits for a person is not at work."""
        return len(self._workers) > len(self._shop.answers.awaited) or self.lanes.preparing

    async def round(self, changed: bool) -> bool:
        """Look once and do what follows; whether some task is ready to be claimed. `changed`: it is not only time that has passed."""
        self._changed = self._changed or changed
        settings = self._shop.settings  # the same for the whole of it, whatever is saved meanwhile
        self._use(settings)
        await self._quiet.keep(self._shop.database, self._shop.clock.now())
        await self._see_what_is_due()
        asked = self._shop.answers.awaited
        look = await self._shop.database.read(self._look, self._shop.endings.awaited, asked)
        await self._keep_limit(look.agents or settings.swarm.max_agents)
        for request in look.requests:
            await self._serve(request)
        # After the requests: a loop that is cancelled with its pass must not take that for the pass's own end.
        self._shop.endings.looked(look.awaited)
        self._shop.answers.looked(asked, look.asking)
        await self._dismiss_idle()
        return await self._claim(look.lanes)

    def _use(self, settings: Settings) -> None:
        if settings is not self._used:
            self._used = settings
            self._quiet.use(settings.queue)
            self.lanes.use(settings.swarm)
            self._shop.swarm.use(settings.swarm.idle_seconds)
            self._shop.resources.use(settings.resources)

    def seconds_to_next_round(self) -> float | None:
        """How long nothing will happen by itself; None: for ever."""
        now, monotonic = self._shop.clock.now(), self._shop.clock.monotonic()
        moments = [self._due_asked + DUE_SECONDS - monotonic] if self._changed else []
        if self._next_due is not None:
            # Not longer: nobody tells when the wall clock is set.
            moments.append(min(max(self._next_due - now, _LEAST_PAUSE_SECONDS), CLOCK_SECONDS))
        if (quiet := self._quiet.next_start(now)) is not None:
            moments.append(min(max(quiet - now, _LEAST_PAUSE_SECONDS), CLOCK_SECONDS))
        if (end := self._shop.swarm.next_end()) is not None:
            moments.append(end - monotonic)
        if (until := self._mishaps.until) is not None:
            moments.append(until - monotonic)
        return max(min(moments), 0.0) if moments else None

    async def close(self, stop: Stop, seconds: float) -> None:
        """Stop all workers, and wait for them; those that cannot even write after `seconds` are left to the next engine's rescue."""
        self._closed = True
        until = self._shop.clock.monotonic() + seconds
        for worker in self._workers.values():
            worker.stop(stop)
        with contextlib.suppress(TimeoutError, AbathurError):  # whoever is just being claimed is known after it
            async with asyncio.timeout(seconds):
                await self._shop.desk.errand()
        for preparing in self._preparing:
            preparing.cancel()
        if self._running:
            _, late = await asyncio.wait(self._running, timeout=max(0.0, until - self._shop.clock.monotonic()))
            for task in late:
                task.cancel()
        idle = self._shop.swarm.all_idle()
        if idle and stop is Stop.RELEASE and not self._shop.database.waits:
            with contextlib.suppress(TimeoutError, AbathurError):  # the next engine ends them with ours
                async with asyncio.timeout(seconds):
                    await self._shop.database.write(self._dismiss_all, idle)

    def stop_youngest(self, because: str, number: int) -> None:
        """Memory is all taken: end so many of the agents that have begun last, those counted that are ending for it already.

        Where there is only one, it is its own task that takes too much.
        """
        self._freeing = [worker for worker in self._freeing if self._workers.get(worker.claim.lease.task) is worker]
        for _ in range(number - len(self._freeing)):
            working = [worker for worker in self._workers.values() if worker.has_agent]
            if not working or (self._freeing and len(working) == 1):
                return
            youngest = working[-1]
            self._shop.log.warning("agent.stopped", f"{because}: the youngest agent is stopped", task=youngest.claim.lease.task)
            youngest.stop(Stop.MEMORY if len(working) > 1 else Stop.TOO_LARGE)
            self._freeing.append(youngest)

    async def _keep_limit(self, asked: int) -> None:
        """So many agents may work at once, as far as this process can; what follows is written, for all who show it."""
        if asked == self._asked:
            return
        self._asked = asked
        before = self._shop.slots.limit
        self._shop.slots.resize(asked)
        if self._shop.slots.limit != before or self._shop.slots.limit < asked:
            await self._shop.database.write(self._write_limit, asked)

    def _write_limit(self, c: Connection, asked: int) -> None:
        now, slots = self._shop.clock.now(), self._shop.slots
        engines.beat(c, self._shop.engine, slots.busy, slots.limit, now)
        if slots.limit < asked:
            limited(c, self._shop.engine, "agents work", asked, slots.limit, now)

    async def _see_what_is_due(self) -> None:
        now, monotonic = await self._see_the_clock(), self._shop.clock.monotonic()
        reached = self._next_due is not None and now >= self._next_due
        if reached or (self._changed and monotonic >= self._due_asked + DUE_SECONDS):
            self._due_asked, self._changed = monotonic, False
            self._next_due = await self._shop.database.write(queue.due, now)

    async def _see_the_clock(self) -> float:
        """What the wall clock says; where it was set since the last look, what was reckoned by it is reckoned again."""
        before, seen = self._seen, Look.at(self._shop.clock)
        by = 0.0 if before is None else before.set_by(seen)
        if before is None:
            await self._shop.database.write(queue.clock_set_back, seen.now)
        elif by < 0:
            await self._shop.database.write(queue.clock_set_back, seen.now, by, before.seconds_to(seen))
            self._next_due = seen.now
        elif by > 0:
            await self._shop.database.write(queue.clock_set_forward, by, seen.now)
        self._seen = seen
        return seen.now

    def _look(self, c: Connection, awaited: list[int], asked: list[int]) -> _Look:
        awaited_tasks = views.tasks_by_id(c, awaited) if awaited else []
        asking = {question.task for question in questions.open_questions(c, tasks=asked)} if asked else set()
        return _Look(requests.open_for(c, self._shop.engine), queue.lanes(c), awaited_tasks, asking, swarm.limit(c))

    async def _serve(self, request: Request) -> None:
        worker = self._workers.get(request.task)
        stop = _STOPS.get(request.kind)
        if worker is not None and worker.claim.lease.epoch == request.epoch and stop is not None:
            worker.stop(stop)  # which closes the request in the transaction that ends the task
        else:
            await self._shop.database.write(requests.close, request.id, "the task ended before", self._shop.clock.now())

    async def _dismiss_idle(self) -> None:
        late = [*self._shop.swarm.overdue(self._shop.clock.monotonic()), *self._shop.swarm.beyond(self._shop.slots.limit)]
        if late:
            await self._shop.database.write(self._dismiss_all, late)

    def _dismiss_all(self, c: Connection, idle: list[int]) -> None:
        dismiss_all(c, idle, self._shop.clock.now())

    async def _claim(self, states: list[LaneState]) -> bool:
        slots = self._shop.slots
        for state in states:
            if self.lanes.wants(state):
                self._own(self.lanes.prepare(state), self._preparing)
        ready = [state.lane for state in states if state.ready]
        self._joins_ready = queue.JOIN_LANE in ready
        if self._joins_ready or any(slots.free_in(lane) > 0 for lane in self.lanes.prepared.intersection(ready)):
            await self._claim_all()
        return bool(ready)

    async def _claim_all(self) -> None:
        try:
            await self._shop.desk.errand()
        except Exception as error:
            if isinstance(error, AbathurError) and ends_the_engine(error):
                raise
            await self._mishaps.met(error)
            await self._claim_one_by_one()
        else:
            if self._mishaps.until is None:
                self._mishaps.over()

    async def _claim_one_by_one(self) -> None:
        """Claiming many at once met an error that nobody had foreseen: a task whose claim fails also alone has failed, the others go on.

        Each is claimed and nothing of it begun: whatever is the matter with its contents is left to its own worker to meet.
        """
        for _ in range(max(self._shop.slots.free(), 1)):
            alone = self._alone = _Alone()
            try:
                await self._shop.desk.errand()
            except Exception as error:
                if alone.head is None or (isinstance(error, AbathurError) and ends_the_engine(error)):
                    raise
                known = error if isinstance(error, AbathurError) else Unexpected(f"It could not be claimed: {error!r}")
                self._shop.log.broke("task.refused", error, task=alone.head)
                await self._shop.database.write(queue.refuse, alone.head, TaskError(known.code, known.message), self._shop.clock.now())
                return
            finally:
                self._alone = None
            if not alone.claimed:
                return

    def errand(self) -> Errand | None:
        """The claims for the slots that are free now; None where there are none."""
        slots = self._shop.slots
        most = self._shop.resources.may_start(slots.free())
        free = {lane: number for lane in self.lanes.prepared if (number := min(slots.free_in(lane), most)) > 0}
        self._leave_room(free)
        if self._closed or not (free or self._joins_ready) or (self._alone is None and self._mishaps.until is not None):
            return None
        # Joins need no slot: they are claimed also where agents have them all.
        alone = self._alone
        limit = 1 if alone is not None else min(most, MOST_AT_ONCE) if free else _JOINS_AT_ONCE
        busy, lent = slots.busy, self._shop.swarm.lend(limit, slots.limit)
        return Errand(
            operate=lambda c, ended: self._claim_as_engine(c, free, limit, busy, Hands(lent, ended), alone),
            keep=lambda claimed: self._begin_all(claimed, lent),
            dropped=lambda: self._shop.swarm.bring_back(lent.idle),
        )

    def _leave_room(self, free: dict[str, int]) -> None:
        """Take away what programs must not start yet."""
        programs = self.lanes.of_programs
        at_work = sum(self._shop.slots.busy_in(lane) for lane in programs)
        for lane in programs:
            if lane in free and (number := self._shop.resources.may_run(free.pop(lane), at_work)) > 0:
                free[lane] = number
                at_work += number

    def _claim_as_engine(self, c: Connection, free: dict[str, int], limit: int, busy: int, hands: Hands, alone: _Alone | None) -> Outcome:
        """Claim, unless this engine is none any more: nobody would ever rescue what it claims."""
        row = engines.row(c, self._shop.engine)
        if row is None or row.ended_at is not None:
            return (), None
        now = self._shop.clock.now()
        if free and (asked := swarm.limit(c)) is not None:
            limit = min(limit, max(asked - busy, 0))  # somebody has asked for fewer since the last look
        if free:
            queue.let_go_what_fits(c, self._shop.resources.room, free, now)
        if alone is not None:
            alone.head = queue.next_up(c, free) if limit > 0 else None
            claims = queue.claim(c, self._shop.engine, free, limit, now)
            alone.head, alone.claimed = None, len(claims)
            begun = AllBegun({}, hands.lent.idle, frozenset())
        else:
            claims = queue.take(c, self._shop.engine, free, limit, now)
            begun = begin(c, self._shop, claims, hands, now)
        if free:
            queue.set_aside(c)
        return begun.handed_on, _Claimed(claims, begun)

    def _begin_all(self, claimed: _Claimed | None, lent: Lent) -> None:
        self._shop.swarm.bring_back(lent.idle if claimed is None else claimed.begun.idle)
        if claimed is None:
            self._superseded()
            return
        programs = self.lanes.of_programs
        self._shop.resources.started(
            sum(claim.kind is not Kind.JOIN for claim in claimed.claims), sum(claim.lane in programs for claim in claimed.claims)
        )
        for claim in claimed.claims:
            if (earlier := self._workers.get(claim.lease.task)) is not None:
                earlier.stop(Stop.ABANDON)  # its lease is lost, and it has not noticed yet
            slot = None if claim.kind is Kind.JOIN else self._shop.slots.take(claim.lane)
            worker = Worker(self._shop, claim, slot, claimed.begun.turns.get(claim.lease.task))
            self._workers[claim.lease.task] = worker
            self._own(self._work(worker), self._running)
            if self._closed:
                worker.stop(Stop.RELEASE)
        if len(claimed.claims) == MOST_AT_ONCE:
            self._shop.desk.again()

    def _own(self, work: Coroutine[Any, Any, None], owned: set[asyncio.Task[None]]) -> None:
        task = self._group.create_task(work)
        owned.add(task)
        task.add_done_callback(owned.discard)

    async def _work(self, worker: Worker) -> None:
        try:
            await worker.run()
        finally:
            if self._workers.get(worker.claim.lease.task) is worker:
                del self._workers[worker.claim.lease.task]
            # What was handed in freed its slot for a claim in the same transaction.
            if not worker.handed_in or not self.busy:
                self._shop.slots.look_again()
