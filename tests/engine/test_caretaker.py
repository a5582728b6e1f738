"""The engine seals the audit, and takes away what has outlived its time."""

import asyncio
from dataclasses import dataclass
from pathlib import Path

import pytest

from abathur_tui.domain.clock import SystemClock
from abathur_tui.engine.caretaker import Caretaker
from abathur_tui.engine.log import EngineLog
from abathur_tui.engine.patient import PatientDatabase
from abathur_tui.storage import Database, journal, retention, seals
from abathur_tui.storage.checking import check_folder
from abathur_tui.storage.records import keep
from tests.storage.building import chain, claim_one, finish, submit
from tests.waiting import eventually_async

DAY = 86_400.0


@dataclass
class Moved(SystemClock):
    """The machine's clock, some days further."""

    days: float = 0.0
    set_by: float = 0.0
    """By how many days somebody has set it, beside those that have passed."""

    def now(self) -> float:
        """Unix time in seconds."""
        return super().now() + (self.days + self.set_by) * DAY

    def since_boot(self) -> float:
        """Seconds that have passed."""
        return super().since_boot() + self.days * DAY


def caretaker(database: Database, clock: Moved, folder: Path, seal_seconds: float = 0.02) -> Caretaker:
    """With a retention of 90 days."""
    log = EngineLog(folder / "logs", "info", clock)
    return Caretaker(PatientDatabase(database, log, clock, lambda _: None), clock, log, 90.0, seal_seconds)


@pytest.fixture
def database(tmp_path: Path) -> Database:
    """With three tasks, of which one has completed."""
    made = Database.open(tmp_path / ".abathur", create=True)
    now = SystemClock().now()
    submit(made, chain(3), now=now)
    finish(made, claim_one(made, now=now), now=now)
    return made


def rows(database: Database, what: str) -> int:
    return int(database.read_now(lambda c: c.execute(f"SELECT count(*) FROM {what}").fetchone()[0]))


async def test_rows_are_sealed_as_they_come(database: Database, tmp_path: Path) -> None:
    work = asyncio.create_task(caretaker(database, Moved(), tmp_path).run())
    await eventually_async(lambda: database.read_now(seals.verify).unsealed == 0)
    submit(database, chain(2))
    await eventually_async(lambda: database.read_now(seals.verify).unsealed == 0)
    found = database.read_now(seals.verify)
    work.cancel()
    assert found.ok
    assert found.seals >= 2
    database.close()


async def test_what_is_enough_for_a_seal_does_not_wait_for_its_time(database: Database, tmp_path: Path) -> None:
    kept = caretaker(database, Moved(), tmp_path, seal_seconds=3600.0)
    work = asyncio.create_task(kept.run())
    await eventually_async(lambda: database.read_now(seals.verify).unsealed == 0)
    before = rows(database, "seals")

    submit(database, chain(20))
    kept.changed()
    submit(database, chain(seals.MOST_ROWS))
    kept.changed()
    await eventually_async(lambda: rows(database, "seals") > before)

    work.cancel()
    found = database.read_now(seals.verify)
    assert (found.ok, rows(database, "seals") - before) == (True, 1)
    assert found.unsealed == 20
    database.close()


async def test_after_the_retention_audit_and_log_go_and_the_rest_stays_well(database: Database, tmp_path: Path) -> None:
    # Given an audit that was sealed, a line of the log, and a text that nothing names,
    clock = Moved()
    await caretaker(database, clock, tmp_path).seal()
    database.write_now(journal.notice, "info", "an old line", clock.now())
    database.write_now(keep, "a text that nothing names")
    # when an engine looks 91 days later,
    clock.days = 91
    work = asyncio.create_task(caretaker(database, clock, tmp_path).run())
    await eventually_async(lambda: rows(database, "content WHERE body = 'a text that nothing names'") == 0)
    await eventually_async(lambda: database.read_now(seals.verify).unsealed == 0)
    work.cancel()
    # then these are gone, that stands in the audit, and the file is well: what is left needs nothing of it.
    assert rows(database, "audit WHERE action = 'audit.swept'") == rows(database, "audit") == 1
    assert rows(database, "logs") == 0
    assert rows(database, "content WHERE body IS NULL") == 1
    database.close()
    assert check_folder(tmp_path / ".abathur").problems == ()


async def test_a_clock_that_is_wrong_for_a_while_takes_nothing_away(database: Database, tmp_path: Path) -> None:
    # Given an engine that has looked, and a clock that is set forward by a year,
    clock = Moved()
    database.write_now(journal.notice, "info", "a line", clock.now())
    await caretaker(database, clock, tmp_path).seal()
    work = asyncio.create_task(caretaker(database, clock, tmp_path).run())
    await eventually_async(lambda: database.read_now(retention.tidied).at > 0 and database.read_now(retention.tidied).unfinished == 0)
    looked = database.read_now(retention.tidied).at

    async def look_twice() -> None:
        for _ in range(2):
            submit(database, chain(1))
            await eventually_async(lambda: database.read_now(seals.verify).unsealed == 0)

    for days, set_by in ((0.0, 365.0), (0.03, 365.0), (0.03, 0.0), (0.06, 0.0)):
        clock.days, clock.set_by = days, set_by
        await look_twice()
    # then all is there when it is right again.
    assert rows(database, "logs") == 1
    assert database.read_now(retention.tidied).at == looked
    # But a clock that stays where it was set is believed.
    clock.set_by = 365.0
    await look_twice()
    clock.days = 0.2
    await eventually_async(lambda: rows(database, "logs") == 0)
    work.cancel()
    database.close()


async def test_it_looks_once_a_day_whichever_engine_does(database: Database, tmp_path: Path) -> None:
    clock = Moved()
    first = asyncio.create_task(caretaker(database, clock, tmp_path).run())
    await eventually_async(lambda: database.read_now(retention.tidied).at > 0 and database.read_now(retention.tidied).unfinished == 0)
    first.cancel()
    looked = database.read_now(retention.tidied).at
    clock.days = 0.5
    await caretaker(database, clock, tmp_path).seal()
    second = asyncio.create_task(caretaker(database, clock, tmp_path).run())
    submit(database, chain(1))
    await eventually_async(lambda: database.read_now(seals.verify).unsealed == 0)
    assert database.read_now(retention.tidied).at == looked
    clock.days = 1.5
    await eventually_async(lambda: database.read_now(retention.tidied).at > looked)
    second.cancel()
    database.close()


async def test_a_look_that_was_broken_off_is_taken_up_by_the_next_engine(database: Database, tmp_path: Path) -> None:
    # Given one that was killed when it had begun,
    clock = Moved()
    await caretaker(database, clock, tmp_path).seal()
    clock.days = 91
    database.write_now(retention.begin_tidying, clock.now())
    # when another engine comes in the same minute,
    work = asyncio.create_task(caretaker(database, clock, tmp_path).run())
    # then what has outlived its time goes, and the next look is due a day later.
    await eventually_async(lambda: rows(database, "audit WHERE action = 'audit.swept'") == 1)
    await eventually_async(lambda: database.read_now(retention.tidied).unfinished == 0)
    looked = database.read_now(retention.tidied).at
    await some_rounds(database)
    assert database.read_now(retention.tidied).at == looked
    work.cancel()
    database.close()


async def test_one_that_fails_each_time_is_tried_after_growing_pauses(database: Database, tmp_path: Path) -> None:
    # Given a line of the log that has outlived its time, and does not go,
    clock = Moved(days=-91)
    database.write_now(journal.notice, "info", "an old line", clock.now())
    clock.days = 0
    database.write_now(lambda c: c.execute("CREATE TRIGGER stays BEFORE DELETE ON logs BEGIN SELECT RAISE(ABORT, 'it stays'); END") and None)
    work = asyncio.create_task(caretaker(database, clock, tmp_path).run())

    def tries() -> int:
        return database.read_now(retention.tidied).unfinished

    # then it is tried twice at once, and once more after a minute,
    await eventually_async(lambda: tries() == 2)
    await some_rounds(database)
    assert tries() == 2
    clock.days = 61 / DAY
    await eventually_async(lambda: tries() == 3)
    await some_rounds(database)
    assert tries() == 3
    # and as soon as nothing is in its way, it is done.
    database.write_now(lambda c: c.execute("DROP TRIGGER stays") and None)
    clock.days = 300 / DAY
    await eventually_async(lambda: tries() == 0)
    assert rows(database, "logs") == 0
    work.cancel()
    database.close()


async def some_rounds(database: Database) -> None:
    """A caretaker has looked at the file a few times since."""
    for _ in range(3):
        submit(database, chain(1))
        await eventually_async(lambda: database.read_now(seals.verify).unsealed == 0)
