"""A pass against its loop's criterion: what is measured, what each single criterion says of it, and the verdict of all."""

import json
from collections.abc import Sequence
from dataclasses import dataclass, field

from abathur_tui.domain.criteria import (
    Criterion,
    CustomCriterion,
    Direction,
    FunctionCriterion,
    JudgeCriterion,
    Leaf,
    PassingTestsCriterion,
    StabilityCriterion,
    ThresholdCriterion,
    leaves,
)
from abathur_tui.domain.data import JsonObject, JsonValue
from abathur_tui.domain.leases import Claim, Work
from abathur_tui.domain.loops import QUESTIONS_OF_A_PASS, Pass, Verdict
from abathur_tui.engine.criteria.commands import Commands, Ran, Useless
from abathur_tui.engine.criteria.counts import Counts, read_counts
from abathur_tui.engine.criteria.functions import said_by
from abathur_tui.engine.criteria.similarity import similarity
from abathur_tui.engine.criteria.verdicts import Reading, combined, reason_of
from abathur_tui.engine.judging import Judge, NoScore
from abathur_tui.engine.measure import NotANumber, read_numbers
from abathur_tui.engine.workshop import Workshop
from abathur_tui.storage import journal, views

_ALMOST = 0.9999
"""The highest score of what has not converged."""
_ROUNDING = 1e-9
"""3.1 is no further than 0.1 from 3, whatever binary fractions say."""
_HISTORY_OUTPUTS = 20
"""Of how many of the last passes a custom criterion is given the outputs."""
_CANNOT_RUN = (126, 127)


@dataclass(frozen=True, slots=True)
class Evaluation:
    """What came of it."""

    metrics: dict[str, float]
    scores: dict[str, float]
    verdict: Verdict
    reason: str


@dataclass(slots=True)
class _Found:
    """What is known so far of a pass."""

    metrics: dict[str, float] = field(default_factory=dict)
    readings: dict[str, Reading] = field(default_factory=dict)
    failures: dict[str, str] = field(default_factory=dict)
    """Why a measure, by its command, gave nothing."""
    ran: set[str] = field(default_factory=set)
    """The measures that gave numbers."""


class Evaluator:
    """Judges the passes of one loop."""

    def __init__(self, shop: Workshop, claim: Claim, work: Work, criterion: Criterion) -> None:
        """`claim` is the loop's."""
        self._shop = shop
        self._claim = claim
        self._work = work
        self._criterion = criterion
        self._leaves = leaves(criterion)
        self._judge = Judge(shop, claim, work)

    async def measured(self, number: int, task: int, output: str, before: Sequence[Pass], seconds_left: float) -> _Found:
        """All but what judges say, which needs no slot; `task` is the pass's, `before` the passes before it (their outputs are not used)."""
        commands = Commands(self._shop, self._claim, self._work, number, task, seconds_left)
        found = _Found(await self._shop.database.read(journal.reported, task))
        for name, leaf in self._leaves:  # in written order: one command may build what the next one measures
            match leaf:
                case PassingTestsCriterion():
                    found.readings[name] = await self._tests(leaf, commands, output, found)
                case CustomCriterion():
                    found.readings[name] = await self._custom(leaf, commands, await self._told(number, task, output, before, found))
                case FunctionCriterion():
                    found.readings[name] = await said_by(leaf.function, commands, await self._told(number, task, output, before, found))
                case _:
                    await self._take_numbers(leaf, commands, output, found)
        for name, leaf in self._leaves:
            match leaf:
                case ThresholdCriterion():
                    found.readings[name] = _threshold(leaf, found)
                case StabilityCriterion():
                    found.readings[name] = await self._stability(leaf, output, before, found)
                case _:
                    pass
        return found

    async def judged(self, number: int, task: int, found: _Found) -> Evaluation:
        """The verdict, once the judges have spoken too."""
        for place, (name, leaf) in enumerate(self._leaves):
            if isinstance(leaf, JudgeCriterion):
                found.readings[name] = await self._judgement(leaf, name, number, task, place)
        named = {name: found.readings[name] for name, _ in self._leaves}
        by_leaf = {id(leaf): found.readings[name] for name, leaf in self._leaves}
        scores = {name: reading.score for name, reading in named.items() if reading.score is not None}
        verdict = combined(self._criterion, by_leaf)
        return Evaluation(found.metrics, scores, verdict, reason_of(self._criterion, verdict, named))

    async def _take_numbers(self, leaf: Leaf, commands: Commands, output: str, found: _Found) -> None:
        """Run the leaf's measure, unless that was done for another one with the same command and the metric is there."""
        match leaf:
            case (
                ThresholdCriterion(metric=str() as metric, measure=str() as command)
                | StabilityCriterion(metric=str() as metric, measure=str() as command)
            ):
                pass
            case _:
                return
        if command in found.failures or (command in found.ran and metric in found.metrics):
            return
        try:
            ran = await commands.run(command, output)
            if ran.exit_code != 0:
                raise Useless(ran.ending)
            found.metrics |= read_numbers(ran.stdout, metric)
            found.ran.add(command)
        except Useless as useless:
            found.failures[command] = f"the measure {useless}"
        except NotANumber as error:
            found.failures[command] = f"the measure gave no number: {error}"

    async def _tests(self, leaf: PassingTestsCriterion, commands: Commands, output: str, found: _Found) -> Reading:
        try:
            ran = await commands.run(leaf.command, output, long=True)
        except Useless as useless:
            return Reading(Verdict.INCONCLUSIVE, None, f"the tests' command {useless}")
        if ran.exit_code in _CANNOT_RUN:
            return Reading(Verdict.INCONCLUSIVE, None, f"the tests' command cannot run: {ran.said}")
        counts = read_counts(f"{ran.stdout}\n{ran.stderr}")
        if counts is not None:
            found.metrics |= {"tests_passed": float(counts.passed), "tests_failed": float(counts.failed)}
        return _tested(ran, counts)

    async def _custom(self, leaf: CustomCriterion, commands: Commands, told: str) -> Reading:
        try:
            ran = await commands.run(leaf.command, told)
        except Useless as useless:
            return Reading(Verdict.INCONCLUSIVE, None, f"the criterion's command {useless}")
        said = " ".join(ran.stdout.split())[:300]
        match ran.exit_code:
            case 0:
                return Reading(Verdict.CONVERGED, 1.0, said or "the criterion's command is content")
            case 1:
                return Reading(Verdict.CONTINUE, 0.0, said or ran.said or "the criterion's command is not content yet")
            case _:
                return Reading(Verdict.INCONCLUSIVE, None, f"the criterion's command {ran.ending}")

    async def _told(self, number: int, task: int, output: str, before: Sequence[Pass], found: _Found) -> str:
        """The pass and the history as a custom criterion gets them."""
        own: JsonObject = {"pass": number, "output": output, "metrics": dict[str, JsonValue](found.metrics)}
        history: list[JsonValue] = []
        for done in before:
            text = await self._output(done) if done.number >= number - _HISTORY_OUTPUTS else None
            history.append(
                {
                    "pass": done.number,
                    "output": text,
                    "metrics": dict[str, JsonValue](done.metrics),
                    "scores": dict[str, JsonValue](done.scores),
                    "verdict": done.verdict.value,
                    "reason": done.reason,
                    "tokens": {"input": done.tokens_input, "output": done.tokens_output},
                    "seconds": done.seconds,
                }
            )
        return json.dumps({"pass": own, "history": history}, ensure_ascii=False)

    async def _stability(self, leaf: StabilityCriterion, output: str, before: Sequence[Pass], found: _Found) -> Reading:
        earlier = before[-(leaf.window - 1) :] if leaf.window > 1 else before[:0]
        if leaf.metric is not None:
            return _steady(leaf, earlier, found)
        outputs = [await self._output(done) for done in earlier]
        alike = min((similarity(output, other) for other in outputs), default=0.0 if leaf.window > 1 else 1.0)
        last = similarity(output, outputs[-1]) if outputs else 0.0
        if len(earlier) < leaf.window - 1:
            return Reading(Verdict.CONTINUE, min(last, _ALMOST), f"{len(earlier) + 1} of {leaf.window} passes that stability needs")
        if alike >= leaf.similarity:
            return Reading(Verdict.CONVERGED, 1.0, f"the last {leaf.window} outputs are alike ({alike:.2f} >= {leaf.similarity:g})")
        return Reading(Verdict.CONTINUE, min(alike, _ALMOST), f"the last {leaf.window} outputs are alike to {alike:.2f}, not yet {leaf.similarity:g}")

    async def _judgement(self, leaf: JudgeCriterion, name: str, number: int, task: int, place: int) -> Reading:
        title = f"{name.capitalize()} of pass {number} of {self._work.task.name}"
        try:
            given = await self._judge.score(task, leaf.rubric, title, number * (QUESTIONS_OF_A_PASS // 2) + place)
        except NoScore as none:
            return Reading(Verdict.INCONCLUSIVE, None, f"the judge gave no score: {none}")
        if given.score >= leaf.target:
            return Reading(Verdict.CONVERGED, given.score, f"{name} {given.score:.2f} >= {leaf.target:g}: {given.reason}")
        return Reading(Verdict.CONTINUE, given.score, f"{name} {given.score:.2f} is not yet >= {leaf.target:g}: {given.reason}")

    async def _output(self, done: Pass) -> str:
        return await self._shop.database.read(views.result, done.task) or ""


def _threshold(leaf: ThresholdCriterion, found: _Found) -> Reading:
    if leaf.measure in found.failures:
        return Reading(Verdict.INCONCLUSIVE, None, found.failures[leaf.measure])
    value = found.metrics.get(leaf.metric)
    if value is None:
        return Reading(Verdict.INCONCLUSIVE, None, f"nobody reported {leaf.metric}")
    sign = "<=" if leaf.direction is Direction.MINIMIZE else ">="
    if leaf.met(value):
        return Reading(Verdict.CONVERGED, 1.0, f"{leaf.metric} {value:g} {sign} {leaf.target:g}")
    # `0.3 is not yet <= 0.3` would help nobody.
    shown = f"{value!r}" if f"{value:g}" == f"{leaf.target:g}" else f"{value:g}"
    return Reading(Verdict.CONTINUE, leaf.closeness(value), f"{leaf.metric} {shown} is not yet {sign} {leaf.target:g}")


def _steady(leaf: StabilityCriterion, earlier: Sequence[Pass], found: _Found) -> Reading:
    """Stability of a metric: how far its values in the window lie apart."""
    assert leaf.metric is not None
    if leaf.measure in found.failures:
        return Reading(Verdict.INCONCLUSIVE, None, found.failures[leaf.measure])
    if leaf.metric not in found.metrics:
        return Reading(Verdict.INCONCLUSIVE, None, f"nobody reported {leaf.metric}")
    values = [done.metrics[leaf.metric] for done in earlier if leaf.metric in done.metrics] + [found.metrics[leaf.metric]]
    apart = max(values) - min(values)
    if len(values) < leaf.window:
        return Reading(Verdict.CONTINUE, 0.0, f"{len(values)} of {leaf.window} values of {leaf.metric} that stability needs")
    scale = max(abs(value) for value in values) or 1.0
    if apart <= leaf.tolerance + scale * _ROUNDING:
        return Reading(Verdict.CONVERGED, 1.0, f"{leaf.metric} stayed within {apart:g} for {leaf.window} passes")
    return Reading(Verdict.CONTINUE, max(0.0, 1 - apart / scale) * _ALMOST, f"{leaf.metric} still moves by {apart:g}, more than {leaf.tolerance:g}")


def _tested(ran: Ran, counts: Counts | None) -> Reading:
    """Both must agree: the exit code, and the counts where there are some. Where no test ran, nothing is shown."""
    if counts is None:
        if ran.exit_code == 0:
            return Reading(Verdict.CONVERGED, 1.0, "the tests' command exits 0")
        return Reading(Verdict.CONTINUE, 0.0, f"the tests' command {ran.ending}")
    if counts.ran == 0:
        return Reading(Verdict.CONTINUE, 0.0, "no test ran")
    told = f"{counts.passed} of {counts.ran} tests pass"
    if ran.exit_code == 0 and counts.failed == 0:
        return Reading(Verdict.CONVERGED, 1.0, told)
    if counts.failed == 0:
        told += f", yet the command {ran.ending}"
    elif ran.exit_code == 0:
        told += ", though the exit code is 0"
    return Reading(Verdict.CONTINUE, min(counts.passed / counts.ran, _ALMOST), told)


__all__ = ["Evaluation", "Evaluator"]
