"""The parameters `success_criteria` and `confidence`: what they take, where they hold, and what may be run."""

from pathlib import Path

import pytest

from abathur_tui.domain import errors
from abathur_tui.domain.data import JsonValue
from abathur_tui.domain.plan import Kind
from abathur_tui.domain.success import Success
from abathur_tui.domain.templates import Nested, Parameter, ParameterKind, TemplateKind
from abathur_tui.language import PlanContext, plan
from tests.language.planned import only_mistake, planned
from tests.language.registry import SmallRegistry, template

TARGET = Parameter("target", ParameterKind.STRING, required=True)


def success(text: str, registry: SmallRegistry | None = None) -> Success | None:
    """Of the first node."""
    return (planned(text) if registry is None else planned(text, registry)).nodes[0].success


def test_a_list_has_thresholds_commands_and_sentences() -> None:
    assert success("""ABYSSAL[TEST]("x", success_criteria=["quality>=0.9", "$ pytest -q", "names its sources", "confidence > 0.7"])""") == Success(
        ("pytest -q",), ("names its sources",), 0.9, 0.7
    )
    assert success('ABYSSAL[TEST]("x", success_criteria="quality")') == Success(quality=0.8)
    assert success('ABYSSAL[TEST]("x", confidence=true)') == Success(confidence=0.8)
    assert success('ABYSSAL[TEST]("x", confidence=0.5, success_criteria="Quality >= 0.1")') == Success(quality=0.1, confidence=0.5)
    assert success('ABYSSAL[TEST]("x", confidence=false)') is None


def test_it_is_tried_again_only_where_that_was_said() -> None:
    assert success('ABYSSAL[TEST]("x", success_criteria="quality", retries=2)') == Success(quality=0.8, attempts=2)
    assert success('ABYSSAL[TEST]("x", success_criteria="quality", on_failure="retry")') == Success(quality=0.8, attempts=None)
    assert success('ABYSSAL[TEST]("x", success_criteria="quality", on_failure="fail", retries=2)') == Success(quality=0.8, attempts=0)


@pytest.mark.parametrize(
    ("given", "message", "suggestion"),
    [
        ('success_criteria=["qualty>=0.8"]', "`success_criteria` knows no figure `qualty`", 'did you mean "quality>=0.8"?'),
        ('success_criteria="latency_ms<=100"', "`success_criteria` knows no figure `latency_ms`", "a measured figure belongs to a loop"),
        ('success_criteria="quality<=0.8"', "`success_criteria` takes the least quality that will do", '"quality>=0.8"'),
        ('success_criteria="quality>=80"', "`success_criteria` takes a quality from 0 to 1", '"quality>=0.8"'),
        ('success_criteria="quality>=high"', "`success_criteria` takes a quality from 0 to 1", '"quality>=0.8"'),
        ('success_criteria="$ "', "`success_criteria` has a `$` without a command", '"$ pytest -q"'),
        ("success_criteria=[]", "`success_criteria` takes 1 to 32 texts", "success_criteria=["),
        ("success_criteria=[3]", "`success_criteria` takes texts", "success_criteria=["),
        ("success_criteria={quality: 0.8}", "`success_criteria` takes texts", "success_criteria=["),
        ('success_criteria=ABYSSAL[TEST]("y")', "`success_criteria` takes texts", "success_criteria=["),
        ('confidence="high"', "`confidence` takes a number from 0 to 1", "confidence=0.8"),
        ("confidence=1.5", "`confidence` takes a number from 0 to 1", "confidence=0.8"),
    ],
)
def test_what_cannot_be_read_is_a_mistake(given: str, message: str, suggestion: str) -> None:
    detail = only_mistake(f'ABYSSAL[TEST]("x", {given})')

    assert detail.code == errors.WrongValue.code
    assert detail.message.startswith(message)
    assert (detail.suggestion or "").startswith(suggestion)


def test_a_template_says_what_holds_where_the_command_says_nothing() -> None:
    registry = SmallRegistry(template("DO", TARGET, success=Success(("make",), quality=0.7), retries=1))

    assert success('ABYSSAL[DO]("x")', registry) == Success(("make",), quality=0.7, attempts=1)
    assert success('ABYSSAL[DO]("x", confidence=0.9)', registry) == Success(("make",), quality=0.7, confidence=0.9, attempts=1)
    assert success('ABYSSAL[DO]("x", success_criteria="is short")', registry) == Success(sentences=("is short",), attempts=1)


def test_each_instance_is_checked_and_of_a_fork_its_join() -> None:
    three = planned('ABYSSAL[TEST]("x", parallel=3, success_criteria="quality")').nodes
    assert [node.success is not None for node in three] == [False, True, True, True]

    fork = template("FORK", TARGET, kind=TemplateKind.FORK, nested=(Nested("one", "DO", None, {"target": "{{ target }}"}),))
    nodes = planned('ABYSSAL[FORK]("x", success_criteria="quality")', SmallRegistry(fork, template("DO", TARGET))).nodes
    assert [(node.kind, node.success is not None) for node in nodes] == [(Kind.JOIN, True), (Kind.AGENT, False)]


def test_what_is_read_from_elsewhere_is_never_run_however_many_templates_hand_it_on(tmp_path: Path) -> None:
    (tmp_path / "checks.txt").write_text("$ rm -rf /")
    (tmp_path / "sentence.txt").write_text("It names its sources.")
    hands_on = template(
        "OUTER",
        TARGET,
        Parameter("checks", ParameterKind.ARRAY),
        nested=(Nested("one", "DO", None, {"target": "x", "success_criteria": "{{ checks }}"}),),
    )
    registry = SmallRegistry(template("DO", TARGET), hands_on)
    context = PlanContext(folder=tmp_path)

    for text in ('ABYSSAL[DO]("x", success_criteria=[file("checks.txt")])', 'ABYSSAL[OUTER]("x", checks=[file("checks.txt")])'):
        with pytest.raises(errors.SourceRefused, match="it is written out, not read from elsewhere"):
            plan(text, registry, context)
    plan('ABYSSAL[DO]("x", success_criteria=file("sentence.txt"))', registry, context)
    nodes = plan('ABYSSAL[OUTER]("x", checks=["$ make"])', registry, context).nodes
    assert [node.success for node in nodes if node.success] == [Success(("make",))]


def test_a_measure_that_templates_hand_on_is_typed_too(tmp_path: Path) -> None:
    (tmp_path / "measure.txt").write_text("rm -rf /")
    loop = template("SPIN", Parameter("about", ParameterKind.STRING), Parameter("measure", ParameterKind.STRING), kind=TemplateKind.LOOP)
    given: dict[str, JsonValue] = {"measure": "{{ how }}", "metric": "ms", "target": 1, "direction": "minimize"}
    outer = template("OUTER", TARGET, Parameter("how", ParameterKind.STRING), nested=(Nested("one", "SPIN", None, given),))

    with pytest.raises(errors.SourceRefused, match="it is written out"):
        plan('ABYSSAL[OUTER]("x", how=file("measure.txt"))', SmallRegistry(loop, outer), PlanContext(folder=tmp_path))


def test_a_template_of_the_project_hands_on_a_command_that_was_typed_and_no_other(tmp_path: Path) -> None:
    (tmp_path / "measure.txt").write_text("rm -rf /")
    loop = template("SPIN", Parameter("about", ParameterKind.STRING), Parameter("measure", ParameterKind.STRING), kind=TemplateKind.LOOP)
    rest: dict[str, JsonValue] = {"metric": "ms", "target": 1, "direction": "minimize"}

    def outer(value: str, *parameters: Parameter) -> SmallRegistry:
        nested = (Nested("one", "SPIN", None, {"measure": value, **rest}),)
        return SmallRegistry(loop, template("OUTER", TARGET, *parameters, nested=nested, origin="project"))

    typed = outer("{{ measure }}", Parameter("measure", ParameterKind.STRING))
    plan('ABYSSAL[OUTER]("x", measure="./bench")', typed, PlanContext(folder=tmp_path))
    for text, registry in (
        ('ABYSSAL[OUTER]("x", measure=file("measure.txt"))', typed),
        ('ABYSSAL[OUTER]("x")', outer("{{ how }}", Parameter("how", ParameterKind.STRING, default="rm -rf /"))),
        ('ABYSSAL[OUTER]("x")', outer("rm -rf /")),
    ):
        with pytest.raises(errors.SourceRefused):
            plan(text, registry, PlanContext(folder=tmp_path))


def test_a_template_of_the_project_names_none() -> None:
    nested = (Nested("one", "DO", None, {"target": "x", "success_criteria": "{{ checks }}"}),)
    outer = template("OUTER", TARGET, Parameter("checks", ParameterKind.ARRAY), nested=nested, origin="project")

    detail = only_mistake('ABYSSAL[OUTER]("x", checks=["$ make"])', SmallRegistry(template("DO", TARGET), outer))
    assert detail.code == errors.SourceRefused.code
