"""The language with the templates and agents that ship."""

import time
from pathlib import Path

import pytest

from abathur_tui.domain.criteria import JudgeCriterion
from abathur_tui.domain.plan import Kind
from abathur_tui.domain.templates import MADE, Template, TemplateKind
from abathur_tui.language import PlanContext, made_agents, plan
from abathur_tui.library import FileRegistry
from tests.language.planned import is_tree, names, needs, planned

REGISTRY = FileRegistry(None, home=Path("/nonexistent"))


@pytest.mark.parametrize("template", REGISTRY.templates(), ids=lambda template: template.name)
def test_every_template_that_ships_can_be_planned_with_its_subject_alone(template: Template) -> None:
    loop = ', metric="ms", target=5, measure="./m", direction="minimize"' if template.kind is TemplateKind.LOOP else ""

    made = planned(f'ABYSSAL[{template.name}]("a habit tracker for two people"{loop})', REGISTRY)

    assert is_tree(made)
    agents = made_agents(made, REGISTRY)
    assert all(node.agent is None or REGISTRY.agent(node.agent) or f"{MADE}{node.agent}" in agents for node in made.nodes)
    assert all(node.kind is Kind.JOIN or "habit tracker" in node.name for node in made.nodes)


def test_code_comes_with_its_tests() -> None:
    made = planned('ABYSSAL[CODE]("API gateway", language="go")', REGISTRY)

    assert names(made) == ["JOIN CODE API gateway", "CODE API gateway", "TEST API gateway"]
    assert needs(made, "TEST API gateway") == ["CODE API gateway"]


def test_optimize_without_a_metric_goes_by_a_judges_score() -> None:
    (node,) = planned('ABYSSAL[OPTIMIZE]("parser")', REGISTRY).nodes

    assert node.loop is not None
    assert isinstance(node.loop.criterion, JudgeCriterion)
    assert node.loop.criterion.target == 0.9


def test_ten_thousand_tasks_are_planned_in_seconds_and_linear_time() -> None:
    def seconds(count: int) -> float:
        text = "\n".join(f'ABYSSAL[RESEARCH]("question {number}", sources=["a", "b"])' for number in range(count))
        started = time.process_time()
        assert len(plan(text, REGISTRY, PlanContext(environ={})).nodes) == count + 1
        return time.process_time() - started

    seconds(100)
    assert seconds(9_999) < 20 * seconds(1_000) + 0.5
