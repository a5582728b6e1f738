"""Files that are removed or replaced under an open database: nothing that was acknowledged is lost, and nothing is written where nobody sees it."""

import shutil
import subprocess
import sys
from pathlib import Path

import pytest

from abathur_tui.domain.errors import ProjectGone
from abathur_tui.storage import Database, engines, views
from abathur_tui.storage.checking import check_folder
from tests.storage.building import ENGINE, plan, submit
from tests.storage.test_processes import ROOT

SUBMIT = """
import sys
from pathlib import Path
from abathur_tui.storage import Database, queue
from abathur_tui.domain.execution import SubmitOptions
from tests.storage.building import NOW, RUNTIME, plan
database = Database.open(Path(sys.argv[1]))
print(database.write_now(queue.submit, plan(["theirs"]), SubmitOptions(RUNTIME), NOW).root)
database.close()
"""

LOOK = """
import sys
from pathlib import Path
from abathur_tui.domain.filters import TaskFilter
from abathur_tui.storage import Database, views
from abathur_tui.storage.checking import check_folder
database = Database.open(Path(sys.argv[1]))
print(*sorted(database.read_now(views.task_ids, TaskFilter())))
database.close()
assert check_folder(Path(sys.argv[1])).problems == ()
"""


def elsewhere(script: str, folder: Path) -> list[int]:
    """What another process prints: in this one SQLite shares what it knows of a file between all that open it, until its end."""
    done = subprocess.run([sys.executable, "-c", script, str(folder)], cwd=ROOT, capture_output=True, text=True, check=True, timeout=60)
    return [int(word) for word in done.stdout.split()]


@pytest.mark.parametrize("lost", ["abathur.db-wal", "abathur.db-shm"])
def test_what_is_in_a_log_that_somebody_removes_is_moved_into_the_database(folder: Path, lost: str) -> None:
    database = Database.open(folder, create=True)
    before = [submit(database, plan(["a"])).root for _ in range(5)]
    (folder / lost).unlink()
    # Whoever has it open is told so, and writes nothing more where nobody would see it;
    with pytest.raises(ProjectGone, match=lost):
        submit(database, plan(["b"]))
    with pytest.raises(ProjectGone, match=lost):
        database.read_now(views.counts)
    # another process finds everything, writes, and loses nothing when the first one closes.
    theirs = elsewhere(SUBMIT, folder)
    with pytest.raises(ProjectGone):
        submit(database, plan(["c"]))
    database.close()
    assert elsewhere(LOOK, folder) == [*before, *theirs]


def test_an_index_that_another_program_has_begun_anew_is_not_written_over(folder: Path) -> None:
    database = Database.open(folder, create=True)
    mine = submit(database, plan(["a"])).root
    (folder / "abathur.db-shm").unlink()
    theirs = [id for _ in range(2) for id in elsewhere(SUBMIT, folder)]
    with pytest.raises(ProjectGone):
        submit(database, plan(["b"]))
    database.close()
    assert elsewhere(LOOK, folder) == [mine, *theirs]


def test_closing_a_database_that_was_replaced_leaves_the_log_of_the_new_one(folder: Path) -> None:
    other = folder.parent / "other"
    old, new = Database.open(folder, create=True), Database.open(other, create=True)
    submit(old, plan(["old"]))
    new.close()
    for name in ("abathur.db", "abathur.db-wal", "abathur.db-shm"):
        (folder / name).unlink()
    shutil.copy(other / "abathur.db", folder / "abathur.db")
    again = Database.open(folder)
    submit(again, plan(["new"]))
    assert old.is_replaced
    old.close()
    assert (folder / "abathur.db-wal").stat().st_size > 0
    assert not again.is_replaced
    submit(again, plan(["newer"]))
    again.close()
    assert check_folder(folder).problems == ()


def test_no_empty_database_is_begun_where_a_log_or_an_engine_is_left_of_the_one_before(folder: Path) -> None:
    database = Database.open(folder, create=True)
    submit(database, plan(["a"]))
    (folder / "abathur.db").rename(folder / "kept.db")
    with pytest.raises(ProjectGone, match="is gone"):
        Database.open(folder, create=True)
    (folder / "kept.db").rename(folder / "abathur.db")
    submit(database, plan(["b"]))
    database.close()

    (folder / "abathur.db").rename(folder / "kept.db")
    life = engines.hold_life_lock(folder, ENGINE)
    with pytest.raises(ProjectGone, match="is gone"):
        Database.open(folder, create=True)
    life.release()
    Database.open(folder, create=True).close()
