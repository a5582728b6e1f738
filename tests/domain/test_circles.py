"""Circles of things that wait for each other."""

import pytest

from abathur_tui.domain.circles import circle_in


@pytest.mark.parametrize(
    ("waits", "circle"),
    [
        ({}, []),
        ({"a": ["b"], "b": []}, []),
        ({"a": ["elsewhere"]}, []),
        ({"a": ["a"]}, ["a", "a"]),
        ({"first": ["a"], "a": ["free", "b"], "b": ["a"], "free": [], "last": ["b"]}, ["a", "b", "a"]),
        ({"a": ["b", "b"], "b": []}, []),
    ],
)
def test_a_circle_is_named_and_what_only_leads_to_it_is_not(waits: dict[str, list[str]], circle: list[str]) -> None:
    assert circle_in(waits) == circle


def test_a_long_chain_takes_no_time() -> None:
    chain = {number: [number + 1] for number in range(50_000)}

    assert circle_in(chain) == []
    assert len(circle_in(chain | {50_000: [25_000]})) == 25_002
