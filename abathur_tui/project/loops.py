"""Loops as the JSON that scripts rely on."""

from abathur_tui.domain.data import JsonObject, JsonValue
from abathur_tui.domain.ids import LoopId, loop_text
from abathur_tui.domain.journal import LoopSeries
from abathur_tui.domain.loops import Pass
from abathur_tui.project.answers import execution_name, task_name


def loop_name(loop: int) -> str:
    """`l3`."""
    return loop_text(LoopId(loop))


def loop_data(series: LoopSeries) -> JsonObject:
    """What `loop status --json` gives; the best output is there where the series has outputs."""
    best = next((done for done in series.passes if done.number == series.best), None)
    return {
        "loop": loop_name(series.loop),
        "status": str(series.status),
        "ended_because": None if series.ended_because is None else str(series.ended_because),
        "reason": series.reason,
        "passes": len(series.passes),
        "best_pass": series.best,
        "best_output": None if best is None else best.output,
        "course": None if series.course is None else str(series.course),
        "max_iterations": series.spec.max_iterations,
        "running_pass": series.running_pass,
        "lost_pass": series.lost_pass,
        "name": series.name,
        "task": task_name(series.task),
        "execution": execution_name(series.execution),
    }


def pass_data(done: Pass) -> JsonObject:
    """A pass, as `loop history --json` lists it."""
    return {
        "pass": done.number,
        "output": done.output,
        "metrics": dict[str, JsonValue](done.metrics),
        "scores": dict[str, JsonValue](done.scores),
        "verdict": str(done.verdict),
        "reason": done.reason,
        "tokens": {"input": done.tokens_input, "output": done.tokens_output},
        "seconds": done.seconds,
        "cost_usd": done.cost_usd,
        "task": task_name(done.task),
    }
