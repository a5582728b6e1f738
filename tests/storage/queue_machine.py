"""The queue on a real file against a plain model of it: what happens to tasks one by one. `test_state_machine.py` has the rest, and plays it."""

import shutil
import tempfile
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from sqlite3 import Connection

import pytest
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, invariant, precondition, rule

from abathur_tui.domain.errors import ChangeRefused, ContentPurged, LeaseLost
from abathur_tui.domain.execution import SubmitOptions, Submitted
from abathur_tui.domain.leases import Changed, Lease
from abathur_tui.domain.plan import Edge, Kind, Need, OnFailure, PlanNode
from abathur_tui.domain.recurrence import Recurrence
from abathur_tui.domain.status import Status
from abathur_tui.domain.tasks import TaskError
from abathur_tui.storage import Database, queue, views
from abathur_tui.storage.checking import check_folder
from tests.storage.building import ENGINE, LANE, NOW, RUNTIME, node, plan
from tests.storage.model import ENDED, Model, ModelTask

OTHER_ENGINE = "22222222-2222-4222-8222-222222222222"
engines = st.sampled_from([ENGINE, OTHER_ENGINE])
pick = st.integers(0, 10_000)
"""Which of the tasks that there are: taken modulo their number."""


@st.composite
def shapes(draw: st.DrawFn) -> tuple[list[PlanNode], list[Edge]]:
    """A small plan: a few tasks that need earlier ones, some inside others, and a join or a task over them."""
    nodes: list[PlanNode] = []
    edges: list[Edge] = []
    for number in range(draw(st.integers(1, 5))):
        earlier = [one.id for one in nodes]
        is_join = bool(earlier) and draw(st.booleans())
        single = Kind.LOOP if draw(st.integers(0, 3)) == 0 else Kind.AGENT
        others = draw(st.lists(st.sampled_from(earlier), unique=True, max_size=3)) if earlier else []
        name = f"n{number}"
        nodes.append(
            node(
                name,
                kind=Kind.JOIN if is_join else single,
                priority=draw(st.sampled_from([3, 5, 9])),
                parent=draw(st.sampled_from([None, *earlier])),
                on_failure=OnFailure.SKIP if draw(st.integers(0, 4)) == 0 else OnFailure.RETRY,
                expires=draw(st.sampled_from([None, None, 4.0, 10.0])),
            )
        )
        edges += [Edge(name, other, Need.SETTLES if is_join or draw(st.integers(0, 3)) == 0 else Need.NEEDS) for other in others]
    return nodes, edges


WRITES: dict[str, Callable[[Connection, Lease, float], object]] = {
    "complete": lambda c, lease, now: queue.complete(c, lease, "late", now),
    "fail": lambda c, lease, now: queue.fail(c, lease, TaskError("ABTH-ERR-042", "late"), now, status=Status.FAILED),
    "retry_later": lambda c, lease, now: queue.retry_later(c, lease, TaskError("ABTH-ERR-041", "late"), now, now),
    "release": lambda c, lease, now: queue.release(c, lease, "late", now),
    "park": lambda c, lease, now: queue.park(c, lease, "children", now),
    "unpark": lambda c, lease, now: queue.unpark(c, lease, now),
    "end_cancelled": lambda c, lease, now: queue.end_cancelled(c, lease, now),
    "end_paused": lambda c, lease, now: queue.end_paused(c, lease, now),
    "add_child": lambda c, lease, now: queue.add_child(c, lease, node("late"), now),
    "crash": lambda c, lease, now: queue.crash(c, lease, now),
    "report_progress": lambda c, lease, now: queue.report_progress(c, lease, 0.5, now),
}
"""All that a worker writes of its task."""


class QueueMachine(RuleBasedStateMachine):
    """Each rule does the same to the database and to the model."""

    def __init__(self) -> None:
        super().__init__()
        self.folder = Path(tempfile.mkdtemp())
        # Two that have the file open, in turn: what one has written the other must know.
        self.open = [Database.open(self.folder / ".abathur", create=True) for _ in range(2)]
        self.model = Model()
        self.leases: dict[int, Lease] = {}
        self.ever: list[Lease] = []
        """All leases, also those that were lost or given back."""
        self.now = NOW
        self.model.now = NOW
        self.completed: dict[int, str] = {}
        self.started: set[int] = set()
        """Tasks that were ever claimed."""
        self.recurring: tuple[list[PlanNode], list[Edge]] | None = None
        self.next_at = 0.0
        self.last_due = 0.0
        self.last_execution: int | None = None

    @property
    def database(self) -> Database:
        self.open.reverse()
        return self.open[0]

    def teardown(self) -> None:
        for database in self.open:
            database.close()
        problems = check_folder(self.folder / ".abathur").problems
        assert [problem for problem in problems if "its engine" not in problem] == []  # no real engine is registered here
        shutil.rmtree(self.folder)

    @initialize(shape=shapes())
    def first(self, shape: tuple[list[PlanNode], list[Edge]]) -> None:
        self.submit(shape, [])

    @rule(shape=shapes(), after=st.lists(pick, max_size=2), delay=st.sampled_from([None, None, 5.0]), fixed=st.booleans(), ignoring=st.booleans())
    def submit(
        self, shape: tuple[list[PlanNode], list[Edge]], after: list[int], delay: float | None = None, fixed: bool = False, ignoring: bool = False
    ) -> None:
        nodes, edges = shape
        earlier = tuple(dict.fromkeys(self._task(number).id for number in after)) if self.model.tasks else ()
        start = None if delay is None else self.now + delay
        options = SubmitOptions(RUNTIME, after=earlier, not_before=start, on_the_clock=fixed, ignore_dependency_failure=ignoring)
        if any(self.model.is_gone(id) for id in earlier):
            with pytest.raises(ContentPurged):
                self.database.write_now(queue.submit, plan(nodes, edges), options, self.now)
            return
        made = self.database.write_now(queue.submit, plan(nodes, edges), options, self.now)
        self._made(made, (nodes, [replace(edge, need=Need.SETTLES) for edge in edges] if ignoring else edges), earlier, start, fixed, ignoring)

    def _made(
        self,
        made: Submitted,
        shape: tuple[list[PlanNode], list[Edge]],
        earlier: tuple[int, ...],
        start: float | None,
        fixed: bool,
        ignoring: bool = False,
    ) -> None:
        nodes, edges = shape
        tasks = []
        for seq, one in enumerate(nodes):
            own = {made.tasks[edge.needs]: edge.need.value for edge in edges if edge.node == one.id}
            needs = own or dict.fromkeys(earlier, "settles" if ignoring else "needs")
            tasks.append(
                ModelTask(
                    id=made.tasks[one.id],
                    execution=made.execution,
                    seq=seq,
                    priority=one.priority,
                    is_root=made.tasks[one.id] == made.root,
                    is_join=one.kind is Kind.JOIN,
                    skip=one.on_failure is OnFailure.SKIP,
                    parent=made.tasks[one.parent] if one.parent else None,
                    needs=needs,
                    due=None if own else start,
                    due_fixed=fixed and not own and start is not None,
                    expires=None if one.expires_in_seconds is None else self.now + one.expires_in_seconds,
                )
            )
        self.model.add(tasks)

    @rule(limit=st.integers(1, 4), engine=engines)
    def claim(self, limit: int, engine: str) -> None:
        claims = self.database.write_now(queue.claim, engine, {LANE: 100}, limit, self.now)
        expected = self.model.claim(limit, engine)
        assert [(one.lease.task, one.attempt, one.failures) for one in claims] == [(one.id, one.attempt, one.failures) for one in expected]
        self.leases |= {one.lease.task: one.lease for one in claims}
        self.ever += [one.lease for one in claims]
        self.started |= {one.lease.task for one in claims}

    def _holds(self) -> bool:
        return bool(self.leases)

    @precondition(_holds)
    @rule(number=pick)
    def complete(self, number: int) -> None:
        lease, task = self._lease(number)
        self.database.write_now(queue.complete, lease, f"result of {task.id}", self.now)
        self.model.end(task, "completed")
        self.completed[task.id] = f"result of {task.id}"

    @precondition(_holds)
    @rule(number=pick, status=st.sampled_from([Status.FAILED, Status.DEAD]), code=st.sampled_from(["ABTH-ERR-042", "ABTH-ERR-131"]))
    def fail(self, number: int, status: Status, code: str) -> None:
        lease, task = self._lease(number)
        self.database.write_now(queue.fail, lease, TaskError(code, "went wrong"), self.now, status=status)
        self.model.end(task, status.value, code)

    @precondition(_holds)
    @rule(number=pick, delay=st.sampled_from([0.0, 5.0]))
    def retry_later(self, number: int, delay: float) -> None:
        lease, task = self._lease(number)
        self.database.write_now(queue.retry_later, lease, TaskError("ABTH-ERR-041", "busy"), self.now + delay, self.now)
        task.error = "ABTH-ERR-041"
        self.model.give_back(task, due=self.now + delay, counts=True)

    @precondition(_holds)
    @rule(number=pick)
    def release(self, number: int) -> None:
        lease, task = self._lease(number)
        self.database.write_now(queue.release, lease, "stop", self.now)
        self.model.give_back(task, counts=False)

    @precondition(_holds)
    @rule(number=pick)
    def park(self, number: int) -> None:
        lease, task = self._lease(number, keep=True)
        self.database.write_now(queue.park, lease, "children", self.now)
        task.parked = True

    @precondition(_holds)
    @rule(number=pick)
    def end_cancelled(self, number: int) -> None:
        lease, task = self._lease(number)
        self.database.write_now(queue.end_cancelled, lease, self.now)
        self.model.end(task, "cancelled", task.error)

    @precondition(_holds)
    @rule(number=pick)
    def unpark(self, number: int) -> None:
        lease, task = self._lease(number, keep=True)
        self.database.write_now(queue.unpark, lease, self.now)
        task.parked = False

    @precondition(_holds)
    @rule(number=pick)
    def add_child(self, number: int) -> None:
        lease, parent = self._lease(number, keep=True)
        id = self.database.write_now(queue.add_child, lease, node("child"), self.now)
        child = ModelTask(id, parent.execution, parent.seq, parent.priority, False, False, False, parent.id, {})
        self.model.add([child])

    @precondition(lambda self: any(lease not in self.leases.values() for lease in self.ever))
    @rule(number=pick, write=st.sampled_from(sorted(WRITES)))
    def a_worker_writes_that_has_lost_its_lease(self, number: int, write: str) -> None:
        lost = [lease for lease in self.ever if lease not in self.leases.values()]
        with pytest.raises(LeaseLost):
            self.database.write_now(WRITES[write], lost[number % len(lost)], self.now)

    @rule(engine=engines)
    def crash(self, engine: str) -> None:
        self.database.write_now(queue.recover, engine, self.now)
        self.model.crash(engine)
        self.leases = {id: lease for id, lease in self.leases.items() if lease.engine != engine}

    @rule()
    def wait(self) -> None:
        self._pass(3.0)

    def _pass(self, seconds: float) -> None:
        self.now = self.model.now = self.now + seconds
        before = {row.id for row in self.database.read_now(views.executions, 1000)}
        self.database.write_now(queue.due, self.now)
        self.model.pass_time(self.now)
        new = [row for row in self.database.read_now(views.executions, 1000) if row.id not in before]
        assert len(new) == self._recurs(), new
        for row in new:
            assert self.recurring is not None
            tasks = self.database.read_now(views.members, row.id)
            ids = {one.id: task.id for one, task in zip(self.recurring[0], tasks, strict=True)}
            self._made(Submitted(row.id, row.root, ids), self.recurring, (), None, False)
            self.last_execution = row.id

    def _recurs(self) -> int:
        """How many executions the recurring task makes now: one for all the times that have passed, none while the last one has not begun."""
        if self.recurring is None or self.next_at > self.now:
            return 0
        self.last_due = self.now
        self.next_at = (self.now // 60 + 1) * 60
        return int(self.last_execution is None or self.model.has_begun(self.last_execution, self.started))

    @rule(minutes=st.integers(1, 3))
    def wait_long(self, minutes: int) -> None:
        if self.recurring is not None:
            self._pass(60.0 * minutes)

    @precondition(lambda self: self.recurring is None)
    @rule(shape=shapes())
    def recur(self, shape: tuple[list[PlanNode], list[Edge]]) -> None:
        self.recurring = shape
        self.last_due = self.now
        made = plan(*shape)
        every_minute = Recurrence("* * * * *", "UTC")
        scheduled = self.database.write_now(queue.add_schedule, "again", every_minute, made, SubmitOptions(RUNTIME), self.now)
        self.next_at = scheduled.next_at
        assert self.next_at == (self.now // 60 + 1) * 60

    @rule(seconds=st.sampled_from([2.0, 40.0, 20_000.0]))
    def clock_is_set_back(self, seconds: float) -> None:
        self.now = self.model.now = self.now - seconds
        self.database.write_now(queue.clock_set_back, self.now)
        self.model.set_clock_back()
        if self.recurring is not None and self.last_due > self.now + 10_800:
            self.last_due = self.now
            self.next_at = (self.now // 60 + 1) * 60

    @rule(engine=engines, stays=st.integers(0, 3))
    def pause_or_resume_the_queue(self, engine: str, stays: int) -> None:
        self._pause_or_resume()
        if self.model.paused and stays:
            # For one claim: where it always stayed so, little would ever be done.
            self.claim(limit=4, engine=engine)
            self._pause_or_resume()

    def _pause_or_resume(self) -> None:
        change = queue.free_queue if self.model.paused else queue.hold_queue
        assert self.database.write_now(change, "me", self.now)
        self.model.paused = not self.model.paused

    @rule(number=pick)
    def clear(self, number: int) -> None:
        task = self._task(number)
        (answer,) = self.database.write_now(queue.clear_dead_letters, [task.id], "me", "", self.now)
        assert (answer.error is None) == (task.status == "dead" and not task.cleared)
        task.cleared = task.cleared or answer.error is None

    @rule(number=pick, priority=st.integers(0, 10))
    def reprioritize(self, number: int, priority: int) -> None:
        task = self._task(number)
        (answer,) = self.database.write_now(queue.reprioritize, [task.id], "me", self.now, priority)
        assert (answer.error is None) == (task.status not in ENDED)
        for one in self.model.inside(task.id) if answer.error is None else ():
            one.priority = one.priority if one.status in ENDED else priority

    @rule(number=pick)
    def cancel(self, number: int) -> None:
        self._ask(
            number,
            lambda ids: self.database.write_now(queue.cancel, ids, "me", "", self.now),
            lambda task: task.status not in ENDED or task.status == "cancelled",
            self.model.cancel,
        )

    @rule(number=pick)
    def pause(self, number: int) -> None:
        self._ask(
            number, lambda ids: self.database.write_now(queue.pause, ids, "me", self.now), lambda task: task.status not in ENDED, self.model.pause
        )

    @rule(number=pick)
    def resume(self, number: int) -> None:
        task = self._task(number)
        (answer,) = self.database.write_now(queue.resume, [task.id], "me", self.now)
        assert (answer.error is None) == self.model.resume(task.id)

    @rule(number=pick)
    def retry(self, number: int) -> None:
        retriable = {"failed", "dead", "cancelled"}
        self._ask(
            number,
            lambda ids: self.database.write_now(queue.retry, ids, "me", self.now),
            lambda task: task.status in retriable and self.model.may_retry(task.id),
            self.model.retry,
        )

    def _ask(
        self, number: int, ask: Callable[[list[int]], list[Changed]], allowed: Callable[[ModelTask], bool], follow: Callable[[int], None]
    ) -> None:
        task = self._task(number)
        (answer,) = ask([task.id])
        if allowed(task):
            assert answer.error is None
            follow(task.id)
        else:
            assert isinstance(answer.error, ChangeRefused)
        assert answer.status == task.status
        self.leases = {id: lease for id, lease in self.leases.items() if self.model.tasks[id].status == "running"}

    def _task(self, number: int) -> ModelTask:
        return self.model.tasks[sorted(self.model.tasks)[number % len(self.model.tasks)]]

    def _lease(self, number: int, *, keep: bool = False) -> tuple[Lease, ModelTask]:
        id = sorted(self.leases)[number % len(self.leases)]
        return self.leases[id] if keep else self.leases.pop(id), self.model.tasks[id]

    @invariant()
    def every_task_is_where_the_model_has_it(self) -> None:
        rows = self.database.read_now(
            lambda c: c.execute(
                """SELECT id, status, unmet, broken, error_code, crashes, failures, attempt, due, expires, priority, cleared_at, version
                FROM tasks"""
            ).fetchall()
        )
        found = {id: (*values, cleared_at is not None) for id, *values, cleared_at, _ in rows}
        expected = {
            task.id: (
                task.status,
                task.unmet,
                task.broken,
                None if task.status == "completed" else task.error,
                task.crashes,
                task.failures,
                task.attempt,
                task.due,
                task.expires,
                task.priority,
                task.cleared,
            )
            for task in self.model.tasks.values()
        }
        assert found == expected

    @invariant()
    def edges_say_what_has_become_of_their_ends(self) -> None:
        rows = self.database.read_now(
            lambda c: c.execute(
                """SELECT e.task, e.depends_on, e.need, e.state, t.status, d.status, d.on_failure
                FROM edges AS e JOIN tasks AS t ON t.id = e.task JOIN tasks AS d ON d.id = e.depends_on"""
            ).fetchall()
        )
        for task, depends_on, need, state, own, other, on_failure in rows:
            if own in ("waiting", "pending", "paused"):
                met = other == "completed" or need == "settles" or (on_failure == "skip" and other in ("failed", "dead"))
                assert state == ("open" if other not in ENDED else "met" if met else "broken"), (task, depends_on)

    @invariant()
    def nobody_waits_for_nothing_and_nobody_starts_without_what_it_needs(self) -> None:
        def count(condition: str) -> int:
            found: int = self.database.read_now(lambda c: c.execute(f"SELECT count(*) FROM tasks WHERE {condition}").fetchone()[0])
            return found

        assert count("status = 'waiting' AND unmet = 0") == 0
        assert count("status = 'pending' AND held IS NULL AND (unmet > 0 OR broken > 0)") == 0
        assert count("(status = 'running') <> (engine IS NOT NULL)") == 0
        assert count("status = 'interrupted'") == 0

    @invariant()
    def counts_and_audit_agree_with_the_rows(self) -> None:
        counted = self.database.read_now(lambda c: dict(c.execute("SELECT status, count(*) FROM tasks GROUP BY status").fetchall()))
        assert {status.value: number for status, number in self.database.read_now(views.counts).items() if number} == counted
        broken = self.database.read_now(
            lambda c: c.execute(
                """SELECT a.task FROM audit AS a JOIN audit AS b ON b.task = a.task AND b.version = a.version + 1
                WHERE a.to_state <> b.from_state AND a.action GLOB 'task.*' AND b.action GLOB 'task.*'
                UNION ALL SELECT t.id FROM tasks AS t
                WHERE version + 1 <> (SELECT count(*) FROM audit WHERE task = t.id AND action GLOB 'task.*' AND to_state IS NOT NULL)
                UNION ALL SELECT t.id FROM tasks AS t
                WHERE status <> (SELECT to_state FROM audit WHERE task = t.id AND action GLOB 'task.*' AND audit.version = t.version)"""
            ).fetchall()
        )
        assert not broken

    @invariant()
    def results_stay(self) -> None:
        for task, text in self.completed.items():
            assert self.database.read_now(views.result, task) == text
