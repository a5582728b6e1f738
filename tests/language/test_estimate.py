"""What a plan is expected to take, by the templates' own guesses until their runs say more."""

from pathlib import Path

import pytest

from abathur_tui.domain.plan import Plan
from abathur_tui.domain.templates import TemplateUse
from abathur_tui.language import PlanContext, plan
from abathur_tui.library import FileRegistry

REGISTRY = FileRegistry(None, home=Path("/nonexistent"))
LOOP = 'ABYSSAL[OPTIMIZE]("x", metric="ms", target=1, direction="minimize", measure="bench", max_iterations=10)'


def planned(text: str, **uses: TemplateUse) -> Plan:
    return plan(text, REGISTRY, PlanContext(environ={}, history={(name, "1.0.0"): use for name, use in uses.items()}))


def runs(completed: int, seconds: float, *, cost: float | None = 0.25) -> TemplateUse:
    return TemplateUse(completed, completed, completed, seconds, 1000.0, cost)


def test_without_runs_it_is_a_guess_along_the_longest_path() -> None:
    found = planned('ABYSSAL[CODE]("x")').estimate

    assert (found.seconds, found.cost_usd, found.measured) == (150, None, False)
    assert 3_000 < found.tokens < 6_000


def test_five_runs_are_enough_to_say_more_than_the_template() -> None:
    few = planned('ABYSSAL[RESEARCH]("x")', RESEARCH=runs(4, 7)).estimate
    enough = planned('ABYSSAL[RESEARCH]("x")', RESEARCH=runs(5, 7)).estimate

    assert (few.seconds, few.measured) == (60, False)
    assert (enough.seconds, enough.tokens, enough.cost_usd, enough.measured) == (7, 1000, 0.25, True)


def test_it_is_measured_only_where_every_template_of_it_is() -> None:
    half = planned('ABYSSAL[CODE]("x")', CODE=runs(9, 10)).estimate
    whole = planned('ABYSSAL[CODE]("x")', CODE=runs(9, 10), TEST=runs(5, 20)).estimate

    assert (half.seconds, half.cost_usd, half.measured) == (70, None, False)
    assert (whole.seconds, whole.tokens, whole.cost_usd, whole.measured) == (30, 2000, 0.5, True)


def test_another_version_says_nothing() -> None:
    context = PlanContext(environ={}, history={("RESEARCH", "2.0.0"): runs(9, 7)})

    assert not plan('ABYSSAL[RESEARCH]("x")', REGISTRY, context).estimate.measured


def test_what_a_loop_took_has_all_its_passes_in_it() -> None:
    assert planned(LOOP).estimate.seconds == 1500
    assert planned(LOOP, OPTIMIZE=runs(5, 100)).estimate.seconds == 100


@pytest.mark.parametrize("cost", [None, 0.0])
def test_runs_that_cost_nothing_say_nothing_of_the_cost(cost: float | None) -> None:
    found = planned('ABYSSAL[RESEARCH]("x")', RESEARCH=runs(5, 7, cost=cost)).estimate

    assert (found.cost_usd, found.measured) == (None, True)


def test_at_best_a_loop_converges_in_its_first_pass_and_at_worst_never_before_its_limit() -> None:
    found = planned(LOOP.replace("max_iterations=10", "max_iterations=10, retries=1")).estimate

    assert (found.low.seconds, found.seconds, found.worst.seconds) == (300, 1500, 6000)
    assert found.low.tokens is not None
    assert found.worst.tokens is not None
    assert found.low.tokens * 20 == found.worst.tokens


def test_at_worst_everything_is_tried_as_often_as_it_may_be() -> None:
    def seconds(more: str) -> tuple[float | None, float | None]:
        found = planned(f'ABYSSAL[RESEARCH]("x"{more})').estimate
        return found.low.seconds, found.worst.seconds

    assert seconds("") == (60, 240)
    assert seconds(", retries=0") == (60, 60)
    assert seconds(', on_failure="fail"') == (60, 60)
    assert seconds(', retries=1, success_criteria=["$ make"]') == (60, 120)
    assert seconds(', retries=0, success_criteria="quality"') == (90, 90)


def test_a_loop_without_limit_has_no_worst_case() -> None:
    found = planned(LOOP.replace("max_iterations=10", 'max_iterations="unlimited"')).estimate

    assert (found.worst.seconds, found.worst.tokens, found.worst.cost_usd) == (None, None, None)
    assert found.low.seconds == 300


def test_a_measured_cost_has_a_worst_case_too() -> None:
    found = planned('ABYSSAL[RESEARCH]("x")', RESEARCH=runs(5, 7)).estimate

    assert (found.low.cost_usd, found.cost_usd, found.worst.cost_usd) == (0.25, 0.25, 1.0)
