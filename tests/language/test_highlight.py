"""What each piece of a text is."""

import time

from hypothesis import given, settings
from hypothesis import strategies as st

from abathur_tui.language import Part, highlight
from tests.language.documents import documents


def parts(text: str) -> list[tuple[str, str]]:
    """Each piece and what it is, punctuation left out."""
    return [(text[start:end], str(part)) for start, end, part in highlight(text) if part is not Part.PUNCTUATION]


def test_every_piece_of_a_document_has_its_part() -> None:
    assert parts('a = ABYSSAL[CODE@1.0.0](b, "x", n=-1.5, o={key: true, "quoted": file("f")}) # end') == [
        ("a", "name"),
        ("ABYSSAL", "keyword"),
        ("CODE", "template"),
        ("@1.0.0", "template"),
        ("b", "name"),
        ('"x"', "text"),
        ("n", "parameter"),
        ("-1.5", "number"),
        ("o", "parameter"),
        ("key", "parameter"),
        ("true", "constant"),
        ('"quoted"', "parameter"),
        ("file", "function"),
        ('"f"', "text"),
        ("# end", "comment"),
    ]


def test_what_is_not_whole_is_coloured_as_far_as_it_goes() -> None:
    assert parts("ABYSSAL[CODE](name=# c\n 'open") == [
        ("ABYSSAL", "keyword"),
        ("CODE", "template"),
        ("name", "parameter"),
        ("# c", "comment"),
        ("'open", "wrong"),
    ]


def test_a_plain_prompt_has_no_parts() -> None:
    assert highlight("do 3 things: 'a' and # b") == []


@settings(max_examples=60, deadline=None)
@given(st.one_of(documents().map(lambda text: f"{text}ABYSSAL["), st.text(max_size=80).map(lambda text: f"ABYSSAL[{text}")))
def test_pieces_are_in_order_and_leave_out_only_blanks(text: str) -> None:
    position = 0
    for start, end, _ in highlight(text):
        assert position <= start < end
        assert not text[position:start].strip(" \t\r\n\f\ufeff")
        position = end
    assert not text[position:].strip(" \t\r\n\f\ufeff")


def test_long_texts_take_linear_time() -> None:
    started = time.process_time()
    for piece in ("[", '"""\\', "ABYSSAL[A](", "# \n", "a:"):
        highlight("ABYSSAL[" + piece * (100_000 // len(piece)))
    assert time.process_time() - started < 6
