"""Commands in prose are found where they stand, whatever stands around them."""

from hypothesis import given, settings
from hypothesis import strategies as st

from abathur_tui.language import Found, extract, is_document, parse
from tests.language.documents import commands


def test_commands_are_found_fenced_inline_and_just_so() -> None:
    text = """# Plan

First `gateway = ABYSSAL[CODE]("API gateway")`, and it's then tested by ABYSSAL[TEST](gateway, strict=true).

```abyssal
# the whole
ABYSSAL[ARCHITECTURE]("platform", {
  components: [ABYSSAL[CODE]("registry"), gateway],  # two
})
```

- last = ABYSSAL[ASK@1.0.0]('why?')
"""

    assert extract(text) == [
        Found(3, 8, 'gateway = ABYSSAL[CODE]("API gateway")'),
        Found(3, 73, "ABYSSAL[TEST](gateway, strict=true)"),
        Found(7, 1, 'ABYSSAL[ARCHITECTURE]("platform", {\n  components: [ABYSSAL[CODE]("registry"), gateway],  # two\n})'),
        Found(12, 3, "last = ABYSSAL[ASK@1.0.0]('why?')"),
    ]


def test_what_only_looks_like_a_command_is_passed_over() -> None:
    text = """Write ABYSSAL[NAME] to call NAME; "ABYSSAL[" alone is nothing; MYABYSSAL[A]("x") neither;
ABYSSAL[A]("not closed, [1, 2
ABYSSAL[A](ABYSSAL[B]("inner"), oops oops) and ABYSSAL[C]("good")."""

    assert [found.text for found in extract(text)] == ['ABYSSAL[B]("inner")', 'ABYSSAL[C]("good")']


def test_what_stands_in_a_comment_of_the_markdown_is_not_seen() -> None:
    text = """<!-- ABYSSAL[A]("off") --> ABYSSAL[B]("says <!--") and <!--
b = ABYSSAL[A]("off")
--> `<!-- ABYSSAL[C]("shown") -->`

```html
<!-- ABYSSAL[D]("shown") -->
```
<!-- ABYSSAL[A]("off")
-->ABYSSAL[E]("on") <!-- ABYSSAL[F]("never closed")"""

    assert [one.text[8] for one in extract(text)] == ["B", "C", "D", "E", "F"]


def test_a_text_without_commands_has_none() -> None:
    assert extract("") == []
    assert extract("Nothing here.") == []


@settings(max_examples=40, deadline=None)
@given(st.lists(commands(), min_size=1, max_size=4), st.sampled_from([" and then ", "\n\n", "`, `", " it's 5% \\ of \u202e "]))
def test_every_command_between_words_is_found_whole(texts: list[str], between: str) -> None:
    found = extract("Words: " + between.join(texts) + between)

    assert [one.text for one in found] == texts
    assert all(len(parse(one.text).statements) == 1 for one in found)


def test_a_text_is_a_document_if_it_holds_the_beginning_of_a_command() -> None:
    assert is_document('do ABYSSAL[CODE]("x")')
    assert is_document("broken ABYSSAL[")
    assert not is_document("a prompt about ABYSSAL")
