"""Plans of what was not written in ABYSSAL: a form, options of the command line, a plain prompt."""

import pytest

from abathur_tui.domain import errors
from abathur_tui.domain.data import JsonValue
from abathur_tui.domain.loops import Direction, LoopSpec, ThresholdCriterion
from abathur_tui.domain.plan import Kind, OnFailure
from abathur_tui.language import PlanContext, parse, plan, plan_prompt, plan_template
from tests.language.registry import SmallRegistry

REGISTRY = SmallRegistry()
CONTEXT = PlanContext(environ={}, max_bytes=10_000, max_iterations=7)


def test_a_template_with_parameters_is_planned_like_the_command() -> None:
    form = plan_template(
        "CODE", {"language": "go", "note": ["n", {"k": 1}]}, REGISTRY, CONTEXT, subject="gateway", common={"priority": 9, "tags": ["t"]}
    )
    text = plan('ABYSSAL[CODE]("gateway", language="go", note=["n", {k: 1}], priority=9, tags=["t"])', REGISTRY, CONTEXT)

    assert (form.nodes, form.edges, form.root) == (text.nodes, text.edges, text.root)


def test_what_a_form_made_is_kept_as_the_command_that_would_make_the_same() -> None:
    form = plan_template("TEST@1.0.0", {"settings": {"a b": True}}, REGISTRY, CONTEXT, subject='a "name"', common={"retries": 2})

    assert parse(form.source).statements
    assert plan(form.source, REGISTRY, CONTEXT).nodes == form.nodes


def test_text_in_a_form_is_never_a_command() -> None:
    form = plan_template("TEST", {"target": 'ABYSSAL[ASK]("x")'}, REGISTRY, CONTEXT)

    (node,) = form.nodes
    assert node.parameters["target"] == 'ABYSSAL[ASK]("x")'


@pytest.mark.parametrize(
    ("name", "parameters", "error"),
    [
        ("TSET", {}, errors.UnknownTemplate),
        ("ASK@7.0.0", {"about": "x"}, errors.UnknownTemplate),
        ("TEST", {}, errors.MissingParameter),
        ("TEST", {"target": "x", "langauge": "go"}, errors.UnknownParameter),
        ("TEST", {"target": 5}, errors.WrongValue),
        ("TEST", {"target": "\ud800"}, errors.WrongValue),
        ("TEST", {"target": "a\0b"}, errors.WrongValue),
        ("TEST", {"target": "x", "coverage_target": float("nan")}, errors.WrongValue),
        ("TEST", {"target": "x", "budget": 5}, errors.NotYet),
        ("TEST", {"target": "x" * 10_001}, errors.OverLimit),
        ("LOOP", {"about": "x", "metric": "ms"}, errors.MissingParameter),
        ("ASK", {"about": "x", **{f"unknown{number}": 1 for number in range(200)}}, errors.UnknownParameter),
    ],
)
def test_mistakes_of_a_form_have_the_same_errors_without_places(
    name: str, parameters: dict[str, JsonValue], error: type[errors.AbathurError]
) -> None:
    with pytest.raises(error) as caught:
        plan_template(name, parameters, REGISTRY, CONTEXT)

    assert caught.value.details
    assert all(detail.line is None and detail.message for detail in caught.value.details)


def test_values_that_are_nested_too_deeply_are_refused() -> None:
    value: JsonValue = "x"
    for _ in range(100_000):
        value = [value]

    with pytest.raises(errors.OverLimit):
        plan_template("TEST", {"target": "x", "given": value}, REGISTRY, CONTEXT)


def test_a_prompt_is_one_task_for_the_generalist() -> None:
    made = plan_prompt("  Say hello\nto {{ everybody }}", REGISTRY, CONTEXT)

    (node,) = made.nodes
    assert (node.id, made.root, node.name, node.kind) == ("n1", "n1", "Say hello to {{ everybody }}", Kind.AGENT)
    assert (node.template, node.agent, node.prompt) == (None, "generalist", "{{ prompt }}")
    assert node.parameters == {"prompt": "  Say hello\nto {{ everybody }}"}
    assert (node.tags, node.priority) == ((), 5)
    assert made.source == "  Say hello\nto {{ everybody }}"
    assert made.estimate.seconds == 30


def test_a_prompt_takes_the_common_parameters() -> None:
    common: dict[str, JsonValue] = {"priority": "critical", "agent": "tester", "tags": ["a"], "retries": 0, "timeout": "5m", "on_failure": "fail"}
    node = plan_prompt("x", REGISTRY, CONTEXT, common={**common, "expires": "1h", "model": "m"}).nodes[0]

    assert (node.priority, node.agent, node.tags, node.retries, node.timeout_seconds) == (10, "tester", ("a",), 0, 300)
    assert (node.on_failure, node.expires_in_seconds, node.model) == (OnFailure.FAIL, 3600, "m")


def test_a_prompt_with_a_measure_is_a_loop() -> None:
    common: dict[str, JsonValue] = {"measure": "./m", "metric": "ms", "target": 5, "direction": "minimize"}
    node = plan_prompt("x", REGISTRY, CONTEXT, common=common).nodes[0]

    assert node.kind is Kind.LOOP
    assert node.loop == LoopSpec(ThresholdCriterion("ms", 5.0, Direction.MINIMIZE, "./m"), 7)


@pytest.mark.parametrize(
    ("prompt", "common", "error"),
    [
        ("", {}, errors.WrongValue),
        (" \n", {}, errors.WrongValue),
        ("a\0", {}, errors.WrongValue),
        ("a\udcff", {}, errors.WrongValue),
        ("x" * 10_001, {}, errors.OverLimit),
        ("x", {"prio": 3}, errors.UnknownParameter),
        ("x", {"agent": "nobody"}, errors.UnknownAgent),
        ("x", {"parallel": "many"}, errors.WrongValue),
        ("x", {"metric": "ms"}, errors.MissingParameter),
        ("x", {f"unknown{number}": 1 for number in range(200)}, errors.UnknownParameter),
        ("x", {"priority": "3"}, errors.WrongValue),
    ],
)
def test_mistakes_of_a_prompt_are_told(prompt: str, common: dict[str, JsonValue], error: type[errors.AbathurError]) -> None:
    with pytest.raises(error):
        plan_prompt(prompt, REGISTRY, CONTEXT, common=common)


def test_common_parameters_hold_for_the_statements_of_a_document_that_do_not_say_otherwise() -> None:
    made = plan(
        'a = ABYSSAL[ASK]("a", priority=1) ABYSSAL[TEST](a, given=[ABYSSAL[ASK]("b")])', REGISTRY, CONTEXT, common={"priority": 9, "retries": 1}
    )

    by_name = {node.name: node for node in made.nodes}
    assert (by_name["ASK a"].priority, by_name["ASK a"].retries) == (1, 1)
    assert (by_name["TEST ASK a"].priority, by_name["TEST ASK a"].retries) == (9, 1)
    assert (by_name["ASK b"].priority, by_name["ASK b"].retries) == (9, None)


def test_a_mistake_in_the_common_parameters_of_a_document_is_told_once_without_a_place() -> None:
    with pytest.raises(errors.WrongValue) as caught:
        plan('ABYSSAL[ASK]("a") ABYSSAL[ASK]("b")', REGISTRY, CONTEXT, common={"priority": 99})

    (detail,) = caught.value.details
    assert detail.line is None


def test_a_prompt_as_long_as_the_limit_is_taken_and_a_longer_one_is_not() -> None:
    context = PlanContext(max_bytes=20)
    assert plan_prompt("x" * 20, REGISTRY, context, common={"priority": "high"}).nodes[0].parameters["prompt"] == "x" * 20
    assert plan_template("CODE", {}, REGISTRY, context, subject="x" * 20).nodes
    with pytest.raises(errors.OverLimit):
        plan_prompt("x" * 21, REGISTRY, context)
    with pytest.raises(errors.DocumentInvalid):
        plan_template("CODE", {}, REGISTRY, context, subject="x" * 21)
