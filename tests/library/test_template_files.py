"""Templates are taken in, checked, compared and removed; what is wrong with them is said all at once, at its line."""

import json
import os
from collections.abc import Mapping
from pathlib import Path

import pytest

from abathur_tui.domain.errors import (
    AbathurError,
    ArgumentInvalid,
    NotFound,
    ProjectNotWritable,
    TemplateFixed,
    TemplateInvalid,
    VersionTaken,
)
from abathur_tui.library import FileRegistry
from abathur_tui.library.comparing import difference
from abathur_tui.library.template_files import TemplateFiles
from tests.library.folders import Folders, template, write

WHOLE = {
    "name": "STORY",
    "description": "A story",
    "prompt": 'Tell of {{ hero }}.\nIn "three" parts.\n',
    "parameters": {
        "hero": {"type": "string", "required": True, "default": None},
        "length": {"type": "enum(short, long)", "default": "short"},
        "parts": {"type": "array", "default": ["a", "b"]},
    },
    "nested": [{"name": "facts", "template": "RESEARCH", "parameters": {"question": "Who is {{ hero }}?", "depth": "{{ length }}"}}],
}


def files(folders: Folders) -> tuple[TemplateFiles, FileRegistry]:
    registry = folders.registry()
    return TemplateFiles(registry, folders.project, home=folders.home, environ={}), registry


def mistakes(folders: Folders, text: str, file: str = "x.toml") -> dict[int | None, str]:
    with pytest.raises(TemplateInvalid) as caught:
        files(folders)[0].check(text, file)
    return {detail.line: detail.message for detail in caught.value.details}


# Taking in


def test_toml_is_kept_as_it_was_written_and_counts_at_once(folders: Folders) -> None:
    text = "# mine\n" + template("STORY", None)
    store, registry = files(folders)

    kept = store.register(text, "story.toml", "project")

    path = folders.project / ".abathur/templates/STORY@1.0.0.toml"
    assert kept.new
    assert kept.template.file == str(path)
    assert path.read_text() == text
    assert registry.template("STORY") == kept.template
    assert registry.template("STORY", "1.0.0") == kept.template
    assert kept.template.category == "general"
    assert os.listdir(path.parent) == [path.name]


def test_json_becomes_toml_that_means_the_same(folders: Folders) -> None:
    store, registry = files(folders)

    kept = store.register(json.dumps(WHOLE), "-", "user").template

    path = folders.home / ".config/abathur/templates/STORY@1.0.0.toml"
    assert path.read_text().startswith('name = "STORY"\ndescription = "A story"\nprompt = """\nTell of {{ hero }}.\n')
    assert kept == registry.template("STORY")
    assert kept.prompt == 'Tell of {{ hero }}.\nIn "three" parts.'
    assert [(one.name, one.required, one.default) for one in kept.parameters] == [
        ("hero", True, None),
        ("length", False, "short"),
        ("parts", False, ["a", "b"]),
    ]
    assert kept.nested[0].parameters == {"question": "Who is {{ hero }}?", "depth": "{{ length }}"}


def test_the_same_again_changes_nothing_and_another_text_is_refused_with_the_next_free_version(folders: Folders) -> None:
    store, registry = files(folders)
    store.register(template("STORY"), "x", "project")
    store.register(template("STORY", "1.0.1"), "x", "user")

    assert not store.register(template("STORY"), "x", "project").new
    assert store.register(template("STORY"), "x", "user").new
    with pytest.raises(VersionTaken) as caught:
        store.register(template("STORY", prompt="Otherwise."), "x", "user")

    assert caught.value.exit == 4
    assert caught.value.message == (f"STORY 1.0.0 exists already, with another text ({folders.project}/.abathur/templates/STORY@1.0.0.toml).")
    assert caught.value.advice == 'The next free version is 1.0.2: write version = "1.0.2" into the template.'
    assert registry.versions("STORY") == ("1.0.0", "1.0.1")


def test_a_version_that_ships_is_taken_too(folders: Folders) -> None:
    store, registry = files(folders)

    with pytest.raises(VersionTaken, match=r"CODE 1\.0\.0 exists already"):
        store.register(template("CODE"), "x", "project")
    store.register(template("CODE", "1.0.1"), "x", "project")

    assert (code := registry.template("CODE")) is not None
    assert code.origin == "project"


def test_a_file_that_is_in_the_way_is_never_written_over(folders: Folders) -> None:
    path = folders.in_project("STORY@1.0.0.toml", "broken")

    with pytest.raises(VersionTaken, match="with another text"):
        files(folders)[0].register(template("STORY"), "x", "project")

    assert path.read_text() == "broken"
    assert os.listdir(path.parent) == [path.name]


def test_nothing_is_written_through_a_link_or_without_a_project(folders: Folders, tmp_path: Path) -> None:
    (folders.project / ".abathur").mkdir()
    (tmp_path / "elsewhere").mkdir()
    (folders.project / ".abathur/templates").symlink_to(tmp_path / "elsewhere")

    with pytest.raises(ProjectNotWritable):
        files(folders)[0].register(template("STORY"), "x", "project")
    with pytest.raises(ArgumentInvalid):
        TemplateFiles(folders.registry(), None, home=folders.home).register(template("STORY"), "x", "project")

    assert os.listdir(tmp_path / "elsewhere") == []


# What a project's file may not say


LOOP = """name = "FASTER"
kind = "loop"
prompt = "Make {{ what }} faster."

[parameters.what]
required = true

[parameters.measure]
"""
NESTS = """name = "FASTER"
prompt = "Make {{ what }} faster."

[parameters.what]
required = true

[parameters.measure]

[[nested]]
name = "loop"
template = "OPTIMIZE"

[nested.parameters]
subject = "{{ what }}"
metric = "seconds"
target = 1
direction = "minimize"
"""


@pytest.mark.parametrize(
    ("text", "line"),
    [
        (LOOP + 'default = "rm -rf /"\n', 9),
        (NESTS + 'measure = "rm -rf /"\n', 18),
        (NESTS + 'measure = "{{ what }}"\n', 18),
        (NESTS + 'measure = "{{ measure }} --fast"\n', 18),
        (NESTS + 'measure = "{{ measure }}"\nsuccess_criteria = ["$ rm -rf /"]\n', 19),
    ],
)
def test_a_projects_file_chooses_no_command(folders: Folders, text: str, line: int) -> None:
    # given
    path = folders.in_project("faster.toml", text)

    # when
    registry = folders.registry()

    # then
    with pytest.raises(TemplateInvalid) as caught:
        registry.template("FASTER")
    assert [detail.line for detail in caught.value.details] == [line]
    (notice,) = registry.notices
    assert notice.text.startswith(f"{path}:{line}: ")
    assert "command" in notice.text


def test_a_command_of_the_users_own_is_handed_on(folders: Folders) -> None:
    folders.in_project("faster.toml", NESTS + 'measure = "{{ measure }}"\n')
    folders.in_project("loop.toml", LOOP.replace("FASTER", "LOOP"))
    folders.in_home("mine.toml", NESTS.replace("FASTER", "MINE") + 'measure = "python bench.py"\n')

    registry = folders.registry()

    assert registry.notices == ()
    assert {"FASTER", "LOOP", "MINE"} <= set(registry.template_names())


def test_no_file_puts_a_command_together_with_values(folders: Folders) -> None:
    folders.in_home("mine.toml", NESTS + 'measure = "python bench.py {{ what }}"\n')

    (notice,) = folders.registry().notices

    assert ":18: `measure` is a command: it is handed on whole, as {{ measure }}; it cannot be used" in notice.text


# Checking


def test_all_that_is_named_outside_is_checked_at_its_line(folders: Folders) -> None:
    text = """name = "A"
agent = "testre"
prompt = "Do {{ x }}."

[parameters.x]

[[nested]]
name = "one"
template = "CODEE"

[[nested]]
name = "two"
template = "TEST@9.0.0"

[[nested]]
name = "three"
template = "TEST"
parameters = { target = "{{ x }}", coverage_target = "high", test_type = "{{ x }}" }

[[nested]]
name = "four"
template = "A"

[[nested]]
name = "five"
template = "OPTIMIZE"
parameters = { subject = "{{ x }} now", priority = 11, nobody = 1, agent = "{{ x }}" }
"""

    found = mistakes(folders, text)

    assert found[2] == "there is no agent testre"
    assert found[9] == "unknown template CODEE"
    assert found[13] == "there is no version 9.0.0 of TEST"
    assert set(found) == {2, 9, 13, 18, 22, 27}
    assert "circle: A → A" in found[22]


def test_values_that_only_the_user_knows_are_no_mistakes(folders: Folders) -> None:
    text = """name = "A"
prompt = "Do {{ x }}."

[parameters.x]

[[nested]]
name = "one"
template = "AGENT"
parameters = { role = "{{ x }}", autonomy_level = "{{ x }}", capabilities = "{{ x }}", scope = ["{{ x }}"], timeout = "{{ x }}" }
"""

    (line,) = mistakes(folders, text)
    assert line == 9  # `scope` is no array

    assert files(folders)[0].check(text.replace('["{{ x }}"]', '"of {{ x }}"'), "x.toml").name == "A"


@pytest.mark.parametrize(
    ("text", "line", "words"),
    [
        ('{"name": "A",\n "prompt": "x"\n "agent": "x"}', 3, "this is no valid JSON: expecting ',' delimiter"),
        ('{"name": "A",\n "agnet": "x",\n "prompt": "x"}', 2, "unknown key agnet"),
        ('{"name": "A", "prompt": "x",\n "parameters": {\n  "x": {\n   "type": "text"}}}', 4, "it must be string, number"),
        ('{"name": "A", "prompt": "x",\n "nested": [\n  {"name": "n", "template": "TEST"},\n  {"name": "m", "template": "T S"}]}', 4, "template"),
        ('{"name": "A", "name": "B", "prompt": "x"}', None, "the key 'name' stands twice"),
        ('{"name": "A", "prompt": "x", "success_threshold": NaN}', None, "NaN is no number"),
        ('{"name": "A", "prompt": "x", "parameters": {"x": {"type": "array", "default": [1, null]}}}', None, "TOML, in which"),
        ('{"name": "A", "prompt": "\\ud800"}', 1, "it must be a text"),
        ("{" + '"a":{' * 100_000, None, "nested too deeply"),
        ("", None, "it must be given"),
    ],
)
def test_a_mistake_in_json_is_said_with_its_line(folders: Folders, text: str, line: int | None, words: str) -> None:
    found = mistakes(folders, text, "x.txt")

    assert line in found
    assert words in found[line]


def test_a_mistake_in_json_on_one_line_is_underlined_where_it_is(folders: Folders) -> None:
    with pytest.raises(TemplateInvalid) as caught:
        files(folders)[0].check('{"name": "A", "agnet": "x", "prompt": "x"}', "-")

    (detail,) = caught.value.details
    assert (detail.line, detail.column, detail.length) == (1, 15, 7)


def test_all_files_are_checked_together(folders: Folders) -> None:
    store, _ = files(folders)
    good = folders.in_project("good.toml", template("GOOD"))
    registry = folders.registry()
    store = TemplateFiles(registry, folders.project, home=folders.home, environ={})
    assert [one.file for one in store.check_files([])] == [str(good)]

    bad = folders.in_home("bad.toml", template("BAD", more='agent = "nobody-at-all"\n'))
    worse = write(folders.project / "elsewhere.toml", LOOP + 'default = "make bench"\nx = 1\n')
    registry.reload()

    with pytest.raises(TemplateInvalid) as caught:
        store.check_files([])
    assert [(detail.file, detail.line) for detail in caught.value.details] == [(str(bad), 4)]
    with pytest.raises(TemplateInvalid, match="3 template files have mistakes") as caught:
        store.check_files([bad, worse, good, folders.project / "none.toml"])
    assert [(detail.file, detail.line) for detail in caught.value.details] == [
        (str(bad), 4),
        (str(worse), 10),
        (str(folders.project / "none.toml"), None),
    ]


def test_where_a_file_lies_says_whose_rules_hold(folders: Folders) -> None:
    text = LOOP + 'default = "make bench"\n'
    mine, projects = write(folders.project / "mine.toml", text), folders.in_project("its.toml", text)
    store, _ = files(folders)

    assert [one.name for one in store.check_files([mine])] == ["FASTER"]
    with pytest.raises(TemplateInvalid):
        store.check_files([projects])


# Comparing


def test_versions_and_layers_are_compared(folders: Folders) -> None:
    folders.in_project("a.toml", template("A", "1.1.0", prompt="new"))
    folders.in_home("a.toml", template("A", "1.0.0", prompt="old"))
    registry = folders.registry()
    expected = (
        "--- user:A@1.0.0",
        "+++ project:A@1.1.0",
        "@@ -1,3 +1,3 @@",
        ' name = "A"',
        '-version = "1.0.0"',
        '-prompt = "old"',
        '+version = "1.1.0"',
        '+prompt = "new"',
    )

    assert difference(registry, "A").lines == expected
    assert difference(registry, "A@1.0.0", "A@1.1.0").lines == expected
    assert difference(registry, "user:A", "project:A").lines == expected
    assert difference(registry, "A", "A").lines == ()


@pytest.mark.parametrize(
    ("names", "kind", "hint"),
    [
        (("CODE",), NotFound, "Name two templates."),
        (("CODEE",), NotFound, "Did you mean CODE?"),
        (("CODE@2.0.0",), NotFound, "There is builtin:CODE@1.0.0."),
        (("mine:CODE",), ArgumentInvalid, "Write project:NAME, user:NAME, builtin:NAME or just NAME."),
        (("user:CODE", "CODE"), NotFound, "There is builtin:CODE@1.0.0."),
    ],
)
def test_what_cannot_be_compared_is_said(folders: Folders, names: tuple[str, ...], kind: type[AbathurError], hint: str) -> None:
    with pytest.raises(kind) as caught:
        difference(folders.registry(), *names)

    assert caught.value.advice == hint


# Removing


def test_the_highest_of_the_users_and_the_projects_files_is_removed(folders: Folders) -> None:
    paths = [folders.in_project("a.toml", template("A")), folders.in_home("a.toml", template("A"))]
    store, registry = files(folders)

    for path in paths:
        assert path.exists()
        assert store.remove("A").file == str(path)
        assert not path.exists()

    assert registry.template("A") is None
    with pytest.raises(NotFound):
        store.remove("A")


def test_a_layer_or_a_version_says_which_one(folders: Folders) -> None:
    folders.in_project("a.toml", template("A"))
    for version in ("1.0.0", "1.1.0"):
        folders.in_home(f"a-{version}.toml", template("A", version))
    store, registry = files(folders)

    with pytest.raises(ArgumentInvalid) as caught:
        store.remove("user:A")
    assert caught.value.advice == "Name one: user:A@1.1.0, user:A@1.0.0."
    store.remove("user:A@1.0.0")

    assert [(one.origin, one.version) for one in registry.every("A")] == [("project", "1.0.0"), ("user", "1.1.0")]


def test_what_ships_and_what_lies_elsewhere_is_not_removed(folders: Folders) -> None:
    path = write(folders.project / "team/a.toml", template("A"))
    registry = folders.registry("team")
    store = TemplateFiles(registry, folders.project, home=folders.home, environ={})

    for name, reason in {"CODE": "ships with Abathur", "A": "a folder that the configuration adds"}.items():
        with pytest.raises(TemplateFixed, match=reason):
            store.remove(name)

    assert path.exists()
    assert registry.template("CODE") is not None


def test_settings_are_read_from_the_environment_too(folders: Folders, monkeypatch: pytest.MonkeyPatch) -> None:
    from abathur_tui.settings import load

    environ: Mapping[str, str] = {"ABATHUR_TEMPLATES__FOLDERS": '["team"]'}
    write(folders.project / "team/a.toml", template("A"))

    registry = FileRegistry(folders.project, load(folders.project, environ=environ).settings, home=folders.home, environ=environ)

    assert registry.template("A") is not None
