"""Whether a loop has converged: runs what its criteria measure, reads it, and combines it to one verdict."""

from abathur_tui.engine.criteria.evaluating import Evaluation, Evaluator

__all__ = ["Evaluation", "Evaluator"]
