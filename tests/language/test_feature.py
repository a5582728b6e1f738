"""FEATURE: a specification, tests, code in a loop until those tests pass, then its documentation and its review."""

from pathlib import Path

import pytest

from abathur_tui.domain.criteria import AllOf, JudgeCriterion, PassingTestsCriterion, ThresholdCriterion
from abathur_tui.domain.errors import NotYet, SourceRefused
from abathur_tui.domain.plan import JoinStrategy, Kind, Plan
from abathur_tui.language import PlanContext, plan
from abathur_tui.library import FileRegistry
from tests.language.planned import only_mistake

REGISTRY = FileRegistry(None, home=Path("/nonexistent"))


def planned(text: str) -> Plan:
    return plan(text, REGISTRY, PlanContext(environ={}))


def test_its_steps_follow_each_other_and_the_code_is_a_loop_without_tests_of_its_own() -> None:
    made = planned('ABYSSAL[FEATURE]("slugs", test_command="pytest -q", max_iterations=3)')

    root = made.nodes[0]
    steps = [node for node in made.nodes if node.parent == root.id]
    needs = {node.template: {made.nodes[int(edge.needs[1:]) - 1].template for edge in made.edges if edge.node == node.id} for node in steps}
    assert root.join is not None
    assert root.join.strategy is JoinStrategy.CONCATENATE
    assert needs == {"SPEC": set(), "TEST": {"SPEC"}, "CODE": {"SPEC", "TEST"}, "DOCUMENT": {"CODE"}, "REVIEW": {"CODE", "REVIEWER"}}
    code = next(node for node in steps if node.template == "CODE")
    assert (code.kind, code.loop and code.loop.criterion, code.loop and code.loop.max_iterations) == (
        Kind.LOOP,
        PassingTestsCriterion("pytest -q"),
        3,
    )
    assert [node.template for node in made.nodes].count("TEST") == 1


def test_what_it_does_not_declare_reaches_all_of_its_members() -> None:
    made = planned('ABYSSAL[FEATURE]("slugs", house_rules="no recursion")')

    assert {node.parameters.get("house_rules") for node in made.nodes if node.template and "REVIEWER" not in node.template} == {"no recursion"}


def test_without_a_command_a_judge_scores_the_code() -> None:
    code = next(node for node in planned('ABYSSAL[FEATURE]("slugs")').nodes if node.template == "CODE")

    assert code.loop is not None
    assert isinstance(code.loop.criterion, JudgeCriterion)
    assert code.loop.max_iterations == 5


def test_the_command_is_typed(tmp_path: Path) -> None:
    (tmp_path / "command").write_text("rm -rf /")

    with pytest.raises(SourceRefused):
        plan('ABYSSAL[FEATURE]("slugs", test_command=file("command"))', REGISTRY, PlanContext(tmp_path, {}))


def test_any_command_is_a_loop_by_its_tests_beside_what_else_it_must_reach() -> None:
    def criterion(more: str) -> object:
        loop = planned(f'ABYSSAL[SPEC]("x", test_command=" make test "{more})').nodes[0].loop
        return loop and loop.criterion

    tests = PassingTestsCriterion("make test")
    assert criterion("") == tests
    judged = criterion(', criterion="llm_judge"')
    assert isinstance(judged, AllOf)
    assert judged.criteria[0] == tests
    measured = criterion(', measure="./bench", metric="ms", target=3, direction="minimize"')
    assert isinstance(measured, AllOf)
    assert isinstance(measured.criteria[1], ThresholdCriterion)


def test_a_template_that_will_ship_is_not_called_unknown() -> None:
    detail = only_mistake('ABYSSAL[UPGRADE]("use the new client")')

    assert detail.code == NotYet.code
    assert "needs a checkout of each" in detail.message
    assert detail.suggestion


def test_resources_are_a_text_or_a_list() -> None:
    assert planned('ABYSSAL[ROADMAP]("x", resources="one developer")').nodes[0].parameters["resources"] == "one developer"
    assert planned('ABYSSAL[ROADMAP]("x", resources=["Ann", "a server"])').nodes[0].parameters["resources"] == ["Ann", "a server"]
    detail = only_mistake('ABYSSAL[ROADMAP]("x", resources=3)', REGISTRY)
    assert (detail.message, detail.suggestion) == ("`resources` takes a text or an array, not a number", 'in quotes: "3"')
