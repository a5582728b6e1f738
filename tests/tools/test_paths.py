"""Where reading tools look, and where they do not, whatever the path says."""

import os
import socket
from collections.abc import Iterator
from pathlib import Path

import pytest

from abathur_tui.domain.conversation import ToolOutcome
from abathur_tui.domain.protected import protection
from abathur_tui.tools import for_project
from abathur_tui.tools.project_files import ProjectFiles, Refused

PRIVATE_KEY = "-----BEGIN OPENSSH PRIVATE KEY-----\nb3BlbnNzaC1rZXk\n-----END OPENSSH PRIVATE KEY-----\n"


@pytest.fixture
def project(tmp_path: Path) -> Path:
    """A project beside a secret and a sibling whose name begins like the project's."""
    (tmp_path / "secret.txt").write_text("outside")
    (tmp_path / "project-other").mkdir()
    (tmp_path / "project-other" / "notes.txt").write_text("outside")
    folder = tmp_path / "project"
    (folder / "src").mkdir(parents=True)
    (folder / "src" / "main.py").write_text("print('inside')\n")
    return folder


async def read(project: Path, path: str) -> ToolOutcome:
    return await for_project(project)["read_file"].run({"path": path})


@pytest.mark.parametrize("path", ["src/main.py", "./src/main.py", "src//main.py", "src/./main.py", "src/main.py/"])
async def test_a_file_inside_is_read_however_its_path_is_written(project: Path, path: str) -> None:
    outcome = await read(project, path)

    assert not outcome.is_error
    assert "print('inside')" in outcome.text


@pytest.mark.parametrize(
    "path",
    ["../secret.txt", "src/../../secret.txt", "src/..", "..", "/etc/passwd", "~/x", "~", "../project-other/notes.txt", "a\0b", "x" * 5000, "nothing"],
)
async def test_a_path_that_leads_elsewhere_is_refused(project: Path, path: str) -> None:
    outcome = await read(project, path)

    assert outcome.is_error
    assert "outside" not in outcome.text


async def test_even_the_projects_own_absolute_path_is_refused(project: Path) -> None:
    assert "relative" in (await read(project, str(project / "src" / "main.py"))).text


@pytest.mark.parametrize("target", ["../secret.txt", "{outside}", "../project-other/notes.txt", "/proc/self/environ"])
async def test_a_link_that_leads_out_is_refused(project: Path, target: str) -> None:
    (project / "link").symlink_to(target.format(outside=project.parent / "secret.txt"))

    outcome = await read(project, "link")

    assert outcome.is_error
    assert "outside" not in outcome.text


async def test_a_linked_folder_that_leads_out_is_refused_by_every_tool(project: Path) -> None:
    (project / "up").symlink_to("..")
    tools = for_project(project)

    assert (await tools["read_file"].run({"path": "up/secret.txt"})).is_error
    assert (await tools["list_folder"].run({"path": "up"})).is_error
    assert (await tools["grep"].run({"pattern": "outside", "path": "up"})).is_error
    assert "no match" in (await tools["grep"].run({"pattern": "outside"})).text


async def test_a_link_inside_the_project_is_followed(project: Path) -> None:
    (project / "main").symlink_to("src/main.py")

    assert "inside" in (await read(project, "main")).text


async def test_links_in_a_circle_and_broken_links_are_refused(project: Path) -> None:
    (project / "a").symlink_to("b")
    (project / "b").symlink_to("a")
    (project / "gone").symlink_to("nowhere")

    assert (await read(project, "a")).is_error
    assert (await read(project, "gone")).is_error


async def test_a_project_that_is_reached_by_a_link_is_read(project: Path) -> None:
    linked = project.parent / "linked"
    linked.symlink_to(project)

    assert "inside" in (await read(linked, "src/main.py")).text


def test_a_folder_that_becomes_a_link_after_the_check_is_not_followed(project: Path) -> None:
    files = ProjectFiles(project)
    place = files.place("src/main.py")
    (project / "src").rename(project / "was")
    (project / "src").symlink_to("..")

    with pytest.raises(Refused):
        os.close(files._walk(place, place.real[:-1]))


@pytest.fixture
def bound_socket(project: Path) -> Iterator[Path]:
    here = os.getcwd()
    os.chdir(project)  # a socket's path may be 100 bytes long
    with socket.socket(socket.AF_UNIX) as listener:
        listener.bind("socket")
        os.chdir(here)
        yield project / "socket"


async def test_what_is_no_plain_file_is_refused_at_once(project: Path, bound_socket: Path) -> None:
    os.mkfifo(project / "pipe")

    for path in ("pipe", "socket", "src", "."):
        outcome = await read(project, path)
        assert outcome.is_error, path
    listing = await for_project(project)["list_folder"].run({})
    assert "pipe (no plain file)" in listing.text


async def test_a_device_is_refused(project: Path) -> None:
    try:
        os.mknod(project / "zero", 0o600 | 0o020000, os.makedev(1, 5))
    except PermissionError:
        pytest.skip("only root makes devices")

    assert (await read(project, "zero")).is_error


async def test_a_second_name_of_a_file_does_not_show_it(project: Path) -> None:
    (project / ".env").write_text("PASSWORD=hunter2")
    os.link(project / ".env", project / "notes.txt")

    assert "hunter2" not in (await read(project, "notes.txt")).text
    assert "hunter2" not in (await for_project(project)["grep"].run({"pattern": "PASSWORD"})).text


@pytest.mark.parametrize(
    "path",
    [
        ".env",
        ".env.local",
        ".ENV",
        "deep/down/.envrc",
        "prod.env",
        ".abathur/abathur.db",
        "sub/.abathur/local.toml",
        ".git/config",
        ".Git/Config",
        ".git/modules/lib/config",
        ".git/worktrees/w/config.worktree",
        "server.pem",
        "tls/server.KEY",
        "id_rsa",
        ".ssh/config",
        "keys/id_ed25519",
        "release.keystore",
        ".netrc",
        ".g​it/config",
        "．env",
    ],
)
async def test_secrets_are_not_shown_by_any_tool(project: Path, path: str) -> None:
    (project / path).parent.mkdir(parents=True, exist_ok=True)
    (project / path).write_text("hunter2")
    (project / "innocent").symlink_to(path)
    tools = for_project(project)

    outcomes = [
        await tools["read_file"].run({"path": path}),
        await tools["read_file"].run({"path": "innocent"}),
        await tools["grep"].run({"pattern": "hunter2"}),
        await tools["grep"].run({"pattern": "hunter2", "path": path}),
    ]

    assert not any("hunter2:" in outcome.text or "\thunter2" in outcome.text for outcome in outcomes)
    assert "protected" in outcomes[0].text
    assert [outcome.is_error for outcome in outcomes[:2]] == [True, True]


@pytest.mark.parametrize("path", [".git/HEAD", "environment.py", "src/env.py", "id_rsa.pub", "keys.py", "config", "monkey", ".gitignore"])
def test_ordinary_files_are_not_taken_for_secrets(path: str) -> None:
    assert protection(path.split("/")) is None


async def test_a_private_key_under_an_ordinary_name_is_not_shown(project: Path) -> None:
    (project / "notes.md").write_text(f"My key:\n{PRIVATE_KEY}")
    tools = for_project(project)

    assert "protected" in (await read(project, "notes.md")).text
    assert "b3BlbnNz" not in (await tools["grep"].run({"pattern": "b3Blbn"})).text


async def test_code_that_speaks_of_private_keys_is_shown(project: Path) -> None:
    (project / "check.py").write_text('HEADER = "-----BEGIN RSA PRIVATE KEY-----"\n')

    assert not (await read(project, "check.py")).is_error


async def test_a_project_folder_that_is_gone_is_an_outcome(project: Path) -> None:
    tools = for_project(project / "gone")

    for name, arguments in (("read_file", {"path": "a"}), ("list_folder", {}), ("grep", {"pattern": "a"})):
        assert (await tools[name].run({**arguments})).is_error
