"""Opening a project: what is made, mended, refused, and what is never overwritten."""

import os
import shutil
import sqlite3
import stat
import subprocess
import tempfile
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from abathur_tui.domain.errors import (
    AbathurError,
    DatabaseDamaged,
    DatabaseNewer,
    NetworkFileSystem,
    ProjectNotFound,
    ProjectNotWritable,
)
from abathur_tui.storage import Database, engines, queue, views
from abathur_tui.storage.checking import check_folder
from abathur_tui.storage.connection import APPLICATION_ID
from abathur_tui.storage.files import file_system, make_private, type_in_mountinfo
from tests.storage.building import ENGINE, NOW, RUNTIME, chain, plan, submit
from tests.storage.test_checking import forge, lawless
from tests.storage.test_processes import ROOT, command


def made(folder: Path) -> Path:
    """A closed project with one task; gives its file."""
    database = Database.open(folder, create=True)
    submit(database, plan(["a"]))
    database.close()
    return folder / "abathur.db"


def mode(path: Path) -> int:
    """Its permissions."""
    return stat.S_IMODE(path.lstat().st_mode)


def test_a_folder_and_its_files_are_this_users_only_whatever_the_umask(folder: Path) -> None:
    before = os.umask(0)
    try:
        database = Database.open(folder, create=True)
        submit(database, plan(["a"]))
        lock, life = engines.hold_engine_lock(folder, ENGINE), engines.hold_life_lock(folder, ENGINE)
        assert lock is not None
        assert mode(folder) == mode(folder / "engines") == 0o700
        names = {path.name: mode(path) for path in folder.iterdir() if path.is_file()}
        assert set(names.values()) == {0o600}
        assert {"abathur.db", "abathur.db-wal", "abathur.db-shm", "queue.lock", "write.lock", "engine.lock"} == set(names)
        lock.release()
        life.release()
        database.close()
    finally:
        os.umask(before)


def test_permissions_that_are_too_wide_are_mended(folder: Path) -> None:
    file = made(folder)
    folder.chmod(0o755)
    file.chmod(0o644)
    Database.open(folder).close()
    assert (mode(folder), mode(file)) == (0o700, 0o600)


def test_opening_again_changes_nothing(folder: Path) -> None:
    first = Database.open(folder, create=True)
    id = first.id
    first.close()
    again = Database.open(folder, create=True)
    assert again.id == id
    again.close()


def test_a_file_whose_maker_was_killed_after_its_first_page_is_made_to_its_end(folder: Path) -> None:
    folder.mkdir(mode=0o700)
    make_private(folder / "abathur.db")
    begun = sqlite3.connect(folder / "abathur.db", isolation_level=None)
    begun.execute("PRAGMA auto_vacuum = incremental")
    begun.close()
    assert (folder / "abathur.db").stat().st_size == 4096
    assert check_folder(folder).problems == ("It is empty; the next command that makes a project here goes on with it.",)

    submit(database := Database.open(folder, create=True), plan(["a"]))

    database.close()
    assert check_folder(folder).ok


def test_what_is_not_there_is_only_made_when_that_is_asked_for(folder: Path) -> None:
    with pytest.raises(ProjectNotFound):
        Database.open(folder)
    assert not folder.exists()
    folder.mkdir()
    with pytest.raises(ProjectNotFound):
        Database.open(folder)
    assert list(folder.iterdir()) == []


def test_every_setting_is_made_and_checked(database: Database) -> None:
    def settings(c: sqlite3.Connection) -> dict[str, object]:
        names = (
            "journal_mode",
            "foreign_keys",
            "busy_timeout",
            "trusted_schema",
            "recursive_triggers",
            "synchronous",
            "auto_vacuum",
            "application_id",
        )
        return {name: c.execute(f"PRAGMA {name}").fetchone()[0] for name in names}

    expected = {
        "journal_mode": "wal",
        "foreign_keys": 1,
        "busy_timeout": 5000,
        "trusted_schema": 0,
        "recursive_triggers": 1,
        "synchronous": 2,
        "auto_vacuum": 2,
        "application_id": APPLICATION_ID,
    }
    assert database.write_now(settings) == expected
    assert database.read_now(settings) == expected
    with pytest.raises(AbathurError):
        database.read_now(lambda c: c.execute("DELETE FROM meta"))


@pytest.mark.parametrize("name", [".abathur", "abathur.db", "abathur.db-wal", "write.lock", "engine.lock"])
def test_nothing_of_a_project_may_be_a_link(folder: Path, tmp_path: Path, name: str) -> None:
    # Given a project of which one thing lies elsewhere, behind a link,
    made(folder)
    thing = folder if name == ".abathur" else folder / name
    elsewhere = tmp_path / "elsewhere"
    if thing.exists():
        thing.rename(elsewhere)
    else:
        elsewhere.touch()
    thing.symlink_to(elsewhere)
    before = elsewhere.read_bytes() if elsewhere.is_file() else b""
    # when it is opened, then it is refused, and what the link points to is as it was.
    with pytest.raises(ProjectNotWritable):
        Database.open(folder, create=True)
    assert (elsewhere.read_bytes() if elsewhere.is_file() else b"") == before


def test_a_file_in_the_folders_place_is_refused(folder: Path) -> None:
    folder.write_text("not a folder")
    with pytest.raises(ProjectNotWritable, match="not a folder"):
        Database.open(folder, create=True)


def truncated(file: Path) -> None:
    os.truncate(file, file.stat().st_size // 2)


def scribbled(file: Path) -> None:
    with file.open("r+b") as opened:
        opened.write(b"This is not a database at all. " * 10)


def holed(file: Path) -> None:
    with file.open("r+b") as opened:
        for page in range(1, file.stat().st_size // 4096):
            opened.seek(page * 4096)
            opened.write(b"\xff" * 512)


def open_and_read(folder: Path) -> None:
    """Open, asking for it to be made, and read all of a task."""
    database = Database.open(folder, create=True)
    try:
        database.read_now(views.detail, 1)
    finally:
        database.close()


@pytest.mark.parametrize("damage", [truncated, scribbled, holed])
def test_a_damaged_file_is_diagnosed_and_never_overwritten(folder: Path, damage: Callable[[Path], None]) -> None:
    file = made(folder)
    damage(file)
    before = file.read_bytes()
    with pytest.raises(DatabaseDamaged, match=r"abathur\.db"):
        open_and_read(folder)
    assert file.read_bytes() == before


def test_a_file_that_is_damaged_while_it_is_open_is_diagnosed_and_the_writer_goes_on_saying_so(folder: Path) -> None:
    database = Database.open(folder, create=True)
    submit(database, chain(2000))
    database.close()
    database = Database.open(folder)
    holed(folder / "abathur.db")
    for _ in range(2):
        with pytest.raises(DatabaseDamaged):
            submit(database, plan(["b"]))
    database.close()


def test_a_database_of_another_program_is_left_alone(folder: Path) -> None:
    folder.mkdir()
    foreign = sqlite3.connect(folder / "abathur.db")
    foreign.execute("CREATE TABLE theirs (x)")
    foreign.commit()
    foreign.close()
    before = (folder / "abathur.db").read_bytes()
    with pytest.raises(DatabaseDamaged, match="another program"):
        Database.open(folder, create=True)
    assert (folder / "abathur.db").read_bytes() == before


def test_a_database_without_an_id_says_so(folder: Path) -> None:
    made(folder)
    lawless(folder, "DELETE FROM meta")
    with pytest.raises(DatabaseDamaged, match="which project"):
        Database.open(folder)


def test_an_empty_file_that_a_kill_left_is_made_whole(folder: Path) -> None:
    folder.mkdir()
    (folder / "abathur.db").touch()
    database = Database.open(folder, create=True)
    assert database.read_now(lambda c: c.execute("PRAGMA auto_vacuum").fetchone()) == (2,)
    database.close()


def test_a_file_that_was_cut_off_is_damaged_and_no_new_project(folder: Path) -> None:
    file = made(folder)
    os.truncate(file, 0)
    with pytest.raises(DatabaseDamaged, match="is empty"):
        Database.open(folder)
    # What the log beside it still has is not given up for a new beginning.
    (folder / "abathur.db-wal").write_bytes(b"what was written last")
    with pytest.raises(DatabaseDamaged, match="is empty"):
        Database.open(folder, create=True)
    assert (folder / "abathur.db-wal").read_bytes() == b"what was written last"


def test_a_newer_file_is_refused_before_and_while_it_is_open(folder: Path) -> None:
    file = made(folder)
    database = Database.open(folder)
    foreign = sqlite3.connect(file, isolation_level=None)
    foreign.execute("PRAGMA user_version = 99")
    foreign.close()
    for attempt in (lambda: submit(database, plan(["b"])), lambda: database.read_now(views.counts), lambda: Database.open(folder)):
        with pytest.raises(DatabaseNewer, match="version 99"):
            attempt()
    database.close()
    count = sqlite3.connect(file)
    assert count.execute("SELECT count(*) FROM tasks").fetchone() == (1,)
    count.close()


def test_a_database_of_another_program_is_refused_whatever_version_it_says(folder: Path) -> None:
    made(folder)
    foreign = sqlite3.connect(folder / "abathur.db", isolation_level=None)
    foreign.execute("PRAGMA application_id = 7")
    foreign.close()
    with pytest.raises(DatabaseDamaged, match="another program"):
        Database.open(folder)


def open_and_submit(folder: Path) -> None:
    """Open it and queue a task."""
    database = Database.open(folder)
    try:
        submit(database, plan(["b"]))
    finally:
        database.close()


@pytest.mark.parametrize(
    "change",
    [
        "DROP TABLE counts",
        "CREATE TRIGGER theirs AFTER INSERT ON audit BEGIN SELECT load_extension('/tmp/theirs.so'); END",
        "PRAGMA user_version = -5",
    ],
)
def test_a_schema_that_somebody_has_changed_is_told_as_that_and_nothing_that_was_added_reaches_outside(folder: Path, change: str) -> None:
    made(folder)
    forge(folder, change)
    with pytest.raises(DatabaseDamaged, match=r"another schema than its version says|says that it has version -5"):
        open_and_submit(folder)


def unwritable(folder: Path, user: int) -> list[str]:
    """What a child says that opens the project as a user who can read it and not write it."""
    done = subprocess.run([*command("read_as", folder), str(user)], cwd=ROOT, capture_output=True, timeout=60, check=False)
    assert done.returncode == 0, done.stderr.decode()
    return done.stdout.decode().splitlines()


@pytest.fixture
def public() -> Iterator[Path]:
    """A folder that every user can enter, unlike those of pytest."""
    folder = Path(tempfile.mkdtemp(prefix="abathur-test-"))
    folder.chmod(0o755)
    yield folder
    shutil.rmtree(folder)


@pytest.mark.skipif(os.geteuid() != 0, reason="only root can become another user")
@pytest.mark.parametrize("open_elsewhere", [False, True])
def test_what_cannot_be_written_can_still_be_read(public: Path, open_elsewhere: bool) -> None:
    # Given a project in a folder that others may only read, closed in order, or still open (its last changes are in the log),
    folder = public / ".abathur"
    database = Database.open(folder, create=True)
    submit(database, plan(["a"]))
    if not open_elsewhere:
        database.close()
    folder.chmod(0o755)
    for file in folder.iterdir():
        file.chmod(0o644)
    # when another user opens it, then they read all of it, and are told that they cannot write.
    assert unwritable(folder, 65534) == ["read ['do a'] read only", "refused ABTH-ERR-002"]
    database.close()


@pytest.mark.skipif(os.geteuid() != 0, reason="only root can become another user")
def test_a_log_without_its_index_is_read_from_a_copy(folder: Path, public: Path) -> None:
    # Given a folder that was copied while it was open, without the log's index,
    database = Database.open(folder, create=True)
    submit(database, plan(["a"]))
    for name in ("abathur.db", "abathur.db-wal"):
        shutil.copyfile(folder / name, public / name)
        (public / name).chmod(0o644)
    database.close()
    public.chmod(0o555)
    assert unwritable(public, 65534) == ["read ['do a'] read only", "refused ABTH-ERR-002"]


@pytest.mark.skipif(os.geteuid() != 0, reason="only root can become another user")
def test_a_folder_that_cannot_be_made_or_entered_is_said_to_be_so(public: Path) -> None:
    (public / "closed").mkdir(mode=0o700)
    assert unwritable(public / "closed" / ".abathur", 65534) == ["refused ABTH-ERR-002"]
    assert unwritable(public / ".abathur", 65534) == ["refused ABTH-ERR-001"]


MOUNTS = """\
22 1 252:0 / / rw,relatime - ext4 /dev/vda rw
30 22 0:40 / /home rw - nfs4 server:/home rw,vers=4.2
31 30 0:41 / /home/me/local rw - xfs /dev/sdb rw
32 22 0:42 / /mnt/with\\040space rw shared:1 master:2 - cifs //server/share rw
33 22 0:43 / /mnt/remote rw - fuse.sshfs me@server: rw
34 22 0:44 / /home-of-others rw - tmpfs tmpfs rw
"""


@pytest.mark.parametrize(
    ("path", "kind"),
    [
        ("/", "ext4"),
        ("/srv/x", "ext4"),
        ("/home", "nfs4"),
        ("/home/me", "nfs4"),
        ("/home/me/local/project", "xfs"),
        ("/home-of-others", "tmpfs"),
        ("/mnt/with space/x", "cifs"),
        ("/mnt/remote", "fuse.sshfs"),
    ],
)
def test_the_file_system_of_a_path_is_that_of_its_nearest_mount(path: str, kind: str) -> None:
    assert type_in_mountinfo(path, MOUNTS) == kind


def test_a_network_file_system_is_refused(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    assert file_system(folder.parent)
    monkeypatch.setattr("abathur_tui.storage.files.file_system", lambda _: "nfs4")
    with pytest.raises(NetworkFileSystem, match="nfs4"):
        Database.open(folder, create=True)
    assert not folder.exists()


def test_two_openings_in_one_process_share_the_file(folder: Path) -> None:
    one, two = Database.open(folder, create=True), Database.open(folder)
    submit(one, plan(["a"]))
    submit(two, plan(["b"]))
    one.close()
    # Closing one must not take the other's locks away: another process may not think itself alone.
    done = subprocess.run(command("work", folder, ENGINE), cwd=ROOT, capture_output=True, timeout=60, check=True)
    assert len(done.stdout.split()) == 2
    assert two.write_now(queue.claim, ENGINE, {RUNTIME.lane: 1}, 1, NOW) == []
    assert two.read_now(lambda c: c.execute("PRAGMA integrity_check").fetchone()) == ("ok",)
    two.close()


def test_a_file_that_was_cut_off_where_an_engine_has_worked_is_no_new_project(folder: Path) -> None:
    os.truncate(made(folder), 0)
    (folder / "abathur.db-wal").unlink(missing_ok=True)
    (folder / "engines").mkdir()
    with pytest.raises(DatabaseDamaged, match="is empty") as caught:
        Database.open(folder, create=True)
    assert "It was cut off" in caught.value.advice
    assert (folder / "abathur.db").stat().st_size == 0
