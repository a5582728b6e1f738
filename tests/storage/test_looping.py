"""Rules of loops in their column, and loops that go on where they ended."""

from dataclasses import replace

import pytest

from abathur_tui.domain.criteria import (
    AllOf,
    AnyOf,
    CustomCriterion,
    Direction,
    JudgeCriterion,
    PassingTestsCriterion,
    StabilityCriterion,
    ThresholdCriterion,
)
from abathur_tui.domain.loops import LoopSpec
from abathur_tui.storage.encoding import encoded
from abathur_tui.storage.records import loop_from

MS = ThresholdCriterion("ms", 100.0, Direction.MINIMIZE, "./bench")


@pytest.mark.parametrize(
    "spec",
    [
        LoopSpec(MS, 10),
        LoopSpec(replace(MS, measure=None), None, 60.0, 4, 3),
        LoopSpec(StabilityCriterion(5, 0.9, "loss", 0.1, "./loss"), 10),
        LoopSpec(AllOf((MS, AnyOf((PassingTestsCriterion("make test"), CustomCriterion("./check"), JudgeCriterion("clear", 0.8))))), 10),
    ],
)
def test_every_rule_comes_back_as_it_was(spec: LoopSpec) -> None:
    assert loop_from(encoded(spec)) == spec


def test_a_rule_from_before_there_were_several_criteria_is_a_threshold() -> None:
    text = '{"criterion":{"direction":"minimize","measure":"./bench","metric":"ms","target":100},"max_iterations":10}'

    assert loop_from(text) == LoopSpec(MS, 10)
