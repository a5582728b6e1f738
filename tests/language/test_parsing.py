"""What can be written in ABYSSAL, and what it means."""

import subprocess
import sys

import pytest

from abathur_tui.domain.data import JsonValue
from abathur_tui.language import parse
from abathur_tui.language.tree import Array, Call, Command, Literal, Name, Object
from tests.language.planned import names, node, planned


def value_of(text: str) -> JsonValue:
    """What a value means as a parameter of a node."""
    return planned(f'ABYSSAL[TEST]("x", given={text})').nodes[0].parameters["given"]


@pytest.mark.parametrize(
    ("written", "meant"),
    [
        ('"double"', "double"),
        ("'single'", "single"),
        ("''", ""),
        ('""', ""),
        (r'"a\"b\\c\/d\b\f\n\r\t"', 'a"b\\c/d\b\f\n\r\t'),
        (r"'it\'s'", "it's"),
        (r'"\u00e9\ud83d\ude00"', "é😀"),
        ('"é😀"', "é😀"),
        ('"""one\ntwo "quoted" \\"""three"""', 'one\ntwo "quoted" """three'),
        ("'''one\r\ntwo'''", "one\ntwo"),
        ('""""""', ""),
        ('"# no comment // either"', "# no comment // either"),
        ("0", 0),
        ("-12", -12),
        ("1.50", 1.5),
        ("-2e3", -2000.0),
        ("1E-2", 0.01),
        ("12345678901234567890", 12345678901234567890),
        ("true", True),
        ("false", False),
        ("null", None),
        ("[]", []),
        ("[1, [2], {a: 3},]", [1, [2], {"a": 3}]),
        ("{}", {}),
        ("""{a: 1, "b c": 2, 'd': 3, true: 4, e-f: 5,}""", {"a": 1, "b c": 2, "d": 3, "true": 4, "e-f": 5}),
    ],
)
def test_a_value_means_what_json_would_mean(written: str, meant: JsonValue) -> None:
    assert value_of(written) == meant
    assert type(value_of(written)) is type(meant)


def test_line_breaks_and_comments_may_stand_anywhere() -> None:
    text = """
    # first
    a // second
      = ABYSSAL # third
      [ TEST // fourth
        @1.0.0 ] (
        "x" # fifth
        , given // sixth
        = [ # seventh
          1 // eighth
          , { a # ninth
              : 2 } ] )  # tenth"""

    document = parse(text)

    assert [comment.text for comment in document.comments][:2] == ["# first", "// second"]
    assert len(document.comments) == 10
    (statement,) = document.statements
    assert (statement.name, statement.command.template, statement.command.version) == ("a", "TEST", "1.0.0")


def test_every_part_keeps_its_exact_place() -> None:
    text = 'x = ABYSSAL[TEST@1.0.0](file("a"), given=[y, {k: 1}])'

    (statement,) = parse(text).statements
    command = statement.command
    positional, named = command.arguments

    assert text[statement.start : statement.end] == text
    assert text[command.start : command.end] == text[4:]
    assert text[command.template_start : command.template_end] == "TEST@1.0.0"
    assert isinstance(positional.value, Call)
    assert text[positional.value.start : positional.value.end] == 'file("a")'
    assert text[named.start : named.end] == "given"
    assert isinstance(named.value, Array)
    assert text[named.value.start : named.value.end] == "[y, {k: 1}]"
    name, pairs = named.value.items
    assert isinstance(name, Name)
    assert isinstance(pairs, Object)
    (entry,) = pairs.entries
    assert text[entry.start : entry.end] == "k"
    assert isinstance(entry.value, Literal)


def test_a_command_stands_inside_any_value() -> None:
    document = parse('ABYSSAL[A]([{deep: {er: [ABYSSAL[B](c=ABYSSAL[C]("x"))]}}])')

    found: list[str] = []
    rest: list[object] = [document.statements[0].command]
    while rest:
        value = rest.pop()
        match value:
            case Command():
                found.append(value.template)
                rest += [argument.value for argument in value.arguments]
            case Array(items=items):
                rest += items
            case Object(entries=entries):
                rest += [entry.value for entry in entries]
            case _:
                pass
    assert found == ["A", "B", "C"]


def test_statements_need_no_line_of_their_own() -> None:
    assert len(parse('ABYSSAL[A]() b = ABYSSAL[B]("x") ABYSSAL[C](b)').statements) == 3


def test_a_byte_order_mark_and_an_empty_text_are_no_mistakes() -> None:
    assert len(parse("\ufeffABYSSAL[A]()").statements) == 1
    assert parse("").statements == ()
    assert parse("# only a comment").statements == ()


def test_the_examples_of_the_specification_are_understood() -> None:
    text = """
    gateway = ABYSSAL[CODE]("API gateway", language="go")
    ABYSSAL[TEST](gateway, test_types=["integration"])
    ABYSSAL[PARTS]('microservices platform', {
      parts: [ ABYSSAL[CODE]("service registry"), gateway, ABYSSAL[TEST]("load tests") ],
    })
    ABYSSAL[ASK@1.0.0]("which?", priority=9)
    """

    plan = planned(text)

    assert names(plan)[0] == "JOIN of 3 results"
    assert node(plan, "TEST CODE API gateway").parameters["test_types"] == ["integration"]
    assert node(plan, "ASK which?").priority == 9


def test_the_grammar_is_loaded_when_a_text_is_read_and_not_before() -> None:
    code = "import sys, abathur_tui.language; print('lark' in sys.modules); abathur_tui.language.parse('ABYSSAL[A]()'); print('lark' in sys.modules)"

    assert subprocess.run([sys.executable, "-c", code], check=True, capture_output=True, text=True).stdout == "False\nTrue\n"
