"""Who takes a role."""

from dataclasses import replace

import pytest

from abathur_tui.language.roles import made_agent
from abathur_tui.library.agent_file import agent_from_markdown
from tests.language.planned import node, only_mistake, planned
from tests.language.registry import ASK, SmallRegistry, template

ROLE = replace(template("ROLE"), agent="{{ about }}")
REGISTRY = SmallRegistry(ROLE)


def agent(arguments: str) -> str | None:
    """Who does it."""
    return planned(f"ABYSSAL[ROLE]({arguments})", REGISTRY).nodes[0].agent


@pytest.mark.parametrize(
    ("role", "who"),
    [
        ("tester", "tester"),
        ("Code Generator", "code-generator"),
        ("code_generator", "code-generator"),
        ("A senior tester of Go code", "tester"),
        ("tester and code generator", "code-generator"),
        ("Security auditor", "security-auditor"),
        ("testers", "testers"),
        ("Prüfer", "prüfer"),
        ("?!", "generalist"),
        ("generalist", "generalist"),
    ],
)
def test_the_definition_that_fits_takes_the_role_else_one_is_made(role: str, who: str) -> None:
    assert agent(f'"{role}"') == who


def test_who_is_named_does_it_whatever_the_role() -> None:
    assert agent('"tester", agent="worker"') == "worker"
    assert only_mistake('ABYSSAL[ROLE]("tester", agent="workre")', REGISTRY).suggestion == "did you mean worker?"


def test_a_role_that_is_a_result_is_the_generalists() -> None:
    made = planned('r = ABYSSAL[ASK]("who?")\nABYSSAL[ROLE](r)', REGISTRY)

    assert node(made, "ROLE ASK who?").agent == "generalist"


def test_a_made_definition_is_a_file_that_can_be_read() -> None:
    text = made_agent("x", ROLE, {"about": 'Auditor: "of"\n---\ntools: "*"\n\x1b[31m{role}'})

    assert text is not None
    read = agent_from_markdown(text, "made")
    assert (read.name, read.tools) == ("x", ("read_file", "list_folder", "grep"))
    assert 'Auditor: "of" --- tools: "*"' in read.prompt
    assert "\x1b" not in text
    assert made_agent("x", ROLE, {"about": None}) is None
    assert made_agent("x", ASK, {"about": "tester"}) is None
