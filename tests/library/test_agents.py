"""Agent definitions from the project, the user and the package."""

import os
from pathlib import Path

import pytest

from abathur_tui.library import FileRegistry

SHIPPED = (
    "architect",
    "code-generator",
    "deployer",
    "documenter",
    "generalist",
    "judge",
    "optimizer",
    "orchestrator",
    "researcher",
    "reviewer",
    "tester",
)


@pytest.fixture
def home(tmp_path: Path) -> Path:
    return tmp_path / "home"


@pytest.fixture
def project(tmp_path: Path) -> Path:
    return tmp_path / "project"


def define(folder: Path, file: str, text: str) -> Path:
    path = folder / ".claude/agents" / file
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(text, encoding="utf-8")
    return path


def definition(name: str, more: str = "", prompt: str = "Do it.") -> str:
    return f"---\nname: {name}\ndescription: Does it.\n{more}---\n{prompt}\n"


def test_the_shipped_agents_are_all_there_and_well_described(home: Path) -> None:
    registry = FileRegistry(None, home=home)

    assert registry.agent_names() == SHIPPED
    for name in SHIPPED:
        agent = registry.agent(name)
        assert agent is not None
        assert agent.description
        assert agent.prompt
        assert agent.origin == "builtin"
        assert set(agent.tools or ()) <= {"read_file", "list_folder", "grep"} | ({"spawn_agent"} if name == "orchestrator" else set())
    assert registry.notices == ()


def test_the_projects_definition_wins_over_the_users_and_that_over_the_shipped(home: Path, project: Path) -> None:
    define(home, "one.md", definition("tester", prompt="The user's."))
    define(home, "two.md", definition("reviewer", prompt="The user's."))
    define(project, "deep/er/one.md", definition("Tester", prompt="The project's."))

    registry = FileRegistry(project, home=home)

    assert [agent.origin if (agent := registry.agent(name)) else None for name in ("tester", "reviewer", "judge")] == ["project", "user", "builtin"]
    assert registry.agent("tester") == registry.agent("TESTER")


def test_underscores_and_hyphens_are_the_same(home: Path) -> None:
    registry = FileRegistry(None, home=home)

    assert registry.agent("code_generator") == registry.agent("code-generator") is not None
    assert registry.agent("nobody") is None


@pytest.mark.parametrize(
    ("lines", "tools"),
    [
        ("", None),
        ("tools:\n", None),
        ("tools: '*'\n", None),
        ("tools: Read, Grep, Glob, LS\n", ("read_file", "grep", "list_folder")),
        ("tools: [Read, Bash]\n", ("read_file", "Bash")),
        ("tools:\n  - Read\n  - mcp__srv__look\n", ("read_file", "mcp__srv__look")),
        ("tools: Agent(worker, tester), Read(src/**), Grep\n", ("grep",)),
        ("tools: []\n", ()),
        ("disallowedTools: Grep\n", ("read_file", "list_folder", "spawn_agent")),
        ("tools: Read, Task\n", ("read_file", "spawn_agent")),
        ("tools: Read, Grep\ndisallowedTools: Read(.env)\n", ("grep",)),
    ],
)
def test_tools_are_those_that_the_file_allows_by_our_names(home: Path, lines: str, tools: tuple[str, ...] | None) -> None:
    define(home, "a.md", definition("a", lines))

    agent = FileRegistry(None, home=home).agent("a")

    assert agent is not None
    assert agent.tools == tools


def test_the_model_is_kept_and_inherit_means_none(home: Path) -> None:
    define(home, "a.md", definition("a", "model: opus\n"))
    define(home, "b.md", definition("b", "model: inherit\n"))

    registry = FileRegistry(None, home=home)

    assert [agent.model if (agent := registry.agent(name)) else "?" for name in "ab"] == ["opus", None]


def test_a_bad_file_is_left_out_with_a_notice_and_the_rest_is_there(home: Path, project: Path) -> None:
    # given
    secret = project.parent / "secret.md"
    secret.write_text(definition("spy"))
    good = define(project, "good.md", definition("good"))
    define(project, "no-front.md", "# Just a text")
    define(project, "no-name.md", "---\ndescription: x\n---\nDo it.")
    define(project, "no-text.md", "---\nname: x\ndescription: x\n---\n")
    define(project, "open.md", '---\nname: "x\n---\nDo it.')
    (good.parent / "bytes.md").write_bytes(b"---\nname: \xff\n")
    (good.parent / "link.md").symlink_to(secret)
    os.mkfifo(good.parent / "pipe.md")

    # when
    registry = FileRegistry(project, home=home)

    # then
    assert set(registry.agent_names()) - set(SHIPPED) == {"good"}
    assert [notice.text.removeprefix(f"{good.parent}/").partition(": left out as an agent: ")[::2] for notice in registry.notices] == [
        ("bytes.md", "it is no UTF-8 text (byte 10)."),
        ("link.md", "a link leads out of the project."),
        ("no-front.md:1", "it does not begin with a line `---` and front matter."),
        ("no-name.md", "its front matter has no name."),
        ("no-text.md", "there is no prompt under its front matter."),
        ("open.md:2", 'the quote " is never closed.'),
        ("pipe.md", "it is no regular file."),
    ]


def test_the_users_links_may_lead_anywhere(home: Path, tmp_path: Path) -> None:
    elsewhere = tmp_path / "dotfiles.md"
    elsewhere.write_text(definition("mine"))
    folder = home / ".claude/agents"
    folder.mkdir(parents=True)
    (folder / "mine.md").symlink_to(elsewhere)

    assert FileRegistry(None, home=home).agent("mine") is not None
