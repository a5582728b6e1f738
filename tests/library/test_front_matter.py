"""Front matter as people write it for Claude Code."""

from contextlib import suppress

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from abathur_tui.library.front_matter import FrontMatterBroken, Value, read_markdown


@pytest.mark.parametrize(
    ("lines", "value"),
    [
        ("k: plain words", "plain words"),
        ("k: Use when: the tests fail # always", "Use when: the tests fail"),
        ("k: a#b", "a#b"),
        ("k: 'it''s: quoted' # comment", "it's: quoted"),
        ('k: "a \\"b\\"\\nc"', 'a "b"\nc'),
        ("k: one\n  two\n\n  three", "one two three"),
        ("k: |\n  one\n    two\n\n  three\n", "one\n  two\n\nthree"),
        ("k: >-\n  one\n  two\n\n  three", "one two\n\nthree"),
        ("k: Read, Grep", "Read, Grep"),
        ("k: [Read, 'Grep', Bash(git log, git diff)]", ("Read", "Grep", "Bash(git log, git diff)")),
        ("k: [Read,\n  Grep]", ("Read", "Grep")),
        ("k:\n  - Read\n  - Grep # why", ("Read", "Grep")),
        ("k:\n- Read\n- Grep", ("Read", "Grep")),
        ("k:", ""),
        ("# comment\n\nk: v", "v"),
        ("k: Examples:\\n<example>user: x</example>", "Examples:\\n<example>user: x</example>"),
    ],
)
def test_a_value_is_read_as_it_is_meant(lines: str, value: Value) -> None:
    file = read_markdown(f"---\n{lines}\nlast: 1\n---\n\nThe body.\n")

    assert file.values == {"k": value, "last": "1"}
    assert file.body == "The body."


def test_tables_inside_are_passed_over() -> None:
    file = read_markdown("---\nhooks:\n  PreToolUse:\n    - matcher: Bash\n      run: evil\nname: a\n---\nB")

    assert file.values == {"name": "a"}


def test_windows_line_ends_and_a_byte_order_mark_do_not_matter() -> None:
    assert read_markdown("\ufeff---\r\nname: a\r\n---\r\nOne\r\nTwo").values == {"name": "a"}


@pytest.mark.parametrize(
    ("text", "line"),
    [
        ("", 1),
        ("# Title", 1),
        ("---\nname: a\n", 1),
        ("---\nname: a\njust words\n---\n", 3),
        ('---\nx: 1\nname: "a\n---\n', 3),
        ("---\nt: [a, b\n---\n", 2),
    ],
)
def test_what_is_broken_is_said_with_its_line(text: str, line: int) -> None:
    with pytest.raises(FrontMatterBroken) as caught:
        read_markdown(text)

    assert caught.value.line == line


@settings(deadline=None)
@given(st.text(alphabet=st.sampled_from("ab:-#|>[]'\",\\ \n\t"), max_size=60))
def test_no_text_makes_it_crash(text: str) -> None:
    with suppress(FrontMatterBroken):
        assert isinstance(read_markdown(f"---\n{text}\n---\nbody").body, str)
