"""Short ways to plan and to read plans, for tests of the language."""

import pytest

from abathur_tui.domain.errors import AbathurError, Detail
from abathur_tui.domain.plan import Kind, Need, Plan, PlanNode
from abathur_tui.domain.templates import Registry
from abathur_tui.language import PlanContext, plan
from tests.language.registry import SmallRegistry


def planned(text: str, registry: Registry | None = None, context: PlanContext | None = None) -> Plan:
    """The plan of a document, with the small registry unless another is given."""
    return plan(text, registry or SmallRegistry(), context or PlanContext(environ={}))


def wrong(text: str, registry: Registry | None = None, context: PlanContext | None = None) -> tuple[Detail, ...]:
    """The mistakes of a document."""
    with pytest.raises(AbathurError) as caught:
        planned(text, registry, context)
    return caught.value.details


def only_mistake(text: str, registry: Registry | None = None, context: PlanContext | None = None) -> Detail:
    """The one mistake of a document."""
    (detail,) = wrong(text, registry, context)
    return detail


def node(plan: Plan, name: str) -> PlanNode:
    """The node of that name."""
    (found,) = [node for node in plan.nodes if node.name == name]
    return found


def names(plan: Plan) -> list[str]:
    """The nodes' names, in order."""
    return [node.name for node in plan.nodes]


def needs(plan: Plan, name: str, need: Need = Need.NEEDS) -> list[str]:
    """The names of what the node of that name needs."""
    by_id = {one.id: one.name for one in plan.nodes}
    return [by_id[edge.needs] for edge in plan.edges if edge.node == node(plan, name).id and edge.need is need]


def is_tree(plan: Plan) -> bool:
    """Whether every node but the root has a parent that comes before it, joins have members and others none, and there is no circle."""
    place = {node.id: index for index, node in enumerate(plan.nodes)}
    settling = {edge.node for edge in plan.edges if edge.need is Need.SETTLES}
    plan.levels()
    return (
        [node.id for node in plan.nodes] == [f"n{number}" for number in range(1, len(plan.nodes) + 1)]
        and all((node.parent is None) == (node.id == plan.root) for node in plan.nodes)
        and all(node.parent is None or place[node.parent] < place[node.id] for node in plan.nodes)
        and all((node.kind is Kind.JOIN) == (node.join is not None) == (node.id in settling) for node in plan.nodes)
    )
