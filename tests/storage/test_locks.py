"""What cannot be found out is not taken for a dead engine."""

import fcntl
import os
import resource
from collections.abc import Iterator

import pytest

from abathur_tui.domain.errors import OutOfFiles
from abathur_tui.domain.status import Status
from abathur_tui.storage import Database, engines, queue
from tests.storage.building import ENGINE, NOW, claim_one, plan, status, submit


@pytest.fixture
def no_more_files() -> Iterator[None]:
    """This process cannot open a file."""
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    free = os.open(os.devnull, os.O_RDONLY)
    os.close(free)
    resource.setrlimit(resource.RLIMIT_NOFILE, (free, hard))
    yield
    resource.setrlimit(resource.RLIMIT_NOFILE, (soft, hard))


def test_whoever_has_the_lock_and_has_not_written_its_name_yet_is_not_taken_for_the_one_before(database: Database) -> None:
    before = engines.hold_engine_lock(database.folder, ENGINE)
    assert before is not None
    assert engines.active_engine(database.folder) == ENGINE
    before.release()

    with (database.folder / "engine.lock").open("r+") as after:
        fcntl.flock(after, fcntl.LOCK_EX)
        assert engines.active_engine(database.folder) is None
        after.write("another 1\n")
        after.flush()
        assert engines.active_engine(database.folder) == "another"


def test_an_engine_whose_lock_cannot_be_looked_at_is_not_dead(database: Database, request: pytest.FixtureRequest) -> None:
    lock = engines.hold_life_lock(database.folder, ENGINE)
    submit(database, plan(["a"]))
    task = claim_one(database).lease.task
    request.getfixturevalue("no_more_files")
    with pytest.raises(OSError, match="Too many open files"):
        engines.engine_alive(database.folder, ENGINE)
    # And what it runs is not ended behind its back.
    with pytest.raises(OutOfFiles):
        database.write_now(queue.cancel, [task], "me", "", NOW)
    assert status(database, task) is Status.RUNNING
    lock.release()
