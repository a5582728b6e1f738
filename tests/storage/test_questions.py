"""Questions to people: the laws that the file keeps of them."""

from sqlite3 import Connection

import pytest

from abathur_tui.domain.errors import ChangeRefused
from abathur_tui.domain.questions import Asking, OfOption, Possible
from abathur_tui.storage import Database, questions
from tests.storage.building import NOW, claim_one, plan, submit


def asked(database: Database) -> int:
    """A question that a running task has asked."""
    task = submit(database, plan(["a"])).root
    lease = claim_one(database).lease
    wanted = [Asking("key", "port", "Which?", (Possible(1, (task,)), Possible(2, (task,))))]
    return database.write_now(questions.ask, lease, wanted, NOW).questions[0].id


def refused(database: Database, statement: str, *values: object) -> bool:
    """Whether the file refuses what anybody could write who opens it."""

    def operation(c: Connection) -> None:
        c.execute(statement, values)

    try:
        database.write_now(operation)
    except ChangeRefused:
        return True
    return False


def test_an_answered_question_is_never_changed_deleted_or_replaced(database: Database) -> None:
    question = asked(database)
    (answered,) = database.write_now(questions.answer, [question], OfOption(2), "ada", NOW)
    assert answered.error is None

    for statement in (
        "UPDATE questions SET answered_by = 'eve' WHERE id = ?",
        "UPDATE questions SET answer = NULL, answered_by = NULL, answered_at = NULL WHERE id = ?",
        "DELETE FROM questions WHERE id = ?",
        "INSERT OR REPLACE INTO questions SELECT * FROM questions WHERE id = ?",
    ):
        assert refused(database, statement, question), statement
    kept = database.read_now(questions.question, question).answer
    assert kept is not None
    assert (kept.value, kept.by) == (2, "ada")


@pytest.mark.parametrize("column", ["task", "round", "kind", "place", "question", "options", "asked_at"])
def test_an_open_question_only_gets_its_answer(database: Database, column: str) -> None:
    question = asked(database)

    assert refused(database, f"UPDATE questions SET {column} = {column} || '1' WHERE id = ?", question)
