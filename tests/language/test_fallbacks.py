"""What is done instead when a command has failed for good."""

from dataclasses import replace

import pytest

from abathur_tui.domain import errors
from abathur_tui.domain.plan import Edge, Fallback, Kind, Need, OnFailure, Reference
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


def test_a_fallback_that_nests_others_has_their_nodes_apart_from_the_plan() -> None:
    several = replace(PLAIN, nested=(Nested("one", "ASK", None, {"about": "{{ question }} first"}),))
    found = planned('ABYSSAL[RISKY]("x")', SmallRegistry(several, RISKY))

    instead = found.nodes[0].fallback
    assert len(found.nodes) == 1
    assert instead is not None
    assert instead.body is not None
    assert (instead.body.loop, instead.body.face) == ("n1", "n1.1")
    assert [(one.id, one.parent, one.prompt, one.parameters, one.in_passes_of) for one in instead.body.nodes] == [
        ("n1.1", None, "Answer {{ question }}", {"question": "x", "tone": "dry", "sources": None}, "n1"),
        ("n1.2", "n1.1", "{{ about }}", {"about": "x first"}, "n1"),
    ]
    assert instead.body.edges == (Edge("n1.1", "n1.2"),)
    assert [one.id for one in found.possible()] == ["n1", "n1.1", "n1.2"]


def test_results_that_the_command_takes_are_its_bodys_too() -> None:
    several = replace(PLAIN, nested=(Nested("one", "ASK", None, {"about": "{{ question }}"}),))
    found = planned('ABYSSAL[RISKY](ABYSSAL[ASK]("a"), parallel=2)', SmallRegistry(several, RISKY))

    asked = node(found, "ASK a").id
    bodies = {one.id: one.fallback.body for one in found.nodes if one.fallback is not None}
    assert len(bodies) == 2
    for id, body in bodies.items():
        assert body is not None
        assert set(body.edges) == {Edge(f"{id}.1", f"{id}.2"), Edge(f"{id}.1", asked), Edge(f"{id}.2", asked)}
        assert [one.references for one in body.nodes] == [(Reference("/question", asked),), (Reference("/about", asked),)]
        assert {one.instances for one in body.nodes} == {2}


def test_a_fork_is_a_fallback_with_its_join() -> None:
    fork = replace(PLAIN, kind=TemplateKind.FORK, nested=(Nested("one", "ASK", None, {"about": "a"}), Nested("two", "ASK", None, {"about": "b"})))

    instead = planned('ABYSSAL[RISKY]("x")', SmallRegistry(fork, RISKY)).nodes[0].fallback
    assert instead is not None
    assert instead.body is not None
    assert [(one.kind, one.join is not None) for one in instead.body.nodes] == [(Kind.JOIN, True), (Kind.AGENT, False), (Kind.AGENT, False)]
    assert {edge.need for edge in instead.body.edges} == {Need.SETTLES}


def test_nothing_in_a_fallback_has_one() -> None:
    several = replace(PLAIN, fallback="ASK", nested=(Nested("again", "RISKY", None, {"about": "{{ question }}"}),))

    instead = planned('ABYSSAL[RISKY]("x")', SmallRegistry(several, RISKY)).nodes[0].fallback
    assert instead is not None
    assert instead.body is not None
    assert [(one.template, one.fallback) for one in instead.body.nodes] == [("PLAIN", None), ("RISKY", None)]


def test_a_fallback_that_nests_itself_is_a_circle() -> None:
    several = replace(PLAIN, nested=(Nested("again", "PLAIN", None, {"question": "{{ question }}"}),))

    assert only_mistake('ABYSSAL[RISKY]("x")', SmallRegistry(several, RISKY)).code == errors.CyclicDependencies.code


def test_a_loop_has_the_fallback_and_its_passes_have_none() -> None:
    several = replace(PLAIN, nested=(Nested("one", "ASK", None, {"about": "x"}),))
    found = planned('ABYSSAL[RISKY]("x", sources=[ABYSSAL[ASK]("s")], criterion="n>=1: echo 1")', SmallRegistry(several, RISKY))

    assert [(one.kind, one.fallback is not None) for one in found.nodes if one.template == "RISKY"] == [(Kind.LOOP, True), (Kind.AGENT, False)]


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
