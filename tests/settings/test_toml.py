"""The lines of TOML's keys."""

import tomllib
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from abathur_tui.settings.toml import Key, Source, key_lines, read


@pytest.mark.parametrize(
    ("text", "key", "line"),
    [
        ("a = 1\nb = 2", ("b",), 2),
        ("[t]\n\n# x = 1\nx = 2", ("t", "x"), 4),
        ("[t.u]\nx = 1", ("t",), 1),
        ("[t]\nu.x = 1", ("t", "u", "x"), 2),
        ("[t]\n'a b'.\"c\" = 1", ("t", "a b", "c"), 2),
        ("[[n]]\na = 1\n[[n]]\na = 2", ("n", 1, "a"), 4),
        ("[[n]]\n[[n.m]]\n[[n]]\n[[n.m]]\na = 2", ("n", 1, "m", 0, "a"), 5),
        ('p = """\nq = 1\n"""\nq = 2', ("q",), 4),
        ("p = '''\n[q]\n'''\n[q]", ("q",), 4),
        ("p = [\n'[',\n1,\n]\nq = 2", ("q",), 5),
        ('p = "[" # [\nq = 2', ("q",), 2),
        ("p = 1\r\nq = 2\r\n", ("q",), 2),
    ],
)
def test_a_key_is_found_on_the_line_where_it_is_written(text: str, key: Key, line: int) -> None:
    tomllib.loads(text)

    assert key_lines(text)[key] == line


_words = st.sampled_from(["a", "b", "c-d", "e_f", "'g h'", '"i.j"'])
_scalars = st.sampled_from(["1", "true", '"x = 1"', "'[y]'", '"""\na = 1\n[z]\n"""', "[\n 1,\n 2 ]", "[]", '"# no"', "1 # [", "{ q = 1 }"])


@settings(deadline=None)
@given(st.lists(st.tuples(st.lists(_words, min_size=1, max_size=2, unique=True), st.lists(st.tuples(_words, _scalars), max_size=4)), max_size=5))
def test_every_key_that_has_a_line_of_its_own_is_found_on_it(tables: list[tuple[list[str], list[tuple[str, str]]]]) -> None:
    # given a text of tables and assignments, and the line of each
    lines: list[str] = []
    expected: dict[tuple[str, ...], int] = {}
    for path, assignments in tables:
        lines.append(f"[{'.'.join(path)}]")
        for key, value in assignments:
            expected[tuple(word.strip("'\"") for word in (*path, key))] = len(lines) + 1
            lines += f"{key} = {value}".split("\n")
    text = "\n".join(lines)
    try:
        tomllib.loads(text)
    except tomllib.TOMLDecodeError:
        return

    # when
    found: dict[Any, int] = key_lines(text)

    # then
    assert {key: found.get(key) for key in expected} == expected


def test_a_mistake_stands_at_the_nearest_table_that_has_a_line() -> None:
    source = read("[t]\nx = { y = 1 }\n", "f.toml")
    assert isinstance(source, Source)

    mistake = source.mistake(("t", "x", "y"), "wrong")

    assert (mistake.line, mistake.column, mistake.source, mistake.length) == (2, 1, "x = { y = 1 }", 1)
