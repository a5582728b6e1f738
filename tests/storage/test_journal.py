"""The journal: what a worker writes down, and what is read back to resume from."""

import math
import time
from collections.abc import Iterator
from dataclasses import replace
from sqlite3 import Connection

import pytest

from abathur_tui.domain.conversation import Message, OpaqueBlock, TextBlock, ToolOutcome, ToolResultBlock, ToolUseBlock, TurnDone, Usage, message_data
from abathur_tui.domain.errors import ChangeRefused, LeaseLost, NotFound
from abathur_tui.domain.execution import RuntimeChoice, RuntimeName, SubmitOptions
from abathur_tui.domain.leases import Lease
from abathur_tui.domain.loops import Course, EndedBecause, Pass, Verdict
from abathur_tui.domain.plan import Kind
from abathur_tui.domain.status import Status
from abathur_tui.domain.tasks import TaskError
from abathur_tui.storage import Database, agents, journal, queue, views
from abathur_tui.storage.records import keep
from tests.storage.building import BAD, ENGINE, NOW, claim_one, finish, node, plan, said, submit
from tests.storage.test_checking import lawless

ASK = Message("user", (TextBlock("please"),))
READ = ToolUseBlock("call-1", "read_file", {"path": "src/app.py"})
ANSWER = Message("assistant", (OpaqueBlock({"type": "thinking", "thinking": "hm", "signature": "s"}), TextBlock("I will read"), READ))
TOLD = Message("user", (ToolResultBlock("call-1", "import os"),))


@pytest.fixture
def lease(database: Database) -> Lease:
    """That of a running task."""
    submit(database, plan(["a"]))
    return claim_one(database).lease


def turn(database: Database, lease: Lease, number: int, request: list[Message], answer: TurnDone | None) -> int:
    """Begin a turn, and finish it where there is an answer."""
    id = database.write_now(journal.begin_turn, lease, number, None, [message_data(one) for one in request], NOW)
    if answer is not None:
        database.write_now(journal.finish_turn, lease, id, answer, NOW)
    return id


def count(database: Database, table: str) -> int:
    """Its rows."""
    found: int = database.read_now(lambda c: c.execute(f"SELECT count(*) FROM {table}").fetchone()[0])
    return found


def test_a_conversation_is_read_back_as_it_was(database: Database, lease: Lease) -> None:
    # Given two finished turns with a tool call between them,
    database.write_now(journal.set_prompt, lease, "please", "You are careful.")
    first = turn(database, lease, 1, [ASK], TurnDone(ANSWER, "tool_use", Usage(10, 5), "m", 0.0))
    database.write_now(journal.intend_tool, lease, first, READ, NOW)
    outcome = ToolOutcome("import os", summary="src/app.py (1 line)")
    database.write_now(journal.finish_tool, lease, first, "call-1", outcome, NOW)
    final = Message("assistant", (TextBlock("It imports os."),))
    turn(database, lease, 2, [ASK, ANSWER, TOLD], TurnDone(final, "end_turn", Usage(20, 5), "m", 0.0))
    # when it is read, then every message, outcome and reason to stop is there.
    saved = database.read_now(journal.conversation, lease.task)
    assert (saved.prompt, saved.system, saved.partial) == ("please", "You are careful.", "")
    one, two = saved.turns
    assert (one.request, one.message, one.stop_reason, one.outcomes, one.unknown) == ((ASK,), ANSWER, "tool_use", {"call-1": outcome}, frozenset())
    assert (two.request, two.message, two.stop_reason) == ((ASK, ANSWER, TOLD), final, "end_turn")


def test_what_is_long_and_kept_before_its_turn_is_finished_holds_the_others_up_for_less(database: Database, lease: Lease) -> None:
    seconds: dict[bool, float] = {}
    for before in (False, True):
        text = f"{before} " * 3_000_000
        done = TurnDone(Message("assistant", (TextBlock(text),)), "end_turn", Usage(), "m", None)
        number = turn(database, lease, len(seconds) + 1, [ASK], None)
        for offset in range(0, len(text), 1_000_000):
            database.write_now(journal.append_output, lease, number, offset, text[offset : offset + 1_000_000], NOW)
        answer = None
        if before:
            answer = journal.answer_of(done)
            for one in (answer.text, answer.message):
                database.write_now(keep, one)

        def end(c: Connection, number: int = number, done: TurnDone = done, answer: journal.Answer | None = answer) -> float:
            began = time.thread_time()
            journal.finish_turn(c, lease, number, done, NOW, answer)
            return time.thread_time() - began

        seconds[before] = database.write_now(end)
        assert database.read_now(views.detail, lease.task).turns[-1].text == text
    assert seconds[True] < seconds[False] * 0.75


def test_an_unstarted_or_unknown_task_has_no_conversation(database: Database, lease: Lease) -> None:
    assert database.read_now(journal.conversation, lease.task).prompt is None
    assert database.read_now(journal.conversation, 99).turns == ()


def test_a_turn_that_broke_off_is_partial_and_not_resumed_from(database: Database, lease: Lease) -> None:
    turn(database, lease, 1, [ASK], said("one"))
    second = turn(database, lease, 2, [ASK], None)
    database.write_now(journal.append_output, lease, second, 0, "half a ", NOW)
    database.write_now(journal.append_output, lease, second, 7, "thought", NOW)
    database.write_now(journal.abandon_turn, lease, second, "the stream broke off", NOW)
    saved = database.read_now(journal.conversation, lease.task)
    assert [one.number for one in saved.turns] == [1]
    assert saved.partial == "half a thought"
    detail = database.read_now(views.detail, lease.task)
    assert [(one.text, one.stop_reason) for one in detail.turns] == [("one", "end_turn"), ("half a thought", None)]
    # Ending it again changes nothing, nor can it be finished any more.
    database.write_now(journal.abandon_turn, lease, second, "again", NOW)
    with pytest.raises(LeaseLost):
        database.write_now(journal.finish_turn, lease, second, said("whole"), NOW)


def test_what_a_broken_turn_cost_is_unknown_once_anything_was_said(database: Database) -> None:
    paid = RuntimeChoice(RuntimeName.ANTHROPIC)
    submit(database, plan(["a"]), SubmitOptions(paid))
    (claimed,) = database.write_now(queue.claim, ENGINE, {paid.lane: 1}, 1, NOW)
    lease = claimed.lease
    silent = turn(database, lease, 1, [ASK], None)
    database.write_now(journal.abandon_turn, lease, silent, "overloaded", NOW)
    assert database.read_now(views.task, lease.task).cost_usd == 0.0
    speaking = turn(database, lease, 2, [ASK], None)
    database.write_now(journal.append_output, lease, speaking, 0, "half a ", NOW)
    database.write_now(journal.abandon_turn, lease, speaking, "the stream broke off", NOW)
    assert database.read_now(views.task, lease.task).cost_usd is None
    assert database.read_now(views.totals_today, NOW)[1] is None


def test_each_message_is_stored_once_however_long_the_conversation(database: Database, lease: Lease) -> None:
    messages = [ASK]
    for number in range(1, 41):
        answer = Message("assistant", (TextBlock(f"answer {number}"),))
        turn(database, lease, number, messages, TurnDone(answer, "end_turn", Usage(1, 1), "m", 0.0))
        messages += [answer, Message("user", (TextBlock(f"question {number}"),))]
    saved = database.read_now(journal.conversation, lease.task)
    assert saved.turns[-1].request == tuple(messages[:-2])
    # The turns' rows list only what is new in each: their size does not grow with the conversation.
    sizes = database.read_now(lambda c: [size for (size,) in c.execute("SELECT length(messages) FROM turns ORDER BY id")])
    assert max(sizes) < 200


def test_a_request_that_dropped_old_messages_is_read_back_as_it_was(database: Database, lease: Lease) -> None:
    first = [Message("user", (TextBlock(str(i)),)) for i in range(5)]
    turn(database, lease, 1, first, said("a"))
    shortened = [first[0], *first[3:], ASK]
    turn(database, lease, 2, shortened, said("b"))
    saved = database.read_now(journal.conversation, lease.task)
    assert [one.request for one in saved.turns] == [tuple(first), tuple(shortened)]


def test_output_is_folded_into_its_turn_and_deleted(database: Database, lease: Lease) -> None:
    id = turn(database, lease, 1, [ASK], None)
    for offset, text in ((0, "It "), (3, "is "), (6, "done")):
        database.write_now(journal.append_output, lease, id, offset, text, NOW + offset)
    assert database.read_now(views.detail, lease.task).partial == "It is done"
    database.write_now(journal.finish_turn, lease, id, said("It is done."), NOW)
    assert count(database, "output") == 0
    folded = database.read_now(lambda c: c.execute("SELECT c.body, timing FROM turns JOIN content AS c ON c.hash = said").fetchone())
    assert folded == ("It is done.", f"[[0,{NOW}],[3,{NOW + 3}],[6,{NOW + 6}]]")


def test_pieces_that_overlap_count_once_and_where_one_is_missing_the_gap_closes(database: Database, lease: Lease) -> None:
    id = turn(database, lease, 1, [ASK], None)
    for offset, text in [(0, "one "), (4, "two "), (4, "two "), (6, "o three"), (20, " five")]:
        database.write_now(journal.append_output, lease, id, offset, text, NOW)
    database.write_now(journal.abandon_turn, lease, id, "stopped", NOW)
    assert database.read_now(journal.conversation, lease.task).partial == "one two three five"


def test_long_output_in_many_pieces_is_folded_at_once(database: Database, lease: Lease) -> None:
    id = turn(database, lease, 1, [ASK], None)
    pieces = 20_000

    def append(c: Connection) -> None:
        for number in range(pieces):
            journal.append_output(c, lease, id, number * 1000, "x" * 1000, NOW)

    database.write_now(append)
    began = time.process_time()
    database.write_now(journal.abandon_turn, lease, id, "stopped", NOW)
    assert time.process_time() - began < 5  # copying all that came before for each piece takes half a minute
    assert len(database.read_now(journal.conversation, lease.task).partial) == pieces * 1000


def test_tokens_and_cost_are_added_to_task_agent_and_day(database: Database, lease: Lease) -> None:
    agent = database.write_now(agents.spawn, lease, "generalist", None, NOW)
    database.write_now(agents.assign, lease, agent, NOW)
    for number in (1, 2):
        id = database.write_now(journal.begin_turn, lease, number, agent, [], NOW)
        database.write_now(journal.finish_turn, lease, id, said("text", cost=0.25), NOW)
    task = database.read_now(views.task, lease.task)
    assert (task.tokens_input, task.tokens_output, task.cost_usd) == (200, 40, 0.5)
    (row,) = database.read_now(views.agents)
    assert (row.tokens_input, row.tokens_output, row.cost_usd, row.turn) == (200, 40, 0.5, 2)
    assert database.read_now(views.totals_today, NOW) == (240, 0.5)
    assert database.read_now(views.totals_today, NOW - 3 * 86400) == (0, 0)


def test_a_price_that_is_not_known_makes_the_sum_unknown(database: Database, lease: Lease) -> None:
    turn(database, lease, 1, [ASK], said("a", cost=0.25))
    turn(database, lease, 2, [ASK], said("b", cost=None))
    assert database.read_now(views.task, lease.task).cost_usd is None
    assert database.read_now(views.totals_today, NOW)[1] is None


@pytest.fixture
def far_west(monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    """A machine eleven hours behind UTC."""
    monkeypatch.setenv("TZ", "WEST+11")
    time.tzset()
    yield
    monkeypatch.undo()
    time.tzset()


@pytest.mark.usefixtures("far_west")
def test_the_day_is_the_users_own(database: Database, lease: Lease) -> None:
    assert time.strftime("%Y-%m-%d %H", time.gmtime(NOW)) == "2027-01-15 08"
    turn(database, lease, 1, [ASK], said("a"))
    (day,) = database.read_now(lambda c: c.execute("SELECT day FROM usage").fetchone())
    assert day == "2027-01-14"


def test_every_tool_call_is_in_the_audit_with_arguments_and_outcome(database: Database, lease: Lease) -> None:
    id = turn(database, lease, 1, [ASK], said("a"))
    database.write_now(journal.intend_tool, lease, id, READ, NOW)
    database.write_now(journal.finish_tool, lease, id, "call-1", ToolOutcome("no such file", is_error=True, summary="not there"), NOW)
    intended, done = [event for event in database.read_now(views.audit, task=lease.task) if event.action.startswith("tool.")]
    assert (intended.action, intended.detail["tool"], intended.detail["arguments"]) == ("tool.intended", "read_file", {"path": "src/app.py"})
    assert (done.action, done.detail["summary"], done.detail["arguments"]) == ("tool.error", "not there", {"path": "src/app.py"})
    # The audit's own row has only hashes, so that content can be purged and the row stays true.
    raw = database.read_now(lambda c: c.execute("SELECT detail FROM audit WHERE action = 'tool.error'").fetchone()[0])
    assert "src/app.py" not in raw
    (call,) = database.read_now(views.detail, lease.task).turns[0].tool_calls
    assert (call.tool, call.arguments, call.status, call.text) == ("read_file", {"path": "src/app.py"}, "error", "no such file")


def test_a_call_of_an_earlier_attempt_may_be_finished_by_the_next(database: Database, lease: Lease) -> None:
    id = turn(database, lease, 1, [ASK], said("a"))
    database.write_now(journal.intend_tool, lease, id, READ, NOW)
    database.write_now(queue.recover, ENGINE, NOW)
    again = claim_one(database).lease
    assert database.read_now(journal.conversation, lease.task).turns[0].unknown == {"call-1"}
    database.write_now(journal.intend_tool, again, id, READ, NOW)
    database.write_now(journal.finish_tool, again, id, "call-1", ToolOutcome("text"), NOW)
    assert database.read_now(journal.conversation, lease.task).turns[0].outcomes == {"call-1": ToolOutcome("text")}


def test_a_call_that_was_not_begun_cannot_be_finished(database: Database, lease: Lease) -> None:
    id = turn(database, lease, 1, [ASK], said("a"))
    with pytest.raises(LeaseLost):
        database.write_now(journal.finish_tool, lease, id, "call-9", ToolOutcome("text"), NOW)


def test_after_a_verdict_a_retried_task_starts_a_new_conversation(database: Database, lease: Lease) -> None:
    turn(database, lease, 1, [ASK], said("no good"))
    database.write_now(queue.fail, lease, BAD, NOW)
    database.write_now(queue.retry, [lease.task], "me", NOW)
    assert database.read_now(journal.conversation, lease.task).turns == ()
    # What was said before is still shown.
    assert len(database.read_now(views.detail, lease.task).turns) == 1


@pytest.mark.parametrize("end", ["dead", "cancelled"])
def test_after_anything_else_it_resumes(database: Database, lease: Lease, end: str) -> None:
    turn(database, lease, 1, [ASK], said("so far"))
    if end == "dead":
        database.write_now(queue.fail, lease, BAD, NOW, status=Status.DEAD)
    else:
        database.write_now(queue.end_cancelled, lease, NOW)
    database.write_now(queue.retry, [lease.task], "me", NOW)
    assert len(database.read_now(journal.conversation, lease.task).turns) == 1


def a_pass(number: int, task: int, latency: float, verdict: Verdict = Verdict.CONTINUE) -> Pass:
    """A pass of a loop over latency."""
    return Pass(number, task, f"output {number}", {"latency": latency, "size": 3.0}, verdict, f"latency is {latency}", 10, 5, 1.5, 0.01, NOW)


@pytest.fixture
def loop(database: Database) -> Lease:
    """A running loop that is to bring latency to 100."""
    submit(database, plan([node("loop", kind=Kind.LOOP)]))
    return claim_one(database).lease


def test_passes_are_kept_in_order(database: Database, loop: Lease) -> None:
    kept = [a_pass(number, loop.task, 300.0 - number) for number in (1, 2, 3)]
    for one in kept:
        database.write_now(journal.finish_pass, loop, one, NOW)
    assert database.read_now(journal.passes, loop.task) == kept
    assert database.read_now(journal.damaged_pass, loop.task) is None


@pytest.mark.parametrize(
    "damage",
    [
        "UPDATE passes SET metrics = '{\"latency\":1.0}' WHERE number = 2",
        "UPDATE passes SET verdict = 'converged' WHERE number = 2",
        "DELETE FROM passes WHERE number = 2",
        "UPDATE content SET body = 'other' WHERE body = 'output 2'",
    ],
)
def test_a_damaged_pass_falls_back_to_the_one_before_and_is_run_again(database: Database, loop: Lease, damage: str) -> None:
    for number in (1, 2, 3):
        database.write_now(journal.finish_pass, loop, a_pass(number, loop.task, 300.0), NOW)
    lawless(database.folder, damage)
    assert [one.number for one in database.read_now(journal.passes, loop.task)] == [1]
    assert database.read_now(journal.damaged_pass, loop.task) == 2
    again = replace(a_pass(2, loop.task, 250.0), output="again")
    database.write_now(journal.finish_pass, loop, again, NOW)
    assert database.read_now(journal.passes, loop.task)[1] == again


@pytest.mark.parametrize("value", [math.nan, math.inf, -math.inf])
def test_what_is_no_finite_number_is_no_measurement(database: Database, loop: Lease, value: float) -> None:
    with pytest.raises(ValueError, match=r"latency|JSON"):
        database.write_now(journal.metric, loop, 1, "latency", value, NOW)
    with pytest.raises(ValueError, match=r"latency|JSON"):
        database.write_now(journal.finish_pass, loop, a_pass(1, loop.task, value), NOW)
    assert count(database, "metrics") == count(database, "passes") == 0


def test_a_loop_is_shown_with_its_series(database: Database, loop: Lease) -> None:
    for number, latency in enumerate((300.0, 180.0, 150.0), 1):
        child = database.write_now(queue.add_child, loop, node(f"pass {number}"), NOW, pass_number=number)
        if number < 3:
            finish(database, claim_one(database))
        database.write_now(journal.metric, loop, number, "latency", latency, NOW)
        database.write_now(journal.finish_pass, loop, a_pass(number, child, latency), NOW)
    (series,) = database.read_now(views.loops)
    assert (series.task, series.loop, series.name, series.best, series.course) == (loop.task, 1, "do loop", 3, Course.IMPROVING)
    assert (series.status, series.ended_because, series.running_pass) == (Status.RUNNING, None, 3)
    assert [one.metrics["latency"] for one in series.passes] == [300.0, 180.0, 150.0]
    assert database.read_now(views.loop_task, 1) == loop.task
    assert database.read_now(views.loop_of, loop.task) == 1
    with pytest.raises(NotFound):
        database.read_now(views.loop_task, 2)


@pytest.mark.parametrize(
    ("code", "status", "because"),
    [
        ("ABTH-ERR-082", Status.FAILED, EndedBecause.ITERATIONS),
        ("ABTH-ERR-083", Status.FAILED, EndedBecause.TIMEOUT),
        ("ABTH-ERR-042", Status.DEAD, EndedBecause.FAILED),
    ],
)
def test_how_a_loop_ended_is_known_by_its_error(database: Database, loop: Lease, code: str, status: Status, because: EndedBecause) -> None:
    database.write_now(queue.fail, loop, TaskError(code, "why"), NOW, status=status)
    assert database.read_now(views.loops)[0].ended_because is because


def test_a_retried_loop_begins_its_passes_anew_after_a_verdict(database: Database, loop: Lease) -> None:
    child = database.write_now(queue.add_child, loop, node("pass"), NOW, pass_number=1)
    finish(database, claim_one(database))
    database.write_now(journal.finish_pass, loop, a_pass(1, child, 300.0), NOW)
    database.write_now(queue.fail, loop, TaskError("ABTH-ERR-082", "limit"), NOW)
    database.write_now(queue.retry, [loop.task], "me", NOW)
    assert database.read_now(journal.passes, loop.task) == []
    assert database.read_now(queue.child_of, loop.task, 1) is None


def test_agents_take_tasks_and_become_idle(database: Database, lease: Lease) -> None:
    agent = database.write_now(agents.spawn, lease, "tester", None, NOW)
    database.write_now(agents.assign, lease, agent, NOW)
    database.write_now(agents.activity, agent, "read_file src/app.py", 3, NOW)
    (row,) = database.read_now(views.agents)
    assert (row.state, row.definition, row.task, row.task_name, row.activity, row.turn) == (
        "BUSY",
        "tester",
        lease.task,
        "do a",
        "read_file src/app.py",
        3,
    )
    assert database.read_now(views.detail, lease.task).attempts[0].agent == agent
    database.write_now(queue.complete, lease, "done", NOW + 5)
    assert [(one.id, one.definition, one.state) for one in database.read_now(views.agents)] == [(agent, "tester", "IDLE")]
    # Asking for the state that it has already is no change.
    database.write_now(agents.set_state, agent, "IDLE", NOW)
    for state in ("TERMINATING", "TERMINATED"):
        database.write_now(agents.set_state, agent, state, NOW + 9)
    assert [(one.state, one.ended_at) for one in database.read_now(views.agents)] == [("TERMINATED", NOW + 9)]
    events = [event.action for event in database.read_now(views.audit) if event.agent == agent]
    assert events == ["agent.spawning", "agent.idle", "agent.busy", "agent.idle", "agent.terminating", "agent.terminated"]


def test_a_busy_agent_takes_no_second_task(database: Database, lease: Lease) -> None:
    agent = database.write_now(agents.spawn, lease, "tester", None, NOW)
    database.write_now(agents.assign, lease, agent, NOW)
    database.write_now(agents.set_state, agent, "FAILED", NOW)
    submit(database, plan(["b"]))
    other = claim_one(database).lease
    with pytest.raises(ChangeRefused):
        database.write_now(agents.assign, other, agent, NOW)
    with pytest.raises(NotFound):
        database.write_now(agents.set_state, 99, "IDLE", NOW)


def test_parents_come_before_their_children_and_the_ended_last(database: Database, lease: Lease) -> None:
    parent = database.write_now(agents.spawn, lease, "orchestrator", None, NOW)
    gone = database.write_now(agents.spawn, lease, "tester", parent, NOW)
    child = database.write_now(agents.spawn, lease, "tester", parent, NOW)
    for state in ("FAILED", "TERMINATING", "TERMINATED"):
        database.write_now(agents.set_state, gone, state, NOW)
    assert [one.id for one in database.read_now(views.agents)] == [parent, child, gone]
    assert [one.parent for one in database.read_now(views.agents)] == [None, parent, parent]
