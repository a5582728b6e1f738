"""Whether the judges that a plan asks can be had: the embedded model is none, and that is said before anything is queued."""

from abathur_tui.domain.criteria import JudgeCriterion, leaves
from abathur_tui.domain.errors import NoJudge
from abathur_tui.domain.execution import RuntimeChoice, RuntimeName
from abathur_tui.domain.plan import ConflictRule, Plan, PlanNode

_MODEL = "or set ANTHROPIC_API_KEY, for a model that can judge."


def refuse_unjudged(plan: Plan, runtime: RuntimeChoice) -> None:
    """Raises NoJudge where something stands or falls with a judge whom this runtime has not. A `best` does not: it keeps all results then."""
    if runtime.runtime is not RuntimeName.LOCAL:
        return
    for node in plan.possible():
        if (needs := _needs(node)) is not None:
            why, instead = needs
            raise NoJudge(f"{node.name} {why}, and the embedded model cannot judge.", hint=f"{instead}; {_MODEL}")


def _needs(node: PlanNode) -> tuple[str, str] | None:
    """What a node needs a judge for, and how it does without."""
    if node.loop is not None and any(isinstance(leaf, JudgeCriterion) for _, leaf in leaves(node.loop.criterion)):
        command = 'Let a command decide: criterion="test_pass: pytest -q" (test_command="pytest -q" of FEATURE)'
        return "is a loop that ends by a judge's score", f"{command}, or a measure with metric, target and direction"
    if node.success is not None and node.success.judged:
        return "has success criteria that a judge checks", 'Let a command check them: success_criteria=["$ ./check.sh"]'
    if node.join is not None and node.join.conflicts is ConflictRule.JUDGE:
        return "settles conflicts by a judge", 'Settle them by another rule: join={conflicts: "majority"}'
    if node.join is not None and node.join.threshold is not None:
        return "leaves out what a judge finds too weak", "Leave the threshold out"
    return None
