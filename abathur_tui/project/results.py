"""What an execution came to: its output, what each member contributed, and a paragraph about it that no model wrote."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from sqlite3 import Connection

from abathur_tui.domain.clock import iso
from abathur_tui.domain.data import JsonObject
from abathur_tui.domain.joins import JoinReport, Quality
from abathur_tui.domain.plan import Kind
from abathur_tui.domain.status import ENDED, Status
from abathur_tui.domain.tasks import Execution, FellBack, Task
from abathur_tui.project.answers import conflicts_data, execution_name, fell_back_data, member_data, quality_data, report_data, task_name
from abathur_tui.project.joined import NOTHING, Left, contributions, made_while_running, quality, questions, sentences_of
from abathur_tui.storage import queue, views

_NAMED = 5
"""How many members the summary names of each sort."""


@dataclass(frozen=True, slots=True)
class ExecutionResult:
    """An execution as it stands; `output` is final once `status` has ended."""

    execution: int
    root: int
    status: Status
    output: str | None
    """None while there is none."""
    members: tuple[Task, ...]
    """All of its tasks but the joins and what these ask of agents, in its order."""
    joins: tuple[Task, ...]
    reports: Mapping[int, JoinReport]
    """How the joins that have ended came to their results, by task."""
    fallbacks: Mapping[int, FellBack]
    """The tasks that others did in their place, by task."""
    quality: Quality | None
    """None where nobody judged."""
    contributions: Mapping[int, str]
    """What each member added, in a few words."""
    worked: Mapping[int, float]
    """The seconds of those tasks that were begun more than once, without those between their attempts."""
    tokens_input: int
    tokens_output: int
    cost_usd: float | None
    """None where the price of a member is not known."""
    seconds: float
    """From submit to the root's end, or to now."""
    critical_path: tuple[int, ...]
    """The chain of tasks that took longest to be done, first to last."""
    summary: str
    error: str | None
    """Why it failed, by its root task."""
    purged_at: float | None = None
    """When its content was purged; None where it is kept."""
    key: str | None = None
    """The key with which it was submitted; None where it has none."""

    def data(self) -> JsonObject:
        """What `run --json` gives."""
        return {
            "execution": execution_name(self.execution),
            "status": str(self.status),
            "output": self.output,
            "quality": quality_data(self.quality),
            "conflicts": [conflict for join, report in sorted(self.reports.items()) for conflict in conflicts_data(report, join)],
            "summary": self.summary,
            "members": [self._member_data(task) for task in self.members],
            "joins": [self._join_data(task) for task in self.joins],
            "tokens": {"input": self.tokens_input, "output": self.tokens_output},
            "cost_usd": self.cost_usd,
            "seconds": round(self.seconds, 3),
            "critical_path": [task_name(task) for task in self.critical_path],
            "purged_at": iso(self.purged_at),
            "key": self.key,
        }

    def _member_data(self, task: Task) -> JsonObject:
        return member_data(task, self.worked.get(task.id)) | {
            "contribution": self.contributions.get(task.id),
            "fallback": fell_back_data(self.fallbacks.get(task.id)),
        }

    def _join_data(self, join: Task) -> JsonObject:
        report = self.reports.get(join.id)
        return member_data(join, self.worked.get(join.id)) | ({} if report is None else report_data(report, join.id))


def make_result(execution: Execution, tasks: Sequence[Task], output: str | None, now: float, left: Left = NOTHING) -> ExecutionResult:
    """The result of an execution, from all of its tasks and what these left beside their results."""
    asked = questions(tasks)
    working = [task for task in tasks if task.kind is not Kind.JOIN]
    members = tuple(task for task in working if task.id not in asked)
    by_id = {task.id: task for task in tasks}
    root = by_id[execution.root]
    costs = [task.cost_usd for task in working]
    cost = None if None in costs else sum(cost for cost in costs if cost is not None)
    tokens_input, tokens_output = sum(task.tokens_input for task in working), sum(task.tokens_output for task in working)
    seconds = max(0.0, (execution.finished_at or now) - execution.created_at)
    path = critical_path(root, by_id)
    return ExecutionResult(
        execution=execution.id,
        root=root.id,
        status=root.status,
        output=output,
        members=members,
        joins=tuple(task for task in tasks if task.kind is Kind.JOIN),
        reports=left.reports,
        fallbacks=left.fallbacks,
        quality=quality(root.id, left),
        contributions=contributions(tasks, root.id, left.reports),
        worked=left.worked,
        tokens_input=tokens_input,
        tokens_output=tokens_output,
        cost_usd=cost,
        seconds=seconds,
        critical_path=path,
        summary=" ".join(
            [
                *_told(root, members, seconds),
                *(_instead(by_id[task], fell_back) for task, fell_back in sorted(left.fallbacks.items()) if task in by_id),
                *sentences_of(left.reports),
                *_spent([by_id[task] for task in path], (tokens_input, tokens_output), cost),
            ]
        ),
        error=f"{root.error.code}: {root.error.message}" if root.error else None,
        purged_at=execution.purged_at,
    )


def read_result(c: Connection, execution: int, now: float) -> ExecutionResult:
    """An execution as it stands, all in one snapshot. Raises NotFound."""
    row = views.execution(c, execution)
    left = Left(views.reports(c, execution), views.qualities(c, execution), views.fallbacks(c, execution), views.worked(c, execution))
    result = make_result(row, views.members(c, execution), views.result(c, row.root), now, left)
    return replace(result, key=queue.key_of(c, execution))


def read_result_of(c: Connection, task: Task, now: float) -> ExecutionResult | None:
    """What the task's execution has come to, where that is the task's own result."""
    return read_result(c, task.execution, now) if views.execution(c, task.execution).root == task.id else None


def critical_path(root: Task, tasks: Mapping[int, Task]) -> tuple[int, ...]:
    """From the root backwards, each time to the one that was done last of those that it had to wait for."""
    made: dict[int, list[Task]] = {}
    for task in tasks.values():
        parent = tasks.get(task.parent) if task.parent is not None else None
        if parent is not None and (parent.kind is Kind.LOOP or made_while_running(task, parent)):
            made.setdefault(parent.id, []).append(task)
    path: list[int] = []
    step: Task | None = root
    while step is not None and step.id not in path:
        path.append(step.id)
        step = max((task for task in _awaited(step, tasks, made) if task.id not in path), key=_end, default=None)
    return tuple(reversed(path))


def _awaited(step: Task, tasks: Mapping[int, Task], made: Mapping[int, Sequence[Task]]) -> list[Task]:
    """What a task had to wait for: a loop for its passes, a pass for those before it, the first one for what its loop needs.

    So it is with what other tasks have made of their own; what a join asks of an agent waits for what that agent is given.
    """
    if step.id in made:
        return list(made[step.id])
    parent = tasks.get(step.parent) if step.parent is not None else None
    if parent is None or step not in made.get(parent.id, ()) or parent.kind is Kind.JOIN:
        return [tasks[task] for task in step.depends_on if task in tasks]
    return [task for task in made[parent.id] if task.id < step.id] or [tasks[task] for task in parent.depends_on if task in tasks]


def _end(task: Task) -> float:
    return task.finished_at if task.finished_at is not None else float("inf")


def _told(root: Task, members: Sequence[Task], seconds: float) -> list[str]:
    completed = [task for task in members if task.status is Status.COMPLETED]
    lost = [task for task in members if task.status in ENDED and task.status is not Status.COMPLETED]
    left = len(members) - len(completed) - len(lost)
    sentences = [_first_sentence(root, members, completed, left, seconds)]
    if lost:
        sentences.append(f"Not completed: {_some(_because(task) for task in lost)}.")
    if root.kind is Kind.JOIN and root.status in ENDED and root.error is not None:
        sentences.append(f"They have no result in common: {' '.join(root.error.message.split()).rstrip('.')}.")
    return sentences


def _instead(task: Task, fell_back: FellBack) -> str:
    by = f"{fell_back.template.partition('@')[0]} ({task_name(fell_back.task)})"
    because = " ".join(fell_back.because.split()).rstrip(".")
    return f"{task_name(task.id)} {_name(task)} failed for good ({because}), and its fallback {by} was done instead."


def _spent(path: Sequence[Task], tokens: tuple[int, int], cost: float | None) -> list[str]:
    chain = [str(task_name(task.id)) for task in path if task.kind is not Kind.JOIN]
    price = "at a price that is not known" if cost is None else "at no cost" if cost == 0 else f"for ${cost:.4f}"
    longest = [f"The longest chain was {' → '.join(chain)}."] if len(chain) > 1 else []
    return [*longest, f"It took {tokens[0]:,} tokens in and {tokens[1]:,} out, {price}."] if any(tokens) else longest


def _first_sentence(root: Task, members: Sequence[Task], completed: Sequence[Task], left: int, seconds: float) -> str:
    took = f"in {seconds:.1f} s" if seconds < 100 else f"in {seconds / 60:.1f} min"
    if len(members) == 1:
        verb = {Status.COMPLETED: "completed", Status.CANCELLED: "was cancelled"}.get(root.status)
        if verb is None:
            verb = "failed" if root.status in ENDED else f"is {root.state.word}"
        return f"{members[0].name} {verb} {took}." if root.status in ENDED else f"{members[0].name} {verb}."
    count = f"All {len(members)} tasks" if len(completed) == len(members) else f"{len(completed)} of {len(members)} tasks"
    names = f": {_some(_name(task) for task in completed)}" if completed else ""
    if root.status in ENDED:
        return f"{count} completed {took}{names}."
    return f"{count} have completed so far, {left} are left{names}."


def _because(task: Task) -> str:
    reason = task.error.message.rstrip(".") if task.error else str(task.status)
    return f"{task_name(task.id)} {_name(task)} ({' '.join(reason.split())})"


def _name(task: Task) -> str:
    return task.name if task.instances == 1 else f"{task.name} ({task.instance} of {task.instances})"


def _some(names: Iterable[str]) -> str:
    every = list(names)
    if len(every) <= _NAMED:
        return "; ".join(every)
    return f"{'; '.join(every[:_NAMED])}; and {len(every) - _NAMED} more"
