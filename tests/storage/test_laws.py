"""Laws that the schema keeps, whoever writes."""

import itertools
import sqlite3
from sqlite3 import Connection

import pytest

from abathur_tui.domain.errors import ChangeRefused
from abathur_tui.domain.status import Status
from abathur_tui.storage import Database, agents, queue, retention, seals, views
from tests.storage.building import NOW, chain, claim, claim_one, finish, plan, submit

ALLOWED = {
    "waiting": {"pending", "failed", "cancelled", "paused"},
    "pending": {"running", "paused", "cancelled", "failed"},
    "running": {"completed", "failed", "dead", "cancelled", "paused", "interrupted", "pending"},
    "paused": {"waiting", "pending", "cancelled", "failed"},
    "interrupted": {"pending", "paused", "dead", "cancelled", "failed"},
    "failed": {"pending", "waiting"},
    "dead": {"pending", "waiting"},
    "cancelled": {"pending", "waiting"},
    "completed": set(),
}

CHANGE = """UPDATE tasks SET status = ?, version = version + 1, actor = 'test', reason = 'test', changed_at = 0,
    epoch = epoch + (? = 'running'), engine = 'e', result = (SELECT hash FROM content LIMIT 1) WHERE id = ?"""


def run(database: Database, statement: str, *values: object) -> int:
    """Run a statement as anybody could who opens the file."""

    def operation(c: Connection) -> int:
        return c.execute(statement, values).rowcount

    return database.write_now(operation)


def put(database: Database, task: int, wanted: str) -> None:
    """Bring a new task to a status by allowed steps."""
    ways = {
        "waiting": ["paused", "waiting"],
        "pending": [],
        "running": ["running"],
        "paused": ["paused"],
        "completed": ["running", "completed"],
        "failed": ["running", "failed"],
        "cancelled": ["cancelled"],
        "interrupted": ["running", "interrupted"],
        "dead": ["running", "dead"],
    }
    for step in ways[wanted]:
        run(database, CHANGE, step, step, task)


def test_exactly_the_allowed_status_changes_are_let_through(database: Database) -> None:
    # Given a task in each status, when every other status is tried,
    for before, after in itertools.permutations([status.value for status in Status], 2):
        task = submit(database, plan(["a"])).root
        put(database, task, before)
        # then the database lets through what the table has, and nothing else.
        if after in ALLOWED[before]:
            run(database, CHANGE, after, after, task)
        else:
            with pytest.raises(ChangeRefused, match="not allowed"):
                run(database, CHANGE, after, after, task)


@pytest.mark.parametrize(
    ("change", "law"),
    [
        ("status = 'paused', actor = 'me', reason = 'why'", "raises version by one"),
        ("status = 'paused', version = version + 2, actor = 'me', reason = 'why'", "raises version by one"),
        ("status = 'paused', version = version + 1, reason = 'why'", "names actor and reason"),
        ("status = 'paused', version = version + 1, actor = 'me'", "names actor and reason"),
        ("status = 'running', version = version + 1, actor = 'me', reason = 'why', engine = 'e'", "raises the epoch"),
        ("status = 'running', version = version + 1, actor = 'me', reason = 'why', epoch = epoch + 1", "names its engine"),
        ("version = version + 1", "version goes with status"),
        ("epoch = epoch - 1", "never goes back"),
        ("lane = 'other'", "lane and execution stay"),
    ],
)
def test_a_change_without_its_due_is_refused(database: Database, change: str, law: str) -> None:
    task = submit(database, plan(["a"])).root
    with pytest.raises(ChangeRefused, match=law):
        run(database, f"UPDATE tasks SET {change} WHERE id = ?", task)
    assert database.read_now(views.task, task).status is Status.PENDING


def test_actor_and_reason_of_one_change_do_not_pass_for_the_next(database: Database) -> None:
    # Given a task that was paused by somebody with a reason,
    task = submit(database, plan(["a"])).root
    run(database, CHANGE, "paused", "paused", task)
    # when a change names neither, then it is refused.
    with pytest.raises(ChangeRefused, match="names actor and reason"):
        run(database, "UPDATE tasks SET status = 'pending', version = version + 1 WHERE id = ?", task)


def test_every_status_change_is_in_the_audit_with_who_and_why(database: Database) -> None:
    task = submit(database, plan(["a"])).root
    finish(database, claim_one(database))
    events = database.read_now(views.audit, task=task)
    assert [(event.action, event.actor, event.detail.get("from"), event.detail["to"]) for event in events] == [
        ("task.pending", "user", None, "pending"),
        ("task.running", "engine", "pending", "running"),
        ("task.completed", "engine", "running", "completed"),
    ]
    assert [event.detail["version"] for event in events] == [0, 1, 2]
    assert all(event.detail["reason"] for event in events)


def test_the_audit_has_a_change_before_what_follows_from_it(database: Database) -> None:
    submitted = submit(database, chain(2))
    finish(database, claim_one(database))
    actions = [(event.action, event.task) for event in database.read_now(views.audit)]
    assert actions[-2:] == [("task.completed", submitted.tasks["n0"]), ("task.pending", submitted.tasks["n1"])]


@pytest.mark.parametrize(
    "statement",
    [
        "UPDATE audit SET actor = 'nobody' WHERE id = 1",
        "DELETE FROM audit WHERE id = 1",
        "INSERT OR REPLACE INTO audit (id, at, actor, action) VALUES (1, 0, 'nobody', 'nothing')",
        "REPLACE INTO audit (id, at, actor, action) VALUES (1, 0, 'nobody', 'nothing')",
        "INSERT INTO audit (id, at, actor, action) VALUES (1, 0, 'nobody', 'nothing') ON CONFLICT (id) DO UPDATE SET actor = 'nobody'",
    ],
)
def test_the_audit_only_grows(database: Database, statement: str) -> None:
    submit(database, plan(["a"]))
    before = database.read_now(views.audit)
    with pytest.raises(ChangeRefused, match="audit"):
        run(database, statement)
    assert database.read_now(views.audit) == before


def test_the_audit_refuses_a_replacing_insert_also_without_recursive_triggers(database: Database) -> None:
    submit(database, plan(["a"]))
    foreign = sqlite3.connect(database.folder / "abathur.db")
    with pytest.raises(sqlite3.IntegrityError, match="law"):
        foreign.execute("REPLACE INTO audit (id, at, actor, action) VALUES (1, 0, 'nobody', 'nothing')")
    foreign.close()


def test_tasks_are_never_deleted_and_ids_never_used_again(database: Database) -> None:
    task = submit(database, plan(["a"])).root
    with pytest.raises(ChangeRefused, match="not deleted"):
        run(database, "DELETE FROM tasks WHERE id = ?", task)
    assert submit(database, plan(["a"])).root == task + 1


ROUND_THE_LAWS = [
    ("UPDATE tasks SET id = 777 WHERE id = 1", "id, lane and execution stay"),
    ("UPDATE OR REPLACE tasks SET id = 2 WHERE id = 1", "id, lane and execution stay"),
    (
        """REPLACE INTO tasks (id, execution, seq, kind, name, status, priority, lane, created_at, actor, reason, changed_at)
        VALUES (1, 1, 1, 'agent', 'x', 'pending', 5, 'l', 0, 'me', 'why', 0)""",
        "not replaced",
    ),
    ("UPDATE tasks SET engine = 'thief' WHERE id = 1", "engine changes with the status"),
    ("INSERT INTO transitions VALUES ('completed', 'pending')", "what is allowed stays"),
    ("UPDATE transitions SET to_status = 'running'", "what is allowed stays"),
    ("DELETE FROM transitions", "what is allowed stays"),
    ("INSERT INTO agent_transitions VALUES ('TERMINATED', 'IDLE')", "what is allowed stays"),
    ("DELETE FROM agent_transitions", "what is allowed stays"),
    ("DELETE FROM agents", "not deleted"),
    ("UPDATE agents SET id = 99", "its id stays"),
    ("UPDATE agents SET version = 99", "version goes with its state"),
    (
        """REPLACE INTO agents (id, execution, engine, definition, state, started_at, reason, changed_at)
        VALUES (1, 1, 'e', 'd', 'SPAWNING', 1, 'r', 1)""",
        "replaces none",
    ),
    ("DELETE FROM edges", "not deleted"),
    ("UPDATE edges SET need = 'settles'", "only the state changes"),
    ("DELETE FROM executions", "not deleted"),
    ("UPDATE executions SET id = 99", "its id stays"),
    ("REPLACE INTO executions SELECT * FROM executions WHERE id = 1", "replaces none"),
    ("INSERT INTO audit (id, at, actor, action) VALUES (9223372036854775807, 0, 'nobody', 'nothing')", "next id"),
    ("INSERT INTO audit (id, at, actor, action) VALUES (0, 0, 'nobody', 'nothing')", "next id"),
    ("INSERT INTO state VALUES (1, 'other', '1', 7, 'a1', 0)", "version 1"),
    ("REPLACE INTO state VALUES (1, 'key', '1', 1, 'a1', 0)", "none is replaced"),
    ("UPDATE state SET key = 'other', version = version + 1", "its key stays"),
    ("DELETE FROM state", "until it is purged"),
]


@pytest.mark.parametrize(("statement", "law"), ROUND_THE_LAWS)
def test_no_way_leads_round_the_laws_for_any_sqlite_tool(database: Database, statement: str, law: str) -> None:
    # Given a file in which a task runs, an agent lives and something is shared,
    submit(database, chain(2))
    database.write_now(agents.spawn, claim_one(database).lease, "generalist", None, NOW)
    run(database, "INSERT INTO state VALUES (1, 'key', '1', 1, 'a1', 0)")
    # when another program writes, with SQLite's own settings, then the law is there too,
    foreign = sqlite3.connect(database.folder / "abathur.db")
    with pytest.raises(sqlite3.IntegrityError, match=law):
        foreign.execute(statement)
    foreign.close()
    # and for Abathur itself.
    with pytest.raises(ChangeRefused, match=law):
        run(database, statement)


def test_a_row_with_the_number_that_stands_for_none_stops_nobody(database: Database) -> None:
    # Given a row that SQLite shows to a trigger as one without an id,
    run(database, "INSERT INTO audit (id, at, actor, action) VALUES (-1, 0, 'nobody', 'nothing')")
    # then the audit goes on, and the row is found.
    submit(database, plan(["a"]))
    database.write_now(seals.seal_some, NOW)
    problem = database.read_now(seals.verify).problem
    assert problem is not None
    assert "row -1 is in no group" in problem


def test_what_was_purged_stays_purged(database: Database) -> None:
    task = submit(database, plan(["a"])).root
    database.write_now(queue.cancel, [task], "me", "why", NOW)
    database.write_now(retention.purge, [1], "me", NOW)
    with pytest.raises(ChangeRefused, match="once"):
        run(database, "UPDATE executions SET purged_at = NULL")


@pytest.mark.parametrize("status", ["running", "completed", "paused", "failed", "cancelled", "interrupted", "dead"])
def test_a_task_begins_as_waiting_or_pending(database: Database, status: str) -> None:
    submit(database, plan(["a"]))
    with pytest.raises(ChangeRefused, match="begins as"):
        run(
            database,
            """INSERT INTO tasks (execution, seq, kind, name, status, priority, lane, created_at, actor, reason, changed_at)
            VALUES (1, 1, 'agent', 'x', ?, 5, 'l', 0, 'me', 'why', 0)""",
            status,
        )


def test_a_task_cannot_depend_on_itself(database: Database) -> None:
    task = submit(database, plan(["a"])).root
    with pytest.raises(Exception, match="CHECK"):
        run(database, "INSERT INTO edges (task, depends_on, need, state, position) VALUES (?, ?, 'needs', 'open', 0)", task, task)


def test_counters_follow_edges(database: Database) -> None:
    submitted = submit(database, plan(["a", "b", "c"], [("c", "a"), ("c", "b")]))
    run(database, "UPDATE edges SET state = 'broken' WHERE depends_on = ?", submitted.tasks["a"])
    run(database, "UPDATE edges SET state = 'met' WHERE depends_on = ?", submitted.tasks["b"])
    counters = database.read_now(lambda c: c.execute("SELECT unmet, broken FROM tasks WHERE name = 'do c'").fetchone())
    assert counters == (0, 1)


AGENT_STATES = ["SPAWNING", "IDLE", "BUSY", "FAILED", "TERMINATING", "TERMINATED"]
AGENT_ALLOWED = {
    "SPAWNING": {"IDLE", "FAILED"},
    "IDLE": {"BUSY", "TERMINATING", "FAILED"},
    "BUSY": {"IDLE", "TERMINATING", "FAILED"},
    "FAILED": {"TERMINATING"},
    "TERMINATING": {"TERMINATED"},
    "TERMINATED": set(),
}
AGENT_WAYS = {
    "SPAWNING": [],
    "IDLE": ["IDLE"],
    "BUSY": ["IDLE", "BUSY"],
    "FAILED": ["FAILED"],
    "TERMINATING": ["FAILED", "TERMINATING"],
    "TERMINATED": ["FAILED", "TERMINATING", "TERMINATED"],
}


def test_exactly_the_allowed_changes_of_an_agents_state_are_let_through(database: Database) -> None:
    submit(database, plan(["a"]))
    lease = claim_one(database).lease
    for before, after in itertools.permutations(AGENT_STATES, 2):
        agent = database.write_now(agents.spawn, lease, "generalist", None, NOW)
        for step in AGENT_WAYS[before]:
            database.write_now(agents.set_state, agent, step, NOW)
        if after in AGENT_ALLOWED[before]:
            database.write_now(agents.set_state, agent, after, NOW)
        else:
            with pytest.raises(ChangeRefused, match="agent"):
                database.write_now(agents.set_state, agent, after, NOW)


def test_shared_state_refuses_a_write_against_an_older_version(database: Database) -> None:
    submit(database, plan(["a"]))
    run(database, "INSERT INTO state VALUES (1, 'key', '1', 1, 'a1', 0)")
    run(database, "UPDATE state SET value = '2', version = 2")
    with pytest.raises(ChangeRefused, match="raises version"):
        run(database, "UPDATE state SET value = '3', version = 2")


def test_counts_per_status_are_those_of_the_rows(database: Database) -> None:
    submit(database, plan(["a", "b", "c", "d"], [("d", "a")]))
    finish(database, claim(database, 2)[0])
    database.write_now(queue.pause, [3], "me", NOW)
    counted = database.read_now(lambda c: dict(c.execute("SELECT status, count(*) FROM tasks GROUP BY status").fetchall()))
    assert {status.value: number for status, number in database.read_now(views.counts).items() if number} == counted
