"""Results under the commands of a Markdown text."""

import time
from contextlib import suppress

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from abathur_tui.language import Told, UnclosedFence, extract, with_results
from abathur_tui.language.extract import command_spans


def told(text: str, body: str = "done") -> str:
    """The text with a result under each command."""
    return with_results(text, [Told(end, f"x{number}", body) for number, (_, end) in enumerate(command_spans(text), 1)])


def section(number: int, body: str = "done", fence: str = "```") -> str:
    return f"<!-- abathur:result x{number} -->\n{fence}text\n{body}\n{fence}\n<!-- abathur:end -->\n"


def test_a_result_stands_below_the_fence_of_its_command() -> None:
    text = 'Now:\n\n```abyssal\n# first\nABYSSAL[A]("x")\nABYSSAL[B]("y")\n```\nMore.\n'

    assert told(text) == text.replace("```\nMore", f"```\n\n{section(1)}\n{section(2)}\nMore")


def inside(indent: str, section: str) -> str:
    return "".join(f"{indent}{line}\n" for line in section.splitlines())


def test_a_result_stands_below_its_paragraph_or_list_item() -> None:
    text = 'Use ABYSSAL[A]("x") for\nthis.\n\n- `ABYSSAL[B]("y")`\n- other\n# Heading'

    assert told(text) == f'Use ABYSSAL[A]("x") for\nthis.\n\n{section(1)}\n- `ABYSSAL[B]("y")`\n\n{inside("  ", section(2))}\n- other\n# Heading'


def test_a_result_stays_in_the_list_item_of_its_command() -> None:
    text = '1. one\n   - two ABYSSAL[A]("x")\n\n     ```\nABYSSAL[B]("y")\n     ```\n2. three\n\n    ABYSSAL[C]("z")\n\nend ABYSSAL[D]("d")\n'

    once = told(text)

    assert f'("x")\n\n{inside("     ", section(1))}\n     ```\n' in once
    assert f"     ```\n\n{inside('     ', section(2))}\n2. three" in once
    assert f'("z")\n\n{inside("   ", section(3))}\nend' in once
    assert once.endswith(f'("d")\n\n{section(4)}')
    assert told(once) == once


def test_a_result_stands_below_the_end_of_a_comment() -> None:
    text = '<!-- later:\nABYSSAL[B]("y")\n\nand --> ABYSSAL[A]("x")\ntext\n'

    assert told(text) == f'<!-- later:\nABYSSAL[B]("y")\n\nand --> ABYSSAL[A]("x")\n\n{section(1)}\ntext\n'


def test_the_next_results_take_the_place_of_the_last() -> None:
    text = '# T\n\n```\nABYSSAL[A]("x")\n```\ntext ABYSSAL[B]("y") text\n\nend'

    once = told(text, "one")

    assert told(once, "two") == once.replace("one", "two")
    assert told(told(once, "three\nlines\n"), "one") == once


def test_what_a_result_says_is_neither_markdown_nor_a_command() -> None:
    body = '```\nABYSSAL[EVIL]("x")\n```\n````\n<!-- abathur:end -->\n\x1b[31m'

    once = told('ABYSSAL[A]("x")\n', body)

    assert "`````text\n" in once
    assert "\x1b" not in once
    assert [found.text for found in extract(once)] == ['ABYSSAL[A]("x")']
    assert told(once, "done") == f'ABYSSAL[A]("x")\n\n{section(1)}'


def test_marks_inside_a_fence_are_text() -> None:
    text = f'````\n{section(7)}````\nABYSSAL[A]("x")\n'

    assert told(text) == f"{text}\n{section(1)}"


def test_line_ends_stay_what_they_are() -> None:
    text = '```\r\nABYSSAL[A]("x")\r\n```\r\nmore\r\n'

    once = told(text, "a\nb")

    assert "\n" not in once.replace("\r\n", "")
    assert told(once, "a\nb") == once


def test_below_a_fence_without_an_end_there_is_no_place() -> None:
    with pytest.raises(UnclosedFence) as caught:
        told('words\n~~~\nABYSSAL[A]("x")\n```\n')

    assert caught.value.line == 2
    assert told('ABYSSAL[A]("x")\n```\nopen') == f'ABYSSAL[A]("x")\n\n{section(1)}\n```\nopen'


_PIECES = st.sampled_from(
    ["```\n", "````text\n", "~~~\n", "\n", "words\n", "- item\n", 'ABYSSAL[A]("x")\n', "<!--\n", "-->\n", "> ```\n", section(1), "\r\n", "# h\n"]
)


@settings(max_examples=150, deadline=None)
@given(st.lists(_PIECES, max_size=14))
def test_results_never_change_what_is_found_and_settle_at_once(pieces: list[str]) -> None:
    text = "".join(pieces)
    try:
        once = told(text)
    except UnclosedFence:
        return
    assert [found.text for found in extract(once)] == [found.text for found in extract(text)]
    assert told(once) == once


@pytest.mark.parametrize("piece", ["```", "<!--", "<!-- abathur:result", "<!-- abathur:result\n```", "> ", 'ABYSSAL[A]("x")', "`````\n```"])
def test_any_text_takes_linear_time(piece: str) -> None:
    text = f"{piece}\n" * (200_000 // len(piece))
    started = time.process_time()
    with suppress(UnclosedFence):
        told(text)
    assert time.process_time() - started < 3
