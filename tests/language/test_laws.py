"""What holds for every plan, whatever the document."""

from hypothesis import given, settings
from hypothesis import strategies as st

from abathur_tui.domain.plan import Kind, Need
from abathur_tui.language import PlanContext, format
from tests.language.planned import is_tree, planned

_CONTEXT = PlanContext(environ={}, max_depth=20)


@st.composite
def _commands(draw: st.DrawFn, names: list[str], depth: int) -> str:
    template = draw(st.sampled_from(["ASK", "TEST", "PARTS", "CODE"]))
    subject = draw(_values(names, depth))
    arguments = [subject]
    if template == "PARTS":
        arguments.append(f"parts=[{', '.join(draw(st.lists(_values(names, depth), max_size=3)))}]")
    if template in ("TEST", "CODE"):
        arguments.append(f"given={{a: [{', '.join(draw(st.lists(_values(names, depth), max_size=3)))}]}}")
    if draw(st.booleans()):
        arguments.append('mode="sequential"')
    if draw(st.booleans()):
        inner = [draw(_commands(names, depth - 1))] if depth > 0 and draw(st.booleans()) else []
        arguments.append(f"after=[{', '.join([*draw(st.lists(st.sampled_from(names), max_size=2)), *inner])}]" if names else "after=[]")
    return f"ABYSSAL[{template}]({', '.join(arguments)})"


@st.composite
def _values(draw: st.DrawFn, names: list[str], depth: int) -> str:
    kind = draw(st.integers(0, 3))
    if kind == 0 and names:
        return draw(st.sampled_from(names))
    if kind == 1 and depth > 0:
        return draw(_commands(names, depth - 1))
    return '"text"'


@st.composite
def plannable(draw: st.DrawFn) -> str:
    """A document that can be planned; names are bound before or after their use."""
    names: list[str] = []
    statements: list[str] = []
    for number in range(draw(st.integers(1, 5))):
        statements.append(f"s{number} = {draw(_commands(names, 2))}")
        names = [*names, f"s{number}"]
    return "\n".join(draw(st.permutations(statements)))


@settings(max_examples=150, deadline=None)
@given(plannable())
def test_every_plan_is_a_tree_without_circles_whose_results_are_there_when_they_are_needed(text: str) -> None:
    plan = planned(text, context=_CONTEXT)

    assert is_tree(plan)
    pairs = [(edge.node, edge.needs) for edge in plan.edges]
    assert len(pairs) == len(set(pairs))
    needed = {pair for edge, pair in zip(plan.edges, pairs, strict=True) if edge.need is Need.NEEDS}
    for node in plan.nodes:
        assert all((node.id, reference.node) in needed for reference in node.references)
        assert node.name
        if node.join is not None:
            members = {needs for other, needs in pairs if other == node.id}
            assert {*node.join.required, *([node.join.lead] if node.join.lead else [])} <= members
        if node.kind is Kind.JOIN:
            assert all(edge.need is Need.SETTLES for edge in plan.edges if edge.node == node.id)


@settings(max_examples=50, deadline=None)
@given(plannable())
def test_every_task_leads_to_the_result(text: str) -> None:
    plan = planned(text, context=_CONTEXT)

    reached, rest = {plan.root}, [plan.root]
    parents = {node.id: node.parent for node in plan.nodes}
    needs: dict[str, list[str]] = {node.id: [] for node in plan.nodes}
    for edge in plan.edges:
        needs[edge.node].append(edge.needs)
    while rest:
        for other in needs[rest.pop()]:
            if other not in reached:
                reached.add(other)
                rest.append(other)
    assert reached == set(parents)


@settings(max_examples=50, deadline=None)
@given(plannable())
def test_formatting_changes_no_plan(text: str) -> None:
    before, after = planned(text, context=_CONTEXT), planned(format(text), context=_CONTEXT)

    assert (before.nodes, before.edges, before.root) == (after.nodes, after.edges, after.root)
