"""What is wrong with a text: every mistake once, at its place, with what to do."""

import pytest

from abathur_tui.domain import errors
from abathur_tui.domain.errors import AbathurError
from abathur_tui.language import PlanContext, mistakes, parse
from tests.language.planned import only_mistake, planned, wrong
from tests.language.registry import SmallRegistry

SYNTAX = [
    ('ABYSSAL[TEST]("x" language="go")', 18, "a comma is missing"),
    ('ABYSSAL[TEST]("x",, language="go")', 19, "this comma separates nothing"),
    ('ABYSSAL[TEST](, "x")', 15, "this comma separates nothing"),
    ('ABYSSAL[TEST]("x", language=)', 29, "a value is missing here"),
    ('ABYSSAL[TEST]("x", settings={a: })', 32, "a value is missing here"),
    ('ABYSSAL[TEST]("x", language: "go")', 28, "expected =, found :"),
    ('ABYSSAL[TEST]({target = "x"})', 23, "expected :, found ="),
    ('ABYSSAL[TEST("x")', 13, "a ] is missing"),
    ('ABYSSAL["TEST"]("x")', 9, "a name stands without quotes here"),
    ('ABYSSAL[TEST]("x"', 14, "this `(` is never closed"),
    ('ABYSSAL[TEST]("x", given=[1, 2)', 26, "this `[` is never closed"),
    ('ABYSSAL[TEST]("x"])', 18, "this `]` closes nothing: the `(` of line 1 is open"),
    ('ABYSSAL[TEST]("x"]', 18, "this `]` closes nothing: the `(` of line 1 is open"),
    ("ABYSSAL[TEST]('x)", 15, "this text has no closing '"),
    ('ABYSSAL[TEST]("""x)', 15, 'this """ is never closed'),
    ('abyssal[TEST]("x")', 1, "`abyssal[` starts no command"),
    ('ABYSSAL[TEST]("x", given=ABYSAL[TEST]("y"))', 26, "`ABYSAL[` starts no command"),
    ("ABYSSAL[TEST]", 13, "the text ends too early: expected `(`"),
    ("name =", 6, "the text ends too early: expected `ABYSSAL[`"),
    ('name ABYSSAL[TEST]("x")', 5, "a = is missing"),
    ('ABYSSAL[TEST]("x") "junk"', 20, 'expected a name or `ABYSSAL[`, found the text "junk"'),
    ('ABYSSAL[TEST]("x");', 19, "`;` has no meaning here"),
    ('ABYSSAL[TEST]("x", given=007)', 26, "this is not a number"),
    ('ABYSSAL[TEST]("x", given=.5)', 26, "this is not a number"),
    ('ABYSSAL[TEST]("x", given=1e999)', 26, "this number is too large"),
    ('ABYSSAL[TEST]("x", given=' + "9" * 5000 + ")", 26, "this number is too large"),
    (r'ABYSSAL[TEST]("a \d b")', 18, r"there is no escape \d"),
    (r'ABYSSAL[TEST]("a \ud800")', 18, r"\ud800 is half of a character"),
    (r'ABYSSAL[TEST]("a \u12")', 18, r"\u needs four hexadecimal digits"),
    (r'ABYSSAL[TEST]("a \u0000")', 18, "the character NUL cannot stand in a text"),
    ('ABYSSAL[TEST]("a\x1b[2J")', 17, "the control character U+001B cannot stand in a text"),
    ('ABYSSAL[TEST]("a\ud800")', 17, "this byte is not UTF-8"),
    ('ABYSSAL[TEST]("a") # \udcff', 22, "this byte is not UTF-8"),
    ('АBYSSAL[TEST]("x")', 1, "`А` (U+0410, CYRILLIC CAPITAL LETTER A) has no meaning here"),
    ('ABYSSAL[ТEST]("x")', 9, "`Т` (U+0422, CYRILLIC CAPITAL LETTER TE) has no meaning here"),
    ("ABYSSAL[TEST](\u201cx\u201d)", 15, "`\u201c` (U+201C, LEFT DOUBLE QUOTATION MARK) is no quote here"),
    ('ABYSSAL\u00a0[TEST]("x")', 8, "U+00A0 (NO-BREAK SPACE) has no meaning here"),
    ("", 1, "there is no command here"),
    ('ABYSSAL[TEST]("x", language="go", "y")', 35, "an argument without a name stands behind named ones"),
    ('ABYSSAL[TEST]("x", settings={a: 1, a: 2})', 36, "the key `a` is there twice"),
    ('ABYSSAL[TEST]("x", language="a", language="b")', 34, "`language` is given twice: it stands before"),
    ('ABYSSAL[TEST]("x", target="y")', 20, "`target` is given twice: it stands as the first argument"),
    ('true = ABYSSAL[TEST]("x")', 1, "expected"),
    ('file = ABYSSAL[TEST]("x")', 1, "`file` has a meaning of its own"),
    ('TEST("x") ABYSSAL[TEST]("x")', 5, "`TEST(` starts no command"),
    ('ABYSSAL[TEST](ASK("x"))', 15, "there is no function `ASK`"),
    ('ABYSSAL[TEST](fil("x"))', 15, "there is no function `fil`"),
    ("ABYSSAL[TEST](env(NAME))", 15, "`env` takes one text"),
    ("ABYSSAL[TEST](env())", 15, "`env` takes one text"),
    ("ABYSSAL[CODE](`x`)", 15, "U+0060 (GRAVE ACCENT) is no quote here"),
    ('ABYSSAL[CODE]("x", language="go" and "rust")', 33, "a comma is missing"),
]


@pytest.mark.parametrize(("text", "column", "message"), SYNTAX, ids=[message for _, _, message in SYNTAX])
def test_a_mistake_of_the_syntax_is_told_once_at_its_place(text: str, column: int, message: str) -> None:
    detail = only_mistake(text)

    assert detail.message.startswith(message)
    assert (detail.line, detail.column, detail.code) == (1, column, "ABTH-ERR-111")
    assert detail.length >= 1


CHECKS = [
    ('ABYSSAL[TSET]("x")', 9, "112", "unknown template TSET", "did you mean TEST?"),
    ('ABYSSAL[ASK@3.0.0]("x")', 9, "112", "there is no version 3.0.0 of ASK", "there is 1.0.0, 0.9.0"),
    ("ABYSSAL[CODE]()", 9, "113", "CODE needs `component` (What to build)", 'component="…"'),
    ("ABYSSAL[TEST](null)", 15, "113", "TEST needs `target`", 'target="…"'),
    ('ABYSSAL[ASK]("x", tone="dry")', 19, "114", "ASK has no parameter `tone`", "it takes about"),
    ('ABYSSAL[TEST]("x", langauge="go")', 20, "114", "TEST has no parameter `langauge`", "did you mean language?"),
    ('ABYSSAL[TEST]("x", Test-Types=["a"])', 20, "114", "TEST has no parameter `Test-Types`", "did you mean test_types?"),
    ('ABYSSAL[TEST]("x", priorty=3)', 20, "114", "TEST has no parameter `priorty`", "did you mean priority?"),
    ('ABYSSAL[TEST]("x", tag="a")', 20, "114", "TEST has no parameter `tag`", "did you mean tags?"),
    ('ABYSSAL[TEST]("x", results="a")', 20, "114", "`results` is a name that prompts have already", "choose another name"),
    ('ABYSSAL[ASK]("x", "y")', 19, "114", "ASK takes at most 1 without a name", "give it a name: name=value"),
    ('ABYSSAL[TEST]("x", coverage_target="80")', 36, "115", "`coverage_target` takes a number, not a text", "without quotes: 80"),
    ('ABYSSAL[TEST]("x", test_types="unit")', 31, "115", "`test_types` takes an array, not a text", '["unit"]'),
    ('ABYSSAL[TEST]("x", strict=1)', 27, "115", "`strict` takes true or false, not a number", None),
    ('ABYSSAL[TEST]("x", coverage_target=true)', 36, "115", "`coverage_target` takes a number, not true", None),
    ('ABYSSAL[TEST]("x", settings=[1])', 29, "115", "`settings` takes an object, not an array", None),
    ('ABYSSAL[TEST]("x", language=5)', 29, "115", "`language` takes a text, not a number", 'in quotes: "5"'),
    ('ABYSSAL[CODE]("x", style="plane")', 26, "115", "`style` takes one of plain, terse", 'did you mean "plain"?'),
    ('ABYSSAL[TEST]("x", test_types=ABYSSAL[ASK]("y"))', 31, "115", "`test_types` takes an array; a result is text", None),
    ("ABYSSAL[CODE](gateway)", 15, "116", "no statement binds the name `gateway`", 'put it in quotes if it is a text: "gateway"'),
    ("ABYSSAL[TEST](True)", 15, "116", "no statement binds the name `True`", "did you mean true?"),
    ('ABYSSAL[TEST]("x", agent="testr")', 26, "024", "there is no agent 'testr'", "did you mean tester?"),
    ("x = ABYSSAL[ASK](x)", 18, "008", "names wait for each other in a circle: x → x", None),
    ('ABYSSAL[TEST]("x", priority=11)', 29, "115", "`priority` takes 0 to 10, or low, normal, high, critical", None),
    ('ABYSSAL[TEST]("x", priority="hihg")', 29, "115", "`priority` takes 0 to 10, or low", 'did you mean "high"?'),
    ('ABYSSAL[TEST]("x", mode="serial")', 25, "115", "`mode` takes parallel or sequential", None),
    ('ABYSSAL[TEST]("x", after="y")', 26, "115", "`after` takes names of statements: after=[first, second]", "write the names without quotes"),
    ('ABYSSAL[TEST]("x", timeout="soon")', 28, "115", "`timeout` takes a duration", 'seconds as a number, or "30s", "5m", "2h"'),
    ('ABYSSAL[TEST]("x", timeout=0)', 28, "115", "`timeout` takes more than no time, and at most a year", None),
    ('ABYSSAL[TEST]("x", expires="1000000w")', 28, "115", "`expires` takes more than no time, and at most a year", None),
    ('ABYSSAL[TEST]("x", retries=1.5)', 28, "115", "`retries` takes a whole number from 0 to 100", None),
    ('ABYSSAL[TEST]("x", on_failure="stop")', 31, "115", "`on_failure` takes retry, fail, skip or fallback", None),
    ('ABYSSAL[TEST]("x", tags=[1])', 25, "115", "`tags` takes short texts", None),
    ('ABYSSAL[TEST]("x", parallel=0)', 29, "115", "`parallel` takes a number of instances from 1 on", None),
    ('ABYSSAL[TEST]("x", join="vot")', 25, "115", "`join` takes concatenate, merge, reduce", 'did you mean "vote"?'),
    ('ABYSSAL[TEST]("x", model=5)', 26, "115", "`model` takes a name as text", None),
]


@pytest.mark.parametrize(("text", "column", "code", "message", "suggestion"), CHECKS, ids=[row[3] for row in CHECKS])
def test_a_mistake_of_the_meaning_is_told_once_at_its_place(text: str, column: int, code: str, message: str, suggestion: str | None) -> None:
    detail = only_mistake(text)

    assert detail.message.startswith(message)
    assert (detail.line, detail.column, detail.code) == (1, column, f"ABTH-ERR-{code}")
    assert detail.suggestion == suggestion


@pytest.mark.parametrize(
    "given",
    [
        "budget=2.5",
        'repo="../other"',
        'touches=["src/**"]',
    ],
)
def test_what_this_version_cannot_honour_yet_is_said_never_ignored(given: str) -> None:
    detail = only_mistake(f'ABYSSAL[TEST]("x", {given})')

    assert detail.code == "ABTH-ERR-119"
    assert detail.column == 20
    assert detail.suggestion


def test_what_would_change_nothing_is_let_through() -> None:
    assert planned('ABYSSAL[TEST]("x", parallel=1, join="concatenate", budget=null, mode="parallel")').nodes[0].name == "TEST x"


def test_undeclared_parameters_pass_as_context_where_the_template_lets_them() -> None:
    assert planned('ABYSSAL[TEST]("x", node="18", gpu=true, models=["User"], scale={users: 5})').nodes[0].parameters["node"] == "18"


def test_all_mistakes_of_a_document_are_told_at_once_in_its_order() -> None:
    text = """a = ABYSSAL[TSET]("one")
b = ABYSSAL[TEST]("two" language="go")

ABYSSAL[TEST](c, priorty=3)
ABYSSAL[CODE]("x", style="plane", agent="testr", budget=3)
ABYSSAL[TEST]("three
d = ABYSSAL[TEST](a)
ABYSSAL[TEST]("x", given=file("none.txt"), "last")
"""

    details = wrong(text)

    assert [(detail.line, detail.code) for detail in details] == [
        (1, "ABTH-ERR-112"),
        (2, "ABTH-ERR-111"),
        (4, "ABTH-ERR-116"),
        (4, "ABTH-ERR-114"),
        (5, "ABTH-ERR-115"),
        (5, "ABTH-ERR-024"),
        (5, "ABTH-ERR-119"),
        (6, "ABTH-ERR-111"),
        (8, "ABTH-ERR-118"),
        (8, "ABTH-ERR-111"),
    ]
    assert details[0].source == 'a = ABYSSAL[TSET]("one")'
    assert (details[0].column, details[0].length) == (13, 4)


def test_five_broken_statements_are_five_mistakes() -> None:
    text = """a = ABYSSAL[TEST]("one", [1, 2)
b = ABYSSAL[TEST] "two")
c ABYSSAL[TEST]("three")
d = ABYSSAL[TEST]("four", {x 1, y: 2})
e = ABYSSAL[TEST]("five",
f = ABYSSAL[TEST]("good")
ABYSSAL[TEST](a) ABYSSAL[TEST](b) ABYSSAL[TEST](e)
"""

    assert [detail.line for detail in wrong(text)] == [1, 2, 3, 4, 5]


def test_ten_ways_to_break_a_statement_are_ten_mistakes_each_on_its_line() -> None:
    text = """a = ABYSSAL[TEST]("one"
b = ABYSSAL[TEST]("two)
c = ABYSSAL TEST("three")
d = ABYSSAL[TEST("four")
e = ABYSSAL[TEST]{"five"}
f = ABYSSAL[TEST]('six', language='go',, strict=true)
g = ABYSSAL[]("x")
h = [1, 2]
i := ABYSSAL[TEST]("x")
j = TEST("x")
ABYSSAL[TEST](a, given=[b, c, d, e, f, g, h, i, j])
"""

    assert [detail.line for detail in wrong(text)] == list(range(1, 11))


def test_five_mistakes_inside_one_statement_are_five() -> None:
    text = """ABYSSAL[PARTS]("platform", {
  parts: [
    ABYSSAL[TSET]("registry"),
    ABYSSAL[CODE]("gateway" language="go"),
    ABYSSAL[TEST]("load", test_types="load"),
    gatway
  ],
  priority: "urgent",
})"""

    assert [detail.line for detail in wrong(text)] == [3, 4, 5, 6, 8]


def test_a_missing_sign_is_told_right_behind_another_one() -> None:
    assert [detail.message for detail in wrong('foo ABYSSAL[TEST("x")')] == ["a = is missing", "a ] is missing"]


def test_a_required_name_that_is_misspelt_is_not_missing_as_well() -> None:
    assert [(detail.message, detail.suggestion) for detail in wrong('ABYSSAL[TEST](targt="x")')] == [
        ("TEST has no parameter `targt`", "did you mean target?")
    ]


def test_a_bracket_that_is_never_closed_is_told_after_a_missing_comma_too() -> None:
    assert [detail.column for detail in wrong('ABYSSAL[TEST]("x" language="go"')] == [14, 18]


def test_a_bracket_that_is_never_closed_does_not_hide_what_comes_after() -> None:
    text = """a = ABYSSAL[TEST]("one",
b = ABYSSAL[TSET]("two")
ABYSSAL[TEST]("three", strict=true 2)
"""

    assert [(detail.line, detail.column) for detail in wrong(text)] == [(1, 18), (2, 13), (3, 35)]


def test_names_of_broken_statements_are_known_all_the_same() -> None:
    assert only_mistake('a = ABYSSAL[TEST]("x" : : 3)\nABYSSAL[TEST](a)').line == 1


def test_circles_of_names_are_printed_even_where_other_things_are_wrong() -> None:
    text = """a = ABYSSAL[TEST](c)
b = ABYSSAL[TEST]("x", after=[a])
c = ABYSSAL[TEST]("y", settings={deep: [b]}, priority=99)
"""

    details = wrong(text)

    assert [detail.code for detail in details] == ["ABTH-ERR-008", "ABTH-ERR-115"] or {detail.code for detail in details} == {
        "ABTH-ERR-008",
        "ABTH-ERR-115",
    }
    assert "a → c → b → a" in next(detail.message for detail in details if detail.code == "ABTH-ERR-008")


def test_mistakes_of_one_kind_are_an_error_of_that_kind() -> None:
    def raised(text: str) -> type[AbathurError]:
        with pytest.raises(AbathurError) as caught:
            planned(text)
        return type(caught.value)

    assert raised('ABYSSAL[TSET]("x")') is errors.UnknownTemplate
    assert raised('ABYSSAL[TEST]("x", agent="nobody")') is errors.UnknownAgent
    assert raised("a = ABYSSAL[TEST](b) b = ABYSSAL[TEST](a)") is errors.CyclicDependencies
    assert raised('ABYSSAL[TEST]("x", budget=3)') is errors.NotYet
    assert raised('ABYSSAL[TSET]("x", budget=3)') is errors.DocumentInvalid


def test_the_message_says_the_first_mistake_and_how_many_there_are() -> None:
    with pytest.raises(errors.UnknownTemplate, match=r"^line 1, column 9: unknown template TSET \(and 1 more\)$"):
        planned('ABYSSAL[TSET]("x") ABYSSAL[TSTE]("x")')


def test_more_mistakes_than_anybody_reads_are_cut_off_and_that_is_said() -> None:
    details = wrong('ABYSSAL[TSET]("x")\n' * 5000)

    assert len(details) == 101
    assert details[-1].message == "these are the first 100; there may be more"


def test_a_very_long_line_is_not_quoted_whole() -> None:
    detail = only_mistake('ABYSSAL[TEST]("x", given="' + "y" * 100_000 + '", budget=3)')

    assert detail.column == 100_030
    assert detail.source is not None
    assert len(detail.source) == 2000


def test_a_source_line_is_safe_to_show() -> None:
    assert only_mistake("ABYSSAL[TEST](\x1b\u202e)").source == "ABYSSAL[TEST](␛\ufffd)"


def test_an_editor_is_told_the_mistakes_without_an_exception() -> None:
    assert [detail.code for detail in mistakes('ABYSSAL[TSET]("x")', SmallRegistry(), PlanContext())] == ["ABTH-ERR-112"]
    assert mistakes('ABYSSAL[TEST]("x")', SmallRegistry(), PlanContext()) == ()


def test_parsing_alone_tells_only_of_the_syntax() -> None:
    assert parse("ABYSSAL[NOBODY](x)").statements
    with pytest.raises(errors.DocumentInvalid):
        parse("ABYSSAL[NOBODY](x")


def test_what_is_wrong_with_a_loops_value_is_told_once() -> None:
    details = wrong('ABYSSAL[LOOP]("q", metric="ms", measure="./b", target="fast", direction="down")')

    assert [(detail.column, detail.message) for detail in details] == [
        (55, "`target` takes a number, not a text"),
        (73, "`direction` takes minimize or maximize"),
    ]
    assert only_mistake('ABYSSAL[LOOP]("q", metric="ms")').message == "a loop needs `target` and `direction`"


def test_a_name_that_is_bound_twice_makes_no_circle_with_itself() -> None:
    assert only_mistake('a = ABYSSAL[ASK]("x")\na = ABYSSAL[TEST](a)').code == "ABTH-ERR-116"


def test_prose_around_commands_is_sent_where_it_is_read() -> None:
    assert "`abathur extract`" in (wrong('Please do ABYSSAL[ASK]("x")')[0].suggestion or "")


def test_a_carriage_return_alone_ends_a_line_and_its_comment() -> None:
    detail = only_mistake('# on old machines\rABYSSAL[TEST]("x") // lines end so\r\rABYSSAL[TSET]("y")')

    assert (detail.line, detail.column, detail.source) == (4, 9, 'ABYSSAL[TSET]("y")')
