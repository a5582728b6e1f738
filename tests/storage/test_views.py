"""What is read: pages, filters, orders, and how fast with a hundred thousand tasks."""

import time
from array import array
from collections.abc import Callable, Iterator
from pathlib import Path
from sqlite3 import Connection
from typing import get_args

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from abathur_tui.domain.errors import NotFound
from abathur_tui.domain.execution import SubmitOptions
from abathur_tui.domain.filters import Comparison, Operator, Quantity, SortKey, TaskFilter, admits
from abathur_tui.domain.plan import Kind
from abathur_tui.domain.status import Status
from abathur_tui.domain.tasks import Task
from abathur_tui.storage import Database, journal, queue, views
from tests.storage.building import NOW, RUNTIME, chain, claim, claim_one, fail, finish, fork, node, plan, said, submit


@pytest.fixture(scope="module")
def zoo(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Database]:
    """Tasks of every kind, in several statuses, with tags, costs and odd names; read only."""
    database = Database.open(tmp_path_factory.mktemp("zoo") / ".abathur", create=True)
    submit(database, plan([node("API gateway", template="CODE", tags=("abyssal", "CODE")), node("100%_done", priority=9)]), now=NOW - 100)
    submit(database, plan([node("Größe", tags=("straße",)), node("big", model="m", priority=2)]), now=NOW - 50)
    submit(database, fork(3), now=NOW)
    submit(database, chain(2), now=NOW)
    for number, one in enumerate(claim(database, 5)):
        turn = database.write_now(journal.begin_turn, one.lease, 1, None, [], NOW)
        database.write_now(journal.finish_turn, one.lease, turn, said("x", cost=None if number == 1 else number / 4), NOW)
        if number == 0:
            finish(database, one)
        if number == 2:
            fail(database, one)
    database.write_now(queue.pause, [4], "me", NOW)
    yield database
    database.close()


def names(found: list[Task]) -> list[str]:
    """Those of tasks."""
    return [task.name.removeprefix("do ") for task in found]


def test_pages_fit_together(zoo: Database) -> None:
    whole = zoo.read_now(views.tasks, TaskFilter(), 100)
    assert [task for start in range(0, 100, 3) for task in zoo.read_now(views.tasks, TaskFilter(), 3, start)] == whole
    assert zoo.read_now(views.task_ids, TaskFilter()) == array("q", [task.id for task in whole])


def test_the_order_is_priority_then_age_and_the_states_order_changes_nothing_of_it(zoo: Database) -> None:
    whole = zoo.read_now(views.tasks, TaskFilter(), 100)
    assert [(task.priority, -task.id) for task in whole] == sorted(((task.priority, -task.id) for task in whole), reverse=True)


def test_what_a_task_waits_for_is_told_by_id(tmp_path: Path) -> None:
    database = Database.open(tmp_path / ".abathur", create=True)
    one, two = (submit(database, plan([name])).root for name in ("one", "two"))
    last = submit(database, plan(["three"]), SubmitOptions(RUNTIME, after=(two, one))).root
    assert database.read_now(views.task, last).depends_on == (one, two)
    database.close()


@pytest.mark.parametrize("sort", get_args(SortKey))
@pytest.mark.parametrize("descending", [False, True])
def test_each_column_sorts_and_pages_agree_with_ids(zoo: Database, sort: SortKey, descending: bool) -> None:
    filter = TaskFilter(sort=sort, descending=descending)
    ids = zoo.read_now(views.task_ids, filter)
    assert [task.id for task in zoo.read_now(views.tasks, filter, 100)] == list(ids)
    columns: dict[str, Callable[[Task], object]] = {
        "age": lambda task: task.id,
        "attempt": lambda task: task.attempt,
        "name": lambda task: task.name.lower(),
    }
    if sort in columns:
        values = [columns[sort](task) for task in zoo.read_now(views.tasks_by_id, ids)]
        assert values == sorted(values, reverse=descending)  # type: ignore[type-var]


statuses = st.frozensets(st.sampled_from(list(Status)), max_size=3)
words = st.lists(
    st.sampled_from(["api", "GATE", "code", "größe", "GRÖSSE", "%", "_", "100%_", "straße", "join", "generalist", "\\", "'", '"']), max_size=2
).map(tuple)
comparisons = st.lists(
    st.builds(
        Comparison, st.sampled_from(get_args(Quantity)), st.sampled_from(get_args(Operator)), st.sampled_from([0.0, 0.25, 1.0, 5.0, 60.0, 120.0])
    ),
    max_size=2,
).map(tuple)
plain = st.builds(
    TaskFilter,
    statuses=statuses,
    words=words,
    execution=st.sampled_from([None, 1, 3]),
    template=st.sampled_from([None, "CODE"]),
    agent=st.sampled_from([None, "generalist"]),
    tag=st.sampled_from([None, "abyssal", "straße"]),
    comparisons=comparisons,
)
filters = st.builds(
    lambda one, others: TaskFilter(**{name: getattr(one, name) for name in one.__slots__} | {"without": tuple(others)}),
    plain,
    st.lists(plain, max_size=2),
)


@settings(max_examples=100, deadline=None, derandomize=True)
@given(filters)
def test_the_queries_mean_what_a_filter_means(zoo: Database, filter: TaskFilter) -> None:
    everything = zoo.read_now(views.tasks, TaskFilter(), 100)
    expected = [task.id for task in everything if admits(filter, task, NOW)]
    assert [task.id for task in zoo.read_now(views.tasks, filter, 100, 0, NOW)] == expected
    assert list(zoo.read_now(views.task_ids, filter, NOW)) == expected


def test_children_are_found_by_their_parent(database: Database) -> None:
    submitted = submit(database, plan([node("a", parent="b"), "b", node("c", parent="b")]))
    assert names(database.read_now(views.tasks, TaskFilter(parent=submitted.tasks["b"]), 10)) == ["a", "c"]


def test_rows_come_in_the_order_asked_for_and_unknown_ids_are_left_out(zoo: Database) -> None:
    assert [task.id for task in zoo.read_now(views.tasks_by_id, [3, 99, 1, 2])] == [3, 1, 2]


@pytest.mark.parametrize("view", [views.task, views.detail, views.work, views.result])
def test_an_unknown_task_is_said_to_be_unknown(zoo: Database, view: Callable[[Connection, int], object]) -> None:
    with pytest.raises(NotFound, match="t99"):
        zoo.read_now(view, 99)


@pytest.mark.parametrize("view", [views.execution, views.members, views.root_of])
def test_so_is_an_unknown_execution(zoo: Database, view: Callable[[Connection, int], object]) -> None:
    with pytest.raises(NotFound, match="x99"):
        zoo.read_now(view, 99)


def test_an_execution_is_as_its_root(database: Database) -> None:
    submitted = submit(database, fork(1))
    assert database.read_now(views.execution, submitted.execution).status is Status.WAITING
    finish(database, claim_one(database))
    finish(database, claim_one(database), "joined", now=NOW + 3)
    execution = database.read_now(views.execution, submitted.execution)
    assert (execution.status, execution.finished_at) == (Status.COMPLETED, NOW + 3)
    assert names(database.read_now(views.members, submitted.execution)) == ["m0", "join"]
    assert database.read_now(views.root_of, submitted.execution) == submitted.root
    assert [one.id for one in database.read_now(views.executions)] == [submitted.execution]


def test_status_is_one_snapshot_of_all(database: Database) -> None:
    submit(database, plan(["a", "b"]))
    claim_one(database)
    totals = database.read_now(views.status, NOW)
    assert {status.value: number for status, number in totals.counts.items() if number} == {"pending": 1, "running": 1}
    assert set(totals.counts) == set(Status)
    assert (totals.engines, totals.tokens_today, totals.cost_today_usd, totals.agents_busy) == ((), 0, 0, 0)


def test_before_the_first_attempt_a_prompt_is_its_subject(database: Database) -> None:
    task = submit(database, plan(["a"])).root
    detail = database.read_now(views.detail, task)
    assert (detail.prompt, detail.parameters, detail.result, detail.attempts) == ("the work of a", {"prompt": "the work of a"}, None, ())
    lease = claim_one(database).lease
    database.write_now(journal.set_prompt, lease, "Do the work of a, please.", "system")
    assert database.read_now(views.detail, task).prompt == "Do the work of a, please."


def test_a_reader_sees_one_moment_whatever_is_written_meanwhile(database: Database) -> None:
    submit(database, plan(["a"]))

    def twice(c: Connection) -> tuple[int, int]:
        before = len(views.task_ids(c, TaskFilter()))
        submit(database, plan(["b"]))
        return before, len(views.task_ids(c, TaskFilter()))

    assert database.read_now(twice) == (1, 1)
    assert len(database.read_now(views.task_ids, TaskFilter())) == 2


MANY = 100_000


@pytest.fixture(scope="module")
def many(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Database]:
    """A hundred thousand tasks, the rows made by the database itself."""
    database = Database.open(tmp_path_factory.mktemp("many") / ".abathur", create=True)
    submit(database, plan([node("a", kind=Kind.AGENT)]), SubmitOptions(RUNTIME))
    database.write_now(multiply, MANY)
    yield database
    database.close()


def multiply(c: Connection, number: int) -> None:
    """Copies of task 1, in different priorities and statuses."""
    c.execute("DROP TRIGGER tasks_first")
    c.execute("DROP TRIGGER tasks_made")
    c.execute(
        """WITH RECURSIVE numbers (n) AS (SELECT 2 UNION ALL SELECT n + 1 FROM numbers WHERE n < :number)
        INSERT INTO tasks (id, execution, seq, kind, name, agent, status, priority, lane, created_at, actor, reason, changed_at)
        SELECT n, 1, n, 'agent', 'task ' || n, 'tester', CASE n % 10 WHEN 0 THEN 'failed' WHEN 1 THEN 'pending' ELSE 'completed' END,
            n * 7 % 11, 'local:default', n, '', '', n FROM numbers""",
        {"number": number},
    )


def processor_seconds(read: Callable[[], object]) -> float:
    """The least of three: what a busy machine adds is left out."""
    times = []
    for _ in range(3):
        begun = time.thread_time()
        read()
        times.append(time.thread_time() - begun)
    return min(times)


@pytest.mark.parametrize(
    "filter",
    [TaskFilter(), TaskFilter(statuses=frozenset({Status.FAILED})), TaskFilter(statuses=frozenset({Status.FAILED, Status.PENDING, Status.DEAD}))],
)
def test_the_first_page_of_a_hundred_thousand_comes_by_an_index(many: Database, filter: TaskFilter) -> None:
    page = many.read_now(views.tasks, filter, 50)
    assert len(page) == 50
    assert page[0].priority == 10
    assert processor_seconds(lambda: many.read_now(views.tasks, filter, 50)) < 0.02


def test_all_ids_of_a_hundred_thousand_come_as_an_array(many: Database) -> None:
    ids = many.read_now(views.task_ids, TaskFilter())
    assert (len(ids), ids.typecode, ids.itemsize) == (MANY, "q", 8)
    assert processor_seconds(lambda: many.read_now(views.task_ids, TaskFilter())) < 0.5


def test_counts_and_status_do_not_count_rows(many: Database) -> None:
    assert processor_seconds(lambda: many.read_now(views.status, NOW)) < 0.005


def test_opening_a_large_file_reads_none_of_it(many: Database) -> None:
    def open_and_close() -> None:
        Database.open(Path(many.folder)).close()

    assert processor_seconds(open_and_close) < 0.1
