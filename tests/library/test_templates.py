"""Template files: what may stand in them, and what is said of mistakes."""

import pytest

from abathur_tui.domain.errors import Detail, TemplateInvalid
from abathur_tui.domain.plan import ConflictRule, JoinStrategy, JoinWish
from abathur_tui.domain.success import Success
from abathur_tui.domain.templates import Nested, Nesting, Parameter, ParameterKind, TemplateKind
from abathur_tui.library.template_file import template_from_toml

WHOLE = '''
name = "REPORT"
version = "2.1.0"
description = "A report"
category = "writing"
kind = "agent"
agent = "documenter"
extra = "allow"
nesting = "parts"
join = "concatenate"
success_threshold = 0.5
retries = 1
complexity = 20
estimated_seconds = 12
operation = "report"
prompt = """
Report on {{ subject }}.
{% for one in results %}{{ one.name }}{% endfor %}
{{ instance }} of {{ instances }}
"""

[parameters.subject]
type = "string"
required = true
description = "What about"

[parameters.tone]
type = "enum(dry, warm)"
default = "dry"

[parameters.length]
type = "number"
suggestions = ["1", "2"]

[[nested]]
name = "facts"
template = "RESEARCH@1.0.0"
parameters = { question = "What of {{ subject }}?", depth = "{{ tone }}" }
required = false

[[nested]]
name = "text"
template = "DOCUMENT"
depends_on = ["facts", "REPORT"]
'''
SMALL = 'name = "A"\nprompt = "Do {{ x }}."\n[parameters.x]\n'


def mistakes(text: str) -> tuple[Detail, ...]:
    with pytest.raises(TemplateInvalid) as caught:
        template_from_toml(text, "a.toml", "user")
    assert all(one.file == "a.toml" for one in caught.value.details)
    return caught.value.details


def test_every_field_of_a_file_is_in_the_template() -> None:
    template = template_from_toml(WHOLE, "report.toml", "user")

    assert (template.name, template.version, template.category, template.agent, template.operation) == (
        "REPORT",
        "2.1.0",
        "writing",
        "documenter",
        "report",
    )
    assert template.kind is TemplateKind.AGENT
    assert template.nesting is Nesting.PARTS
    assert template.extra
    assert (template.success_threshold, template.retries, template.complexity, template.estimated_seconds) == (0.5, 1, 20, 12)
    assert template.prompt.startswith("Report on {{ subject }}.")
    assert template.subject == Parameter("subject", ParameterKind.STRING, required=True, description="What about")
    assert template.parameters[1:] == (
        Parameter("tone", ParameterKind.ENUM, default="dry", choices=("dry", "warm")),
        Parameter("length", ParameterKind.NUMBER, suggestions=("1", "2")),
    )
    assert template.nested == (
        Nested("facts", "RESEARCH", "1.0.0", {"question": "What of {{ subject }}?", "depth": "{{ tone }}"}, (), required=False),
        Nested("text", "DOCUMENT", None, {}, ("facts", "REPORT")),
    )
    assert template.origin == "user"
    assert template.text == WHOLE


def test_what_is_not_said_is_as_the_documentation_says() -> None:
    template = template_from_toml(SMALL, "a.toml", "project")

    assert (template.version, template.category, template.agent, template.extra, template.estimated_seconds) == (
        "1.0.0",
        "general",
        "generalist",
        False,
        30,
    )


def test_all_mistakes_come_at_once_with_their_lines() -> None:
    text = """name = "A B"
versoin = "1"
version = "new"
memory = "much"
confidence = 2
prompt = "x"
complexity = 101

[parameters.x]
type = "enum()"

[parameters.y]
type = "number"
default = true
"""

    found = {one.line: one for one in mistakes(text)}

    assert set(found) == {1, 2, 3, 4, 5, 7, 10, 12}
    assert found[2].suggestion == "did you mean version?"
    assert "1.0.0" in found[3].message
    assert "not a size" in found[4].message
    assert "a number from 0 to 1" in found[5].message
    assert "enum(a, b, c)" in found[10].message
    assert "no number" in found[12].message


def test_what_is_wrong_in_one_field_hides_nothing_that_is_wrong_between_others() -> None:
    text = """name = "A"
kind = "lop"
retries = "two"
colour = "red"
prompt = "{{ nope }} {{ x }} {{ y }}"

[parameters]
x = "text"

[parameters.y]
type = "number"
default = "a"

[[nested]]
name = "n"
template = "T"
depends_on = ["m"]
"""

    assert [(one.line, one.message.partition(":")[0]) for one in mistakes(text)] == [
        (2, "kind"),
        (3, "retries"),
        (4, "unknown key colour; known at the top"),
        (5, "nope is no parameter of this template"),
        (8, "parameters.x"),
        (10, "parameters.y"),
        (17, "n depends on m, which is neither a sibling nor this template's own step (A)"),
    ]


def test_what_cannot_be_read_makes_no_mistakes_of_its_own() -> None:
    fork = 'name = "A"\nkind = "fork"\n[[nested]]\nname = "n"\ntemplate = "T T"\n'
    typed = 'name = "A"\nprompt = ["x"]\n[parameters.x]\ntype = "numbr"\ndefault = 3\n'

    assert [one.line for one in mistakes(fork)] == [5]
    assert [one.line for one in mistakes(typed)] == [2, 4]


@pytest.mark.parametrize(
    ("change", "line", "words"),
    [
        (('"Do {{ x }}."', '"Do {{ y }}."'), 2, "y is no parameter"),
        (('"Do {{ x }}."', '"""\nDo\n{{ x.upper() }}\n"""'), 4, "call is not part"),
        (("[parameters.x]", "[parameters.priority]"), 3, "priority is taken"),
        (("[parameters.x]", "[parameters.x]\nrequired = true\ndefault = 'a'"), 3, "has no default"),
        (("[parameters.x]", "[parameters.x]\ndefault = ['a']"), 3, "is no string"),
        (("[parameters.x]", "[parameters.x]\n[[nested]]\nname = 'n'\ntemplate = 'T'\ndepends_on = ['m']"), 7, "neither a sibling"),
        (("[parameters.x]", "[parameters.x]\n[[nested]]\nname = 'n'\ntemplate = 'T'\nparameters = { a = '{{ xx }}' }"), 7, "xx is no parameter"),
        (("[parameters.x]", "[parameters.x]\n[[nested]]\nname = 'A'\ntemplate = 'T'"), 5, "twice"),
        (("[parameters.x]", "[parameters.x]\n[[nested]]\nname = 'n'\ntemplate = 'T@'"), 6, "template"),
        (("[parameters.x]", "[parameters.x]\ntype = 'text'"), 4, "it must be string, number"),
        (('name = "A"', "name = 1"), 1, "it must be a text, not 1"),
        (('name = "A"', ""), None, "it must be given"),
        (('name = "A"', 'name = "A B"'), 1, "'A B' is no name: a letter, then letters, digits, _ and -"),
        (("[parameters.x]", "[parameters.x]\n[parameters.a-b]"), 4, "'a-b' is no parameter's name"),
        (("[parameters.x]", "[parameters]\nx = 'text'"), 4, "parameters.x: it must be a table, not 'text'"),
        (("[parameters.x]", "[parameters.x]\n[nested]\nname = 'n'"), 4, "nested: it must be an array, not a table"),
        (
            (
                "[parameters.x]",
                "[parameters.x]\n[[nested]]\nname='n'\ntemplate='T'\ndepends_on=['m']\n[[nested]]\nname='m'\ntemplate='T'\ndepends_on=['n']",
            ),
            7,
            "they wait for each other: n → m → n",
        ),
        (('name = "A"', 'name = "A'), 1, "TOML"),
    ],
)
def test_a_mistake_is_said_with_its_line(change: tuple[str, str], line: int | None, words: str) -> None:
    found = mistakes(SMALL.replace(*change))

    assert [one.line for one in found if words in one.message] == [line]


@pytest.mark.parametrize(
    ("text", "line", "suggestion"),
    [
        ('name = "A"\n[parameters.x]\nprompt = "Do {{ x }}."\n', 3, "it belongs at the top, before the first [table]"),
        ('name = "A"\nprompt = "x"\n[parameters.x]\nrequird = true\n', 4, "did you mean required?"),
        ('name = "A"\nprompt = "x"\n[nested]\nname = "n"\n', 3, "write [[nested]]"),
    ],
)
def test_a_slip_is_told_with_what_was_probably_meant(text: str, line: int, suggestion: str) -> None:
    assert (line, suggestion) in {(one.line, one.suggestion) for one in mistakes(text)}


FORK = """name = "POLL"
kind = "fork"
success_threshold = 0.5
fallback = "RESEARCH@1.0.0"

[join]
strategy = "merge"
conflicts = "majority"

[parameters.question]

[[nested]]
name = "one"
template = "RESEARCH"
parameters = { question = "{{ question }}" }
"""


def test_a_fork_needs_no_prompt_and_says_how_it_joins() -> None:
    template = template_from_toml(FORK, "poll.toml", "project")

    assert (template.kind, template.prompt, template.success_threshold, template.fallback) == (TemplateKind.FORK, "", 0.5, "RESEARCH@1.0.0")
    assert template.join == JoinWish(JoinStrategy.MERGE, conflicts=ConflictRule.MAJORITY)


def test_a_text_is_the_strategy_of_a_join() -> None:
    text = FORK.replace('[join]\nstrategy = "merge"\nconflicts = "majority"\n', "").replace("success_", 'join = "vote"\nsuccess_')

    assert template_from_toml(text, "poll.toml", "project").join == JoinWish(JoinStrategy.VOTE)


@pytest.mark.parametrize(
    ("change", "line", "words"),
    [
        (('strategy = "merge"', 'strategy = "vot"'), 7, "join.strategy"),
        (('conflicts = "majority"', 'command = "cat"'), 8, "unknown key join.command"),
        (('kind = "fork"', 'kind = "fork"\nprompt = "x"'), 3, "a fork has no step of its own"),
        (('kind = "fork"', ""), None, "prompt is missing"),
        (('template = "RESEARCH"', 'template = "RESEARCH"\ndepends_on = ["POLL"]'), 15, "one depends on POLL, which is no sibling"),
        (('question = "{{ question }}"', 'question = "x", join = { command = "cat" }'), 15, "`join.command` is a command"),
    ],
)
def test_mistakes_in_a_fork(change: tuple[str, str], line: int | None, words: str) -> None:
    (detail,) = mistakes(FORK.replace(*change))

    assert words in detail.message
    assert detail.line == line


def test_what_a_result_must_meet_is_read_as_the_language_reads_it() -> None:
    text = 'name = "X"\nprompt = "x"\nsuccess_criteria = ["quality>=0.7", "is short", "$ make"]\nconfidence = true\n'

    assert template_from_toml(text, "x.toml", "user").success == Success(("make",), ("is short",), 0.7, 0.8)
    assert template_from_toml('name = "X"\nprompt = "x"\nconfidence = 0.5\n', "x.toml", "user").success == Success(confidence=0.5)


@pytest.mark.parametrize(
    ("text", "origin", "words"),
    [
        ('success_criteria = ["qualty>=0.7"]', "user", 'did you mean "quality>=0.7"?'),
        ("success_criteria = [1]", "user", "text"),
        ("confidence = 2", "user", "a number from 0 to 1"),
        ('success_criteria = ["is short", "$ make"]', "project", "cannot choose what runs"),
    ],
)
def test_what_a_result_must_meet_can_be_wrong(text: str, origin: str, words: str) -> None:
    with pytest.raises(TemplateInvalid) as caught:
        template_from_toml(f'name = "X"\nprompt = "x"\n{text}\n', "x.toml", origin)

    (detail,) = caught.value.details
    assert (detail.line, words in f"{detail.message} {detail.suggestion}") == (3, True)
