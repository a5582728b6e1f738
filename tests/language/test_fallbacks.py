"""What is done instead when a command has failed for good."""

from dataclasses import replace

import pytest

from abathur_tui.domain import errors
from abathur_tui.domain.plan import Fallback, OnFailure
from abathur_tui.domain.templates import Nested, Parameter, ParameterKind, TemplateKind
from abathur_tui.language import PlanContext
from abathur_tui.language.forms import plan_prompt
from tests.language.planned import node, only_mistake, planned
from tests.language.registry import ARRAY, ASK, STRING, SmallRegistry, template

PLAIN = template(
    "PLAIN",
    Parameter("question", STRING, required=True),
    Parameter("tone", STRING, default="dry"),
    Parameter("sources", ARRAY),
    agent="tester",
    prompt="Answer {{ question }}",
)
RISKY = template("RISKY", Parameter("about", STRING, required=True), Parameter("sources", ARRAY), fallback="PLAIN", extra=True)


def fallback(text: str, *more: object) -> Fallback | None:
    return planned(text, SmallRegistry(PLAIN, RISKY, *more)).nodes[0].fallback  # type: ignore[arg-type]


def test_it_is_given_the_subject_and_the_parameters_of_the_same_name() -> None:
    assert fallback('ABYSSAL[RISKY]("x", sources=["a"], mood="odd")') == Fallback(
        "PLAIN", "1.0.0", "tester", "Answer {{ question }}", {"tone": "dry"}, {"sources": "sources", "question": "about"}
    )


def test_it_is_done_unless_the_command_says_otherwise() -> None:
    assert fallback('ABYSSAL[RISKY]("x", on_failure="fallback")') is not None
    for other in ("retry", "fail", "skip"):
        assert fallback(f'ABYSSAL[RISKY]("x", on_failure="{other}")') is None
    assert planned('ABYSSAL[RISKY]("x", on_failure="fallback")', SmallRegistry(PLAIN, RISKY)).nodes[0].on_failure is OnFailure.RETRY


def test_what_the_template_lets_through_reaches_the_fallback_that_lets_it_through_too() -> None:
    more = (replace(PLAIN, version="2.0.0", extra=True), replace(RISKY, name="MORE", fallback="PLAIN@2.0.0"))
    closed, open_too = fallback('ABYSSAL[RISKY]("x", mood="odd")', *more), fallback('ABYSSAL[MORE]("x", mood="odd")', *more)

    assert closed is not None
    assert "mood" not in closed.takes
    assert open_too is not None
    assert (open_too.version, open_too.takes["mood"]) == ("2.0.0", "mood")


def test_each_instance_has_it() -> None:
    plan = planned('ABYSSAL[RISKY]("x", parallel=2)', SmallRegistry(PLAIN, RISKY))

    assert [one.fallback is not None for one in plan.nodes] == [False, True, True]


def test_a_fork_falls_back_as_a_whole_with_its_values() -> None:
    fork = replace(RISKY, name="FORK", kind=TemplateKind.FORK, nested=(Nested("one", "ASK", None, {"about": "{{ about }}"}),))
    plan = planned('a = ABYSSAL[ASK]("a")\nABYSSAL[FORK](a, sources=["b"])', SmallRegistry(PLAIN, fork))

    found = node(plan, "JOIN FORK ASK a").fallback
    assert found is not None
    assert (found.parameters, found.takes) == ({"tone": "dry", "sources": ["b"], "question": "ASK a"}, {})


@pytest.mark.parametrize(
    ("text", "code", "message"),
    [
        ('ABYSSAL[ASK]("x", on_failure="fallback")', "115", "ASK names no fallback"),
        ('ABYSSAL[RISKY]("x")', "112", "unknown template PLAIN"),
    ],
)
def test_mistakes(text: str, code: str, message: str) -> None:
    detail = only_mistake(text, SmallRegistry(RISKY))

    assert (detail.code, detail.message) == (f"ABTH-ERR-{code}", message)


def test_a_fallback_of_several_steps_comes_later() -> None:
    several = replace(PLAIN, nested=(Nested("one", "ASK", None, {"about": "x"}),))

    assert only_mistake('ABYSSAL[RISKY]("x")', SmallRegistry(several, RISKY)).code == "ABTH-ERR-119"


def test_a_fallback_may_be_a_loop() -> None:
    loop = template("PLAIN", Parameter("about", STRING, required=True), kind=TemplateKind.LOOP)

    found = planned('ABYSSAL[RISKY]("x")', SmallRegistry(loop, RISKY)).nodes[0].fallback
    assert found is not None
    assert found.loop is not None


def test_a_fallback_whose_parameters_do_not_fit_is_a_mistake() -> None:
    needy = template("PLAIN", Parameter("question", STRING, required=True), Parameter("deadline", STRING, required=True))
    other = template("PLAIN", Parameter("question", ParameterKind.NUMBER, required=True))

    assert only_mistake('ABYSSAL[RISKY]("x")', SmallRegistry(needy, RISKY)).code == "ABTH-ERR-113"
    assert only_mistake('ABYSSAL[RISKY]("x")', SmallRegistry(other, RISKY)).code == "ABTH-ERR-115"


def test_a_prompt_has_none() -> None:
    with pytest.raises(errors.WrongValue, match="a prompt has no fallback"):
        plan_prompt("x", SmallRegistry(ASK), PlanContext(environ={}), common={"on_failure": "fallback"})
