"""Questions as scripts read them, and as ids name them."""

from abathur_tui.domain.clock import iso
from abathur_tui.domain.data import JsonObject, JsonValue
from abathur_tui.domain.ids import QuestionId, question_text
from abathur_tui.domain.questions import Question
from abathur_tui.project.answers import execution_name, task_name
from abathur_tui.storage.questions import Answered


def question_name(question: int) -> str:
    """`q12`."""
    return question_text(QuestionId(question))


def question_data(question: Question) -> JsonObject:
    """What `task answer --json` gives of a question."""
    answer = question.answer
    options: list[JsonValue] = [
        {"option": number, "value": one.value, "members": [task_name(task) for task in one.members]}
        for number, one in enumerate(question.asking.options, 1)
    ]
    return {
        "id": question_name(question.id),
        "task": task_name(question.task),
        "execution": execution_name(question.execution),
        "kind": question.asking.kind,
        "where": question.asking.where,
        "text": question.asking.text,
        "options": options,
        "asked_at": iso(question.asked_at),
        "answer": None if answer is None else {"value": answer.value, "members": [task_name(task) for task in answer.members]},
        "answered_by": None if answer is None else answer.by,
        "answered_at": None if answer is None else iso(answer.at),
    }


def answered_data(answered: Answered) -> JsonObject:
    """What became of an answer: the question as it stands, and the error where it was refused."""
    told: JsonObject = {"id": question_name(answered.id)} if answered.question is None else question_data(answered.question)
    return told | answered.error.data() if answered.error else told
