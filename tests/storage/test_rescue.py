"""Dead engines, due times and expiry."""

import pytest

from abathur_tui.domain.conversation import ToolOutcome, ToolUseBlock
from abathur_tui.domain.errors import LeaseLost
from abathur_tui.domain.loops import Pass, Verdict
from abathur_tui.domain.plan import Kind
from abathur_tui.domain.status import Status, Why
from abathur_tui.storage import Database, agents, engines, journal, queue, views
from abathur_tui.storage.engines import EngineRow
from tests.storage.building import ENGINE, NOW, chain, claim, claim_one, node, plan, said, status, statuses, submit


def test_a_dead_engines_tasks_go_back_and_are_resumed(database: Database) -> None:
    # Given an engine that runs one task, with another that runs a second one,
    database.write_now(engines.register, EngineRow(ENGINE, 1, "here", NOW), NOW)
    submit(database, plan(["a", "b"]))
    mine = claim_one(database)
    (other,) = claim(database, engine="another")
    # when the first one dies,
    assert database.write_now(queue.recover, ENGINE, NOW) == [mine.lease.task]
    # then its task is pending again, by way of interrupted, the other's runs on, and its row is closed.
    events = [event.action for event in database.read_now(views.audit, task=mine.lease.task)]
    assert events == ["task.pending", "task.running", "task.interrupted", "task.pending"]
    assert status(database, other.lease.task) is Status.RUNNING
    assert database.read_now(engines.unended) == []
    resumed = claim_one(database)
    assert (resumed.lease.task, resumed.lease.epoch, resumed.attempt) == (mine.lease.task, 2, 2)
    assert database.write_now(queue.recover, ENGINE, NOW) == [mine.lease.task]


def test_what_a_dead_worker_left_is_folded_and_its_agents_end(database: Database) -> None:
    # Given a worker in the middle of a turn, with a tool call of an earlier turn under way,
    submit(database, plan(["a"]))
    lease = claim_one(database).lease
    agent = database.write_now(agents.spawn, lease, "generalist", None, NOW)
    database.write_now(agents.assign, lease, agent, NOW)
    first = database.write_now(journal.begin_turn, lease, 1, agent, [], NOW)
    database.write_now(journal.finish_turn, lease, first, said("I will read"), NOW)
    database.write_now(journal.intend_tool, lease, first, ToolUseBlock("call-1", "read_file", {"path": "a"}), NOW)
    second = database.write_now(journal.begin_turn, lease, 2, agent, [], NOW)
    database.write_now(journal.append_output, lease, second, 0, "it says ", NOW)
    # when its engine dies,
    database.write_now(queue.recover, ENGINE, NOW)
    # then the turn is a partial one, the call unknown, the agent has ended, and no output row is left.
    saved = database.read_now(journal.conversation, lease.task)
    assert [turn.number for turn in saved.turns] == [1]
    assert saved.turns[0].unknown == {"call-1"}
    assert saved.partial == "it says "
    assert [one.state for one in database.read_now(views.agents)] == ["TERMINATED"]
    assert database.read_now(lambda c: c.execute("SELECT count(*) FROM output").fetchone()) == (0,)


def test_the_fifth_crash_in_a_row_makes_a_task_dead_and_the_queue_goes_on(database: Database) -> None:
    submitted = submit(database, chain(2))
    well = submit(database, plan(["well"]))
    for _ in range(5):
        claims = claim(database, 1)
        database.write_now(queue.recover, ENGINE, NOW)
        assert claims[0].lease.task == submitted.tasks["n0"]
    assert statuses(database, submitted) == {"n0": "dead", "n1": "failed"}
    error = database.read_now(views.task, submitted.tasks["n0"]).error
    assert error is not None
    assert (error.code, error.message) == ("ABTH-ERR-026", "Its worker died 5 times in a row without finishing a step.")
    assert claim_one(database).lease.task == well.root


@pytest.mark.parametrize("step", ["turn", "tool", "pass"])
def test_a_finished_step_ends_the_row_of_crashes(database: Database, step: str) -> None:
    submit(database, plan([node("a", kind=Kind.LOOP)]))
    for number in range(1, 8):
        lease = claim_one(database).lease
        if step == "turn":
            turn = database.write_now(journal.begin_turn, lease, number, None, [], NOW)
            database.write_now(journal.finish_turn, lease, turn, said("step"), NOW)
        elif step == "tool":
            turn = database.write_now(journal.begin_turn, lease, number, None, [], NOW)
            database.write_now(journal.intend_tool, lease, turn, ToolUseBlock("c", "grep", {}), NOW)
            database.write_now(journal.finish_tool, lease, turn, "c", ToolOutcome("found"), NOW)
        else:
            done = Pass(number, lease.task, "out", {"latency": 1.0}, Verdict.CONTINUE, "", 0, 0, 1.0, 0.0, NOW)
            database.write_now(journal.finish_pass, lease, done, NOW)
        database.write_now(queue.recover, ENGINE, NOW)
        assert status(database, lease.task) is Status.PENDING


def test_a_count_past_all_numbers_stops_the_rescue_of_nobody(database: Database) -> None:
    submitted = submit(database, plan(["a", "b"]))
    database.write_now(lambda c: c.execute("UPDATE tasks SET crashes = 9223372036854775807 WHERE id = 1").rowcount)
    claim(database, 2)

    database.write_now(queue.recover, ENGINE, NOW)

    assert statuses(database, submitted) == {"a": "dead", "b": "pending"}


def test_a_crash_counts_only_against_who_held_a_slot(database: Database) -> None:
    submitted = submit(database, plan([node("loop", kind=Kind.LOOP)]))
    for _ in range(7):
        database.write_now(queue.park, claim_one(database).lease, Why.CHILDREN, NOW)
        database.write_now(queue.recover, ENGINE, NOW)
    assert status(database, submitted.root) is Status.PENDING


def test_what_was_asked_of_a_dead_worker_is_done(database: Database) -> None:
    # Given two running tasks, one to be cancelled and one to be paused,
    lock = engines.hold_life_lock(database.folder, ENGINE)
    submitted = submit(database, plan(["a", "b"]))
    claim(database, 2)
    database.write_now(queue.cancel, [submitted.tasks["a"]], "me", "enough", NOW)
    database.write_now(queue.pause, [submitted.tasks["b"]], "me", NOW)
    # when the engine dies before it has done either, then the rescue does.
    lock.release()
    database.write_now(queue.recover, ENGINE, NOW)
    assert statuses(database, submitted) == {"a": "cancelled", "b": "paused"}
    assert database.read_now(lambda c: c.execute("SELECT count(*) FROM requests WHERE closed_at IS NULL").fetchone()) == (0,)


def test_what_had_not_started_in_time_fails_with_its_dependents(database: Database) -> None:
    submitted = submit(database, plan([node("a", expires=10.0), "b", node("c", expires=10.0)], [("b", "a")], root="b"))
    database.write_now(queue.pause, [submitted.tasks["c"]], "me", NOW)
    assert database.write_now(queue.due, NOW) == NOW + 10
    assert database.write_now(queue.due, NOW + 10) is None
    assert statuses(database, submitted) == {"a": "failed", "b": "failed", "c": "failed"}
    error = database.read_now(views.task, submitted.tasks["a"]).error
    assert error is not None
    assert error.code == "ABTH-ERR-025"


def test_what_has_started_does_not_expire(database: Database) -> None:
    submit(database, plan([node("a", expires=10.0)]))
    lease = claim_one(database).lease
    assert database.write_now(queue.due, NOW) is None
    database.write_now(queue.release, lease, "stop", NOW)
    database.write_now(queue.due, NOW + 20)
    assert status(database, lease.task) is Status.PENDING


def test_an_expired_task_does_not_come_back_with_what_it_needs(database: Database) -> None:
    submitted = submit(database, plan(["a", node("b", expires=10.0)], [("b", "a")]))
    database.write_now(queue.due, NOW + 10)
    database.write_now(queue.cancel, [submitted.tasks["a"]], "me", "", NOW)
    database.write_now(queue.retry, [submitted.tasks["a"]], "me", NOW)
    assert statuses(database, submitted) == {"a": "pending", "b": "failed"}
    # Retried itself, it has time without end.
    database.write_now(queue.retry, [submitted.tasks["b"]], "me", NOW)
    database.write_now(queue.due, NOW + 100)
    assert statuses(database, submitted) == {"a": "pending", "b": "waiting"}


def test_after_a_rescue_the_old_worker_is_fenced_off_even_before_the_next_claim(database: Database) -> None:
    submit(database, plan(["a"]))
    lease = claim_one(database).lease
    database.write_now(queue.recover, ENGINE, NOW)
    with pytest.raises(LeaseLost):
        database.write_now(queue.complete, lease, "late", NOW)
