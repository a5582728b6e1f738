"""The state that agents of an execution share: a write against an older version is refused, and kept is what was written."""

import pytest

from abathur_tui.domain.errors import ArgumentInvalid, ChangeRefused, LeaseLost, StateChanged
from abathur_tui.domain.leases import Lease
from abathur_tui.storage import Database, queue, sharing, views
from tests.storage.building import NOW, claim, plan, submit


@pytest.fixture
def lease(database: Database) -> Lease:
    submit(database, plan(["n1"]))
    return claim(database)[0].lease


def test_versions_count_from_one_and_each_write_names_the_one_before(database: Database, lease: Lease) -> None:
    first = database.write_now(sharing.write, lease, "plan", {"step": 1}, 0, NOW)
    second = database.write_now(sharing.write, lease, "plan", [1, None], 1, NOW + 1)

    assert (first.version, second.version) == (1, 2)
    assert database.read_now(sharing.entry, 1, "plan") == second
    assert database.read_now(sharing.entries, 1) == [second]
    assert database.read_now(sharing.entry, 1, "other") is None


@pytest.mark.parametrize("version", [0, 2, 7])
def test_a_write_against_another_version_is_refused_and_says_who_wrote_last(database: Database, lease: Lease, version: int) -> None:
    database.write_now(sharing.write, lease, "plan", "theirs", 0, NOW)

    with pytest.raises(StateChanged, match=f"has version 1, not {version}: t1 wrote last"):
        database.write_now(sharing.write, lease, "plan", "mine", version, NOW)

    kept = database.read_now(sharing.entry, 1, "plan")
    assert kept is not None
    assert kept.value == "theirs"


def test_a_worker_that_lost_its_lease_writes_nothing(database: Database, lease: Lease) -> None:
    with pytest.raises(LeaseLost):
        database.write_now(sharing.write, Lease(lease.task, lease.epoch - 1, lease.engine), "plan", "late", 0, NOW)

    assert database.read_now(sharing.entries, 1) == []


def test_values_stay_when_the_execution_has_ended_and_writes_are_in_the_audit_by_their_hash(database: Database, lease: Lease) -> None:
    database.write_now(sharing.write, lease, "plan", "secret words", 0, NOW)
    database.write_now(queue.complete, lease, "done", NOW)

    assert [entry.value for entry in database.read_now(sharing.entries, 1)] == ["secret words"]
    [event] = [event for event in database.read_now(views.audit) if event.action == "state.written"]
    assert "secret words" not in str(event)
    assert (event.task, event.detail["version"], event.detail["reason"]) == (1, 1, "plan")


def test_too_much_is_refused(database: Database, lease: Lease, monkeypatch: pytest.MonkeyPatch) -> None:
    with pytest.raises(ArgumentInvalid):
        database.write_now(sharing.write, lease, "plan", "x" * 70_000, 0, NOW)
    monkeypatch.setattr(sharing, "MOST_KEYS", 1)
    database.write_now(sharing.write, lease, "one", 1, 0, NOW)

    with pytest.raises(ArgumentInvalid):
        database.write_now(sharing.write, lease, "two", 2, 0, NOW)


def test_the_file_itself_refuses_a_write_that_skips_a_version(database: Database, lease: Lease) -> None:
    database.write_now(sharing.write, lease, "plan", 1, 0, NOW)

    with pytest.raises(ChangeRefused, match="raises version by one"):
        database.write_now(lambda c: c.execute("UPDATE state SET value = '2', version = 3").close())
