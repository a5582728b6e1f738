"""What happened stands more than once in the database, and the check finds where it does not say the same: turns, money, tries, passes, the audit."""

import shutil
from pathlib import Path

import pytest

from abathur_tui.domain.conversation import Message, TextBlock, ToolOutcome, ToolUseBlock, TurnDone, Usage
from abathur_tui.domain.data import JsonObject
from abathur_tui.domain.execution import SubmitOptions
from abathur_tui.domain.leases import Lease
from abathur_tui.domain.loops import Pass, Verdict
from abathur_tui.domain.plan import Kind
from abathur_tui.domain.recurrence import Recurrence
from abathur_tui.domain.status import Why
from abathur_tui.storage import Database, agents, journal, queue, retention, seals
from abathur_tui.storage.checking import check_folder
from tests.storage.building import ENGINE, NOW, RUNTIME, chain, claim, claim_one, fail, finish, fork, node, plan, said, submit
from tests.storage.test_checking import forge, lawless

ASK: JsonObject = {"role": "user", "content": "please"}
CALL = ToolUseBlock("call-1", "read_file", {"path": "x"})


def work(database: Database) -> None:
    """Some of everything that is kept: turns with and without a price, one that broke off, a tool call, passes, retries, a dead engine."""
    submit(database, chain(3))
    submit(database, fork(2))
    _converse(database, claim_one(database).lease)
    submit(database, plan([node("loop", kind=Kind.LOOP, priority=9)]))
    loop = claim_one(database)
    for number in (1, 2):
        done = Pass(
            number, loop.lease.task, f"output {number}", {"latency": 3.5, "small": 1e-7}, Verdict.CONTINUE, "r", 1, 2, 3.0, 0.1, NOW, {"x": 0.1}
        )
        database.write_now(journal.finish_pass, loop.lease, done, NOW)
    database.write_now(journal.metric, loop.lease, 1, "latency", 3.5, NOW)
    finish(database, loop)
    fail(database, claim_one(database))
    claim(database, 2)
    database.write_now(queue.recover, ENGINE, NOW)
    database.write_now(queue.pause, [claim_one(database).lease.task], "me", NOW)
    submit(database, plan(["last"]))
    database.write_now(seals.seal_some, NOW)


def _converse(database: Database, lease: Lease) -> None:
    agent = database.write_now(agents.spawn, lease, "generalist", None, NOW)
    database.write_now(agents.assign, lease, agent, NOW)
    first = database.write_now(journal.begin_turn, lease, 1, agent, [ASK], NOW)
    answer = TurnDone(Message("assistant", (TextBlock("ok"), CALL)), "tool_use", Usage(100, 20, 3, 4), "model-1", 0.01)
    database.write_now(journal.finish_turn, lease, first, answer, NOW)
    database.write_now(journal.intend_tool, lease, first, CALL, NOW)
    database.write_now(journal.finish_tool, lease, first, "call-1", ToolOutcome("x", summary="s"), NOW)
    second = database.write_now(journal.begin_turn, lease, 2, agent, [ASK], NOW)
    database.write_now(journal.append_output, lease, second, 0, "half", NOW)
    database.write_now(journal.abandon_turn, lease, second, "it broke", NOW)
    third = database.write_now(journal.begin_turn, lease, 2, agent, [ASK], NOW)
    database.write_now(journal.finish_turn, lease, third, said("done", cost=None), NOW)
    database.write_now(queue.complete, lease, "done", NOW)


@pytest.fixture(scope="module")
def template(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A closed database, made once."""
    folder = tmp_path_factory.mktemp("money") / ".abathur"
    database = Database.open(folder, create=True)
    work(database)
    database.close()
    assert check_folder(folder).problems == ()
    return folder


@pytest.fixture
def filled(template: Path, folder: Path) -> Path:
    """A copy of it."""
    shutil.copytree(template, folder)
    return folder


def test_a_text_goes_only_when_it_is_condemned(filled: Path) -> None:
    forge(filled, "UPDATE content SET condemned = 1 WHERE id = 2", "UPDATE content SET body = NULL, condemned = 0 WHERE id = 2")
    # A text that is needed all the same is missed.
    assert any("is needed, and is not there" in problem for problem in check_folder(filled).problems)


@pytest.mark.parametrize(
    ("statement", "problem"),
    [
        # No law keeps these, for such laws would cost every task something.
        ("INSERT INTO turns (task, round, epoch, attempt, number, shared, messages, started_at) VALUES (1, 0, 9, 1, 1, 0, '[]', 1)", "in epoch 9"),
        ("INSERT INTO usage VALUES ('2020-01-01', 'model-1', 1, 1, 1, 0, 0, 5, 0)", "the turns of model-1 were"),
        ("REPLACE INTO usage SELECT day, model, turns, 1, 1, 1, 1, 0, 0 FROM usage", "the turns of model-1 were"),
        ("REPLACE INTO content (hash, body) SELECT hash, 'another' FROM content WHERE id = 2", "was changed"),
        ("REPLACE INTO content (hash, body) SELECT hash, NULL FROM content WHERE id = 2", "is needed, and is not there"),
        ("UPDATE agents SET cost_usd = 9", "a1 took"),
        ("UPDATE agents SET unpriced = 9", "a1 took"),
        ("UPDATE tasks SET tokens_input = 1 WHERE id = 8", "t8 took 1 and 0 tokens"),
        ("UPDATE tasks SET held = 'nothing' WHERE status = 'pending'", "held for a reason that is not known"),
        ("UPDATE tasks SET actor = 'me', reason = 'prepared' WHERE id = 2", "names who changes it"),
        ("UPDATE tasks SET held = 'after' WHERE status = 'pending'", "t8 is held until others have ended, and waits for none"),
        ("UPDATE tasks SET why = 'nothing' WHERE status = 'pending'", "t8 does not move for a reason that is not known: nothing"),
        ("UPDATE lanes SET held_why = 'nothing'", "is held for a reason that is not known"),
        ("INSERT INTO queue_state VALUES ('nothing', NULL, 'me', 1)", "the queue is held for a reason that is not known: nothing"),
        ("UPDATE tasks SET detail = '[]' WHERE status = 'pending'", "the detail of t8 are no JSON"),
        ("UPDATE tasks SET crashes = 9223372036854775807 WHERE status = 'pending'", "t8 counts 9223372036854775807 crashes"),
        ("UPDATE lanes SET runtime = '{'", "is run is no JSON"),
        ("INSERT INTO state VALUES (1, 'k', '{', 1, 'a1', 1)", "what the agents of x1 share as k is no JSON"),
        ("UPDATE edges SET state = 'broken' WHERE task = 2", "t2 (failed) built on t1, which is completed: the edge is broken"),
        ("UPDATE edges SET state = 'met' WHERE state = 'broken'", "t3 (failed) built on t2, which is failed: the edge is met"),
        ("UPDATE tasks SET due = 1e300 WHERE id = 2", "no calendar"),
        ("UPDATE edges SET state = 'met' WHERE state = 'open'", "does not wait for"),
        (
            "INSERT INTO edges SELECT depends_on, task, need, state, 9, 0 FROM edges WHERE state = 'open' LIMIT 1",
            "goes round in a circle",
        ),
        ("INSERT INTO audit (at, actor, action, detail) VALUES (9e999, 'x', 'x', '{')", "is no JSON"),
        ("INSERT INTO audit (at, actor, action) VALUES (1, 'x', 'turn.done')", "turn ? of t? is not there"),
        ("INSERT INTO audit (at, actor, action) VALUES (1, 'x', 'tool.done')", "the call ? of t? is not there"),
        ("INSERT INTO audit (at, actor, action) VALUES (1, 'x', 'loop.pass')", "pass ? of t? is not there"),
        ("INSERT INTO content (id, hash, body) VALUES (9223372036854775807, 'x', 'y')", "to which nobody has counted"),
        ("INSERT INTO audit (at, actor, action, detail) VALUES (9e999, 'x', 'x', '{}')", "of the audit has a time that no calendar has"),
    ],
)
def test_what_no_law_refuses_is_found(filled: Path, statement: str, problem: str) -> None:
    forge(filled, statement)
    found = check_folder(filled).problems
    assert any(problem in one for one in found), found


@pytest.mark.parametrize("why", list(Why))
def test_every_reason_for_standing_still_is_known_to_the_check(filled: Path, why: Why) -> None:
    forge(filled, f"UPDATE tasks SET why = '{why}'")
    assert check_folder(filled).problems == ()


@pytest.mark.parametrize(
    ("statement", "problem"),
    [
        ("UPDATE tasks SET epoch = epoch + 1 WHERE id = 1", "the last time in epoch 2"),
        ("UPDATE tasks SET cost_usd = cost_usd + 1 WHERE id = 1", "t1 took"),
        ("UPDATE tasks SET unpriced = unpriced + 1 WHERE id = 1", "t1 took"),
        ("UPDATE tasks SET finished_at = 1 WHERE id = 1", "another time of its end"),
        ("UPDATE tasks SET error_code = 'x' WHERE status = 'failed'", "another error"),
        ("UPDATE tasks SET attempt = 9 WHERE id = 1", "another attempt"),
        ("UPDATE tasks SET created_at = 1 WHERE id = 1", "made at another time"),
        ("UPDATE tasks SET failures = 99 WHERE id = 2", "t2 failed 99 times"),
        ("UPDATE tasks SET result = NULL WHERE id = 1", "and has no result"),
        ("DELETE FROM turns WHERE id = 1", "turn 1 of t1 is not there"),
        ("UPDATE turns SET cost_usd = 5 WHERE id = 1", "turn 1 of t1 is not as its audit says"),
        ("UPDATE turns SET cost_usd = 9e999 WHERE id = 1", "turn 1 of t1 took"),
        ("UPDATE turns SET tokens_cache_read = 99 WHERE id = 1", "the turns of model-1 were"),
        ("UPDATE turns SET model = 'another' WHERE id = 1", "is not as its audit says"),
        ("UPDATE turns SET state = 'open', ended_at = NULL WHERE task = 1", "t1 has 3 open turns"),
        (
            """INSERT INTO turns (task, round, epoch, attempt, number, shared, messages, started_at, state, ended_at)
            VALUES (1, 0, 1, 1, 9, 0, '[]', 1, 'done', 2)""",
            "turn 4 of t1 is done, and the audit says nothing",
        ),
        ("DELETE FROM tool_calls", "the call call-1 of t1 is not there"),
        ("UPDATE tool_calls SET status = 'error'", "the call call-1 of t1 is not as its audit says"),
        ("UPDATE tool_calls SET id = 'call-2'", "the call call-2 of t1 is done, and the audit says nothing of it"),
        ("DELETE FROM passes WHERE number = 2", "pass 2 of t7 is not there"),
        ("UPDATE passes SET verdict = 'converged' WHERE number = 1", "pass 1 of t7 is not as its audit says"),
        ("UPDATE passes SET number = 3 WHERE number = 2", "pass 3 of t7 is there, and the audit says nothing of it"),
        ("UPDATE attempts SET engine = 'another' WHERE task = 1", "attempt 1 of t1 (completed) is not as its audit says"),
        ("UPDATE attempts SET outcome = 'failed' WHERE task = 1", "attempt 1 of t1 (failed) is not as its audit says"),
        ("UPDATE attempts SET started_at = 1 WHERE task = 1", "is not as its audit says"),
        ("UPDATE attempts SET ended_at = NULL WHERE task = 1", "and has not ended"),
        ("UPDATE executions SET purged_at = 1 WHERE id = 3", "x3 was purged, and the audit does not say so"),
        ("UPDATE agents SET state = 'BUSY'", "is BUSY, and t1 is completed"),
        ("CREATE UNIQUE INDEX mine ON tasks (id)", "index mine is not Abathur's"),
        ("DELETE FROM migrations WHERE version = 2", "migrations"),
        ("DELETE FROM loops", "has no row in loops"),
    ],
)
def test_what_was_changed_past_the_laws_and_stands_twice_is_found(filled: Path, statement: str, problem: str) -> None:
    lawless(filled, statement)
    found = check_folder(filled).problems
    assert any(problem in one for one in found), found


def test_two_agents_at_one_task_are_found(database: Database) -> None:
    submit(database, plan(["a", "b"]))
    for claimed in claim(database, 2):
        agent = database.write_now(agents.spawn, claimed.lease, "generalist", None, NOW)
        database.write_now(agents.assign, claimed.lease, agent, NOW)
    database.close()

    forge(database.folder, "UPDATE agents SET task = 2 WHERE id = 1")

    assert any("a1 is BUSY at t2, and another agent has it" in one for one in check_folder(database.folder).problems)


def test_a_recurring_task_that_counts_other_executions_than_there_are_is_found(database: Database) -> None:
    database.write_now(queue.add_schedule, "nightly", Recurrence("0 * * * *", "UTC"), plan(["a"]), SubmitOptions(RUNTIME), NOW)
    database.write_now(queue.due, NOW + 3600)
    database.close()
    assert check_folder(database.folder).problems == ()

    forge(database.folder, "UPDATE schedules SET runs = 7")

    assert check_folder(database.folder).problems == ("s1 says that it has submitted 7 executions; there are 1.",)


def test_a_sum_of_many_costs_is_the_same_in_whichever_order(database: Database) -> None:
    # Given turns whose costs cannot be written exactly in binary, over two tasks, so that day and tasks add them in different orders,
    submit(database, plan(["a", "b"]))
    leases = [claimed.lease for claimed in claim(database, 2)]
    for number in range(1, 60):
        for lease in leases:
            turn = database.write_now(journal.begin_turn, lease, number, None, [ASK], NOW)
            database.write_now(journal.finish_turn, lease, turn, said("x", cost=0.1 / (number * 7)), NOW)
    for lease in leases:
        database.write_now(queue.complete, lease, "done", NOW)
    database.close()
    # then the check sees no difference.
    assert check_folder(database.folder).problems == ()


def test_what_was_purged_is_well(filled: Path) -> None:
    database = Database.open(filled)
    database.write_now(retention.purge, [3], "me", NOW)
    database.close()
    assert check_folder(filled).problems == ()


def test_what_has_outlived_the_retention_is_not_missed(filled: Path) -> None:
    # Given a file whose audit has gone, all of it,
    database = Database.open(filled)
    database.write_now(seals.seal_some, NOW)
    while database.write_now(retention.sweep_group, NOW + 1, NOW + 2):
        pass
    assert database.read_now(lambda c: c.execute("SELECT count(*) FROM audit WHERE action <> 'audit.swept'").fetchone()) == (0,)
    # when work goes on, then what is compared is what is there.
    submit(database, plan(["new"]), now=NOW + 3)
    finish(database, claim_one(database, now=NOW + 3), now=NOW + 3)
    database.close()
    assert check_folder(filled).problems == ()
