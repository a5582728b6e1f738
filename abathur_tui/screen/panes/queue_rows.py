"""A task as a row of the queue."""

from collections.abc import Mapping
from dataclasses import dataclass

from abathur_tui.domain.filters import SortKey
from abathur_tui.domain.journal import LoopSeries
from abathur_tui.domain.safe_text import safe_line
from abathur_tui.domain.status import Status, Why
from abathur_tui.domain.tasks import Task
from abathur_tui.screen import figures
from abathur_tui.screen.panes.series import progress
from abathur_tui.screen.roles import Column, Line, Role, Span, row

SORTS: tuple[tuple[SortKey, bool, str], ...] = (
    ("priority", False, "priority ↓"),
    ("age", False, "age ↑"),
    ("age", True, "age ↓"),
    ("status", False, "status"),
    ("name", False, "task"),
    ("agent", False, "agent"),
    ("cost", True, "cost ↓"),
)
"""Sort key, descending, and what the border says."""

_IN_WORDS: dict[str, tuple[str, Role]] = {
    Why.QUEUE: ("queue paused", Role.DIM),
    Why.KEY: ("key refused", Role.PERSON),
    Why.ASKS: ("a answers", Role.PERSON),
}
"""What a row says where nothing is to be added."""
_STATUS_WIDTH = 11
_AGENT_FROM_WIDTH = 90
"""Cells from which on there is room for the agent's column."""


@dataclass(frozen=True, slots=True)
class Widths:
    """How many cells each column takes; 0: not shown."""

    why: int
    task: int
    agent: int

    @staticmethod
    def within(width: int) -> "Widths":
        """The columns for a list of that many cells."""
        agent = 15 if width >= _AGENT_FROM_WIDTH else 0
        why = 13 if width >= _AGENT_FROM_WIDTH else 12
        fixed = 5 + _STATUS_WIDTH + 1 + why + 1 + 3 + 2 + 1 + 4 + 1 + 6 + (agent + 1 if agent else 0)
        return Widths(why, max(8, width - fixed), agent)


def heading(widths: Widths) -> Line:
    """The names of the columns."""
    return _line(widths, Span("   "), "status", "why", "pri", "task", "agent", "age", "$", [Role.DIM] * 7)


def task_row(task: Task, widths: Widths, now: float, loops: Mapping[int, LoopSeries], *, cursor: bool, marked: bool) -> Line:
    """The row of a task."""
    state = task.state
    role = Role(state.role)
    why, why_role = why_of(task, now, loops.get(task.id))
    moving = task.status in (Status.RUNNING, Status.COMPLETED, Status.FAILED, Status.DEAD)
    started = task.attempt > 0
    name = safe_line(task.name) + (f"  {task.instance} of {task.instances}" if task.instances > 1 else "")
    front = [Span("▌" if cursor else " ", Role.ACCENT), Span("▪" if marked else " ", Role.ACCENT), Span(state.shape, role)]
    return [
        *front,
        *_line(
            widths,
            None,
            state.word,
            why,
            str(task.priority),
            name,
            safe_line(task.agent or ""),
            figures.age(now - task.created_at),
            cost_text(task, loops.get(task.id)),
            [role, why_role, Role.INK, Role.INK if moving else Role.CALM, Role.DIM, Role.INK, Role.INK if started else Role.DIM],
        ),
    ]


def why_of(task: Task, now: float, loop: LoopSeries | None) -> tuple[str, Role]:
    """Why a task does not move (or how far it is) in a word or two, and that text's role."""
    if task.status in (Status.FAILED, Status.DEAD):
        text = safe_line(task.error.message) if task.error else ""
        return (f"{task.attempt} tries" if task.status is Status.DEAD and task.attempt > 1 else text), Role.DIM
    if loop is not None and task.status is Status.RUNNING:
        return f"pass {progress(loop, '/')}", Role.DIM
    if task.why in _IN_WORDS:
        return _IN_WORDS[task.why]
    match task.why:
        case Why.AFTER:
            return f"after {task.unmet}", Role.DIM
        case Why.QUOTA:
            return (f"till {figures.short_clock(task.due_at)}" if task.due_at else "quota"), Role.DIM
        case Why.RETRY:
            return (f"retry {figures.age(task.due_at - now)}" if task.due_at else "retry"), Role.DIM
        case Why.QUIET:
            return (f"quiet until {figures.short_clock(task.due_at)}" if task.due_at else "quiet"), Role.DIM
    if task.status is Status.RUNNING and task.progress is not None:
        return safe_line(f"{task.progress:.0%} {task.phase}".rstrip()), Role.DIM
    return safe_line(task.why), Role.DIM


def cost_text(task: Task, loop: LoopSeries | None) -> str:
    """What a task has cost; a dash while nothing is known to have been spent: what the turn under way costs is told at its end."""
    cost = _cost_of(task, loop)
    at_first_turn = task.status is Status.RUNNING and cost == 0 and task.tokens_input == 0
    return "–" if task.attempt == 0 or at_first_turn else figures.money(cost)


def _cost_of(task: Task, loop: LoopSeries | None) -> float | None:
    """A task's own cost; a loop's is that of its passes."""
    if loop is None:
        return task.cost_usd
    costs = [done.cost_usd for done in loop.passes]
    return None if None in costs else sum(cost or 0.0 for cost in costs)


def _line(widths: Widths, front: Span | None, status: str, why: str, pri: str, task: str, agent: str, age: str, cost: str, roles: list[Role]) -> Line:
    columns = [
        Column(status, _STATUS_WIDTH, roles[0]),
        Column(why, widths.why, roles[1]),
        Column(pri, 3, roles[2], right=True),
        Column("", 0),
        Column(task, widths.task, roles[3]),
        *([Column(agent, widths.agent, roles[4])] if widths.agent else []),
        Column(age, 4, roles[5], right=True),
        Column(cost, 6, roles[6], right=True),
    ]
    return [*([front] if front else []), Span(" "), *row(columns)]
