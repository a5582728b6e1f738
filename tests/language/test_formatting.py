"""The formatter: one way to write a document, the same meaning, every comment kept, nothing left to change."""

from dataclasses import fields, is_dataclass

import pytest
from hypothesis import given, settings

from abathur_tui.domain.errors import DocumentInvalid
from abathur_tui.language import format, parse
from tests.language.documents import documents
from tests.language.planned import planned


def meaning(value: object) -> object:
    """A syntax tree without its places."""
    if isinstance(value, tuple):
        return [meaning(item) for item in value]
    if is_dataclass(value):
        kept = [field.name for field in fields(value) if not field.name.endswith(("start", "end"))]
        return type(value).__name__, {name: meaning(getattr(value, name)) for name in kept}
    return value


@settings(max_examples=80, deadline=None)
@given(documents())
def test_a_formatted_document_means_the_same_and_stays_as_it_is(text: str) -> None:
    before = parse(text)

    formatted = format(text)

    after = parse(formatted)
    assert meaning(after.statements) == meaning(before.statements)
    assert [comment.text for comment in after.comments] == [comment.text for comment in before.comments]
    assert format(formatted) == formatted


def test_what_fits_stays_on_a_line_and_the_rest_is_broken_up() -> None:
    text = """a=ABYSSAL [ CODE ]( 'gateway' , language = 'go' ,)
ABYSSAL[TEST](a,test_types=["unit","integration","end-to-end"],note="a long explanation of what is wanted",strict=true)
ABYSSAL[TEST]('platform', {parts:[ABYSSAL[CODE]("service registry"),a,ABYSSAL[TEST]("load tests")],'scale':[1,2]})
"""

    assert (
        format(text)
        == """a = ABYSSAL[CODE]("gateway", language="go")
ABYSSAL[TEST](
  a,
  test_types=["unit", "integration", "end-to-end"],
  note="a long explanation of what is wanted",
  strict=true,
)
ABYSSAL[TEST]("platform", {
  parts: [ABYSSAL[CODE]("service registry"), a, ABYSSAL[TEST]("load tests")],
  "scale": [1, 2],
})
"""
    )


def test_comments_stay_where_they_belong() -> None:
    text = """# head

// of a
a = ABYSSAL[CODE]("x") # behind a


# of the next
ABYSSAL[TEST](a, # behind the argument
  # before strict
  strict=true
  # at the end
) // behind it
# the end"""

    assert (
        format(text)
        == """# head

// of a
a = ABYSSAL[CODE]("x")  # behind a

# of the next
ABYSSAL[TEST](
  a,  # behind the argument
  # before strict
  strict=true,
  # at the end
)  // behind it
# the end
"""
    )


def test_comments_in_odd_places_are_kept() -> None:
    text = """a = # one
ABYSSAL # two
[ CODE ] ( # three
)
ABYSSAL[TEST](x = # four
  5 # five
  , y = { # six
  })"""

    assert (
        format(text)
        == """a = ABYSSAL[CODE](
  # one
  # two
  # three
)
ABYSSAL[TEST](
  # four
  x=5,  # five
  y={
    # six
  },
)
"""
    )


@pytest.mark.parametrize(
    ("written", "formatted"),
    [
        ("'plain'", '"plain"'),
        ("'say \"no\"'", "'say \"no\"'"),
        (r"'it\'s'", r"'it\'s'"),
        ("'''a'''", "'''a'''"),
        ('"\\u00e9"', '"\\u00e9"'),
        ("''", '""'),
        ("1.50", "1.50"),
    ],
)
def test_texts_are_written_with_double_quotes_where_that_changes_nothing(written: str, formatted: str) -> None:
    assert format(f"ABYSSAL[A]({written})") == f"ABYSSAL[A]({formatted})\n"


def test_texts_of_several_lines_are_left_as_they_are() -> None:
    text = 'ABYSSAL[A](\n  """one\n     two  \n""",\n  b=1,\n)\n'

    assert format(text) == text
    assert format(text.replace("\n", "\r\n")) == text


def test_a_plan_is_the_same_after_formatting() -> None:
    text = "a=ABYSSAL[CODE]('x',) ABYSSAL[TEST](a,{strict:true,})"

    before, after = planned(text), planned(format(text))

    assert (before.nodes, before.edges) == (after.nodes, after.edges)


def test_an_empty_document_stays_empty() -> None:
    assert format("") == ""
    assert format("  \n\n") == ""
    assert format("\ufeff# only\n\n\n\n# comments") == "# only\n\n# comments\n"


def test_a_document_with_mistakes_is_not_formatted() -> None:
    with pytest.raises(DocumentInvalid):
        format('ABYSSAL[A]("x" "y")')
