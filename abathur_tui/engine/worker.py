"""One claimed task, from its claim to its end: whatever happens, the task and its agent end up in a state that says so."""

import asyncio
import contextlib
import random
from collections.abc import Callable
from enum import StrEnum
from functools import cached_property
from sqlite3 import Connection
from typing import assert_never

from abathur_tui.domain.conversation import FailureKind
from abathur_tui.domain.data import JsonObject
from abathur_tui.domain.errors import (
    AbathurError,
    AgentSilent,
    AgentStalled,
    CriteriaNotMet,
    FallbackFailed,
    LeaseLost,
    MemoryExhausted,
    RowUnreadable,
    RuntimeFailure,
    TaskTimedOut,
    TooManyCrashes,
    Unexpected,
)
from abathur_tui.domain.joins import quality_from
from abathur_tui.domain.journal import NOTHING_SAVED, Saved
from abathur_tui.domain.leases import Claim, Work
from abathur_tui.domain.plan import Fallback, Kind, OnFailure
from abathur_tui.domain.status import Status
from abathur_tui.domain.tasks import TaskError
from abathur_tui.engine import fallback, success
from abathur_tui.engine.account import hold_for_account
from abathur_tui.engine.agent import AgentJob
from abathur_tui.engine.backoff import Again, Dead, after_failure
from abathur_tui.engine.failures import ends_the_engine, kind_of
from abathur_tui.engine.joins import join
from abathur_tui.engine.loop import Loop
from abathur_tui.engine.plain import Begun
from abathur_tui.engine.slots import Slot
from abathur_tui.engine.workshop import Workshop
from abathur_tui.storage import journal, queue, views
from abathur_tui.storage.connection import to_the_letter

_FAILS_AGENT = (Unexpected, AgentStalled)
"""Of these it is not only the task that failed: the agent is ended."""


class Stop(StrEnum):
    """Why a worker is told to stop."""

    CANCEL = "cancel"
    """A person cancelled the task."""
    PAUSE = "pause"
    """A person paused the task."""
    RELEASE = "release"
    """The engine ends in order: the task goes back to the queue, and nothing counts."""
    MEMORY = "memory"
    """Memory is all taken, and its agent is the youngest: the task goes back to the queue, and nothing counts."""
    TOO_LARGE = "too large"
    """The same, but no other agent works: the attempt has failed."""
    ABANDON = "abandon"
    """The lease is lost or the database is gone: the agent ends, and nothing is written."""


class Worker:
    """Works at one claim. Its owner runs `run` as a task of its own."""

    def __init__(
        self, shop: Workshop, claim: Claim, slot: Slot | None, begun: Begun | None = None, chance: Callable[[], float] = random.random
    ) -> None:
        """`slot`: the one that the claim took (joins need none); `begun`: the turn that it has begun; `chance` gives the backoff's jitter."""
        self.claim = claim
        self._shop = shop
        self._slot = slot
        self._chance = chance
        self._begun = begun
        self._found: Work | None = None
        self._job = None if begun is None else AgentJob(shop, claim, begun.start.work, NOTHING_SAVED, begun, slot)
        self._loop: Loop | None = None
        self._task: asyncio.Task[None] | None = None
        self._stop: Stop | None = None
        self._refused: str | None = None
        """A result that did not meet its criteria, which is kept all the same."""
        self.handed_in = False
        """Whether its end was handed in with others', once it has run."""

    async def run(self) -> None:
        """Do the task. Raises nothing but its own cancellation."""
        self._task = asyncio.current_task()
        log, ids = self._shop.log, {"task": self.claim.lease.task, "execution": self.claim.execution}
        try:
            if self._stop is not None:
                raise asyncio.CancelledError
            if log.level == "debug":
                log.debug("task.started", f"attempt {self.claim.attempt}", **ids)
            await self._work()
        except asyncio.CancelledError:
            stop = self._stop or Stop.RELEASE
            log.info("task.stopped", stop, **ids)
            await self._write_stopped(stop)
            if self._stop is None:
                raise
        except LeaseLost:
            log.warning("task.lost", "its lease is lost: the agent was ended, and nothing of it counts any more", **ids)
            await self._dismiss_agent()
        except Exception as error:  # whatever it is, it is this task's own
            log.broke("task.left", error, **ids)
            await self._give_up(error)
        finally:
            if self._slot is not None:
                self._slot.release()
            self._part()

    @property
    def has_agent(self) -> bool:
        """Whether an agent works at it, and was not told to stop."""
        return self._job is not None and self._stop is None and self._slot is not None and self._slot.held

    def stop(self, stop: Stop) -> None:
        """End the agent and put the task where `stop` says. The first call counts."""
        if self._stop is None:
            self._stop = stop
            if self._task is not None:
                self._task.cancel()

    async def _work(self) -> None:
        saved = NOTHING_SAVED
        if self._begun is None:
            found, saved = await self._shop.database.read(_read, self.claim.lease.task)
            self._found = found
            if await self._is_done_otherwise(found):
                return
        try:
            match self.claim.kind:
                case Kind.AGENT:
                    await self._do_agent(saved)
                case Kind.LOOP:
                    await self._do_loop(self._known)
                case Kind.JOIN:
                    await self._do_join(self._known)
                case _:
                    assert_never(self.claim.kind)
        except AbathurError as error:
            if isinstance(error, LeaseLost) or ends_the_engine(error):
                raise
            await self._write_failed(self._known, error)
        except Exception as error:  # a mistake of ours in one task must not take the others with it
            self._shop.log.broke("task.broke", error, task=self.claim.lease.task)
            await self._write_failed(self._known, Unexpected(f"Something unexpected went wrong: {error!r}"))

    @cached_property
    def _known(self) -> Work:
        """What its row says. Of a plain task it is made when it is needed."""
        if self._found is not None:
            return self._found
        assert self._begun is not None
        return self._begun.start.work()

    async def _is_done_otherwise(self, work: Work) -> bool:
        """Whether its fallback has begun, or must: which is then done."""
        if (child := await fallback.begun(self._shop, work)) is not None:
            await self._finish_fallback(work, child)
            return True
        if work.fallback is not None and work.crashes >= queue.MOST_CRASHES:
            dead = TooManyCrashes(f"Its worker died {work.crashes} times in a row without finishing a step.")
            await self._fall_back(work, work.fallback, TaskError(dead.code, dead.message))
            return True
        return False

    async def _do_agent(self, saved: Saved) -> None:
        begun = self._begun
        job = self._job = self._job or AgentJob(self._shop, self.claim, lambda: self._known, saved, slot=self._slot)
        seconds = self._known.timeout_seconds if begun is None else begun.start.task.timeout_seconds
        try:
            with self._shop.watchdog.limit(seconds) as limit:
                job.seat.limit = limit
                await job.run()
        except TimeoutError as error:
            if not limit.expired:
                raise
            raise TaskTimedOut(f"The task took longer than its {seconds:g} seconds.") from error
        job.rests()
        if job.answer is not None:
            self._part()
            await self._conclude(self._known, job.answer, {}, self._slot)

    async def _do_loop(self, work: Work) -> None:
        if work.loop is None or self._slot is None:
            raise Unexpected("A loop without its rule.")
        self._loop = Loop(self._shop, self.claim, work, work.loop, self._slot)
        end = await self._loop.run()
        result = end.best.output if end.best is not None else None
        if end.error is None:
            await self._conclude(work, result or "", end.detail(), None)
        elif work.fallback is not None:
            await self._fall_back(work, work.fallback, end.error)
        else:
            await self._shop.database.write(self._fail_loop, end.error, result, end.detail())

    def _fail_loop(self, c: Connection, error: TaskError, result: str | None, detail: JsonObject) -> None:
        queue.fail(c, self.claim.lease, error, self._shop.clock.now(), result=result, detail=detail)

    async def _do_join(self, work: Work) -> None:
        if work.join is None:
            raise Unexpected("A join without its rule.")
        joined = await join(self._shop, self.claim, work, work.join)
        await self._conclude(work, joined.text, joined.report.data(), None)

    async def _conclude(self, work: Work, result: str, detail: JsonObject, slot: Slot | None, *, instead: str = "") -> None:
        """Complete the task with the result, once that has met what it must. Raises CriteriaNotMet where it does not.

        `slot` is the task's, where it has one; `instead` names the fallback whose result it is.
        """
        if work.success is not None:
            number = success.OF_FALLBACK if instead else work.failures + 1
            checked = await success.Checks(self._shop, self.claim, work, work.success).check(result, number, slot, about=instead)
            detail = detail | checked.detail(number, quality_from(detail))
            if checked.unmet:
                self._refused = result
                await self._shop.database.write(queue.note, self.claim.lease, detail)
                raise CriteriaNotMet(f"The result does not meet its criteria: {checked.reason.rstrip('.')}.")
        await self._shop.database.write(lambda c: queue.complete(c, self.claim.lease, result, self._shop.clock.now(), detail))

    async def _write_failed(self, work: Work, error: AbathurError) -> None:
        """Try it again later, give it up, or hold its lane, as the failure says."""
        kind = kind_of(error)
        if kind is FailureKind.ACCOUNT and isinstance(error, RuntimeFailure):
            self._shop.runtimes.refused(work.runtime)
            self._shop.log.warning("lane.held", error.message, code=error.code, lane=self.claim.lane)
            await self._shop.database.write(self._hold, error)
            if self._job is not None:
                self._job.rests()
            return
        self._shop.log.info("task.failed", error.message, code=error.code, task=self.claim.lease.task, attempt=self.claim.attempt)
        verdict = self._verdict(work, error, kind)
        if work.fallback is not None and not isinstance(verdict, Again):
            await self._fall_back(work, work.fallback, TaskError(error.code, error.message))
            return
        await self._shop.database.write(self._fail, error, verdict)
        if self._job is not None and not isinstance(error, _FAILS_AGENT):
            self._job.rests()

    def _hold(self, c: Connection, error: RuntimeFailure) -> None:
        now = self._shop.clock.now()
        self._leave_agent(c, error.message, now)
        queue.release(c, self.claim.lease, error.message, now)
        hold_for_account(c, self.claim.lane, error, now)

    def _verdict(self, work: Work, error: AbathurError, kind: FailureKind | None) -> Again | Dead | None:
        """Whether the attempt is followed by another one; None where another one would change nothing."""
        if isinstance(error, CriteriaNotMet):
            return Again(0.0) if success.tries_again(work) else None
        if isinstance(error, AgentSilent):
            silent_before = work.task.error is not None and work.task.error.code == AgentSilent.code
            return None if silent_before or work.on_failure is OnFailure.FAIL else Again(0.0)
        if kind is None:
            return None
        retries = 0 if work.on_failure is OnFailure.FAIL else work.retries
        retry_after = error.retry_after if isinstance(error, RuntimeFailure) else None
        return after_failure(kind, work.failures + 1, retries, self._shop.settings.queue, retry_after, self._chance)

    def _fail(self, c: Connection, error: AbathurError, verdict: Again | Dead | None) -> None:
        now = self._shop.clock.now()
        self._leave_agent(c, error.message, now)
        task_error = TaskError(error.code, error.message)
        if self._job is not None and isinstance(error, AgentSilent):
            self._job.never_began(c, error.message, now)
        match verdict:
            case None:
                queue.fail(c, self.claim.lease, task_error, now, result=self._refused)
            case Again(seconds):
                queue.retry_later(c, self.claim.lease, task_error, now + seconds, now)
            case Dead(reason):
                journal.log(c, self.claim.lease, "error", "notice", f"not tried again: {reason}", now)
                queue.fail(c, self.claim.lease, task_error, now, status=Status.DEAD)
            case _:
                assert_never(verdict)
        if self._job is not None and isinstance(error, _FAILS_AGENT):
            self._job.dismiss(c, now, failed=error.message)
        elif self._job is not None and self._job.is_subagent:
            self._job.dismiss(c, now)

    async def _fall_back(self, work: Work, instead: Fallback, error: TaskError) -> None:
        """Its own work is given up, and its fallback begins."""
        child = await self._shop.database.write(self._begin_fallback, work, instead, error)
        if self._job is not None:
            self._job.rests()
        self._part()
        await self._finish_fallback(work, child)

    def _begin_fallback(self, c: Connection, work: Work, instead: Fallback, error: TaskError) -> int:
        if self._job is not None:
            self._job.let_go(c, error.message, self._shop.clock.now())
        return fallback.begin(c, self._shop, self.claim, work, instead, error)

    async def _finish_fallback(self, work: Work, child: int) -> None:
        if self._slot is not None:
            self._slot.release()
        try:
            instead, result = await fallback.finish(self._shop, self.claim, child)
            await self._conclude(work, result, {}, None, instead=instead)
        except (FallbackFailed, CriteriaNotMet) as error:
            failed = TaskError(error.code, error.message)
            await self._shop.database.write(lambda c: queue.fail(c, self.claim.lease, failed, self._shop.clock.now()))

    async def _write_stopped(self, stop: Stop) -> None:
        if stop is Stop.ABANDON:
            return
        try:
            await self._shop.database.write(self._end_stopped, stop)
        except LeaseLost:
            # It ended by itself in the same moment, or somebody else has it: either way the agent is free.
            await self._dismiss_agent()
        except AbathurError as error:
            self._shop.log.error("task.left", error.message, code=error.code, task=self.claim.lease.task)
            if not ends_the_engine(error):
                await self._crash()

    def _end_stopped(self, c: Connection, stop: Stop) -> None:
        now = self._shop.clock.now()
        if stop is Stop.TOO_LARGE and (self._found is not None or self._begun is not None):
            error = MemoryExhausted("All memory was taken while no other agent worked.")
            verdict, instead = self._verdict(self._known, error, kind_of(error)), self._known.fallback
            if instead is not None and not isinstance(verdict, Again):
                self._begin_fallback(c, self._known, instead, TaskError(error.code, error.message))
                queue.release(c, self.claim.lease, error.message, now)  # whoever claims it next finds its fallback begun
            else:
                self._fail(c, error, verdict)
            if self._job is not None:
                self._job.dismiss(c, now, failed=error.message)
            return
        self._leave_agent(c, stop, now)
        match stop:
            case Stop.MEMORY | Stop.TOO_LARGE:
                reason = "memory is all taken: its agent, the youngest, was stopped"
                journal.log(c, self.claim.lease, "warning", "notice", reason, now)
                queue.release(c, self.claim.lease, reason, now)
            case Stop.CANCEL:
                best = self._loop.best if self._loop is not None else None
                queue.end_cancelled(c, self.claim.lease, now, result=best.output if best is not None else None)
            case Stop.PAUSE:
                queue.end_paused(c, self.claim.lease, now)
            case Stop.RELEASE:
                queue.release(c, self.claim.lease, "the engine stopped", now)
            case Stop.ABANDON:
                pass
            case _:
                assert_never(stop)
        if self._job is not None:
            self._job.dismiss(c, now)

    async def _give_up(self, error: Exception) -> None:
        """Not even the failure could be written as it should; the plain fact must do, or the task would run for ever with nobody at it."""
        known = error if isinstance(error, AbathurError) else Unexpected(f"Something unexpected went wrong: {error!r}")
        if not ends_the_engine(known):
            task_error = TaskError(known.code, known.message)
            try:
                await self._shop.database.write(lambda c: queue.fail(c, self.claim.lease, task_error, self._shop.clock.now(), status=Status.DEAD))
            except LeaseLost:
                pass  # it is somebody else's, or has ended
            except AbathurError as trouble:
                self._shop.log.error("task.left", trouble.message, code=trouble.code, task=self.claim.lease.task)
                await self._crash()
            await self._dismiss_agent()

    async def _crash(self) -> None:
        """The task goes back as if its worker had died: after so many times it is among the dead, and never runs with nobody at it."""
        try:
            await self._shop.database.write(lambda c: queue.crash(c, self.claim.lease, self._shop.clock.now()))
        except AbathurError as error:
            self._shop.log.error("task.lost", error.message, code=error.code, task=self.claim.lease.task)

    def _part(self) -> None:
        """Let go of the agent's job, and of all that was said."""
        if (job := self._job) is not None:
            self._job, self.handed_in = None, job.handed_in
            job.part()

    def _leave_agent(self, c: Connection, reason: str, now: float) -> None:
        if self._job is not None:
            self._job.leave(c, reason, now)

    async def _dismiss_agent(self) -> None:
        """End the agent of a task that is not ours any more; its row may have been ended with the task's."""
        job = self._job
        if job is not None:
            with contextlib.suppress(AbathurError):
                await self._shop.database.write(lambda c: job.dismiss(c, self._shop.clock.now()))


def _read(c: Connection, task: int) -> tuple[Work, Saved]:
    """What it is to work by, to the letter. Raises RowUnreadable."""
    with to_the_letter(c):
        try:
            return views.work(c, task), journal.conversation(c, task)
        except (ValueError, TypeError, KeyError, AttributeError, RecursionError) as error:
            raise RowUnreadable(f"What is kept of t{task} cannot be understood: {error!s:.200}.") from error
