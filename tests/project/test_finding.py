"""Which folder a command is about."""

import os
import subprocess
from pathlib import Path

import pytest

from abathur_tui.domain.errors import DiskFull, NotFound, ProjectGone, ProjectNotFound, ProjectNotWritable
from abathur_tui.project.finding import Place, find, found, make, not_writable

NOTHING: dict[str, str] = {}


@pytest.fixture
def here(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A folder of this user's, as the current one."""
    monkeypatch.chdir(tmp_path)
    return tmp_path


def test_the_nearest_project_above_is_found(here: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    make(environ=NOTHING)
    deep = here / "src" / "deep"
    deep.mkdir(parents=True)
    monkeypatch.chdir(deep)

    assert find(environ=NOTHING) == Place(here, here / ".abathur")


def test_a_new_project_goes_to_the_top_of_the_repository(here: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    subprocess.run(["git", "init", "-q"], check=True)
    (here / "src").mkdir()
    monkeypatch.chdir(here / "src")

    assert make(environ=NOTHING).folder == here


def test_a_new_project_without_a_repository_is_here(here: Path) -> None:
    assert make(environ=NOTHING).folder == here


def test_making_again_changes_nothing(here: Path) -> None:
    make(environ=NOTHING)
    (here / ".abathur" / "config.toml").write_text("[queue]\nmax_size = 5\n")

    make(environ=NOTHING)

    assert (here / ".abathur" / "config.toml").read_text() == "[queue]\nmax_size = 5\n"


def test_git_sees_only_what_is_for_everybody(here: Path) -> None:
    subprocess.run(["git", "init", "-q"], check=True)
    data = make(environ=NOTHING).data
    (data / "local.toml").write_text("")
    (data / "abathur.db").write_text("")
    (data / "templates").mkdir()
    (data / "templates" / "own.toml").write_text("")

    seen = subprocess.run(["git", "status", "--porcelain", "-uall"], check=True, capture_output=True, text=True).stdout

    assert sorted(line[3:] for line in seen.splitlines()) == [".abathur/.gitignore", ".abathur/config.toml", ".abathur/templates/own.toml"]


def test_its_folder_is_private(here: Path) -> None:
    assert make(environ=NOTHING).data.stat().st_mode & 0o777 == 0o700


def test_the_way_up_ends_at_a_folder_of_another_owner(here: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    if os.geteuid() != 0:
        pytest.skip("only root can give folders away")
    theirs = here / "theirs"
    ours = theirs / "ours"
    ours.mkdir(parents=True)
    make(environ=NOTHING)
    os.chown(theirs, 12345, 12345)
    monkeypatch.chdir(ours)

    assert find(environ=NOTHING) is None


def test_a_project_of_another_owner_is_not_taken_unless_it_is_named(here: Path) -> None:
    if os.geteuid() != 0:
        pytest.skip("only root can give folders away")
    make(environ=NOTHING)
    os.chown(here / ".abathur", 12345, 12345)

    assert find(environ=NOTHING) is None
    assert find(here, environ=NOTHING) == Place(here, here / ".abathur")


@pytest.mark.parametrize("call", [find, make])
def test_a_link_is_never_the_data_folder(here: Path, call: object) -> None:
    (here / "elsewhere").mkdir()
    (here / ".abathur").symlink_to(here / "elsewhere")

    with pytest.raises(ProjectNotWritable, match="is a link"):
        find(environ=NOTHING) if call is find else make(environ=NOTHING)


def test_a_named_folder_is_taken_as_it_is(here: Path, tmp_path_factory: pytest.TempPathFactory) -> None:
    other = tmp_path_factory.mktemp("other")
    make(environ=NOTHING)

    assert find(other, environ=NOTHING) is None
    assert make(other, environ=NOTHING).folder == other
    assert find(environ={"ABATHUR_PROJECT": str(other)}) == Place(other, other / ".abathur")
    assert find(other / ".abathur", environ=NOTHING) == Place(other, other / ".abathur")


def test_the_data_folder_can_be_elsewhere(here: Path, tmp_path_factory: pytest.TempPathFactory) -> None:
    environ = {"ABATHUR_DATA_DIR": str(tmp_path_factory.mktemp("data") / "deep" / "data")}

    assert find(environ=environ) is None
    place = make(environ=environ)

    assert place == Place(here, Path(environ["ABATHUR_DATA_DIR"]))
    assert find(environ=environ) == place
    assert not (here / ".abathur").exists()


def test_a_folder_that_is_not_there_is_an_error(here: Path) -> None:
    with pytest.raises(NotFound, match="no folder"):
        find(here / "nowhere", environ=NOTHING)


def test_without_a_project_the_error_says_where_was_looked(here: Path) -> None:
    with pytest.raises(ProjectNotFound, match=str(here)):
        found(environ=NOTHING)


def test_a_current_folder_that_was_removed_is_told(here: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (here / "gone").mkdir()
    monkeypatch.chdir(here / "gone")
    (here / "gone").rmdir()

    with pytest.raises(ProjectGone):
        find(environ=NOTHING)


def test_a_full_disk_is_not_a_missing_permission() -> None:
    assert isinstance(not_writable(Path("x"), OSError(28, os.strerror(28))), DiskFull)
    assert isinstance(not_writable(Path("x"), PermissionError(13, os.strerror(13))), ProjectNotWritable)
