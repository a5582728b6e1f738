"""Prompts: everything that was given reaches the agent, and nothing that was given runs."""

import time
from contextlib import suppress

import pytest

from abathur_tui.domain.data import JsonObject, JsonValue
from abathur_tui.domain.errors import PromptFailed
from abathur_tui.library.prompts import Input, render

HOSTILE = "{{ 7 * 7 }} {% for x in y %}{{ x.__class__ }}{% endfor %} {# gone #}"


def test_values_stand_where_the_template_places_them() -> None:
    assert render("Build {{ component }}{% if language %} in {{ language }}{% endif %}.", {"component": "a gateway", "language": "go"}) == (
        "Build a gateway in go."
    )


def test_a_plain_prompt_is_itself_whatever_it_holds() -> None:
    assert render("{{ prompt }}", {"prompt": HOSTILE}) == HOSTILE


def test_values_and_results_are_never_read_as_template_text() -> None:
    prompt = render("{{ a }} {{ b[0] }}", {"a": HOSTILE, "b": [HOSTILE], "extra": HOSTILE}, [Input(HOSTILE, HOSTILE)])

    assert prompt.count(HOSTILE) == 5


def test_parameters_that_the_template_does_not_place_come_after_it() -> None:
    parameters: JsonObject = {
        "topic": "x",
        "time_line": "3 weeks",
        "team": ["Ada", "Bo"],
        "strict": True,
        "none": None,
        "brief": "One.\n\nTwo.",
        "sizes": {"s": 1, "l": 2},
    }

    assert render("Plan {{ topic }}.", parameters) == (
        "Plan x.\n\nGiven:\n- time line: 3 weeks\n- team: Ada, Bo\n- strict: yes\n\n## brief\n\nOne.\n\nTwo.\n\n## sizes\n\n- s: 1\n- l: 2"
    )


def test_lists_are_printed_for_a_reader() -> None:
    assert render("{{ x }}", {"x": ["unit", "load"]}) == "unit, load"
    assert render("{{ x }}", {"x": ["a, b", "c"]}) == "1. a, b\n2. c"
    assert render("{{ x }}", {"x": ["one\ntwo", 3]}) == "1. one\n   two\n2. 3"


def test_results_come_under_their_names_and_what_is_missing_is_named() -> None:
    prompt = render("Go.", {}, [Input("CODE a", "fn a()"), Input("CODE b", "", missing="it is dead: no answer")])

    assert prompt.startswith("Go.\n\n# Results of earlier steps\n\n")
    assert "## CODE a\n\nfn a()" in prompt
    assert "## CODE b\n\n[no result: it is dead: no answer]" in prompt


def test_a_template_can_place_the_results_itself() -> None:
    prompt = render("{% for one in results %}\n{{ loop.index }} {{ one.name }}: {{ one.text }}\n{% endfor %}", {}, [Input("a", "A"), Input("b", "B")])

    assert prompt == "1 a: A\n2 b: B"


def test_results_are_cut_to_the_room_that_the_rest_leaves() -> None:
    results = [Input("a", "alpha " * 2000), Input("b", "beta"), Input("c", "gamma " * 2000, distance=2)]

    prompt = render("Do {{ x }}.", {"x": "y" * 500}, results, max_characters=4000)

    assert len(prompt) <= 4000
    assert "y" * 500 in prompt
    assert "## b\n\nbeta" in prompt
    assert prompt.count("characters left out") == 2
    assert prompt.count("alpha") > prompt.count("gamma") > 50


def test_one_of_several_is_told_which_it_is() -> None:
    assert "You are 2 of 3" in render("Go.", {}, instance=2, instances=3)
    assert render("{{ instance }}/{{ instances }}", {}, instance=2, instances=3) == "2/3"
    assert render("Go.", {}) == "Go."


def test_a_value_that_is_not_there_may_be_asked_for_but_not_printed() -> None:
    assert render("{% if x %}a{% elif x == 'b' %}b{% else %}c{% endif %}", {}) == "c"

    with pytest.raises(PromptFailed, match="'x' is undefined"):
        render("{{ x }}", {})


@pytest.mark.parametrize(
    "template",
    [
        "{{ ''.__class__.__mro__ }}",
        "{{ x.upper() }}",
        "{{ range(10) }}",
        "{{ 'a' * 1000000000 }}",
        "{{ 9 ** 9999999 }}",
        "{{ '%09999999999d' % 1 }}",
        "{{ x|center(1000000000) }}",
        "{{ x|attr('__class__') }}",
        "{% macro f() %}{{ f() }}{{ f() }}{% endmacro %}{{ f() }}",
        "{% set a = x ~ x %}{{ a }}",
        "{% include '/etc/passwd' %}",
        "{% import 'os' as os %}",
        "{% extends 'x' %}",
        "{% for a in x recursive %}{{ loop(a) }}{% endfor %}",
        "{% filter upper %}a{% endfilter %}",
        "{{ [x, x]|join }}",
        "{{ " + "(" * 3000 + "x" + ")" * 3000 + " }}",
        "{% for a in x %}" * 30 + "{% endfor %}" * 30,
        "{{ x",
        "{% if %}",
        "{{ self.__init__ }}",
        "{{ lipsum }}",
    ],
)
def test_what_is_not_in_the_language_is_refused_before_any_of_it_runs(template: str) -> None:
    started = time.process_time()

    with pytest.raises(PromptFailed):
        render(template, {"x": "abc"})
    assert time.process_time() - started < 1


@pytest.mark.parametrize(
    "template",
    [
        "{% for a in x %}{% for b in x %}{% for c in x %}{% endfor %}{% endfor %}{% endfor %}",
        "{% for a in x %}{{ x }}{% endfor %}",
        "{% for a in x %}{% if x|upper|lower|title == 'y' %}{% endif %}{% endfor %}",
        "{{ x|join(x) }}",
        "{{ x" + "|tojson" * 60 + " }}",
        "{{ x|list" + "|sort" * 50 + " }}",
    ],
)
def test_a_hostile_template_ends_soon(template: str) -> None:
    started = time.process_time()

    with suppress(PromptFailed):
        render(template, {"x": '"' * 90_000})

    assert time.process_time() - started < 6


def test_a_broken_template_names_its_line() -> None:
    with pytest.raises(PromptFailed) as caught:
        render("One\nTwo {{ x|urlize }}\n", {"x": 1})

    (detail,) = caught.value.details
    assert (detail.line, detail.source) == (2, "Two {{ x|urlize }}")
    assert "urlize" in detail.message


@pytest.mark.parametrize("template", ["{{ x }}", "Go."])
def test_values_that_are_nested_too_deeply_are_an_error_of_ours(template: str) -> None:
    deep: JsonValue = "bottom"
    for _ in range(3000):
        deep = [deep, "a\nb"]

    with pytest.raises(PromptFailed):
        render(template, {"x": deep})


def test_placed_results_leave_room_for_the_templates_own_text() -> None:
    text = render(
        "Build on {{ a }} and {{ b }}. " + "x" * 500,
        {"a": None, "b": None},
        placed={"/a": Input("A", "a" * 900), "/b": Input("B", "b" * 900)},
        max_characters=1500,
    )

    assert len(text) <= 1500
    assert text.endswith("x" * 500)
    assert text.count("a" * 250) == text.count("b" * 250) == 1


def test_placed_and_appended_results_share_the_room_the_nearest_most() -> None:
    text = render(
        "Improve {{ a }}", {"a": None}, [Input("FAR", "f" * 3000, distance=2)], placed={"/a": Input("NEAR", "n" * 3000)}, max_characters=2000
    )

    assert len(text) <= 2000
    assert text.count("n") > 1.5 * text.count("f")
    assert text.count("characters left out]") == 2


def test_a_result_that_a_template_shows_twice_is_cut_for_both_places() -> None:
    text = render("{{ a }}\n\n{{ a }}", {"a": None}, placed={"/a": Input("A", "word " * 1000)}, max_characters=2000)

    assert len(text) <= 2000
    assert len(text) > 1500


def test_a_missing_result_says_so_in_its_place() -> None:
    placed = {"/list/1": Input("B", "", missing="it is dead")}

    assert render("{{ list }}", {"list": ["x", None]}, placed=placed) == "x, [no result of B: it is dead]"
