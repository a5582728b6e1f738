"""JSON is found in what models write around it."""

import pytest

from abathur_tui.engine.joins.json_text import MOST_DEPTH, object_in

NESTED = '{"a":' * (MOST_DEPTH + 1) + "1" + "}" * (MOST_DEPTH + 1)


@pytest.mark.parametrize(
    "text",
    [
        '{"a": 1}',
        ' \n{"a": 1}\n',
        'Here it is:\n\n```json\n{"a": 1}\n```\nDone.',
        'Here:\n```\n{"a": 1}\n```',
        'So {"a": 1} it is.',
        'A draft {"b": 2}, then the answer {"a": 1}.',
        '```json\n{"b": 2}\n```\n\n```json\n{"a": 1}\n```',
        'Not {this}, but {"a": 1}.',
        '{"b": 3} is an example:\n```json\n{"a": 1}\n```',
    ],
)
def test_an_object_is_found(text: str) -> None:
    assert object_in(text) == {"a": 1}


@pytest.mark.parametrize("text", ["", "no object", "[1, 2]", "{a: 1}", '{"a": NaN}', '{"a": 1', "{" * 5000, NESTED])
def test_where_there_is_none_there_is_none(text: str) -> None:
    assert object_in(text) is None


def test_many_braces_take_no_time() -> None:
    assert object_in('{"a": ' * 100_000) is None
