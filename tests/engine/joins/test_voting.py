"""Answers are compared as people compare them."""

import pytest

from abathur_tui.engine.joins.voting import answers, normal
from tests.engine.joins.team import done


def groups(*texts: str) -> list[list[int]]:
    return [[member.task for member in answer.members] for answer in answers([done(number, text) for number, text in enumerate(texts, 1)])]


@pytest.mark.parametrize(
    ("one", "other"),
    [
        ("Yes", "  yes.\n"),
        ("**Yes**", "yes"),
        ("`src/a.py`", "src/a.py"),
        ("first\nsecond", "first second"),
        ("42", "42.0"),
        ("I looked long.\n\nVote: PostgreSQL", "Quick one.\n**Vote:** *postgresql*."),
        ("Reasons…\nAnswer: 4", "Final answer: 4.0"),
        ('{"verdict": "accept", "why": "fine"}', 'I think:\n```json\n{"verdict": "Accept"}\n```'),
        ('{"answer": {"a": 1, "b": 2}}', '{"answer": {"b": 2, "a": 1.0}}'),
        ("Answer: no\nbut then\nAnswer: yes", "vote: yes"),
        ("ﬁne", "fine"),
    ],
)
def test_these_are_the_same_answer(one: str, other: str) -> None:
    assert groups(one, other) == [[1, 2]]


@pytest.mark.parametrize(
    ("one", "other"),
    [("yes", "no"), ("C#", "C"), ("snake_case", "snake case"), ("a*b", "a b"), ("x > 3", "x 3"), ('{"answer": true}', '{"answer": 1}'), ("-5", "5")],
)
def test_these_are_not(one: str, other: str) -> None:
    assert groups(one, other) == [[1], [2]]


def test_answers_stand_in_the_order_of_their_first_voters() -> None:
    assert groups("b", "a", "B", "a") == [[1, 3], [2, 4]]


def test_a_long_answer_is_shown_short() -> None:
    assert len(answers([done(1, "word " * 100)])[0].shown) == 80


def test_what_is_nothing_but_signs_is_empty() -> None:
    assert normal(" **\n > \n...") == ""
