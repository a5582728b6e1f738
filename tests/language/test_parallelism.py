"""`parallel="auto"` makes as many instances as fit, and the plan says what decided."""

import pytest

from abathur_tui.domain.plan import Plan
from abathur_tui.domain.templates import Nested, TemplateKind
from abathur_tui.language import PlanContext, plan_prompt
from abathur_tui.settings import Settings
from abathur_tui.settings.model import Swarm
from tests.language.planned import planned
from tests.language.registry import SmallRegistry, template


def context(slots: int = 100, busy: int = 0, cores: int = 64) -> PlanContext:
    return PlanContext(environ={}, slots=slots, busy=busy, cores=cores)


def instances(plan: Plan) -> tuple[int, list[str]]:
    """Of the most numerous node, and what the plan says of it."""
    return max(node.instances for node in plan.nodes), [node.parallel_because for node in plan.nodes if node.parallel_because]


@pytest.mark.parametrize(
    ("context", "complexity", "number", "because"),
    [
        (context(slots=6, busy=2), 90, 4, "4 of 6 slots are free"),
        (context(cores=6), 90, 3, "half of 6 cores"),
        (context(), 50, 5, "a complexity of 50, divided by 10"),
        (context(), 100, 10, "a complexity of 100, divided by 10"),
        (context(cores=1), 50, 1, "half of 1 cores, and 1 is the least"),
        (context(slots=3, busy=5), 50, 1, "0 of 3 slots are free, and 1 is the least"),
        (context(), 9, 1, "a complexity of 9, divided by 10, and 1 is the least"),
    ],
)
def test_the_least_of_three_decides(context: PlanContext, complexity: int, number: int, because: str) -> None:
    registry = SmallRegistry(template("DO", complexity=complexity))

    assert instances(planned('ABYSSAL[DO]("x", parallel="auto")', registry, context)) == (number, [because])


@pytest.mark.parametrize(
    "text",
    [
        'a = ABYSSAL[ASK]("a") ABYSSAL[ASK](a, parallel="auto")',
        'a = ABYSSAL[ASK]("a") ABYSSAL[ASK]("x", parallel="auto", after=a)',
        'ABYSSAL[ASK](ABYSSAL[ASK]("a"), parallel="auto")',
        'ABYSSAL[OUTER]("x")',
    ],
)
def test_what_has_dependencies_gets_half(text: str) -> None:
    fed = template("FED", nested=(Nested("one", "ASK", None, {"about": "y"}),))
    outer = template("OUTER", kind=TemplateKind.FORK, nested=(Nested("one", "FED", None, {"about": "x", "parallel": "auto"}),))

    number, because = instances(planned(text, SmallRegistry(fed, outer), context()))
    assert (number, because) == (2, ["a complexity of 50, divided by 10, halved because it waits for others"])


def test_forks_and_prompts_too() -> None:
    fork = template("FORK", kind=TemplateKind.FORK, complexity=30, nested=(Nested("one", "ASK", None, {"about": "y"}),))

    assert instances(planned('ABYSSAL[FORK]("x", parallel="auto")', SmallRegistry(fork), context()))[0] == 3
    assert instances(plan_prompt("hello", SmallRegistry(), context(cores=4), common={"parallel": "auto"})) == (2, ["half of 4 cores"])


def test_the_slots_are_the_settings_own() -> None:
    assert PlanContext.of(Settings(swarm=Swarm(max_agents=7)), None, {}).slots == 7
