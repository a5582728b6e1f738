"""Commands inside loops: what is made anew in each pass, and what comes before the loop, once."""

import pytest

from abathur_tui.domain.errors import NotYet
from abathur_tui.domain.plan import JoinStrategy, Kind, Plan
from abathur_tui.language import PlanContext, plan_prompt
from tests.language.planned import is_tree, needs, node, planned
from tests.language.registry import SmallRegistry

LOOP = 'ABYSSAL[LOOP]({}, metric="ms", target=5, measure="m", direction="minimize", max_iterations=4{})'


def once(plan: Plan) -> set[str]:
    """The names of what is there once, whatever the number of passes."""
    return {one.name for one in plan.nodes if one.in_passes_of is None}


def test_what_is_nested_in_a_loop_is_made_in_each_pass_together_with_its_own_step() -> None:
    plan = planned('ABYSSAL[CODE]("slug", criterion="test_pass: true", hints=[ABYSSAL[ASK]("a"), ABYSSAL[ASK]("b")])')

    loop, *inside = plan.nodes
    assert is_tree(plan)
    assert (loop.kind, loop.id) == (Kind.LOOP, plan.root)
    assert {one.in_passes_of for one in inside} == {loop.id}
    assert [one.kind for one in inside] == [Kind.JOIN, Kind.AGENT, Kind.AGENT, Kind.AGENT, Kind.AGENT]
    assert loop.parameters["hints"] == ["ASK a", "ASK b"]
    assert loop.references == ()
    face = inside[0]
    assert face.join is not None
    assert face.join.strategy is JoinStrategy.LEAD
    own = next(one for one in inside if one.id == face.join.lead)
    assert {reference.pointer for reference in own.references} == {"/hints/0", "/hints/1"}
    assert own.loop is None


def test_the_subject_and_named_results_come_before_the_loop_once() -> None:
    plain = planned('first = ABYSSAL[ASK]("a")\n' + LOOP.format('ABYSSAL[ASK]("b")', ", after=[first]"))
    assert {one.in_passes_of for one in plain.nodes} == {None}

    plan = planned('first = ABYSSAL[ASK]("a")\nABYSSAL[CODE](ABYSSAL[ASK]("b"), criterion="stability", x=first, y=ABYSSAL[ASK]("c"))')
    assert once(plan) == {"JOIN of 1 result", "ASK a", "ASK b", "CODE ASK b"}
    assert node(plan, "ASK c").in_passes_of is not None
    (own,) = [one for one in plan.nodes if one.name == "CODE ASK b" and one.kind is Kind.AGENT]
    assert {reference.pointer for reference in own.references} == {"/component", "/x", "/y"}


def test_a_fork_with_a_criterion_is_a_loop_of_forks() -> None:
    plan = planned('ABYSSAL[CODE]("x", criterion="stability", join="vote", parallel=2, budget=3)')

    loops = [one for one in plan.nodes if one.kind is Kind.LOOP]
    assert [one.loop.budget_usd for one in loops if one.loop is not None] == [1.5, 1.5]
    assert plan.nodes[0].join is not None
    assert plan.nodes[0].join.strategy is JoinStrategy.VOTE
    assert {one.in_passes_of for one in plan.nodes if one.kind is Kind.AGENT} == {one.id for one in loops}


def test_a_loop_in_a_loop_has_passes_of_its_own() -> None:
    inner = 'ABYSSAL[CODE]("inner", criterion="stability")'
    plan = planned(f'ABYSSAL[CODE]("outer", criterion="stability", x={inner})')

    owners = {one.name: one.in_passes_of for one in plan.nodes if one.kind is Kind.LOOP}
    outer, deep = (one for one in plan.nodes if one.kind is Kind.LOOP)
    assert owners == {"CODE outer": None, "CODE inner": outer.id}
    assert {one.in_passes_of for one in plan.nodes} == {None, outer.id, deep.id}


def test_what_follows_waits_for_the_loop_which_waits_for_its_pass() -> None:
    plan = planned('x = ABYSSAL[CODE]("x", criterion="stability")\nABYSSAL[ASK](x)')

    loop = next(one for one in plan.nodes if one.kind is Kind.LOOP)
    assert needs(plan, "ASK CODE x") == [loop.name] if "ASK CODE x" in [one.name for one in plan.nodes] else True
    place = {id: number for number, level in enumerate(plan.levels()) for id in level}
    assert all(place[one.id] < place[loop.id] for one in plan.nodes if one.in_passes_of == loop.id)


def test_the_estimate_counts_each_pass_of_what_is_inside() -> None:
    plan = planned('ABYSSAL[CODE]("x", criterion="stability", max_iterations=20)')

    assert plan.estimate.seconds == 10 * (10 + 10)
    assert node(plan, "TEST x").in_passes_of is not None


def test_a_prompts_budget_is_its_loops_and_its_instances_share_it() -> None:
    plan = plan_prompt("x", SmallRegistry(), PlanContext(environ={}), common={"criterion": "stability", "budget": 3, "parallel": 2})

    assert [one.loop.budget_usd for one in plan.nodes if one.loop is not None] == [1.5, 1.5]
    with pytest.raises(NotYet):
        plan_prompt("x", SmallRegistry(), PlanContext(environ={}), common={"budget": 3})
