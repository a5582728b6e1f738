"""The queue as a whole is held: nothing is claimed, and every row says why."""

from abathur_tui.domain.leases import Hold
from abathur_tui.domain.plan import Kind
from abathur_tui.domain.status import Why
from abathur_tui.storage import Database, queue, views
from tests.storage.building import LANE, NOW, chain, claim, claim_one, finish, node, plan, submit


def hold(database: Database, why: Why = Why.QUEUE, until: float | None = None, now: float = NOW) -> bool:
    return database.write_now(queue.hold_queue, "me", now, why=why, until=until)


def test_nothing_is_claimed_while_the_queue_is_paused_and_what_runs_goes_on(database: Database) -> None:
    submit(database, chain(2))
    running = claim_one(database)

    assert hold(database)
    submit(database, plan(["later", node("join", kind=Kind.JOIN)]))

    finish(database, running)
    assert claim(database, 10) == []
    assert database.write_now(queue.free_queue, "me", NOW)
    assert len(claim(database, 10)) == 3


def test_a_pause_is_there_once_outlives_the_process_and_is_in_the_audit(database: Database) -> None:
    assert hold(database)
    assert not hold(database, now=NOW + 5)
    folder = database.folder
    database.close()

    with_new = Database.open(folder)
    try:
        assert with_new.read_now(queue.held) == Hold(Why.QUEUE, None, "me", NOW)
        assert with_new.write_now(queue.free_queue, "you", NOW + 9)
        assert not with_new.write_now(queue.free_queue, "you", NOW + 10)
        assert [(event.at, event.actor, event.action) for event in with_new.read_now(views.audit)] == [
            (NOW, "me", "queue.held"),
            (NOW + 9, "you", "queue.freed"),
        ]
    finally:
        with_new.close()


def test_a_row_says_the_nearest_reason(database: Database) -> None:
    first = submit(database, chain(2))
    (task,) = [id for id in first.tasks.values() if database.read_now(views.task, id).status == "pending"]

    def shown() -> tuple[str, float | None]:
        found = database.read_now(views.task, task)
        return found.why, found.due_at

    hold(database, Why.QUIET, NOW + 60)
    assert shown() == (Why.QUIET, NOW + 60)
    database.write_now(queue.hold_lane, LANE, Why.QUOTA, NOW + 30, "", "engine", NOW)
    assert shown() == (Why.QUOTA, NOW + 30)
    hold(database)
    assert shown()[0] == Why.QUEUE
    assert [one.ready for one in database.read_now(queue.lanes)] == [False]
    assert {database.read_now(views.task, id).why for id in first.tasks.values()} == {Why.QUEUE, Why.AFTER}


def test_a_quiet_time_ends_by_itself_and_a_pause_does_not(database: Database) -> None:
    hold(database, Why.QUIET, NOW + 60)
    hold(database)

    assert database.write_now(queue.due, NOW + 59) == NOW + 60
    assert database.write_now(queue.due, NOW + 60) is None

    left = database.read_now(queue.held)
    assert left is not None
    assert left.why is Why.QUEUE
