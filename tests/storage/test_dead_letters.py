"""Dead letters: they wait for a decision, and no decision loses anything."""

from abathur_tui.domain.errors import ChangeRefused, NotFound
from abathur_tui.domain.filters import TaskFilter
from abathur_tui.domain.status import Status
from abathur_tui.storage import Database, queue, views
from tests.storage.building import NOW, chain, claim_one, fail, plan, status, submit

UNDECIDED = TaskFilter(undecided=True)


def bury(database: Database) -> int:
    """A task that is a dead letter."""
    submitted = submit(database, plan(["n1"]))
    fail(database, claim_one(database), status=Status.DEAD)
    return submitted.root


def undecided(database: Database) -> list[int]:
    return [task.id for task in database.read_now(views.tasks, UNDECIDED, 50)]


def clear(database: Database, *ids: int) -> list[tuple[int, type[Exception] | None]]:
    answers = database.write_now(queue.clear_dead_letters, ids, "me", "seen", NOW + 1)
    return [(answer.id, type(answer.error) if answer.error else None) for answer in answers]


def test_a_cleared_dead_letter_is_listed_no_more_and_nothing_of_it_is_lost(database: Database) -> None:
    first, second = bury(database), bury(database)

    assert clear(database, first) == [(first, None)]

    assert undecided(database) == [second]
    detail = database.read_now(views.detail, first)
    assert (detail.task.status, detail.task.cleared_at) == (Status.DEAD, NOW + 1)
    assert detail.task.error is not None
    assert (detail.events[-1].action, detail.events[-1].actor, detail.events[-1].detail["reason"]) == ("task.cleared", "me", "seen")
    assert clear(database, first, second, 99) == [(first, ChangeRefused), (second, None), (99, NotFound)]


def test_only_dead_letters_are_cleared_or_tried_again_here(database: Database) -> None:
    failed = submit(database, plan(["n1"])).root
    fail(database, claim_one(database))
    dead = bury(database)

    answers = database.write_now(queue.retry_dead_letters, [failed, dead, 99], "me", NOW)

    assert [(one.id, one.status, type(one.error)) for one in answers] == [
        (failed, Status.FAILED, ChangeRefused),
        (dead, Status.PENDING, type(None)),
        (99, None, NotFound),
    ]
    assert clear(database, failed) == [(failed, ChangeRefused)]


def test_one_that_was_cleared_can_be_tried_again_and_waits_for_a_decision_when_it_dies_again(database: Database) -> None:
    dead = bury(database)
    clear(database, dead)

    database.write_now(queue.retry_dead_letters, [dead], "me", NOW)
    assert undecided(database) == []
    fail(database, claim_one(database), status=Status.DEAD)

    assert undecided(database) == [dead]


def test_what_failed_because_of_dead_letters_comes_back_with_them(database: Database) -> None:
    submitted = submit(database, chain(3))
    fail(database, claim_one(database), status=Status.DEAD)
    assert status(database, submitted.root) is Status.FAILED

    database.write_now(queue.retry_dead_letters, undecided(database), "me", NOW)

    assert status(database, submitted.root) is Status.WAITING
