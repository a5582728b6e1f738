"""A result against its task's success criteria: the commands first, then one judge for all that is left to judge."""

from dataclasses import dataclass

from abathur_tui.domain.data import JsonObject, JsonValue
from abathur_tui.domain.joins import Judged, Quality
from abathur_tui.domain.leases import Claim, Work
from abathur_tui.domain.plan import Kind
from abathur_tui.domain.success import LEAST, Success, Unmet
from abathur_tui.engine.criteria.commands import Commands, Useless
from abathur_tui.engine.judging import Judge, NoScore, Verdict
from abathur_tui.engine.prompting import room_for_prompt
from abathur_tui.engine.slots import Slot
from abathur_tui.engine.workshop import Workshop
from abathur_tui.library.fitting import cut

OF_FALLBACK = 1_000_000
"""The number of a fallback's result, among the results of a task."""
_CANNOT_RUN = (126, 127)


@dataclass(frozen=True, slots=True)
class Checked:
    """What came of a result's check."""

    unmet: tuple[str, ...]
    """What it does not meet, and why; empty where it meets all."""
    quality: Quality
    """What was said of each thing."""

    def detail(self, number: int, before: Quality | None) -> JsonObject:
        """What is kept with the task of its result `number`; `before`: what was said of its quality before."""
        own = self.quality
        if before is not None:
            score = before.score if own.score is None else own.score
            own = Quality(score, (*before.criteria, *own.criteria), own.confidence)
        return {"quality": own.data(), "unmet": Unmet(number, self.reason).data() if self.unmet else None}

    @property
    def reason(self) -> str:
        """All that it does not meet, in one line."""
        return "; ".join(self.unmet)


class Checks:
    """Checks the results of one task; what was asked of a judge is a task inside that task, so that after a crash nothing is asked twice."""

    def __init__(self, shop: Workshop, claim: Claim, work: Work, wanted: Success) -> None:
        """`claim` is the task's."""
        self._shop = shop
        self._claim = claim
        self._work = work
        self._wanted = wanted

    async def check(self, result: str, number: int, slot: Slot | None, *, about: str = "") -> Checked:
        """The check of the task's result `number`: each has one of its own. Raises LeaseLost.

        `slot` is the one that the task holds, if it does; commands need one, and it is given back before a judge is asked. `about` names the
        result among the judge's tasks.
        """
        criteria: list[Judged] = []
        unmet: list[str] = []
        if self._wanted.commands:
            criteria = await self._ran(result, number, slot)
            unmet = [f"`{one.name}` {one.reason}" for one in criteria if one.score < 1]
        if slot is not None:
            slot.release()
        score = confidence = None
        if self._wanted.judged and not unmet:  # a judge costs, and could not save it
            try:
                verdict = await self._judged(result, number, about)
            except NoScore as none:
                return Checked((f"the judge gave no verdict: {none}",), Quality(None, tuple(criteria)))
            criteria += verdict.requirements
            score, confidence = verdict.score, verdict.confidence
            unmet = self._missed(verdict)
        return Checked(tuple(unmet), Quality(score, tuple(criteria), confidence))

    async def _ran(self, result: str, number: int, slot: Slot | None) -> list[Judged]:
        """What the commands say, in written order: one may build what the next one looks at."""
        own = await self._shop.slots.acquire(self._claim.priority) if slot is None else None
        try:
            commands = Commands(self._shop, self._claim, self._work, None, self._work.task.id, self._work.timeout_seconds)
            return [await _exit_of(command, commands, result) for command in self._wanted.commands]
        finally:
            if own is not None:
                own.release()

    async def _judged(self, result: str, number: int, about: str) -> Verdict:
        runtime = await self._shop.runtimes.open(self._work.runtime)
        room = room_for_prompt(await runtime.limits(), "") // 2  # the rest is for the judge's own words, and for the task's
        sentences: list[JsonValue] = [*self._wanted.sentences]
        shown: JsonObject = {"result": cut(result, room), "requirements": sentences}
        title = f"Judge of {about or self._work.task.name}"
        return await Judge(self._shop, self._claim, self._work).verdict(shown, title, number, need_confidence=self._wanted.confidence is not None)

    def _missed(self, verdict: Verdict) -> list[str]:
        wanted = self._wanted
        missed = [f"{one.name.rstrip('.')}: {one.reason}" for one in verdict.requirements if one.score < LEAST]
        if wanted.quality is not None and verdict.score < wanted.quality:
            missed.append(f"quality {verdict.score:.2f} is below {wanted.quality:g}: {verdict.reason}")
        if wanted.confidence is not None and (verdict.confidence or 0.0) < wanted.confidence:
            missed.append(f"confidence {verdict.confidence or 0.0:.2f} is below {wanted.confidence:g}: {verdict.reason}")
        return missed


def tries_again(work: Work) -> bool:
    """Whether an attempt follows one whose result did not do. A loop has its passes for that, and a join's members stay as they are."""
    if work.success is None or work.task.kind is not Kind.AGENT:
        return False
    more = work.retries if work.success.attempts is None else work.success.attempts
    return work.failures < more


def complaint(number: int, reason: str) -> str:
    """What the agent is told after its result number `number` did not do."""
    return (
        f"Your result {number} was checked, and does not do yet: {reason}\n\n"
        "Give the whole result again, so that it meets what it does not meet. Say nothing about this check."
    )


def demands(wanted: Success) -> str:
    """What the agent is told before: what its result will be checked for."""
    lines = "\n".join(f"- {line}" for line in wanted.told)
    return f"Your result is checked, and counts only if it meets all of this:\n\n{lines}"


async def _exit_of(command: str, commands: Commands, result: str) -> Judged:
    name = f"$ {command}"
    try:
        ran = await commands.run(command, result, long=True)
    except Useless as useless:
        return Judged(name, 0.0, str(useless))
    if ran.exit_code == 0:
        return Judged(name, 1.0, "exits 0")
    how = "cannot run" if ran.exit_code in _CANNOT_RUN else f"ended with exit code {ran.exit_code}"
    return Judged(name, 0.0, how + (f": {ran.said}" if ran.said else ""))
