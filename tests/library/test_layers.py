"""Which template a name means: project over user over what ships, versions side by side, and never another in place of a broken one."""

import os
from pathlib import Path

import pytest

from abathur_tui.domain.errors import TemplateInvalid
from abathur_tui.language import PlanContext, mistakes
from abathur_tui.library import FileRegistry
from abathur_tui.library.shelf import next_free
from abathur_tui.settings import Settings
from tests.library.folders import Folders, template, write


def found(registry: FileRegistry, name: str, version: str | None = None) -> tuple[str, str] | None:
    one = registry.template(name, version)
    return (one.origin, one.version) if one else None


def test_the_project_is_over_the_user_over_what_ships_and_a_pin_finds_any(folders: Folders) -> None:
    folders.in_project("code.toml", template("CODE", "0.9.0"))
    folders.in_home("code-2.toml", template("CODE", "2.0.0"))
    folders.in_home("code-0.9.toml", template("CODE", "0.9.0"))

    registry = folders.registry()

    assert found(registry, "CODE") == ("project", "0.9.0")
    assert found(registry, "CODE", "0.9") == ("project", "0.9.0")
    assert found(registry, "CODE", "2.0.0") == ("user", "2.0.0")
    assert found(registry, "CODE", "1.0.0") == ("builtin", "1.0.0")
    assert found(registry, "CODE", "3.0.0") is None
    assert found(registry, "CODE", "new") is None
    assert registry.versions("CODE") == ("0.9.0", "2.0.0", "1.0.0")
    assert [(one.origin, one.version) for one in registry.every("CODE")] == [
        ("project", "0.9.0"),
        ("user", "2.0.0"),
        ("user", "0.9.0"),
        ("builtin", "1.0.0"),
    ]
    assert registry.notices == ()


def test_the_newest_version_is_taken_by_number_not_by_letter(folders: Folders) -> None:
    for version in ("1.9.0", "1.10.0", "1.10.0rc1"):
        folders.in_home(f"a-{version}.toml", template("A", version))

    registry = folders.registry()

    assert registry.versions("A") == ("1.10.0", "1.10.0rc1", "1.9.0")
    assert found(registry, "A") == ("user", "1.10.0")


def test_added_folders_are_below_the_project_or_the_user_by_where_they_lie(folders: Folders) -> None:
    write(folders.project / "team/a.toml", template("A", "1.1.0"))
    write(folders.project / "team/own.toml", template("OWN"))
    folders.in_project("a.toml", template("A", "1.0.0"))
    write(folders.home / "more/b.toml", template("B", "2.0.0"))
    folders.in_home("b.toml", template("B", "1.0.0"))

    registry = folders.registry("team", "~/more", str(folders.project / "team"), "nowhere")

    assert found(registry, "A") == ("project", "1.0.0")
    assert found(registry, "OWN") == ("project", "1.0.0")
    assert found(registry, "B") == ("user", "1.0.0")
    assert found(registry, "B", "2.0.0") == ("user", "2.0.0")
    assert registry.notices == ()


def test_without_a_project_a_folder_in_it_means_nothing(folders: Folders, monkeypatch: pytest.MonkeyPatch) -> None:
    write(folders.project / "team/a.toml", template("A"))
    monkeypatch.chdir(folders.project)

    registry = FileRegistry(None, Settings.model_validate({"templates": {"folders": ["team"]}}), home=folders.home)

    assert registry.template("A") is None


def test_the_data_folder_brings_its_templates_along(folders: Folders, tmp_path: Path) -> None:
    write(tmp_path / "data/templates/a.toml", template("A"))
    folders.in_project("b.toml", template("B"))

    registry = FileRegistry(folders.project, home=folders.home, environ={"ABATHUR_DATA_DIR": str(tmp_path / "data")})

    assert found(registry, "A") == ("project", "1.0.0")
    assert registry.template("B") is None


def test_two_files_of_one_version_are_told_and_the_first_by_name_holds(folders: Folders) -> None:
    folders.in_project("1.toml", template("A", "1.0", prompt="first"))
    second = folders.in_project("2.toml", template("A", "1.0.0", prompt="second"))

    registry = folders.registry()

    assert (one := registry.template("A")) is not None
    assert one.prompt == "first"
    assert [notice.text for notice in registry.notices] == [f"{second}: left out: another file of this folder holds A 1.0.0 already."]


def test_a_broken_file_is_an_error_where_it_is_meant_and_a_notice_elsewhere(folders: Folders) -> None:
    # given
    path = folders.in_project("code.toml", template("CODE", "1.5.0", more="agnet = 'x'\ncriteria = 'y'\n"))

    # when
    registry = folders.registry()

    # then
    with pytest.raises(TemplateInvalid) as caught:
        registry.template("CODE")
    assert [(detail.file, detail.line) for detail in caught.value.details] == [(str(path), 4), (str(path), 5)]
    with pytest.raises(TemplateInvalid):
        registry.template("CODE", "1.5.0")
    assert found(registry, "CODE", "1.0.0") == ("builtin", "1.0.0")
    assert found(registry, "TEST") == ("builtin", "1.0.0")
    (notice,) = registry.notices
    assert notice.text == (
        f"{path}:4: unknown key agnet; known at the top: {', '.join(sorted(known()))} (did you mean agent?) (and another mistake); "
        "it cannot be used until that is mended."
    )
    assert (notice.file, notice.line, len(notice.details)) == (str(path), 4, 2)


def known() -> list[str]:
    from abathur_tui.library.template_table import TemplateTable

    return list(TemplateTable.model_fields)


@pytest.mark.parametrize(
    ("text", "meant"),
    [
        ('name = "A"\nversion = "2.0.0"\nprompt = """\nbroken', True),
        ('name = "A"\nprompt = broken', False),
        ('name = "A"\nversion = "1.0.0"\nprompt = broken', False),
        ('name = "A"\nversion = "later"\nprompt = "x"', True),
        ('prompt = broken\n[parameters.x]\nname = "A"\nversion = "9.0.0"', False),
    ],
)
def test_a_broken_file_is_meant_where_it_says_that_it_is_the_newest(folders: Folders, text: str, meant: bool) -> None:
    folders.in_home("a1.toml", template("A", "1.1.0"))
    folders.in_home("a2.toml", text)

    registry = folders.registry()

    if meant:
        with pytest.raises(TemplateInvalid):
            registry.template("A")
    else:
        assert found(registry, "A") == ("user", "1.1.0")
    assert found(registry, "A", "1.1.0") == ("user", "1.1.0")


def test_what_is_no_small_text_file_of_the_project_is_told_and_left_out(folders: Folders, tmp_path: Path) -> None:
    # given
    secret = write(tmp_path / "secret.toml", template("SPY"))
    folder = folders.in_project("good.toml", template("GOOD")).parent
    (folder / "link.toml").symlink_to(secret)
    (folder / "bytes.toml").write_bytes(b'name = "\xff"')
    (folder / "long.toml").write_text("#" * 262_145)
    os.mkfifo(folder / "pipe.toml")
    write(folder / "not.txt", "x")
    write(folder / ".hidden.toml", "x")
    write(folder / "deeper/d.toml", template("DEEPER"))

    # when
    registry = folders.registry()

    # then
    assert {one.name for one in registry.templates() if one.origin == "project"} == {"GOOD"}
    assert [notice.text.removeprefix(f"{folder}/").partition(";")[0] for notice in registry.notices] == [
        "bytes.toml: it is no UTF-8 text (byte 8)",
        "link.toml: a link leads out of the project",
        "long.toml: it is longer than 262,144 bytes",
        "pipe.toml: it is no regular file",
    ]


def test_a_folder_of_the_project_that_is_a_link_out_of_it_gives_nothing(folders: Folders, tmp_path: Path) -> None:
    write(tmp_path / "elsewhere/a.toml", template("A"))
    (folders.project / "team").symlink_to(tmp_path / "elsewhere")

    registry = folders.registry("team")

    assert registry.template("A") is None
    assert "a link leads out of the project" in registry.notices[0].text


def test_a_file_from_another_system_reads_the_same(folders: Folders) -> None:
    folders.in_home("a.toml", "\ufeff" + template("A", prompt="Do it.").replace("\n", "\r\n"))

    one = folders.registry().template("A")

    assert one is not None
    assert one.text == template("A", prompt="Do it.")


@pytest.mark.parametrize(
    ("version", "taken", "free"),
    [
        ("1.0.0", ["1.0.0"], "1.0.1"),
        ("1.0", ["1.0.0", "1.0.1"], "1.0.2"),
        ("2.0.0rc1", ["2.0.0rc1"], "2.0.0"),
        ("1.2.9", ["1.2.9", "1.2.11"], "1.2.10"),
    ],
)
def test_the_next_free_version_raises_the_last_number(version: str, taken: list[str], free: str) -> None:
    assert next_free(version, taken) == free


def test_a_document_is_told_of_a_broken_template_together_with_all_else(folders: Folders) -> None:
    path = folders.in_project("code.toml", template("CODE", "1.5.0", more="retries = -1\n"))

    found = mistakes('ABYSSAL[CODE]("x")\nABYSSAL[TEST]()', folders.registry(), PlanContext(environ={}))

    assert [(one.line, one.column) for one in found] == [(1, 9), (2, 9)]
    assert f"{path}:4: retries: it must be" in found[0].message
