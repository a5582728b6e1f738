"""Seals show what was done to the audit; the file's laws let only swept groups go."""

from pathlib import Path

import pytest

from abathur_tui.domain.errors import AbathurError, ChangeRefused
from abathur_tui.storage import Database, retention, seals
from abathur_tui.storage.checking import check_folder
from abathur_tui.storage.seals import Verified, verify
from tests.storage.building import NOW, chain, claim_one, finish, submit
from tests.storage.test_checking import lawless

DAY = 86_400.0


def sealed(database: Database, groups: int) -> None:
    """As many groups, of a few rows each, a day apart."""
    for number in range(groups):
        submit(database, chain(2), now=NOW + number * DAY)
        finish(database, claim_one(database, now=NOW + number * DAY), now=NOW + number * DAY)
        database.write_now(seals.seal_some, NOW + number * DAY)


def changed(folder: Path, *statements: str) -> Verified:
    """What is found after somebody went past the laws."""
    lawless(folder, *statements)
    database = Database.open(folder)
    found = database.read_now(verify)
    database.close()
    return found


@pytest.fixture
def audited(folder: Path) -> Path:
    """A closed database whose audit has four groups and some rows without a seal."""
    database = Database.open(folder, create=True)
    sealed(database, 4)
    submit(database, chain(1))
    database.close()
    return folder


def test_an_untouched_audit_verifies(audited: Path) -> None:
    found = changed(audited)
    assert found.ok
    assert (found.seals, found.swept, found.unsealed) == (4, 0, 1)
    assert found.rows > 4
    assert len(found.head) == 64


@pytest.mark.parametrize(
    ("statement", "problem"),
    [
        ("UPDATE audit SET reason = 'nothing' WHERE id = 3", "rows 1 to"),
        ("UPDATE audit SET at = at + 1 WHERE id = 2", "rows 1 to"),
        ("UPDATE audit SET actor = 'a', action = 'llowed' || action WHERE id = 1", "rows 1 to"),
        ("DELETE FROM audit WHERE id = 2", "1 of them are missing"),
        ("DELETE FROM audit WHERE id = (SELECT first FROM seals ORDER BY first LIMIT 1 OFFSET 1)", "1 of them are missing"),
        ("UPDATE audit SET id = -id WHERE id = 2", "1 of them are missing"),
        ("DELETE FROM seals WHERE first = (SELECT first FROM seals ORDER BY first LIMIT 1 OFFSET 1)", "does not follow the one before"),
        ("UPDATE seals SET sha256 = 'forged' WHERE first = 1", "are not as they were sealed"),
        ("UPDATE seals SET sealed_at = sealed_at + 1 WHERE first = 1", "are not as they were sealed"),
        ("UPDATE seals SET swept_at = 1 WHERE first = 1", "marked as swept"),
        ("DELETE FROM audit WHERE id = (SELECT max(id) FROM audit)", "which have no seal yet, are missing"),
        ("UPDATE seals SET first = first + 1 WHERE first = 1", "row 1 is in no group"),
    ],
)
def test_the_first_group_that_was_touched_is_found(audited: Path, statement: str, problem: str) -> None:
    found = changed(audited, statement)
    assert problem in (found.problem or ""), found


def test_of_two_groups_that_were_touched_the_first_is_told(audited: Path) -> None:
    third = "(SELECT first FROM seals ORDER BY first LIMIT 1 OFFSET 2)"
    found = changed(
        audited, f"UPDATE audit SET reason = 'no' WHERE id = {third}", "UPDATE audit SET reason = 'no' WHERE id = (SELECT max(id) FROM audit)"
    )
    assert found.seals == 2


def test_what_outlived_the_retention_goes_group_by_group_and_is_audited(folder: Path) -> None:
    # Given four groups, of which two are older than a moment,
    database = Database.open(folder, create=True)
    sealed(database, 4)
    before = database.read_now(verify)
    # when retention sweeps, then those two go, and no other;
    moment, now = NOW + 1.5 * DAY, NOW + 5 * DAY
    swept = [database.write_now(retention.sweep_group, moment, now) for _ in range(3)]
    assert swept[0] > 0
    assert swept[1] > 0
    assert swept[2] == 0
    # the sweep stands in the audit, and what is left verifies, with the same chain.
    found = database.read_now(verify)
    assert (found.ok, found.swept, found.seals, found.unsealed) == (True, 2, 4, 2)
    assert found.rows == before.rows - sum(swept)
    assert found.head == before.head
    actions = database.read_now(lambda c: [row[0] for row in c.execute("SELECT action FROM audit ORDER BY id DESC LIMIT 2")])
    assert actions == ["audit.swept", "audit.swept"]
    database.close()


def test_seals_of_what_has_gone_go_as_much_later_but_for_the_one_that_the_chain_hangs_from(folder: Path) -> None:
    # Given four groups, of which two have gone,
    database = Database.open(folder, create=True)
    sealed(database, 4)
    head = database.read_now(verify).head
    for _ in range(2):
        database.write_now(retention.sweep_group, NOW + 1.5 * DAY, NOW + 5 * DAY)
    # when retention looks again before that is long ago, then their seals are there;
    database.write_now(retention.sweep_group, NOW + 1.5 * DAY, NOW + 6 * DAY)
    assert database.read_now(verify).swept == 2
    # and later, when another group goes, only the newest of them is, and the rest still hangs from it.
    database.write_now(retention.sweep_group, NOW + 5.5 * DAY, NOW + 10 * DAY)
    found = database.read_now(verify)
    assert (found.ok, found.swept, found.seals, found.head) == (True, 2, 3, head)
    database.close()
    # A seal that is kept cannot be taken away like that.
    assert "does not follow" in (
        changed(folder, "DELETE FROM seals WHERE first <= (SELECT first FROM seals ORDER BY first LIMIT 1 OFFSET 1)").problem or ""
    )


def test_a_chain_that_was_made_anew_is_found_by_a_hash_that_was_kept_elsewhere(audited: Path) -> None:
    # Given the last hash of a chain, kept elsewhere,
    database = Database.open(audited)
    head = database.read_now(verify).head
    database.write_now(seals.seal_some, NOW + 9 * DAY)
    assert database.read_now(verify, head).ok
    database.close()
    # when somebody changes a row and makes all seals anew, past all laws,
    lawless(audited, "UPDATE audit SET actor = 'nobody' WHERE id = 1", "DELETE FROM seals")
    database = Database.open(audited)
    database.write_now(seals.seal_some, NOW + 9 * DAY)
    # then only that hash tells.
    assert database.read_now(verify).ok
    assert f"none of its seals is {head}" in (database.read_now(verify, head).problem or "")
    database.close()


@pytest.mark.parametrize(
    "statement",
    [
        "DELETE FROM audit WHERE id = 1",
        "UPDATE audit SET reason = ''",
        "INSERT OR REPLACE INTO audit (id, at, actor, action) VALUES (1, 1, 'x', 'y')",
        "DELETE FROM seals",
        "DELETE FROM seals WHERE first = 1",
        "UPDATE seals SET swept_at = 1 WHERE first = 1; DELETE FROM seals WHERE first = 1",
        "INSERT INTO seals SELECT last + 1, last + 100000, sha256, 'y', 1, NULL FROM seals ORDER BY first DESC LIMIT 1",
        "UPDATE seals SET sha256 = 'x' WHERE first = 1",
        "UPDATE seals SET swept_at = 1 WHERE first > 1",
        "INSERT INTO seals (first, last, previous, sha256, sealed_at) VALUES (10000, 10001, 'x', 'y', 1)",
        "INSERT INTO seals (first, last, previous, sha256, sealed_at) VALUES (1, 1, '', 'y', 1)",
        "UPDATE seals SET swept_at = 1 WHERE first = 1; DELETE FROM audit WHERE id = (SELECT last + 1 FROM seals WHERE first = 1)",
        "UPDATE seals SET swept_at = 1 WHERE first = 1; UPDATE seals SET swept_at = NULL WHERE first = 1",
    ],
)
def test_the_law_lets_nothing_else_go(folder: Path, statement: str) -> None:
    database = Database.open(folder, create=True)
    sealed(database, 3)
    with pytest.raises((ChangeRefused, AbathurError)):
        database.write_now(lambda c: [c.execute(one) for one in statement.split(";")])
    assert database.read_now(verify).ok
    database.close()


def test_a_group_that_somebody_swept_by_hand_is_found(audited: Path) -> None:
    # Given a file from which retention has taken a group,
    database = Database.open(audited)
    database.write_now(retention.sweep_group, NOW + 0.5 * DAY, NOW + 5 * DAY)
    assert database.read_now(verify).ok
    # when somebody marks the next one and takes its rows away, as the law lets them,
    first, last = database.read_now(lambda c: c.execute("SELECT first, last FROM seals WHERE swept_at IS NULL ORDER BY first").fetchone())
    database.write_now(lambda c: c.execute("UPDATE seals SET swept_at = ? WHERE first = ?", (NOW + 6 * DAY, first)).rowcount)
    database.write_now(lambda c: c.execute("DELETE FROM audit WHERE id BETWEEN ? AND ?", (first, last)).rowcount)
    # then that is found, because nothing in the audit says so.
    assert database.read_now(verify).problem == f"rows {first} to {last} are marked as swept, and no retention has taken them away."
    database.close()


def test_a_clock_that_was_far_ahead_raises_no_alarm(folder: Path) -> None:
    # Given a clock that was a hundred days ahead while tasks came and went, and while retention took a first group,
    database = Database.open(folder, create=True)
    sealed(database, 1)
    ahead = NOW + 100 * DAY
    submit(database, chain(2), now=ahead)
    finish(database, claim_one(database, now=ahead), now=ahead)
    assert database.write_now(retention.sweep_group, ahead - 90 * DAY, ahead) > 0
    # which was set back before those rows were sealed, so that they were gone in their turn, with what said that the first group had,
    database.write_now(seals.seal_some, NOW + DAY)
    submit(database, chain(1), now=NOW + DAY)
    database.write_now(seals.seal_some, NOW + 2 * DAY)
    for day in (92, 93):
        assert database.write_now(retention.sweep_group, NOW + (day - 90) * DAY, NOW + day * DAY) > 0
    # when it is checked, then all is well: nothing is missing that should be there.
    database.close()
    assert check_folder(folder).problems == ()


def test_seals_go_in_order_also_where_the_clock_was_set_back_in_between(folder: Path) -> None:
    # Given groups of which the first was taken away while the clock was far ahead,
    database = Database.open(folder, create=True)
    sealed(database, 4)
    for day in (500, 100, 101):
        database.write_now(retention.sweep_group, NOW + 10 * DAY, NOW + day * DAY)
    # when the second one's seal would be old enough, then it waits for the first one's, and retention goes on.
    assert database.write_now(retention.sweep_group, NOW + 150 * DAY, NOW + 250 * DAY) > 0
    found = database.read_now(verify)
    assert (found.ok, found.swept) == (True, 4)
    database.close()


def test_two_that_seal_at_once_make_one_chain(database: Database) -> None:
    submit(database, chain(3))
    first = database.read_now(seals.next_seal, NOW)
    submit(database, chain(3))
    second = database.read_now(seals.next_seal, NOW + 1)
    assert first is not None
    assert second is not None
    for seal in (first, second):
        database.write_now(seals.add_seal, seal)
    database.write_now(seals.seal_some, NOW + 2)
    found = database.read_now(verify)
    assert (found.ok, found.seals, found.unsealed) == (True, 2, 0)
