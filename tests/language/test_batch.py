"""A text to several plans."""

import pytest

from abathur_tui.domain.errors import DocumentInvalid, UnknownTemplate
from abathur_tui.language import PlanContext, PlannedPiece, plan_pieces, plan_prose
from tests.language.registry import SmallRegistry

CONTEXT = PlanContext(environ={})


def pieces(text: str, context: PlanContext = CONTEXT) -> list[PlannedPiece]:
    return plan_pieces(text, SmallRegistry(), context)


def test_each_statement_on_its_own_is_a_plan() -> None:
    first, second = pieces('ABYSSAL[ASK]("a")\n\n# two\nABYSSAL[ASK]("b")')

    assert [node.name for node in first.plan.nodes] == ["ASK a"]
    assert [node.name for node in second.plan.nodes] == ["ASK b"]
    assert second.plan.source == 'ABYSSAL[ASK]("b")'
    assert [statement.line for statement in second.statements] == [4]


def test_statements_that_a_name_connects_are_one_plan() -> None:
    text = 'tests = ABYSSAL[TEST](code)\nABYSSAL[ASK]("alone")\ncode = ABYSSAL[ASK]("x")\nABYSSAL[ASK]("later", after=[tests])'

    together, alone = pieces(text)

    assert [statement.line for statement in together.statements] == [1, 3, 4]
    assert [statement.line for statement in alone.statements] == [2]


def test_a_statements_node_is_the_one_with_its_result() -> None:
    (piece,) = pieces('code = ABYSSAL[ASK]("x")\nABYSSAL[PARTS](code, parts=[ABYSSAL[ASK]("y")])')

    names = {node.id: node.name for node in piece.plan.nodes}
    assert [names[statement.node] for statement in piece.statements] == ["ASK x", "JOIN PARTS ASK x"]
    assert piece.plan.root not in {statement.node for statement in piece.statements}


def test_the_mistakes_of_all_are_told_at_once() -> None:
    with pytest.raises(DocumentInvalid) as caught:
        pieces('ABYSSAL[ASKK]("a")\nABYSSAL[ASK]("b", "c")\nABYSSAL[ASK](nowhere)')

    assert [detail.line for detail in caught.value.details] == [1, 2, 3]


def test_limits_hold_for_each_plan() -> None:
    text = 'ABYSSAL[ASK]("a")\n' * 5

    assert len(pieces(text, PlanContext(environ={}, max_nodes=1))) == 5


def test_a_text_without_a_command_is_a_mistake_but_prose_is_not() -> None:
    with pytest.raises(DocumentInvalid):
        pieces("# nothing")
    assert plan_prose("nothing", SmallRegistry(), CONTEXT) == []


def test_names_hold_throughout_prose_and_places_are_its_own() -> None:
    text = 'First `gateway = ABYSSAL[ASK]("API")`, then:\r\n\r\n```\r\nABYSSAL[TEST](gateway)\r\n```\r\nand ABYSSAL[ASK]("x") or ABYSSAL[ASK]("y").'

    together, one, other = plan_prose(text, SmallRegistry(), CONTEXT)

    assert [text[part.start : part.end] for part in together.statements] == ['gateway = ABYSSAL[ASK]("API")', "ABYSSAL[TEST](gateway)"]
    assert [part.line for piece in (together, one, other) for part in piece.statements] == [1, 4, 6, 6]


def test_mistakes_in_prose_have_the_proses_places() -> None:
    with pytest.raises(UnknownTemplate) as caught:
        plan_prose('Words.\n\nUse ABYSSAL[ASKK]("x").', SmallRegistry(), CONTEXT)

    (detail,) = caught.value.details
    assert (detail.line, detail.column) == (3, 13)
