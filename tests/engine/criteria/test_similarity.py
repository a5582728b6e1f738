"""How alike outputs are."""

import time

import pytest
from hypothesis import given
from hypothesis import strategies as st

from abathur_tui.engine.criteria.similarity import similarity

TEXT = "The quick brown fox jumps over the lazy dog, and the dog sleeps on. " * 5


@pytest.mark.parametrize("other", [TEXT, TEXT.upper(), TEXT.replace(" ", "\n  ")])
def test_case_and_white_space_do_not_count(other: str) -> None:
    assert similarity(TEXT, other) == 1.0


def test_a_changed_word_in_a_long_text_is_little_and_in_a_short_one_much() -> None:
    assert 0.95 < similarity(TEXT, TEXT.replace("quick", "slow", 1)) < 1
    assert similarity("use a cache", "use an index") < 0.5
    assert similarity("red", "blue") == 0


def test_of_json_the_order_of_keys_and_the_layout_do_not_count() -> None:
    assert similarity('{"a": 1, "b": [1, 2]}', '{"b":[1,2],\n"a":1}') == 1.0
    assert similarity('{"a": 1, "b": 2}', '```json\n{"b": 2, "a": 1}\n```') == 1.0


def test_of_json_it_is_the_share_of_equal_values_at_equal_places() -> None:
    assert similarity('{"a": 1, "b": 2, "c": 3, "d": 4}', '{"a": 1, "b": 2, "c": 3, "d": 5}') == 0.75
    assert similarity('{"a": 1}', '{"b": 1}') == 0


@given(st.text(), st.text())
def test_it_is_a_share_and_the_same_both_ways(one: str, other: str) -> None:
    assert 0 <= similarity(one, other) == similarity(other, one) <= 1
    assert similarity(one, one) == 1


@pytest.mark.parametrize("piece", ["word ", '{"a":', "a", "```json\n", "[["])
def test_its_time_grows_with_the_length_and_no_faster(piece: str) -> None:
    began = time.process_time()
    similarity(piece * 200_000, piece * 199_999 + "b")

    assert time.process_time() - began < 5
