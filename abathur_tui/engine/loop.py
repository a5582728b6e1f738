"""Loops: a task's passes, one after the other, each measured, until they converge or a limit ends it.

Each pass is a task of its own inside the loop's. While it runs the loop is parked and holds no slot. What was added, measured and
judged is in the journal before the next step, so a loop that goes on after a crash repeats no pass that was finished.
"""

import asyncio
from dataclasses import replace
from sqlite3 import Connection

from abathur_tui.domain.clock import Look
from abathur_tui.domain.courses import Progress, course_of
from abathur_tui.domain.criteria import commands
from abathur_tui.domain.errors import AbathurError, BudgetReached, LoopTimedOut, MeasureFailed, NoProgress, PriceUnknown, TargetNotReached
from abathur_tui.domain.ids import TaskId, task_text
from abathur_tui.domain.leases import Claim, Work
from abathur_tui.domain.loops import EndedBecause, LoopSpec, Pass, Verdict, questions_about
from abathur_tui.domain.plan import Kind, LoopBody, PlanNode
from abathur_tui.domain.status import Status, Why
from abathur_tui.domain.tasks import Task
from abathur_tui.engine.course import SHOWN_PASSES, Account, told, tried_in
from abathur_tui.engine.criteria import Evaluator
from abathur_tui.engine.loop_end import LoopEnd, end_with
from abathur_tui.engine.prompting import prompt_of, room_for_prompt
from abathur_tui.engine.slots import Slot
from abathur_tui.engine.workshop import Workshop
from abathur_tui.storage import journal, queue, views

_INCONCLUSIVE_IN_A_ROW = 3
_ENDING_SECONDS = 10.0
"""How long a pass that ran out of time may take to end."""
_HISTORY_SHARE = 0.5
"""Of the prompt's room, what the history may take at most."""


class Loop:
    """One engine's work at a loop's task."""

    def __init__(self, shop: Workshop, claim: Claim, work: Work, spec: LoopSpec, slot: Slot) -> None:
        """`slot` is the claim's; the loop gives it back and takes others as it needs them."""
        self._shop = shop
        self._claim = claim
        self._work = work
        self._spec = spec
        self._slot = slot
        self._runs_commands = bool(commands(spec.criterion))
        self._evaluator = Evaluator(shop, claim, work, spec.criterion)
        self._passes: list[Pass] = []
        """Without their outputs, which would fill the memory; only the best one's and the last one's are kept."""
        self._progress = Progress(spec.criterion)
        self._last: Pass | None = None
        self._tried: dict[int, str] = {}
        self._body: LoopBody | None = None
        """What is made anew in each pass; None where a pass is a single agent's."""

    @property
    def best(self) -> Pass | None:
        """The best pass so far, with its output."""
        return self._progress.best

    async def run(self) -> LoopEnd:
        """Make passes until the loop's end. Raises LeaseLost, and RuntimeFailure where its runtime cannot even say what it takes."""
        try:
            self._body = await self._shop.database.read(queue.body_of, self._claim.lease.task)
            for done in await self._shop.database.read(journal.passes, self._claim.lease.task):
                self._remember(done)
            damaged = await self._shop.database.read(journal.damaged_pass, self._claim.lease.task)
            if damaged is not None:
                await self._notice(f"what was kept of pass {damaged} is damaged: going on from pass {damaged - 1}")
            while (end := self._end() or await self._end_of_money()) is None:
                if (end := await self._pass(len(self._passes) + 1)) is not None:
                    return end
            return end
        finally:
            self._slot.release()

    def _remember(self, done: Pass) -> None:
        self._passes.append(replace(done, output=""))
        self._last = done
        self._progress.add(done)
        self._tried[done.number] = tried_in(done.output)
        self._tried.pop(done.number - SHOWN_PASSES, None)

    def _end(self) -> LoopEnd | None:
        """The loop's end as its passes so far say it; None where there is another pass to make."""
        last = self._passes[-1] if self._passes else None
        if last is not None and last.verdict is Verdict.CONVERGED:
            return self._ended(EndedBecause.CONVERGED, last.reason, None)
        failing = self._passes[self._spec.resumed_after :][-_INCONCLUSIVE_IN_A_ROW:]
        if len(failing) == _INCONCLUSIVE_IN_A_ROW and all(done.verdict is Verdict.INCONCLUSIVE for done in failing):
            reason = f"nothing could be said of {_INCONCLUSIVE_IN_A_ROW} passes in a row: {failing[-1].reason}"
            return self._ended(EndedBecause.FAILED, reason, MeasureFailed)
        most = self._spec.max_iterations
        if most is not None and len(self._passes) >= most:
            return self._ended(EndedBecause.ITERATIONS, f"{_passes(most)} did not reach the target", TargetNotReached)
        if self._seconds_left() <= 0:
            return self._ended(EndedBecause.TIMEOUT, f"its {self._timeout:g} seconds are over", LoopTimedOut)
        if self._progress.stale >= self._spec.patience:
            return self._ended(EndedBecause.NO_PROGRESS, f"{_passes(self._progress.stale)} in a row brought no better one", NoProgress)
        return None

    async def _end_of_money(self, *, another: bool = True) -> LoopEnd | None:
        """The end where the budget is spent, or (`another`) where a pass as dear as the dearest one would cross it."""
        budget = self._spec.budget_usd
        if budget is None:
            return None
        spent = await self._shop.database.read(views.spent, self._claim.lease.task)
        if spent.unknown:
            reason = f"its budget of ${budget:.4g} cannot be held, for what {spent.unknown} of its turns cost is not known"
            return self._ended(EndedBecause.BUDGET, reason, PriceUnknown)
        if spent.cost_usd >= budget:
            return self._ended(EndedBecause.BUDGET, f"its budget of ${budget:.4g} is spent (${spent.cost_usd:.4g})", BudgetReached)
        dearest = max((done.cost_usd or 0.0 for done in self._passes), default=0.0)
        if another and spent.cost_usd + dearest > budget:
            reason = f"${spent.cost_usd:.4g} of its budget of ${budget:.4g} is spent, and a pass has cost up to ${dearest:.4g}"
            return self._ended(EndedBecause.BUDGET, reason, BudgetReached)
        return None

    def _ended(self, because: EndedBecause, reason: str, error: type[AbathurError] | str | None) -> LoopEnd:
        return end_with(because, reason, self._spec.criterion, self.best, error)

    @property
    def _timeout(self) -> float:
        own = self._spec.timeout_seconds
        return self._shop.settings.loop.timeout_seconds if own is None else own

    def _seconds_left(self) -> float:
        """Of the loop's time: only passes take of it, so a loop that was interrupted for a night still has the rest."""
        return self._timeout - sum(done.seconds for done in self._passes)

    async def _pass(self, number: int) -> LoopEnd | None:
        """Make a pass, or wait for the one that an earlier engine has begun, and judge it; an end where it did not complete."""
        child = await self._shop.database.read(queue.child_of, self._claim.lease.task, number)
        made = None if child is not None else await self._made(number)
        child = await self._shop.database.write(self._begin, number, child, made)
        self._slot.release()
        before = Look.at(self._shop.clock)
        ended = await self._await_pass(child)
        if ended is None:
            reason = f"its {self._timeout:g} seconds were over in pass {number}"
            return self._ended(EndedBecause.TIMEOUT, reason, LoopTimedOut)
        if ended.status is not Status.COMPLETED:
            return await self._failed(number, ended)
        return await self._judge(number, ended, before)

    async def _made(self, number: int) -> PlanNode | LoopBody:
        """The pass to be: one task, or all that was written or nested in the loop, each told what earlier passes have reached."""
        work = self._work
        priority = (await self._shop.database.read(views.task, work.task.id)).priority  # somebody may have changed it
        runtime = await self._shop.runtimes.open(work.runtime)
        room = room_for_prompt(await runtime.limits(), "") * 2 // 3  # the rest is for the agent's system prompt
        afresh = self._starts_afresh()
        if afresh:
            course = course_of(self._spec.criterion, self._passes[-SHOWN_PASSES:])
            await self._notice(f"{course or 'no progress'}: pass {number} starts afresh, with what was learned")
        account = Account(self._passes, self._spec.criterion, self.best, self._last, self._tried, await self._said(), afresh)
        most = int(room * _HISTORY_SHARE)
        if self._body is not None:
            return _pass_of(self._body, f"pass {number} · {work.task.name}", priority, told(account, most), told(account, most, part=True))
        history = told(account, most)
        prompt = prompt_of(work, room - len(history), instances=False)
        return PlanNode(
            id=f"pass-{number}",
            name=f"pass {number} · {work.task.name}",
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

    async def _said(self) -> list[tuple[str, str]]:
        """What the parts of the last pass said that came after its own step, by their names."""
        if self._body is None or self._last is None or self._body.own in (None, self._body.face):
            return []
        return await self._shop.database.read(views.said_beside, self._last.task)

    def _starts_afresh(self) -> bool:
        """Halfway to giving up: no better pass for half of the loop's patience."""
        half = self._spec.patience // 2
        return half > 0 and self._progress.stale == half

    def _begin(self, c: Connection, number: int, child: int | None, made: PlanNode | LoopBody | None) -> int:
        now = self._shop.clock.now()
        if child is None:
            assert made is not None
            if isinstance(made, LoopBody):
                child = queue.add_pass(c, self._claim.lease, made, number, now)
            else:
                child = queue.add_child(c, self._claim.lease, made, now, pass_number=number)
        most = self._spec.max_iterations
        queue.report_progress(c, self._claim.lease, None if most is None else min((number - 1) / most, 1.0), now)
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

    async def _failed(self, number: int, task: Task) -> LoopEnd:
        if task.status is not Status.CANCELLED and (end := await self._end_of_money(another=False)) is not None:
            return end
        name = task_text(TaskId(task.id))
        if task.status is Status.CANCELLED:
            reason = f"pass {number} ({name}) was cancelled"
            return self._ended(EndedBecause.CANCELLED, reason, TargetNotReached)
        said = f": {task.error.message.rstrip('.')}" if task.error is not None else ""
        code = task.error.code if task.error is not None else AbathurError.code
        return self._ended(EndedBecause.FAILED, f"pass {number} ({name}) is {task.status}{said}", code)

    async def _judge(self, number: int, ended: Task, before: Look) -> LoopEnd | None:
        """Measure the pass, which was awaited from `before` on, and keep it with its verdict; an end where there was no money left to judge it."""
        shop = self._shop
        awaited = Look.at(shop.clock)
        output = await shop.database.read(views.result, ended.id) or ""
        began = shop.clock.monotonic()
        if self._runs_commands:
            self._slot = await shop.slots.acquire(self._claim.priority)
            await shop.database.write(lambda c: queue.unpark(c, self._claim.lease, shop.clock.now()))
        found = await self._evaluator.measured(number, ended.id, output, self._passes, self._seconds_left())
        self._slot.release()
        found_out = await self._evaluator.judged(number, ended.id, found)
        if found_out.verdict is Verdict.INCONCLUSIVE and (end := await self._end_of_money(another=False)) is not None:
            return end
        spent = await shop.database.read(views.spent_in, self._claim.lease.task, number, questions_about(number))
        began_at = ended.started_at if spent.began_at is None else spent.began_at
        seconds = max((ended.finished_at or 0.0) - (began_at or ended.finished_at or 0.0), 0.0)
        if before.set_by(awaited):  # then the moments say nothing
            seconds = before.seconds_to(awaited)
        done = Pass(
            number=number,
            task=ended.id,
            output=output,
            metrics=found_out.metrics,
            verdict=found_out.verdict,
            reason=found_out.reason,
            tokens_input=spent.tokens_input,
            tokens_output=spent.tokens_output,
            seconds=seconds + shop.clock.monotonic() - began,
            cost_usd=spent.known_cost_usd,
            ended_at=shop.clock.now(),
            scores=found_out.scores,
        )
        await shop.database.write(self._keep, done)
        self._remember(done)
        return None

    def _keep(self, c: Connection, done: Pass) -> None:
        for name, value in done.metrics.items():
            journal.metric(c, self._claim.lease, done.number, name, value, done.ended_at)
        journal.finish_pass(c, self._claim.lease, done, done.ended_at)

    async def _notice(self, text: str) -> None:
        await self._shop.database.write(lambda c: journal.log(c, self._claim.lease, "warning", "notice", text, self._shop.clock.now()))


def _passes(number: int) -> str:
    return "1 pass" if number == 1 else f"{number} passes"


def _pass_of(body: LoopBody, name: str, priority: int, own_account: str, account: str) -> LoopBody:
    """The body as one pass of it: each agent is told how the loop stands."""
    variable = f"passes_of_{body.loop}"
    nodes = []
    for node in body.nodes:
        changed = replace(node, name=name, priority=priority) if node.id == body.face else node
        text = own_account if node.id == body.own else account
        if text and node.kind is not Kind.JOIN:
            changed = replace(changed, prompt=f"{node.prompt}\n\n{{{{ {variable} }}}}", parameters={**node.parameters, variable: text})
        nodes.append(changed)
    return replace(body, nodes=tuple(nodes))
