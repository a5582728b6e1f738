"""A file of the project that is broken is told where it could be meant, with its line, while everything else goes on."""

import pytest

from tests.cli.program import Program


@pytest.fixture
def broken(project: Program) -> Program:
    folder = project.folder / ".abathur/templates"
    folder.mkdir(parents=True, exist_ok=True)
    (folder / "bad.toml").write_text('name = "BAD"\nprompt = "x"\nretrys = 3\n')
    agents = project.folder / ".claude/agents"
    agents.mkdir(parents=True)
    (agents / "odd.md").write_text("---\nname: [\n---\nHello\n")
    return project


@pytest.mark.parametrize(
    "words",
    [
        ("plan", 'ABYSSAL[RESEARCH]("x")'),
        ("run", 'ABYSSAL[RESEARCH]("x")'),
        ("task", "submit", 'ABYSSAL[RESEARCH]("x")'),
        ("task", "submit", "--template", "RESEARCH", "--param", "question=x"),
        ("task", "submit", "x", "--agent", "tester"),
        ("loop", "start", "x", "--agent", "tester", "--criterion", "test_pass: true"),
    ],
)
def test_it_is_told_with_file_and_line(broken: Program, words: tuple[str, ...]) -> None:
    done = broken.inside(*words)

    assert done.code == 0
    assert "bad.toml:3: unknown key retrys" in done.err
    assert "odd.md" in done.err
    assert broken.inside(*words, "--quiet").err == ""


def test_nobody_is_told_who_needs_none_of_them(broken: Program) -> None:
    assert "bad.toml" not in broken.inside("task", "submit", "a plain prompt").err


def test_with_json_an_error_stands_alone(broken: Program) -> None:
    done = broken.inside("plan", 'ABYSSAL[BAD]("x")', "--json")

    assert done.code == 2
    assert done.error["code"] == "ABTH-ERR-064"
    assert done.err.count("\n") == 1
