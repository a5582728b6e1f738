"""What ships: templates that ask for useful work in few words, and agents that they can rely on."""

import re
import time
from pathlib import Path

import pytest

from abathur_tui.domain.data import JsonObject
from abathur_tui.domain.templates import Nesting, Template, TemplateKind
from abathur_tui.language.roles import made_agent
from abathur_tui.library import FileRegistry
from abathur_tui.library.agent_file import agent_from_markdown
from abathur_tui.library.prompts import render
from abathur_tui.library.references import reference_mistakes
from abathur_tui.settings.toml import Source, read

REGISTRY = FileRegistry(None, home=Path("/nonexistent"))
TEMPLATES = REGISTRY.templates()
DECLARED = {
    "AGENT": "role specialization autonomy_level collaboration_mode scope framework compliance depth capabilities",
    "ARCHITECTURE": "system components constraints",
    "CODE": "component language framework style complexity",
    "DEPLOY": "service platform environment",
    "DOCUMENT": "subject audience format",
    "FEATURE": "feature test_command language framework",
    "OPTIMIZE": "subject metric target measure direction",
    "JUDGE": "work criteria",
    "RESEARCH": "question depth sources",
    "REVIEW": "target focus severity",
    "REVIEWER": "target aspect looks_for",
    "ROADMAP": "topic language complexity depth timeline resources",
    "SPEC": "feature audience constraints",
    "TEST": "target test_types coverage_target performance_requirements",
}
MOST_TOKENS = 350
"""The embedded model reads 360 tokens a second, and has few."""
CHARACTERS_PER_TOKEN = 3.9
"""Measured with the embedded model's own count on these prompts; English prose."""


def example_values(template: Template) -> JsonObject:
    """A value for each parameter, as the language hands them over."""
    by_kind: dict[str, object] = {
        "string": "some words",
        "number": 3,
        "boolean": True,
        "array": ["one", "two"],
        "object": {"a": "b"},
        "string or array": "some words",
    }
    return {one.name: one.choices[0] if one.choices else by_kind[one.kind] for one in template.parameters}  # type: ignore[misc]


def system_prompt(template: Template) -> str:
    subject = template.parameters[0].name
    made = made_agent("made", template, {subject: "a habit tracker for two"})
    agent = agent_from_markdown(made, "made") if made else REGISTRY.agent(template.agent)
    assert agent is not None
    return agent.prompt


@pytest.mark.parametrize(("name", "declared"), DECLARED.items())
def test_a_template_declares_what_people_write_the_subject_first(name: str, declared: str) -> None:
    template = REGISTRY.template(name)
    assert template is not None

    names = [one.name for one in template.parameters]

    assert names[0] == declared.split()[0]
    assert set(declared.split()) <= set(names)
    assert [one.name for one in template.parameters if one.required] == [names[0]]
    assert template.extra
    assert template.version == "1.0.0"
    assert template.description
    assert template.operation
    assert all(one.description for one in template.parameters)


def test_no_template_is_missing_or_untested() -> None:
    assert REGISTRY.template_names() == tuple(sorted(DECLARED))


@pytest.mark.parametrize("template", TEMPLATES, ids=lambda template: template.name)
def test_a_prompt_with_its_system_prompt_is_short(template: Template) -> None:
    values: JsonObject = dict.fromkeys(one.name for one in template.parameters)
    prompt = render(template.prompt, values | {template.parameters[0].name: "a habit tracker for two"})

    assert len(system_prompt(template) + prompt) / CHARACTERS_PER_TOKEN < MOST_TOKENS


@pytest.mark.parametrize("template", TEMPLATES, ids=lambda template: template.name)
def test_every_given_value_reaches_the_prompt_or_changes_it(template: Template) -> None:
    values = example_values(template)
    whole = render(template.prompt, values)

    for name in values:
        assert render(template.prompt, {**values, name: None}) != whole, name


@pytest.mark.parametrize("template", TEMPLATES, ids=lambda template: template.name)
def test_a_prompt_leaves_no_gaps_whatever_is_left_out(template: Template) -> None:
    values = example_values(template)
    subject = template.parameters[0].name

    for given in ({}, values, *({name: value} for name, value in values.items())):
        prompt = render(template.prompt, dict.fromkeys(values) | {subject: "x"} | given)

        assert not re.search(r"\n{3,}|  |None| [.,:]|\{|%\}", prompt), prompt


def test_texts_name_no_tool_that_is_not_there() -> None:
    texts = [one.prompt for one in TEMPLATES] + [agent.prompt for name in REGISTRY.agent_names() if (agent := REGISTRY.agent(name))]

    named = {word for text in texts for word in re.findall(r"\b[a-z]+_[a-z_]+\b", re.sub(r"\{[{%].*?[%}]\}", "", text))}

    assert named | {"grep"} == {"read_file", "list_folder", "grep"}


def test_agents_without_tools_are_told_what_to_do() -> None:
    for name in REGISTRY.agent_names():
        agent = REGISTRY.agent(name)
        assert agent is not None
        assert name == "judge" or "Without tools, say what you assume." in agent.prompt


def test_code_is_followed_by_its_tests() -> None:
    code = REGISTRY.template("CODE")
    assert code is not None

    (tests,) = code.nested

    assert code.nesting is Nesting.PARTS
    assert (tests.template, tests.depends_on) == ("TEST", ("CODE",))
    assert tests.parameters["target"] == "{{ component }}"


def test_a_review_is_made_of_five_others_each_with_all_that_was_given() -> None:
    review, reviewer = REGISTRY.template("REVIEW"), REGISTRY.template("REVIEWER")
    assert review is not None
    assert reviewer is not None

    assert [one.name for one in review.nested] == ["security", "performance", "tests", "docs", "architecture"]
    for one in review.nested:
        assert (one.template, one.depends_on) == ("REVIEWER", ())
        assert {name: value for name, value in one.parameters.items() if str(value).startswith("{{")} == {
            parameter.name: f"{{{{ {parameter.name} }}}}" for parameter in review.parameters
        }
        assert set(one.parameters) == {parameter.name for parameter in reviewer.parameters}


@pytest.mark.parametrize("template", TEMPLATES, ids=lambda template: template.name)
def test_what_a_template_names_is_there_and_fits(template: Template) -> None:
    source = read(template.text, template.file)
    assert isinstance(source, Source)

    assert reference_mistakes(template, source, REGISTRY) == []


def test_optimize_is_a_loop() -> None:
    optimize = REGISTRY.template("OPTIMIZE")
    assert optimize is not None
    assert optimize.kind is TemplateKind.LOOP


def test_reading_all_of_it_takes_no_time_to_speak_of() -> None:
    def seconds() -> float:
        started = time.process_time()
        FileRegistry(None).templates()
        return time.process_time() - started

    assert min(seconds() for _ in range(5)) < 0.06
