"""`docs/templates.md` says what ships: every parameter, every agent, and examples that can be planned."""

import re
from pathlib import Path

import pytest

from abathur_tui.domain.templates import MADE, Parameter, Template
from abathur_tui.language import PlanContext, made_agents, plan, role_parameter
from abathur_tui.library import FileRegistry
from abathur_tui.library.intake import source_of
from abathur_tui.library.prompt_language import FILTERS
from abathur_tui.library.references import reference_mistakes
from abathur_tui.library.template_file import COMMON_PARAMETERS, GIVEN, template_from_source
from abathur_tui.library.template_table import NestedTable, ParameterTable, TemplateTable
from abathur_tui.settings.toml import Source

PAGE = (Path(__file__).parents[2] / "docs" / "templates.md").read_text(encoding="utf-8")
REGISTRY = FileRegistry(None, home=Path("/nonexistent"))
FENCED = re.findall(r"^```(\w*)\n(.*?)^```$", PAGE, re.MULTILINE | re.DOTALL)
EXAMPLES = [text for language, text in FENCED if not language]
WRITTEN = [text for language, text in FENCED if language in ("toml", "json")]


@pytest.fixture(scope="module")
def registry(tmp_path_factory: pytest.TempPathFactory) -> FileRegistry:
    """All that ships, and all that the page writes as TOML in a project."""
    project = tmp_path_factory.mktemp("project")
    folder = project / ".abathur/templates"
    folder.mkdir(parents=True)
    for number, text in enumerate(text for language, text in FENCED if language == "toml"):
        (folder / f"{number}.toml").write_text(text, encoding="utf-8")
    registry = FileRegistry(project, home=Path("/nonexistent"), environ={})
    assert registry.notices == ()
    return registry


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
    who = "who fits the `role`" if role_parameter(template) else f"`{template.agent}`"
    assert f"Done by {who}." in text
    assert f"ABYSSAL[{template.name}](" in text


@pytest.mark.parametrize("example", EXAMPLES)
def test_an_example_can_be_planned(example: str, registry: FileRegistry) -> None:
    planned = plan(example, registry, PlanContext())

    assert planned.nodes
    made = {name.removeprefix(MADE) for name in made_agents(planned, registry)}
    assert {node.agent for node in planned.nodes if node.agent} <= {*registry.agent_names(), *made}


def test_there_is_an_example_for_each_template_and_one_for_all_together(registry: FileRegistry) -> None:
    assert len(EXAMPLES) == len(registry.templates()) + 1


@pytest.mark.parametrize("text", WRITTEN, ids=lambda text: re.search('"([A-Z_]+)"', text)[1])  # type: ignore[index]
def test_a_template_of_the_page_may_stand_in_a_project_as_it_is(text: str, registry: FileRegistry) -> None:
    source = source_of(text, "docs/templates.md")
    assert isinstance(source, Source)

    template = template_from_source(source, "project")

    assert reference_mistakes(template, source, registry) == []


@pytest.mark.parametrize(
    ("heading", "fields"),
    [
        ("What stands in the file", (*TemplateTable.model_fields,)),
        ("Parameters", (*ParameterTable.model_fields, *COMMON_PARAMETERS, *GIVEN)),
        ("Templates inside a template", (*NestedTable.model_fields,)),
    ],
)
def test_every_field_of_a_template_file_is_explained(heading: str, fields: tuple[str, ...]) -> None:
    text = section(heading)

    for name in fields:
        assert re.search(rf"`\[*{name}[].`]", text), name


def test_every_filter_is_named() -> None:
    named = re.search(r"with (`capitalize`.*)\.\n", PAGE)

    assert named is not None
    assert set(re.findall(r"`(\w+)`", named[1])) == FILTERS


def test_every_agent_is_listed() -> None:
    rows = re.findall(r"^\| `([a-z-]+)` \| (.*) \|$", PAGE.partition("| agent | for |")[2], re.MULTILINE)

    assert rows == [(name, agent.description) for name in REGISTRY.agent_names() if (agent := REGISTRY.agent(name))]
