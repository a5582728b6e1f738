"""Templates on the command line: listed, shown, kept, checked, compared, removed."""

import json
from pathlib import Path

import pytest

from tests.cli.program import Program

STORY = 'name = "STORY"\nprompt = "Tell of {{ hero }}."\n\n[parameters.hero]\nrequired = true\n'


def mine(program: Program) -> Path:
    """Where the user's own templates are."""
    return program.home / ".config/abathur/templates"


def test_a_template_that_is_registered_can_be_used_at_once(program: Program) -> None:
    # given
    (program.folder / "story.toml").write_text(STORY)

    # when
    kept = program.inside("template", "register", "story.toml", "--json")

    # then
    file = program.folder / ".abathur/templates/STORY@1.0.0.toml"
    assert kept.data == {"name": "STORY", "version": "1.0.0", "origin": "project", "file": str(file), "new": True}
    assert "Made a project" in kept.err
    assert file.read_text() == STORY
    assert [node["template"] for node in program.json("plan", 'ABYSSAL[STORY@1.0.0]("a snail")')["nodes"]] == ["STORY"]
    shown = program.json("template", "show", "STORY")
    assert (shown["category"], shown["origin"], shown["uses"], shown["success_rate"]) == ("general", "project", 0, None)
    assert program.inside("template", "show", "STORY", "--text").out == STORY
    assert "is there already" in program.inside("template", "register", "story.toml").out


def test_json_from_standard_input_is_kept_for_the_user_without_a_project(program: Program) -> None:
    answer = program.inside("template", "register", "-", "--user", input=json.dumps({"name": "STORY", "prompt": "Tell."}))

    assert (answer.code, answer.err) == (0, "")
    assert (mine(program) / "STORY@1.0.0.toml").read_text() == 'name = "STORY"\nprompt = "Tell."\n'
    assert not (program.folder / ".abathur").exists()
    assert "STORY" in program.inside("template", "list").out


def test_another_text_under_a_version_is_refused_with_the_next_free_one(project: Program) -> None:
    project.inside("template", "register", "-", input=STORY)

    answer = project.inside("template", "register", "-", "--json", input=STORY.replace("Tell", "Sing"))

    assert answer.code == 4
    assert answer.error["code"] == "ABTH-ERR-161"
    assert "1.0.1" in answer.error["hint"]


def test_all_mistakes_are_told_with_file_and_line(project: Program) -> None:
    (project.folder / "story.toml").write_text(STORY.replace("hero }}", "heroe }}") + '\n[[nested]]\nname = "x"\ntemplate = "T T"\n')

    for command in ("validate", "register"):
        answer = project.inside("template", command, "story.toml", "--json")

        assert answer.code == 2
        assert [(one["file"], one["line"]) for one in answer.error["details"]] == [("story.toml", 2), ("story.toml", 9)]

    (project.folder / "story.toml").write_text(
        STORY.replace("hero }}", "heroe }}") + '\n[[nested]]\nname = "x"\ntemplate = "T"\ndepends_on = ["y"]\n'
    )
    told = project.inside("template", "validate", "story.toml").err
    assert "story.toml:2" in told
    assert "did you mean hero?" in told
    assert "story.toml:10" in told


def test_validate_alone_checks_all_files_and_says_which_are_good(project: Program) -> None:
    assert "no template" in project.inside("template", "validate").err
    project.inside("template", "register", "-", input=STORY)
    project.inside("template", "register", "-", "--user", input=STORY)

    assert [one["origin"] for one in project.json("template", "validate")] == ["project", "user"]


def test_a_broken_file_is_told_where_templates_are_listed_and_refused_where_it_is_meant(project: Program) -> None:
    folder = project.folder / ".abathur/templates"
    folder.mkdir()
    (folder / "code.toml").write_text('name = "CODE"\nversion = "2.0.0"\nprompt = 1\n')

    listed, planned = project.inside("template", "list"), project.inside("plan", 'ABYSSAL[CODE]("x")', "--json")

    assert listed.code == 0
    assert f"{folder}/code.toml:3: prompt: it must be a text, not 1" in listed.err
    assert planned.code == 2
    assert planned.error["code"] == "ABTH-ERR-064"
    assert f"{folder}/code.toml:3: prompt: it must be a text, not 1" in planned.error["details"][0]["message"]
    assert project.inside("plan", 'ABYSSAL[CODE@1.0.0]("x")').code == 0


def test_versions_are_compared(project: Program) -> None:
    for version in ("1.0.0", "1.1.0"):
        project.inside("template", "register", "-", input=f'version = "{version}"\n{STORY}')

    assert "-version" in project.inside("template", "diff", "STORY").out
    found = project.json("template", "diff", "STORY@1.1.0", "project:STORY@1.0.0")
    assert (found["left"]["version"], found["right"]["version"]) == ("1.1.0", "1.0.0")
    assert '+version = "1.0.0"' in found["diff"]
    assert project.inside("template", "diff", "CODE").code == 3


@pytest.mark.parametrize(
    ("arguments", "code"),
    [
        (["STORY"], 2),
        (["CODE", "--yes"], 4),
        (["NONE", "--yes"], 3),
        (["user:STORY", "--yes"], 3),
        (["it:STORY", "--yes"], 2),
        (["STORY", "--yes"], 0),
    ],
)
def test_only_what_is_meant_and_wanted_is_removed(project: Program, arguments: list[str], code: int) -> None:
    project.inside("template", "register", "-", input=STORY)

    answer = project.inside("template", "remove", *arguments)

    assert answer.code == code
    assert (project.folder / ".abathur/templates/STORY@1.0.0.toml").exists() is (code != 0)


def test_what_is_queued_goes_on_when_its_template_is_gone_and_its_use_is_counted(project: Program) -> None:
    # given
    project.inside("template", "register", "-", input=STORY)
    task = project.json("task", "submit", "--template", "STORY", "--param", "hero=a snail")["task"]

    # when
    assert project.inside("template", "remove", "STORY", "--yes").code == 0
    project("engine", "start", "--drain")

    # then
    shown = project.json("task", "show", task)
    assert (shown["status"], shown["prompt"]) == ("completed", "Tell of a snail.")
    assert project.inside("template", "show", "STORY").code == 3
    project.inside("template", "register", "-", input=STORY)
    listed = {one["name"]: one for one in project.json("template", "list")}
    assert (listed["STORY"]["uses"], listed["STORY"]["success_rate"]) == (1, 1)
    assert listed["STORY"]["mean_seconds"] > 0
    assert project.json("plan", 'ABYSSAL[STORY]("x")')["estimate"]["measured"] is False


def test_a_plan_shows_what_a_fallback_would_do(program: Program) -> None:
    (program.folder / "story.toml").write_text(STORY.replace("prompt =", 'fallback = "REVIEW"\nprompt ='))
    program.inside("template", "register", "story.toml")

    [node] = program.json("plan", 'ABYSSAL[STORY]("a snail")')["nodes"]
    assert (node["fallback"]["template"], node["fallback"]["nodes"][0]["id"]) == ("REVIEW", "n1.1")
    assert {one["template"] for one in node["fallback"]["nodes"]} == {"REVIEW", "REVIEWER"}
    shown = program.inside("plan", 'ABYSSAL[STORY]("a snail")').out
    assert "n1 STORY a snail  (generalist)  [falls back to REVIEW]" in shown
    assert "└─ n1.1 REVIEW a snail  [only where n1 fails for good]  (reviewer)" in shown
    assert "1 task, up to 1 at once" in shown
    assert "What a fallback would take comes on top" in shown
    few = program.inside("plan", 'ABYSSAL[STORY]("a snail")', "--json", env={"ABATHUR_LANGUAGE__MAX_NODES": "3"})
    assert few.error["code"] == "ABTH-ERR-117", "what a fallback would make counts"
