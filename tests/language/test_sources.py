"""`file()`, `env()` and `git()` read what is the project's, and nothing else."""

import os
import subprocess
from pathlib import Path

import pytest

from abathur_tui.language import PlanContext
from tests.language.planned import only_mistake, planned


@pytest.fixture
def project(tmp_path: Path) -> Path:
    """A project's folder inside another folder that has secrets of its own."""
    folder = tmp_path / "project"
    (folder / "src").mkdir(parents=True)
    (folder / "src" / "main.py").write_text("print('é')\n", encoding="utf-8")
    (tmp_path / "outside.txt").write_text("outside")
    return folder


def context(project: Path | None, **environ: str) -> PlanContext:
    return PlanContext(project, environ, max_bytes=1000)


def read(call: str, project: Path | None, **environ: str) -> object:
    return planned(f"ABYSSAL[ASK]({call})", context=context(project, **environ)).nodes[0].parameters["about"]


def refused(call: str, project: Path | None, **environ: str) -> str:
    detail = only_mistake(f"ABYSSAL[ASK]({call})", context=context(project, **environ))
    assert detail.code == "ABTH-ERR-118"
    return detail.message


def test_a_file_of_the_project_is_read_as_text(project: Path) -> None:
    (project / "bom.txt").write_bytes(b"\xef\xbb\xbfhello")
    (project / "link.py").symlink_to("src/main.py")

    assert read('file("src/main.py")', project) == "print('é')\n"
    assert read('file("./src//main.py")', project) == "print('é')\n"
    assert read('file("bom.txt")', project) == "hello"
    assert read('file("link.py")', project) == "print('é')\n"


@pytest.mark.parametrize("path", ["../outside.txt", "src/../../outside.txt", "/etc/hostname", "~/x", "..", "", "a\\b", "x\\u0001\\ny"])
def test_a_path_that_is_not_inside_the_project_is_refused(project: Path, path: str) -> None:
    assert refused(f'file("{path}")' if "\\u" in path else f"file({path!r})", project)


def test_links_that_lead_out_are_refused(project: Path) -> None:
    (project / "out").symlink_to(project.parent)
    (project / "file").symlink_to(project.parent / "outside.txt")
    (project / "circle").symlink_to("circle")

    assert refused('file("out/outside.txt")', project) == "out/outside.txt leads out of the project by a link"
    assert refused('file("file")', project) == "file leads out of the project by a link"
    assert refused('file("circle")', project)


def test_a_sibling_folder_of_nearly_the_same_name_is_outside(project: Path) -> None:
    sibling = project.parent / "project-2"
    sibling.mkdir()
    (sibling / "a").write_text("a")
    (project / "a").symlink_to(sibling / "a")

    assert "leads out" in refused('file("a")', project)


@pytest.mark.parametrize(
    "path",
    [
        ".env",
        ".ENV",
        ".env.local",
        ".env-production",
        "prod.env",
        "AuthKey.p8",
        "src/.envrc",
        ".abathur/abathur.db",
        ".git/config",
        "deep/.Git/hooks/x",
        "id_rsa",
        "keys/server.PEM",
        "a.key",
        ".ssh/config",
        ".netrc",
        ".npmrc",
    ],
)
def test_secrets_and_keys_are_protected(project: Path, path: str) -> None:
    file = project / path
    file.parent.mkdir(parents=True, exist_ok=True)
    file.write_text("secret")

    assert "is protected" in refused(f'file("{path}")', project)
    (project / "innocent.txt").symlink_to(file)
    assert "is protected" in refused('file("innocent.txt")', project)


def test_a_private_key_is_known_by_its_looks(project: Path) -> None:
    (project / "notes.txt").write_text("-----BEGIN OPENSSH PRIVATE KEY-----\nabc")

    assert "private key" in refused('file("notes.txt")', project)


def test_only_plain_text_files_of_a_fair_size_are_read(project: Path) -> None:
    (project / "big.txt").write_text("x" * 1001)
    (project / "just.txt").write_text("x" * 1000)
    (project / "latin.txt").write_bytes(b"caf\xe9")
    (project / "nul.txt").write_bytes(b"a\0b")
    os.mkfifo(project / "pipe")

    assert len(str(read('file("just.txt")', project))) == 1000
    assert refused('file("big.txt")', project) == "big.txt is longer than 1,000 bytes"
    assert refused('file("latin.txt")', project) == "latin.txt is not text (in UTF-8)"
    assert refused('file("nul.txt")', project) == "nul.txt is not text"
    assert refused('file("pipe")', project) == "pipe is not a plain file"
    assert refused('file("src")', project) == "src is a folder"
    assert refused('file(".")', project) == ". is a folder"


def test_a_file_that_is_not_there_has_a_near_name(project: Path) -> None:
    detail = only_mistake('ABYSSAL[ASK](file("src/mian.py"))', context=context(project))

    assert detail.message == "there is no file src/mian.py"
    assert detail.suggestion == "did you mean src/main.py?"
    assert refused('file("src/main.py/x")', project) == "there is no file src/main.py/x"


def test_without_a_project_there_are_no_files() -> None:
    assert refused('file("a")', None) == "`file` needs a project, and there is none here"
    assert refused('git("a..b")', None) == "`git` needs a project, and there is none here"


def test_all_that_is_taken_in_has_a_limit(project: Path) -> None:
    (project / "some.txt").write_text("x" * 1000)
    text = 'ABYSSAL[ASK](file("some.txt"))\n'

    assert len(planned(text * 16, context=context(project)).nodes) == 17
    assert only_mistake(text * 17, context=context(project)).message == "the document takes in too much text in all"


def test_a_variable_of_the_environment_is_read(project: Path) -> None:
    assert read('env("CITY")', project, CITY="Köln") == "Köln"
    assert refused('env("CITY")', project) == "the environment variable CITY is not set"
    assert refused('env("CITY")', project, CITY="a\udcff") == "CITY is not UTF-8"
    assert refused('env("CITY")', project, CITY="x" * 1001) == "CITY is longer than 1,000 bytes"
    assert only_mistake('ABYSSAL[ASK](env("CITTY"))', context=context(project, CITY="x")).suggestion == "did you mean CITY?"


@pytest.mark.parametrize("name", ["ANTHROPIC_API_KEY", "GITHUB_TOKEN", "DB_PASSWORD", "AWS_SECRET_ACCESS_KEY", "secret"])
def test_keys_in_the_environment_never_stand_in_a_prompt(project: Path, name: str) -> None:
    assert "looks like a key" in refused(f'env("{name}")', project, **{name: "x"})


def git(folder: Path, *arguments: str) -> None:
    identity = ["-c", "user.name=t", "-c", "user.email=t@example.org", "-c", "init.defaultBranch=main", "-c", "commit.gpgsign=false"]
    subprocess.run(["git", *identity, *arguments], cwd=folder, check=True, capture_output=True)


@pytest.fixture
def repository(project: Path) -> Path:
    """The project as a git repository of two commits."""
    git(project, "init", "-q")
    git(project, "add", ".")
    git(project, "commit", "-qm", "one")
    (project / "src" / "main.py").write_text("print('two')\n")
    (project / ".env").write_text("TOKEN=1")
    git(project, "add", "-f", ".")
    git(project, "commit", "-qm", "two")
    return project


def test_a_difference_between_commits_is_read_without_secrets(repository: Path) -> None:
    text = str(read('git("HEAD~1..HEAD")', repository))

    assert "+print('two')" in text
    assert "TOKEN" not in text
    assert text.startswith("diff --git a/src/main.py")
    assert read('git("HEAD..HEAD")', repository) == ""


@pytest.mark.parametrize("revisions", ["--output=x..y", "-c..HEAD", "HEAD", "HEAD~1 HEAD", "a..b --ext-diff", "a..-b", ":/x..HEAD", ""])
def test_what_is_no_range_of_commits_never_reaches_git(repository: Path, revisions: str) -> None:
    assert "is no range of commits" in refused(f'git("{revisions}")', repository)


def test_a_commit_that_is_not_there_is_told(repository: Path) -> None:
    assert "git has no difference nope..HEAD" in refused('git("nope..HEAD")', repository)


def test_a_folder_that_is_no_repository_is_told(project: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("GIT_CEILING_DIRECTORIES", str(project.parent))
    detail = refused('git("a..b")', project)

    assert "git has no difference a..b" in detail


def test_nothing_that_a_repository_names_is_run(repository: Path) -> None:
    trap = f"touch '{repository.parent}/sprung'; cat"
    for key in (
        "core.fsmonitor",
        "core.pager",
        "pager.diff",
        "diff.external",
        "diff.x.command",
        "diff.x.textconv",
        "filter.x.clean",
        "core.sshCommand",
    ):
        git(repository, "config", key, trap)
    (repository / ".git" / "info").mkdir(exist_ok=True)
    (repository / ".git" / "info" / "attributes").write_text("*.py diff=x filter=x\n")
    (repository / ".gitattributes").write_text("*.py diff=x filter=x\n")

    assert "print('two')" in str(read('git("HEAD~1..HEAD")', repository))
    assert not (repository.parent / "sprung").exists()


def test_a_git_inside_the_project_is_not_run(repository: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    fake = repository / "bin" / "git"
    fake.parent.mkdir()
    fake.write_text(f"#!/bin/sh\ntouch '{repository.parent}/sprung'\n")
    fake.chmod(0o755)
    monkeypatch.setenv("PATH", f"{fake.parent}{os.pathsep}.{os.pathsep}{os.environ['PATH']}")

    assert read('git("HEAD~1..HEAD")', repository)
    assert not (repository.parent / "sprung").exists()


def test_only_the_projects_own_part_of_a_larger_repository_is_read(repository: Path) -> None:
    text = read('git("HEAD~1..HEAD")', repository / "src")

    assert str(text).startswith("diff --git a/main.py")


def test_a_difference_that_is_too_long_is_refused(repository: Path) -> None:
    (repository / "big.txt").write_text("line\n" * 1000)
    git(repository, "add", "big.txt")
    git(repository, "commit", "-qm", "three")

    assert "is longer than 1,000 bytes" in refused('git("HEAD~1..HEAD")', repository)
