"""`docs/templates.md` says what ships: every parameter, every agent, and examples that can be planned."""

import re
from pathlib import Path

import pytest

from abathur_tui.domain.templates import Parameter, Template
from abathur_tui.language import PlanContext, plan
from abathur_tui.library import FileRegistry
from abathur_tui.library.template_table import NOT_YET, TemplateTable

PAGE = (Path(__file__).parents[2] / "docs" / "templates.md").read_text(encoding="utf-8")
REGISTRY = FileRegistry(None, home=Path("/nonexistent"))
EXAMPLES = re.findall(r"^```\n(.*?)^```", PAGE, re.MULTILINE | re.DOTALL)


def section(name: str) -> str:
    return PAGE.partition(f"\n### {name}\n")[2].partition("\n##")[0]


def row(one: Parameter) -> str:
    kind = f"enum({', '.join(one.choices)})" if one.choices else str(one.kind)
    suggestions = f"; such as {', '.join(one.suggestions)}" if one.suggestions else ""
    return f"| `{one.name}` | {kind}{', required' if one.required else ''} | {one.description}{suggestions} |"


@pytest.mark.parametrize("template", REGISTRY.templates(), ids=lambda template: template.name)
def test_a_templates_section_lists_its_parameters_agent_and_an_example(template: Template) -> None:
    text = section(template.name)

    assert re.findall(r"^\| `.*", text, re.MULTILINE) == [row(one) for one in template.parameters]
    assert template.description in text
    assert f"Done by `{template.agent}`." in text
    assert f"ABYSSAL[{template.name}](" in text


@pytest.mark.parametrize("example", EXAMPLES)
def test_an_example_can_be_planned(example: str) -> None:
    planned = plan(example, REGISTRY, PlanContext())

    assert planned.nodes
    assert {node.agent for node in planned.nodes if node.agent} <= set(REGISTRY.agent_names())


def test_there_is_an_example_for_each_template_and_one_for_all_together() -> None:
    assert len(EXAMPLES) == len(REGISTRY.templates()) + 1


def test_every_field_of_a_template_file_is_explained() -> None:
    fields = PAGE.partition("## What a template file holds")[2]

    for name in (*TemplateTable.model_fields, *NOT_YET):
        assert re.search(rf"`\[*{name}[].`]", fields), name


def test_every_agent_is_listed() -> None:
    rows = re.findall(r"^\| `([a-z-]+)` \| (.*) \|$", PAGE.partition("| agent | for |")[2], re.MULTILINE)

    assert rows == [(name, agent.description) for name in REGISTRY.agent_names() if (agent := REGISTRY.agent(name))]
