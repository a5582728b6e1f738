"""The queue as a few plain rules over plain objects: what the database's triggers and statements must come to."""

from collections.abc import Iterable
from dataclasses import dataclass, field

ENDED = {"completed", "failed", "dead", "cancelled"}
ENDED_BADLY = ENDED - {"completed"}


@dataclass
class ModelTask:
    """A task."""

    id: int
    execution: int
    seq: int
    priority: int
    is_root: bool
    is_join: bool
    skip: bool
    parent: int | None
    needs: dict[int, str]
    """The task that it depends on to `needs` or `settles`."""
    status: str = "pending"
    edges: dict[int, str] = field(default_factory=dict)
    """The task that it depends on to `open`, `met` or `broken`."""
    error: str | None = None
    due: float | None = None
    due_fixed: bool = False
    expires: float | None = None
    changed_at: float = 0.0
    cleared: bool = False
    held: bool = False
    crashes: int = 0
    failures: int = 0
    attempt: int = 0
    parked: bool = False
    engine: str = ""
    """Who runs it; of no meaning where nobody does."""

    @property
    def unmet(self) -> int:
        return list(self.edges.values()).count("open")

    @property
    def broken(self) -> int:
        return list(self.edges.values()).count("broken")


class Model:
    """All tasks, and every way in which they change."""

    def __init__(self) -> None:
        self.tasks: dict[int, ModelTask] = {}
        self.now = 0.0
        self.paused = False
        """The whole queue."""
        self.lane_held = False
        """The lane of all tasks but joins."""
        self.purged: set[int] = set()
        """Executions whose content is gone."""

    def add(self, tasks: Iterable[ModelTask]) -> None:
        for task in tasks:
            self.tasks[task.id] = task
            task.changed_at = self.now
        for task in tasks:
            task.edges = {other: self._edge(other, need) for other, need in task.needs.items()}
            task.status = "waiting" if task.unmet or task.broken else "pending"
        self._fail_the_doomed()

    def claimable(self) -> list[ModelTask]:
        """What a claim would take, in its order; a suspect alone, and first."""
        if self.paused:
            return []
        ready = [task for task in self.tasks.values() if task.status == "pending" and task.due is None and not task.held]
        ready = [task for task in ready if task.is_join or not self.lane_held]
        well = [task for task in ready if task.crashes < 2]
        suspects = sorted((task for task in ready if task.crashes >= 2), key=_order)
        busy = any(task.status == "running" and task.crashes >= 2 and not task.parked for task in self.tasks.values())
        return ([] if busy else suspects[:1]) + sorted(well, key=_order)

    def claim(self, limit: int, engine: str) -> list[ModelTask]:
        taken = self.claimable()[:limit]
        for task in taken:
            task.attempt += 1
            task.expires = None
            task.engine = engine
            self._set(task, "running")
        return sorted(taken, key=_order)

    def end(self, task: ModelTask, status: str, error: str | None = None) -> None:
        task.parked = False
        task.error = error
        self._set(task, status)
        self._fail_the_doomed()

    def give_back(self, task: ModelTask, *, due: float | None = None, counts: bool) -> None:
        task.parked = False
        task.due = due
        task.due_fixed = False
        if counts:
            task.failures += 1
        else:
            task.attempt -= 1
        self._set(task, "pending")

    def crash(self, engine: str) -> None:
        for task in list(self.tasks.values()):
            if task.status == "running" and task.engine == engine:
                task.crashes += not task.parked
                task.parked = False
                self._set(task, "interrupted")
                if task.crashes >= 5:
                    task.error = "ABTH-ERR-026"
                    self._set(task, "dead")
                else:
                    self._set(task, "pending")
        self._fail_the_doomed()

    def pass_time(self, now: float) -> None:
        for task in self.tasks.values():
            if task.due is not None and task.due <= now:
                task.due = None
        expired = [task for task in self.tasks.values() if task.expires is not None and task.expires <= now]
        for task in expired:
            if task.status in ("waiting", "pending", "paused"):
                task.error, task.due, task.held, task.expires = "ABTH-ERR-025", None, False, None
                self._set(task, "failed")
        for task in expired:
            task.expires = None
        self._fail_the_doomed()

    def set_clock_back(self) -> None:
        """Whatever waits, waits as long as it was to; but for a moment on the clock."""
        for task in self.tasks.values():
            if task.changed_at > self.now and (task.due is not None or task.expires is not None):
                if task.due is not None and not task.due_fixed:
                    task.due = self.now + max(task.due - task.changed_at, 0.0)
                if task.expires is not None:
                    task.expires = self.now + max(task.expires - task.changed_at, 0.0)
                task.changed_at = self.now

    def has_begun(self, execution: int, started: set[int]) -> bool:
        """Whether anything of an execution has started, or all of it has ended."""
        of_it = [task for task in self.tasks.values() if task.execution == execution]
        return any(task.id in started for task in of_it) or any(task.is_root and task.status in ENDED for task in of_it)

    def cancel(self, id: int) -> None:
        members = [task for task in self.inside(id) if task.status not in ENDED]
        for first in (True, False):
            for task in [task for task in members if task.status not in ENDED and (task.unmet > 0) == first]:
                task.due, task.expires, task.held, task.parked = None, None, False, False
                self._set(task, "cancelled")
        self._fail_the_doomed()

    def pause(self, id: int) -> None:
        for task in self.inside(id):
            if task.status not in ENDED and task.status != "paused":
                task.parked = False
                self._set(task, "paused")

    def resume(self, id: int) -> bool:
        paused = [task for task in self.inside(id) if task.status == "paused"]
        for task in paused:
            task.held = False
            self._set(task, "waiting" if task.unmet or task.broken else "pending")
        self._fail_the_doomed()
        return bool(paused)

    def is_gone(self, id: int) -> bool:
        """Whether what a task has said was purged."""
        return self.tasks[id].status == "completed" and self.tasks[id].execution in self.purged

    def cannot_be_done_again(self, task: ModelTask) -> bool:
        """What it was asked, or what it builds on, was purged."""
        return task.execution in self.purged or any(self.is_gone(other) for other in task.edges)

    def may_retry(self, id: int) -> bool:
        """Whether all that would come back can be done again."""
        return not any(self.cannot_be_done_again(task) for task in self._all_that_come_back(id))

    def may_purge(self, execution: int) -> bool:
        """Whether all of it has ended, and nobody else is still to get a result of it."""
        members = [task for task in self.tasks.values() if task.execution == execution]
        waiting = [task for task in self.tasks.values() if task.execution != execution and task.status not in ENDED]
        return all(task.status in ENDED for task in members) and not any(one.id in task.edges for task in waiting for one in members)

    def retry(self, id: int) -> None:
        back = self._all_that_come_back(id)
        for task in back:
            for other in task.edges:
                if self.tasks[other].status not in ENDED:
                    task.edges[other] = "open"
        for task in back:
            task.error, task.due, task.expires, task.held, task.cleared = None, None, None, False, False
            task.failures = task.crashes = 0
            self._set(task, "waiting")
        level = back
        while level:
            ids = {task.id for task in level}
            level = [
                task
                for task in self.tasks.values()
                if task.status == "failed"
                and any(state == "open" and other in ids for other, state in task.edges.items())
                and task.broken == 0
                and task.error in ("ABTH-ERR-010", "ABTH-ERR-131")
                and not self.cannot_be_done_again(task)
            ]
            for task in level:
                task.error = None
                task.failures = task.crashes = 0
                self._set(task, "waiting")
        for task in back:
            if task.status == "waiting" and not task.unmet and not task.broken:
                task.status = "pending"
        self._fail_the_doomed()

    def inside(self, id: int) -> list[ModelTask]:
        """A task with all that is inside it; a root with its whole execution."""
        if self.tasks[id].is_root:
            return [task for task in self.tasks.values() if task.execution == self.tasks[id].execution]
        found = [self.tasks[id]]
        for outer in found:
            found += [task for task in self.tasks.values() if task.parent == outer.id]
        return found

    def _all_that_come_back(self, id: int) -> list[ModelTask]:
        found = [self.tasks[id]]
        for task in found:
            way = [
                self.tasks[other]
                for other, state in task.edges.items()
                if self.tasks[other].status in ENDED_BADLY and (state == "broken" or task.is_join)
            ]
            if task.status == "cancelled":
                within = [one for one in self.tasks.values() if one.execution == task.execution] if task.is_root else []
                within += [one for one in self.tasks.values() if one.parent == task.id]
                way += [one for one in within if one.status == "cancelled"]
            for one in way:
                if one not in found:
                    found.append(one)
        return found

    def _edge(self, other: int, need: str) -> str:
        task = self.tasks[other]
        if task.status not in ENDED:
            return "open"
        met = task.status == "completed" or need == "settles" or (task.skip and task.status in ("failed", "dead"))
        return "met" if met else "broken"

    def _set(self, task: ModelTask, status: str) -> None:
        before, task.status = task.status, status
        task.changed_at = self.now
        dependents = [one for one in self.tasks.values() if task.id in one.edges]
        if status in ENDED:
            self._settle(task, dependents)
        elif before in ENDED:
            self._reopen(task, dependents)
        elif before in ("running", "interrupted") and status in ("pending", "paused"):
            for other in task.edges:
                if self.tasks[other].status not in ENDED:
                    task.edges[other] = "open"
            task.held = status == "pending" and task.unmet > 0

    def _settle(self, task: ModelTask, dependents: list[ModelTask]) -> None:
        for one in dependents:
            if one.edges[task.id] == "open":
                one.edges[task.id] = self._edge(task.id, one.needs[task.id])
        for one in dependents:
            if one.status == "waiting" and not one.unmet and not one.broken and one.edges[task.id] == "met":
                self._set(one, "pending")
            if one.held and not one.unmet:
                one.held = False

    def _reopen(self, task: ModelTask, dependents: list[ModelTask]) -> None:
        for one in dependents:
            if one.status not in ("running", "interrupted", "completed"):
                one.edges[task.id] = "open"
            if one.status == "pending" and one.edges[task.id] == "open":
                one.held = True

    def _fail_the_doomed(self) -> None:
        while doomed := [task for task in self.tasks.values() if task.status == "waiting" and not task.unmet and task.broken]:
            for task in doomed:
                task.error, task.due, task.expires, task.held = "ABTH-ERR-010", None, None, False
                self._set(task, "failed")


def _order(task: ModelTask) -> tuple[int, int, int, int]:
    return -task.priority, task.execution, task.seq, task.id
