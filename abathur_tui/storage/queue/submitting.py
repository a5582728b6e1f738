"""Plans become rows."""

from sqlite3 import Connection

from abathur_tui.domain.execution import SubmitOptions, Submitted
from abathur_tui.domain.leases import Lease
from abathur_tui.domain.plan import Plan, PlanNode


def submit(c: Connection, plan: Plan, options: SubmitOptions, now: float) -> Submitted:
    """Queue a plan as one execution. Raises QueueFull, and NotFound where `options.after` names no task."""
    raise NotImplementedError


def add_child(c: Connection, lease: Lease, node: PlanNode, now: float, *, pass_number: int | None = None) -> int:
    """A task inside the lease's task (a pass of its loop), pending at once in the execution's order. Raises LeaseLost."""
    raise NotImplementedError


def child_of(c: Connection, task: int, pass_number: int) -> int | None:
    """The task that is that pass of a loop; None where it was not added yet."""
    raise NotImplementedError
