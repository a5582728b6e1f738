"""What an editor may offer where the cursor (`|`) stands."""

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from abathur_tui.domain.errors import NotYet
from abathur_tui.language import complete
from abathur_tui.language.completion import NOT_YET
from tests.language.documents import documents
from tests.language.planned import only_mistake
from tests.language.registry import SmallRegistry

REGISTRY = SmallRegistry()


def offered(text: str) -> list[str]:
    """What is offered at `|`."""
    position = text.index("|")
    return [one.text for one in complete(text.replace("|", ""), position, REGISTRY)]


def completed(text: str) -> str:
    """The text with the first of what is offered."""
    position = text.index("|")
    plain = text.replace("|", "")
    first = complete(plain, position, REGISTRY)[0]
    return plain[: first.start] + first.text + plain[position:]


def test_templates_are_offered_after_the_bracket() -> None:
    assert offered("ABYSSAL[|") == ["ASK](", "CODE](", "LOOP](", "PARTS](", "TEST]("]
    assert offered('x = ABYSSAL[CODE]("a", style="plain", tests=[ABYSSAL[te|])') == ["TEST]("]
    assert completed("ABYSSAL[co|") == "ABYSSAL[CODE]("


def test_a_command_is_offered_where_a_statement_or_a_value_begins() -> None:
    assert offered("AB|") == ["ABYSSAL["]
    assert "ABYSSAL[" in offered('ABYSSAL[ASK]("x")\n|')
    assert "ABYSSAL[" in offered("ABYSSAL[ASK](|)")
    assert "ABYSSAL[" in offered("ABYSSAL[CODE](1, parts=[|])")


def test_parameters_are_offered_the_declared_ones_first_and_none_twice() -> None:
    offers = offered('ABYSSAL[CODE]("x", style="plain", |)')

    assert offers[0] == "language="
    assert {"priority=", "after=", "on_failure="} < set(offers)
    assert not {"component=", "style=", "budget="} & set(offers)
    assert offered("ABYSSAL[CODE]('x', lan|") == ["language="]
    assert offered("ABYSSAL[CODE]('x', {lan|") == ["language: "]


@pytest.mark.parametrize(
    ("text", "offers"),
    [
        ("ABYSSAL[CODE]('x', style=|", ['"plain"', '"terse"']),
        ('ABYSSAL[CODE]("x", style="t|', ['"terse"']),
        ("ABYSSAL[CODE]('x', style='t|')", ["'terse'"]),
        ('ABYSSAL[CODE]("x", {style: "t|', ['"terse"']),
        ("ABYSSAL[TEST]('x', strict=t|", ["true", "the_name"]),
        ('ABYSSAL[ASK]("x", agent="|', ['"worker"', '"tester"', '"code-generator"']),
        ('ABYSSAL[ASK]("x", priority="h|', ['"high"']),
        ('ABYSSAL[ASK]("x", on_failure="s|")', ['"skip"']),
    ],
)
def test_values_are_offered(text: str, offers: list[str]) -> None:
    found = offered(f'the_name = ABYSSAL[ASK]("x")\n{text}')

    assert found[: len(offers)] == offers


def test_bound_names_are_offered_wherever_a_result_may_stand() -> None:
    rest = '\nlater = ABYSSAL[ASK]("y")\n'

    assert offered(f"ABYSSAL[ASK](l|){rest}")[-1:] == ["later"]
    assert "later" in offered(f"ABYSSAL[ASK]('x', after=[|]){rest}")
    assert not {"file(", "later="} & set(offered(f"ABYSSAL[ASK]('x', after=[|]){rest}"))
    assert "file(" in offered("ABYSSAL[ASK](f|)")


@pytest.mark.parametrize(
    "text",
    ["a plain |", "|", 'ABYSSAL[ASK]("free te|xt")', "ABYSSAL[ASK]('x') # ABYSSAL[|", 'ABYSSAL[ASK]("""\nABYSSAL[|', "ABYSSAL[ASK](file(|))", "A|"],
)
def test_nothing_is_offered_in_what_is_free(text: str) -> None:
    assert offered(text) == []


@pytest.mark.parametrize("name", sorted(NOT_YET))
def test_what_is_not_offered_is_what_cannot_be_honoured_yet(name: str) -> None:
    assert only_mistake(f'ABYSSAL[ASK]("x", {name}=1)').code == NotYet.code


@settings(max_examples=60, deadline=None)
@given(st.one_of(documents(), st.text("ABYSSAL[]{}()=,:'\"# \nxe@1", max_size=60).map(lambda text: f"ABYSSAL[ {text}")), st.data())
def test_any_place_of_any_text_can_be_asked_about(text: str, data: st.DataObject) -> None:
    position = data.draw(st.integers(0, len(text)))

    for one in complete(text, position, REGISTRY):
        assert 0 <= one.start <= position
        assert one.text.lower().startswith(text[one.start : position].lower())
