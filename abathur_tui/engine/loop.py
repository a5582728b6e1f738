"""Loops: a task's passes, one after the other, each measured, until the target is reached or a limit ends it.

Each pass is a task of its own inside the loop's. While it runs the loop is parked and holds no slot. What was added, measured and
judged is in the journal before the next step, so a loop that goes on after a crash repeats no pass that was finished.
"""

import asyncio
import os
from collections.abc import Mapping
from dataclasses import dataclass
from sqlite3 import Connection

from abathur_tui.domain.data import JsonObject
from abathur_tui.domain.errors import AbathurError, CommandFailed, LoopTimedOut, MeasureFailed, TargetNotReached
from abathur_tui.domain.ids import ExecutionId, TaskId, execution_text, task_text
from abathur_tui.domain.leases import Claim, Work
from abathur_tui.domain.loops import Direction, EndedBecause, LoopSpec, Pass, Verdict
from abathur_tui.domain.plan import Kind, PlanNode
from abathur_tui.domain.status import Status, Why
from abathur_tui.domain.tasks import Task, TaskError
from abathur_tui.engine.course import best_pass, told
from abathur_tui.engine.measure import NotANumber, read_numbers
from abathur_tui.engine.prompting import prompt_of, room_for_prompt
from abathur_tui.engine.slots import Slot
from abathur_tui.engine.workshop import Workshop
from abathur_tui.storage import journal, queue, views

MEASURE_SECONDS = 300.0
"""How long one measure may take."""
_INCONCLUSIVE_IN_A_ROW = 3
_ENDING_SECONDS = 10.0
"""How long a pass that ran out of time may take to end."""
_HISTORY_SHARE = 0.5
"""Of the prompt's room, what the history may take at most."""
_NEVER_PASSED_ON = ("KEY", "TOKEN", "SECRET", "PASSWORD", "CREDENTIAL")


@dataclass(frozen=True, slots=True)
class LoopEnd:
    """How a loop ended, with its best pass."""

    because: EndedBecause
    reason: str
    best: Pass | None
    error: TaskError | None
    """None where it converged."""

    def detail(self) -> JsonObject:
        """What is kept with the task."""
        return {"ended_because": self.because, "reason": self.reason, "best_pass": self.best.number if self.best else None}


class Loop:
    """One engine's work at a loop's task."""

    def __init__(self, shop: Workshop, claim: Claim, work: Work, spec: LoopSpec, slot: Slot) -> None:
        """`slot` is the claim's; the loop gives it back and takes others as it needs them."""
        self._shop = shop
        self._claim = claim
        self._work = work
        self._spec = spec
        self._slot = slot
        self._passes: list[Pass] = []

    @property
    def best(self) -> Pass | None:
        """The best pass so far."""
        return best_pass(self._passes, self._spec.criterion)

    async def run(self) -> LoopEnd:
        """Make passes until the loop's end. Raises LeaseLost, and RuntimeFailure where its runtime cannot even say what it takes."""
        try:
            self._passes = await self._shop.database.read(journal.passes, self._claim.lease.task)
            damaged = await self._shop.database.read(journal.damaged_pass, self._claim.lease.task)
            if damaged is not None:
                await self._notice(f"what was kept of pass {damaged} is damaged: going on from pass {damaged - 1}")
            while (end := self._end()) is None:
                if (end := await self._pass(len(self._passes) + 1)) is not None:
                    return end
            return end
        finally:
            self._slot.release()

    def _end(self) -> LoopEnd | None:
        """The loop's end as its passes so far say it; None where there is another pass to make."""
        last = self._passes[-1] if self._passes else None
        if last is not None and last.verdict is Verdict.CONVERGED:
            return self._ended(EndedBecause.CONVERGED, last.reason, None)
        failing = self._passes[-_INCONCLUSIVE_IN_A_ROW:]
        if len(failing) == _INCONCLUSIVE_IN_A_ROW and all(done.verdict is Verdict.INCONCLUSIVE for done in failing):
            reason = f"the measure gave no number {_INCONCLUSIVE_IN_A_ROW} times in a row: {failing[-1].reason}"
            return self._ended(EndedBecause.FAILED, reason, MeasureFailed)
        if len(self._passes) >= self._spec.max_iterations:
            return self._ended(EndedBecause.ITERATIONS, f"{self._spec.max_iterations} passes did not reach the target", TargetNotReached)
        if self._seconds_left() <= 0:
            return self._ended(EndedBecause.TIMEOUT, f"its {self._shop.settings.loop.timeout_seconds:g} seconds are over", LoopTimedOut)
        return None

    def _ended(self, because: EndedBecause, reason: str, error: type[AbathurError] | TaskError | None) -> LoopEnd:
        best, metric = self.best, self._spec.criterion.metric
        if best is not None:
            value = best.metrics.get(metric)
            reason += f"; the best is pass {best.number}" + (f" with {metric} {value:g}" if value is not None else "")
        if error is None or isinstance(error, TaskError):
            return LoopEnd(because, reason, best, error)
        return LoopEnd(because, reason, best, TaskError(error.code, f"The loop ended: {reason}."))

    def _seconds_left(self) -> float:
        """Of the loop's time: only passes take of it, so a loop that was interrupted for a night still has the rest."""
        return self._shop.settings.loop.timeout_seconds - sum(done.seconds for done in self._passes)

    async def _pass(self, number: int) -> LoopEnd | None:
        """Make a pass, or wait for the one that an earlier engine has begun, and judge it; an end where it did not complete."""
        child = await self._shop.database.read(queue.child_of, self._claim.lease.task, number)
        node = None if child is not None else await self._node(number)
        child = await self._shop.database.write(self._begin, number, child, node)
        self._slot.release()
        ended = await self._await_pass(child)
        self._slot = await self._shop.slots.acquire(self._claim.priority)
        await self._shop.database.write(lambda c: queue.unpark(c, self._claim.lease, self._shop.clock.now()))
        if ended is None:
            reason = f"its {self._shop.settings.loop.timeout_seconds:g} seconds were over in pass {number}"
            return self._ended(EndedBecause.TIMEOUT, reason, LoopTimedOut)
        if ended.status is not Status.COMPLETED:
            return self._failed(number, ended)
        await self._judge(number, ended)
        return None

    async def _node(self, number: int) -> PlanNode:
        """The pass as a task: the loop's own prompt, and what earlier passes have reached."""
        work = self._work
        priority = (await self._shop.database.read(views.task, work.task.id)).priority  # somebody may have changed it
        runtime = await self._shop.runtimes.open(work.runtime)
        room = room_for_prompt(await runtime.limits(), "") * 2 // 3  # the rest is for the agent's system prompt
        history = told(self._passes, self._spec.criterion, int(room * _HISTORY_SHARE))
        prompt = prompt_of(work, room - len(history), instances=False)
        return PlanNode(
            id=f"pass-{number}",
            name=f"{work.task.name} · pass {number}",
            kind=Kind.AGENT,
            template=work.task.template,
            template_version=work.task.template_version,
            agent=work.task.agent,
            prompt="{{ prompt }}",
            parameters={"prompt": "\n\n".join(part for part in (prompt, history) if part)},
            depth=work.depth + 1,
            priority=priority,
            tags=work.task.tags,
            model=work.model,
            timeout_seconds=work.timeout_seconds,
            retries=work.retries,
            on_failure=work.on_failure,
            instance=work.task.instance,
            instances=work.task.instances,
        )

    def _begin(self, c: Connection, number: int, child: int | None, node: PlanNode | None) -> int:
        now = self._shop.clock.now()
        if child is None:
            assert node is not None
            child = queue.add_child(c, self._claim.lease, node, now, pass_number=number)
        queue.report_progress(c, self._claim.lease, min((number - 1) / self._spec.max_iterations, 1.0), now)
        queue.park(c, self._claim.lease, Why.CHILDREN, now)
        return child

    async def _await_pass(self, child: int) -> Task | None:
        """The pass, ended; None where the loop's time was over before, and the pass was cancelled."""
        try:
            async with asyncio.timeout(self._seconds_left()):
                return await self._shop.endings.ended(child)
        except TimeoutError:
            await self._shop.database.write(lambda c: queue.cancel(c, [child], "loop", "the loop's time is over", self._shop.clock.now()))
        try:
            async with asyncio.timeout(_ENDING_SECONDS):
                ended = await self._shop.endings.ended(child)
        except TimeoutError:
            return None
        return ended if ended.status is Status.COMPLETED else None

    def _failed(self, number: int, ended: Task) -> LoopEnd:
        error = ended.error or TaskError(AbathurError.code, f"it is {ended.status}")
        name = task_text(TaskId(ended.id))
        if ended.status is Status.CANCELLED:
            reason = f"pass {number} ({name}) was cancelled"
            return self._ended(EndedBecause.CANCELLED, reason, TargetNotReached)
        end = self._ended(EndedBecause.FAILED, f"pass {number} ({name}) is {ended.status}: {error.message}", None)
        return LoopEnd(end.because, end.reason, end.best, TaskError(error.code, f"The loop ended: {end.reason}."))

    async def _judge(self, number: int, ended: Task) -> None:
        """Measure the pass, and keep it with its verdict."""
        shop = self._shop
        output = await shop.database.read(views.result, ended.id) or ""
        began = shop.clock.monotonic()
        metrics, verdict, reason = await self._measured(number, ended.id, output)
        seconds = max((ended.finished_at or 0.0) - (ended.started_at or ended.finished_at or 0.0), 0.0) + shop.clock.monotonic() - began
        done = Pass(
            number=number,
            task=ended.id,
            output=output,
            metrics=metrics,
            verdict=verdict,
            reason=reason,
            tokens_input=ended.tokens_input,
            tokens_output=ended.tokens_output,
            seconds=seconds,
            cost_usd=ended.cost_usd,
            ended_at=shop.clock.now(),
        )
        await shop.database.write(self._keep, done)
        self._passes.append(done)

    def _keep(self, c: Connection, done: Pass) -> None:
        for name, value in done.metrics.items():
            journal.metric(c, self._claim.lease, done.number, name, value, done.ended_at)
        journal.finish_pass(c, self._claim.lease, done, done.ended_at)

    async def _measured(self, number: int, task: int, output: str) -> tuple[dict[str, float], Verdict, str]:
        criterion = self._spec.criterion
        timeout = min(MEASURE_SECONDS, max(self._seconds_left(), 1.0))
        try:
            # The pass's output comes on standard input; most measures look at the project's files and do not read it.
            ran = await self._shop.children.run(
                ["/bin/sh", "-c", criterion.measure],
                cwd=self._shop.project,
                env=self._environment(number, task),
                stdin=output.encode("utf-8", "replace"),
                timeout_seconds=timeout,
            )
        except CommandFailed as error:
            return {}, Verdict.INCONCLUSIVE, f"the measure cannot run: {error.message}"
        if ran.stderr.strip():
            await self._notice(ran.stderr.strip()[-2000:], kind="stderr")
        if ran.timed_out:
            return {}, Verdict.INCONCLUSIVE, f"the measure took longer than {timeout:g} seconds"
        if ran.exit_code != 0:
            said = ran.stderr.strip() or ran.stdout.strip()
            return {}, Verdict.INCONCLUSIVE, f"the measure ended with exit code {ran.exit_code}" + (f": {said[-200:]}" if said else "")
        try:
            metrics = read_numbers(ran.stdout, criterion.metric)
        except NotANumber as error:
            return {}, Verdict.INCONCLUSIVE, f"the measure gave no number: {error}"
        value = metrics[criterion.metric]
        sign = "<=" if criterion.direction is Direction.MINIMIZE else ">="
        if criterion.met(value):
            return metrics, Verdict.CONVERGED, f"{criterion.metric} {value:g} {sign} {criterion.target:g}"
        return metrics, Verdict.CONTINUE, f"{criterion.metric} {value:g} is not yet {sign} {criterion.target:g}"

    def _environment(self, number: int, task: int) -> Mapping[str, str]:
        own = {name: value for name, value in os.environ.items() if not any(word in name.upper() for word in _NEVER_PASSED_ON)}
        return {
            **(dict(self._work.runtime.environment) or own),
            "ABATHUR_PROJECT": str(self._shop.project),
            "ABATHUR_EXECUTION": execution_text(ExecutionId(self._claim.execution)),
            "ABATHUR_TASK": task_text(TaskId(task)),
            "ABATHUR_PASS": str(number),
        }

    async def _notice(self, text: str, *, kind: str = "notice") -> None:
        level = "warning" if kind == "notice" else "info"
        await self._shop.database.write(lambda c: journal.log(c, self._claim.lease, level, kind, text, self._shop.clock.now()))
