"""What a judge's answer must be, and what its scale is brought to."""

import pytest

from abathur_tui.engine.asking import Useless
from abathur_tui.engine.judging import Score, read_score


@pytest.mark.parametrize(
    ("answer", "score"),
    [
        ('{"score": 0.75, "of": 1, "reason": "r"}', 0.75),
        ('{"score": 1, "reason": "r"}', 1.0),
        ('{"score": 9, "of": 10, "reason": "r"}', 0.9),
        ('{"score": 5, "out_of": 5, "reason": "r"}', 1.0),
        ('{"score": 9, "of": "10", "reason": "r"}', 0.9),
        ('{"score": "9/10", "reason": "r"}', 0.9),
        ('{"score": "90%", "reason": "r"}', 0.9),
        ('{"score": "0.5", "reason": "r"}', 0.5),
        ('I think:\n```json\n{"score": 0.5, "reason": "r"}\n```', 0.5),
    ],
)
def test_every_scale_is_brought_to_one(answer: str, score: float) -> None:
    assert read_score(answer) == Score(score, "r")


@pytest.mark.parametrize(
    ("answer", "score", "reason"),
    [
        ('{"score": 9, "reason": "r"}', 0.9, "r (taken as 9 of 10)"),
        ('{"score": 93, "reason": "r"}', 0.93, "r (taken as 93 of 100)"),
        ('{"score": 1, "reason": "r"}', 1.0, "r"),
        ('{"score": 4, "of": 5, "reason": "r"}', 0.8, "r"),
    ],
)
def test_where_asking_did_not_help_the_usual_scales_are_assumed(answer: str, score: float, reason: str) -> None:
    assert read_score(answer, guess_scale=True) == Score(score, reason)


@pytest.mark.parametrize("answer", ['{"score": 101, "reason": "r"}', '{"score": -1, "reason": "r"}', '{"score": 11, "of": 10, "reason": "r"}'])
def test_nothing_is_assumed_that_no_scale_explains(answer: str) -> None:
    with pytest.raises(Useless):
        read_score(answer, guess_scale=True)


@pytest.mark.parametrize(
    ("answer", "why"),
    [
        ("very good", "no JSON object"),
        ('{"score": 0.9}', '"reason" is missing'),
        ('{"score": 0.9, "reason": " "}', '"reason" is missing'),
        ('{"reason": "r"}', "not a number"),
        ('{"score": true, "reason": "r"}', "not a number"),
        ('{"score": 9, "reason": "r"}', "not from 0 to 1"),
        ('{"score": -1, "reason": "r"}', "not from 0 to 1"),
        ('{"score": 11, "of": 10, "reason": "r"}', "not from 0 to 10"),
        ('{"score": 0, "of": 0, "reason": "r"}', "not from 0 to 0"),
        ('{"score": 1e999, "reason": "r"}', "JSON|not a number"),
        ('{"score": "inf", "reason": "r"}', "not a number"),
    ],
)
def test_what_cannot_be_used_is_told(answer: str, why: str) -> None:
    with pytest.raises(Useless, match=why):
        read_score(answer)
