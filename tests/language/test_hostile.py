"""No input whatever makes the language crash, hang or run anything."""

import time
import tracemalloc
from collections.abc import Callable

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from abathur_tui.domain.errors import AbathurError, OverLimit
from abathur_tui.language import PlanContext, extract, format, mistakes, parse, plan
from tests.language.documents import documents
from tests.language.registry import SmallRegistry

MIB = 1_048_576
SIZE = MIB // 4
_SIGNS = ["ABYSSAL", "[", "]", "(", ")", "{", "}", ",", ":", "=", '"', "'", '"""', "'''", "\\", "#", "//", "\n", "\r", " ", "-", ".", "@1.0"]
_WORDS = ["ABYSSAL[", "ABYSSAL[TEST](", "x", "x = ", "true", "1", "e9", "file(", '"a"', "'b'", "after=", "[[[["]
_ODD = ["\0", "\x1b[2J", "\u202e", "\ufeff", "\ud800", "\udcff", "А", "“", "\U000e0041"]
_PIECES = st.sampled_from([*_SIGNS, *_WORDS, *_ODD])
_GARBAGE = st.one_of(
    st.lists(_PIECES, max_size=40).map("".join),
    st.text(max_size=60),
    st.binary(max_size=60).map(lambda data: data.decode("utf-8", "surrogateescape")),
)


def everything(text: str) -> None:
    """All that the language does with a text; only its own errors may come out."""
    context = PlanContext(environ={})
    for work in (parse, format, extract, lambda one: mistakes(one, SmallRegistry(), context), lambda one: plan(one, SmallRegistry(), context)):
        error = error_of(work, text)
        if error is not None:
            assert error.message
            assert all(detail.length >= 1 and (detail.column or 1) >= 1 for detail in error.details)
            assert str(error.data()).encode("utf-8")


def error_of(work: Callable[[str], object], text: str) -> AbathurError | None:
    """The language's own error, if there is one."""
    try:
        work(text)
    except AbathurError as error:
        return error
    return None


@settings(max_examples=300, deadline=None)
@given(_GARBAGE)
def test_garbage_gives_an_error_and_nothing_worse(text: str) -> None:
    everything(text)


@settings(max_examples=60, deadline=None)
@given(documents(), st.data())
def test_a_damaged_document_gives_an_error_and_nothing_worse(text: str, data: st.DataObject) -> None:
    start = data.draw(st.integers(0, len(text)))
    end = data.draw(st.integers(start, min(len(text), start + 10)))

    everything(text[:start] + data.draw(_PIECES) + text[end:])


LONG = {
    "brackets": "[" * SIZE,
    "brackets in a command": "ABYSSAL[A](" + "[" * (SIZE - 11),
    "closing brackets": "ABYSSAL[A](" + "])}" * (SIZE // 3 - 4),
    "commands in commands": "ABYSSAL[A](" * (SIZE // 11),
    "objects in objects": "ABYSSAL[A](" + "{a:" * (SIZE // 3 - 4),
    "unclosed commands": "ABYSSAL[A](\n" * (SIZE // 12),
    "unclosed commands with names": "a = ABYSSAL[A]([\n" * (SIZE // 17),
    "calls": "ABYSSAL[A](" + "f(" * (SIZE // 2 - 6),
    "double quotes": '"' * SIZE,
    "single quotes with a rest": "'" * (SIZE - 1) + "x",
    "triple quotes and backslashes": '"""\\' * (SIZE // 4),
    "escaped triple quotes": 'ABYSSAL[A](\\"""\n' * (SIZE // 16),
    "backslashes": "\\" * SIZE,
    "escaped quotes": 'ABYSSAL[A]("' + '\\"' * (SIZE // 2 - 6),
    "wrong escapes": 'ABYSSAL[A]("' + "\\q" * (SIZE // 2 - 7) + '")',
    "halves of characters": 'ABYSSAL[A]("' + "\\ud800" * (SIZE // 6 - 3) + '")',
    "words": "x " * (SIZE // 2),
    "heads": "x = " * (SIZE // 4),
    "one long name": "x" * SIZE,
    "a name of hyphens": "x-" * (SIZE // 2),
    "one long number": "ABYSSAL[A](" + "1" * (SIZE - 12) + ")",
    "wrong numbers": "1x " * (SIZE // 3),
    "comments": "#\n" * (SIZE // 2),
    "a comment": "#" * SIZE,
    "blanks": " " * SIZE,
    "line breaks": "\n" * SIZE,
    "control characters": "\x1b\x00\x07" * (SIZE // 3),
    "confusable letters": "А" * (SIZE // 2),
    "emoji": "😀" * (SIZE // 4),
    "commas": "ABYSSAL[A](" + "," * (SIZE - 12) + ")",
    "colons": "ABYSSAL[A](" + "a:" * (SIZE // 2 - 6) + ")",
    "equal signs": "=" * SIZE,
    "at signs": "ABYSSAL[A" + "@" * (SIZE - 9),
    "templates that are not there": 'ABYSSAL[X]("x")\n' * (SIZE // 16),
    "unknown names": "ABYSSAL[TEST](given=[" + "y," * (SIZE // 2 - 13) + "])",
    "late arguments": "ABYSSAL[TEST](a=1," + '"",' * (SIZE // 3 - 7) + ")",
    "many names and unknown ones": "".join(f"name{number} = ABYSSAL[ASK](nome{number})\n" for number in range(SIZE // 37)),
    "long unknown names": "".join(f"ABYSSAL[ASK]({'x' * 2000}{number})\n" for number in range(SIZE // 2022)),
    "circles": "".join(f"n{number} = ABYSSAL[ASK](n{number ^ 1})\n" for number in range(SIZE // 35)),
    "a long circle": "".join(f"n{number} = ABYSSAL[ASK](n{(number + 1) % (SIZE // 35)})\n" for number in range(SIZE // 35)),
    "the same key": "ABYSSAL[TEST]({" + "a:1," * (SIZE // 4 - 5) + "})",
    "prose": "The quick brown fox, ABYSSAL[A and so on. " * (SIZE // 42),
    "inline commands": "use ABYSSAL[A](1, [2, then " * (SIZE // 27),
}


@pytest.mark.parametrize("name", LONG)
def test_a_long_text_of_anything_is_over_soon(name: str) -> None:
    text = LONG[name]
    assert len(text.encode()) <= SIZE
    context = PlanContext(environ={})

    for work in (lambda: mistakes(text, SmallRegistry(), context), lambda: extract(text)):
        started = time.process_time()
        work()
        assert time.process_time() - started < 4


def shortest_seconds(work: Callable[[], object]) -> float:
    best = 9e9
    for _ in range(2):
        started = time.process_time()
        work()
        best = min(best, time.process_time() - started)
    return best


@pytest.mark.parametrize("piece", ['a = ABYSSAL[TEST]("a name", given=[1, {b: "c"}])\n', "x 'y", "[1, ", "ABYSSAL[A](\n"])
def test_four_times_the_text_takes_about_four_times_as_long(piece: str) -> None:
    def read(size: int) -> float:
        text = "ABYSSAL[TEST](1)\n" + piece * (size // len(piece))
        return shortest_seconds(lambda: mistakes(text, SmallRegistry(), PlanContext(environ={}, max_nodes=1_000_000)))

    read(1000)
    assert read(SIZE) < 10 * read(SIZE // 4) + 0.1


def test_a_text_over_the_limit_is_refused_at_once() -> None:
    text = "x" * (10 * MIB)

    started = time.process_time()
    for work in (
        parse,
        format,
        extract,
        lambda one: plan(one, SmallRegistry(), PlanContext()),
        lambda one: mistakes(one, SmallRegistry(), PlanContext()),
    ):
        with pytest.raises(OverLimit, match="longer than 1,048,576 bytes"):
            work(text)
    assert time.process_time() - started < 0.1


def test_the_limit_counts_bytes_not_characters() -> None:
    with pytest.raises(OverLimit):
        parse("# " + "é" * (MIB // 2))
    assert parse("# " + "e" * (MIB // 2)).comments


def test_the_memory_for_a_mebibyte_is_bounded() -> None:
    text = "ABYSSAL[TEST](given=[" + "[]," * (MIB // 30) + "])"

    tracemalloc.start()
    mistakes(text, SmallRegistry(), PlanContext(environ={}))
    _, peak = tracemalloc.get_traced_memory()
    tracemalloc.stop()

    assert peak < 300 * len(text)


def test_nesting_as_deep_as_allowed_is_no_problem_for_anybody() -> None:
    for opening, closing in (("[", "]"), ("{a: ", "}")):
        everything("ABYSSAL[TEST](x, given=" + opening * 63 + "1" + closing * 63 + ")")
    text = 'ABYSSAL[TEST]("x", given=' + "[" * 63 + "]" * 63 + ")"
    assert format(text).count("[") == 64
    with pytest.raises(OverLimit):
        parse(text.replace("[]", "[[]]"))
