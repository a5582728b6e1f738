"""A loop that has ended goes on after its last finished pass, perhaps with other limits."""

from dataclasses import dataclass, replace
from sqlite3 import Connection
from typing import Literal

from abathur_tui.domain.courses import stale_passes
from abathur_tui.domain.errors import ChangeRefused, PriceUnknown
from abathur_tui.domain.leases import Changed
from abathur_tui.domain.loops import PATIENCE, LoopSpec, Pass, Verdict, questions_about
from abathur_tui.domain.status import ENDED, Status
from abathur_tui.storage.encoding import encoded
from abathur_tui.storage.passes import looked_at
from abathur_tui.storage.queue.changes import resume, retry
from abathur_tui.storage.records import loop_from
from abathur_tui.storage.spending import Spent, spent
from abathur_tui.storage.sql import named

_SQL = named("changes")


@dataclass(frozen=True, slots=True)
class LoopLimits:
    """What a loop may take from now on; None: as before."""

    max_iterations: int | Literal["unlimited"] | None = None
    timeout_seconds: float | None = None
    patience: int | None = None
    budget_usd: float | None = None


def resume_loop(c: Connection, task: int, limits: LoopLimits, default_timeout: float, actor: str, now: float) -> Status:
    """Go on after the last finished pass; one that failed or was cancelled is made again. `default_timeout` is the setting's.

    Raises ChangeRefused where it is at work, has converged, is no loop, or has nothing left of a limit that was not raised; PriceUnknown.
    """
    found = c.execute(_SQL["loop"], (task,)).fetchone()
    if found is None:
        raise ChangeRefused(f"t{task} is no loop.", hint="`abathur loop list` shows them.")
    status, round, spec = Status(found[0]), found[1], loop_from(found[3])
    assert spec is not None
    if status is Status.PAUSED:
        return _answered(resume(c, [task], actor, now))
    if status not in ENDED:
        raise ChangeRefused(f"t{task} is {status}; only a loop that has ended can be resumed.", hint="`abathur loop watch` follows it.")
    done = looked_at(c, task)
    rule = _raised(spec, limits, done, default_timeout)
    if rule.budget_usd is not None:
        _refuse_spent(spent(c, task), rule.budget_usd, max((one.cost_usd or 0.0 for one in done), default=0.0))
    c.execute(_SQL["loop_rule"], (encoded(rule), task))
    status = _answered(retry(c, [task], actor, now))
    c.execute(_SQL["same_round"], (round, task))
    asked = questions_about(len(done) + 1)
    values = {"task": task, "round": round, "pass": len(done) + 1, "first": min(asked), "last": max(asked)}
    for (step,) in c.execute(_SQL["unfinished_steps"], values).fetchall():
        if c.execute(_SQL["task"], (step,)).fetchone()[0] in ENDED:  # else it came back with another one
            _answered(retry(c, [step], actor, now))
    return status


def _refuse_spent(already: Spent, budget_usd: float, dearest_usd: float) -> None:
    """Raises ChangeRefused where the budget is spent, or another pass as dear as the dearest one would cross it; PriceUnknown."""
    if already.unknown:
        raise PriceUnknown(f"What {already.unknown} of the loop's turns have cost is not known, so a budget cannot be held.")
    if already.cost_usd >= budget_usd:
        raise ChangeRefused(f"The loop has cost ${already.cost_usd:.4g}, and its budget is ${budget_usd:.4g}.", hint="Raise it: --budget X.")
    if already.cost_usd + dearest_usd > budget_usd:
        said = f"The loop has cost ${already.cost_usd:.4g} of its budget of ${budget_usd:.4g}, and a pass has cost up to ${dearest_usd:.4g}."
        raise ChangeRefused(said, hint="Raise it: --budget X.")


def _raised(spec: LoopSpec, limits: LoopLimits, done: list[Pass], default_timeout: float) -> LoopSpec:
    """The rule from now on. Raises ChangeRefused where the loop would end at once."""
    if done and done[-1].verdict is Verdict.CONVERGED:
        raise ChangeRefused(
            "The loop has converged: there is nothing to go on with.", hint="Start another with a stricter criterion: `abathur loop start`."
        )
    most = spec.max_iterations if limits.max_iterations is None else None if limits.max_iterations == "unlimited" else limits.max_iterations
    if most is not None and len(done) >= most:
        raise ChangeRefused(f"The loop has made {len(done)} passes, and may make {most}.", hint="Raise its limit: --max-iterations N, or unlimited.")
    seconds = spec.timeout_seconds if limits.timeout_seconds is None else limits.timeout_seconds
    spent = sum(one.seconds for one in done)
    if spent >= (default_timeout if seconds is None else seconds):
        raise ChangeRefused(f"The loop's passes have taken {spent:.0f} seconds, and that is its limit.", hint="Raise it: --timeout D.")
    stale = stale_passes(spec.criterion, done)
    patience = limits.patience or (spec.patience if stale < spec.patience else stale + PATIENCE)
    budget = limits.budget_usd or spec.budget_usd
    return replace(spec, max_iterations=most, timeout_seconds=seconds, patience=patience, resumed_after=len(done), budget_usd=budget)


def _answered(changes: list[Changed]) -> Status:
    (change,) = changes
    if change.error is not None:
        raise change.error
    assert change.status is not None
    return change.status
