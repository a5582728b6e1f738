"""Plain tasks that are begun and ended many at once leave the rows that each would leave alone."""

import json
from sqlite3 import Connection

import pytest

from abathur_tui.domain.conversation import Message, TextBlock, TurnDone, Usage, message_data
from abathur_tui.domain.data import canonical
from abathur_tui.domain.leases import Claim
from abathur_tui.domain.plan import Edge, Kind, Need, OnFailure
from abathur_tui.domain.status import Status
from abathur_tui.storage import Database, agents, engines, journal, queue, views
from abathur_tui.storage.queue import FirstTurn, LastTurn
from tests.storage.building import ALL_FREE, ENGINE, NOW, chain, node, plan, submit

DONE = TurnDone(Message("assistant", (TextBlock("the answer"),)), "end_turn", Usage(10, 5, 2, 1), "m", 0.25, "req")
PROMPT = "the work of a"
SYSTEM = "You are."


def take(database: Database, limit: int) -> list[Claim]:
    return database.write_now(queue.take, ENGINE, ALL_FREE, limit, NOW)


def begin(database: Database, claims: list[Claim], after: list[LastTurn] | None = None, *, is_given: bool = True) -> list[LastTurn]:
    """Their first turns, by new agents or by those of `after`."""
    hands = [*(after or []), *[None] * len(claims)]

    def operation(c: Connection) -> list[tuple[int, int]]:
        firsts = [FirstTurn(claim, hand, None, "generalist", SYSTEM, PROMPT, is_given) for claim, hand in zip(claims, hands, strict=False)]
        turns = queue.begin_turns(c, firsts, NOW)
        queue.begin_attempts(c, [(claim, agent) for claim, (agent, _) in zip(claims, turns, strict=True)], NOW)
        return turns

    turns = database.write_now(operation)
    return [LastTurn(claim.lease, claim.execution, "generalist", agent, turn, DONE) for claim, (agent, turn) in zip(claims, turns, strict=True)]


def end(database: Database, lasts: list[LastTurn]) -> list[bool]:
    def operation(c: Connection) -> list[bool]:
        held = queue.end_turns(c, lasts, NOW + 1)
        queue.free_agents(c, [last for last, is_held in zip(lasts, held, strict=True) if is_held], NOW + 1)
        return held

    return database.write_now(operation)


def alone(c: Connection, claim: Claim) -> None:
    """The same for one task, by the steps that all others take."""
    agent = agents.spawn(c, claim.lease, "generalist", None, NOW)
    agents.set_state(c, agent, "IDLE", NOW)
    agents.assign(c, claim.lease, agent, NOW)
    journal.set_prompt(c, claim.lease, PROMPT, SYSTEM)
    turn = journal.begin_turn(c, claim.lease, 1, agent, [message_data(Message("user", (TextBlock(PROMPT),)))], NOW)
    agents.activity(c, agent, "thinking", 1, NOW)
    journal.finish_turn(c, claim.lease, turn, DONE, NOW + 1)
    queue.complete(c, claim.lease, "the answer", NOW + 1)


def rows(c: Connection) -> dict[str, list[tuple[object, ...]]]:
    """All that was written, but for how a conversation's texts are named."""
    found = {}
    for table, left_out in (
        ("tasks", ()),
        ("attempts", ()),
        ("agents", ()),
        ("usage", ()),
        ("counts", ()),
        ("logs", ()),
        ("turns", ("answer", "messages")),
        ("audit", ()),
    ):
        cursor = c.execute(f"SELECT * FROM {table} ORDER BY 1, 2")
        names = [column[0] for column in cursor.description]
        found[table] = [
            tuple(_told(value) if name == "detail" else value for name, value in zip(names, row, strict=True) if name not in left_out)
            for row in cursor.fetchall()
        ]
    return found


def _told(detail: str) -> str:
    """What the audit and a task's row say besides, as it is written, but for the hash of the answer."""
    told = json.loads(detail)
    assert canonical(told) == detail
    return canonical({name: value for name, value in told.items() if name != "answer"})


def test_what_is_written_is_what_the_steps_of_one_task_write(database: Database) -> None:
    submit(database, plan(["a"]))
    (claimed,) = database.write_now(queue.claim, ENGINE, ALL_FREE, 1, NOW)
    database.write_now(alone, claimed)
    with_one = database.read_now(rows)

    other = Database.open(database.folder.parent / "other", create=True)
    submit(other, plan(["a"]))
    end(other, begin(other, take(other, 1)))
    with_many = other.read_now(rows)
    other.close()

    assert with_many == with_one


@pytest.mark.parametrize("is_given", [True, False])
def test_the_conversation_reads_as_if_it_had_been_written_alone(database: Database, is_given: bool) -> None:
    task = submit(database, plan(["a"])).root
    end(database, begin(database, take(database, 1), is_given=is_given))

    saved = database.read_now(journal.conversation, task)
    detail = database.read_now(views.detail, task)

    assert (saved.system, saved.prompt) == (SYSTEM, PROMPT)
    assert [(turn.request, turn.message) for turn in saved.turns] == [((Message("user", (TextBlock(PROMPT),)),), DONE.message)]
    assert (detail.prompt, detail.result, [turn.text for turn in detail.turns]) == (PROMPT, "the answer", ["the answer"])


def test_what_has_lost_its_lease_is_left_alone_and_the_others_end(database: Database) -> None:
    made = submit(database, plan(["a", "b", "c"]))
    lasts = begin(database, take(database, 3))
    lost = lasts[1]
    database.write_now(queue.release, lost.lease, "gone", NOW)
    before = database.read_now(views.task, lost.lease.task)

    assert end(database, lasts) == [True, False, True]

    assert database.read_now(views.task, lost.lease.task) == before
    assert [database.read_now(views.task, made.tasks[name]).status for name in ("a", "c")] == [Status.COMPLETED, Status.COMPLETED]


def test_who_waits_for_them_is_pending_in_the_same_transaction(database: Database) -> None:
    made = submit(database, chain(2))

    end(database, begin(database, take(database, 1)))

    assert database.read_now(views.task, made.tasks["n1"]).status is Status.PENDING


def test_an_agent_goes_on_to_the_next_task_without_a_pause(database: Database) -> None:
    submit(database, plan(["a", "b"]))
    [first] = begin(database, take(database, 1))
    claims = database.write_now(lambda c: (queue.end_turns(c, [first], NOW), queue.take(c, ENGINE, ALL_FREE, 1, NOW))[1])

    [second] = begin(database, claims, [first])

    assert second.agent == first.agent
    (agent,) = database.read_now(views.agents)
    assert (agent.state, agent.task, agent.tokens_input) == ("BUSY", second.lease.task, 10)
    states = [event.action for event in database.read_now(views.audit, agent=first.agent) if event.action.startswith("agent.")]
    assert states == ["agent.spawning", "agent.idle", "agent.busy"]


def test_each_of_many_tasks_has_a_new_agent_of_its_own_where_nobody_is_idle(database: Database) -> None:
    submit(database, plan(["a", "b", "c"]))

    lasts = begin(database, take(database, 3))

    found = {agent.id: (agent.state, agent.task) for agent in database.read_now(views.agents)}
    assert found == {last.agent: ("BUSY", last.lease.task) for last in lasts}
    assert len(found) == 3
    for last in lasts:
        states = [event.action for event in database.read_now(views.audit, agent=last.agent) if event.action.startswith("agent.")]
        assert states == ["agent.spawning", "agent.idle", "agent.busy"]


def test_what_was_asked_of_a_task_that_ends_by_itself_is_over(database: Database) -> None:
    task = submit(database, plan(["a"])).root
    lasts = begin(database, take(database, 1))
    life = engines.hold_life_lock(database.folder, ENGINE)
    database.write_now(queue.cancel, [task], "me", "no reason", NOW)

    end(database, lasts)
    life.release()

    assert database.read_now(lambda c: c.execute("SELECT outcome FROM requests").fetchall()) == [("completed",)]


def test_only_what_one_agent_does_and_nobody_else_has_a_part_in_is_plain(database: Database) -> None:
    submit(database, plan(["first"]))
    submit(database, plan([node("inside", parent="outer"), node("outer"), node("skipped", on_failure=OnFailure.SKIP)]))
    submit(database, chain(2))
    claims = take(database, 10)

    found = database.read_now(queue.plain, claims)

    assert sorted(task.name for task in found.values()) == ["do first", "do n0", "do outer", "do skipped"]
    again = database.read_now(lambda c: views.work(c, claims[0].lease.task))
    assert found[claims[0].lease.task].work() == again


def test_members_of_the_outermost_join_are_plain_until_that_is_at_work_itself(database: Database) -> None:
    members = [node("m0", parent="join"), node("m1", parent="join")]
    edges = [Edge("join", "m0", Need.SETTLES), Edge("join", "m1", Need.SETTLES)]
    submit(database, plan([*members, node("join", kind=Kind.JOIN)], edges))
    claims = take(database, 10)

    found = database.read_now(queue.plain, claims)

    assert [found[claim.lease.task].work() for claim in claims] == [database.read_now(views.work, claim.lease.task) for claim in claims]
    assert [task.name for task in found.values()] == ["do m0", "do m1"]


def test_a_link_is_what_builds_on_one_short_result(database: Database) -> None:
    submitted = submit(database, plan(["a", "b", "short", "long", "both"], [("short", "a"), ("long", "b"), ("both", "a"), ("both", "b")]))
    first, second = take(database, 10)
    database.write_now(queue.complete, first.lease, "a result", NOW)
    database.write_now(queue.complete, second.lease, "x" * 20_000, NOW)
    claims = take(database, 10)

    assert len(claims) == 3
    found = database.read_now(queue.plain, claims)
    assert {id: task.link for id, task in found.items()} == {submitted.tasks["short"]: submitted.tasks["a"]}
