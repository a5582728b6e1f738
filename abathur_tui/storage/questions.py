"""Questions to people: asked by a task, answered by anybody once, and kept."""

import json
from collections.abc import Sequence
from dataclasses import dataclass, replace
from sqlite3 import Connection
from typing import Any, assert_never

from abathur_tui.domain.data import JsonValue, canonical
from abathur_tui.domain.errors import AbathurError, ArgumentInvalid, ChangeRefused, NotFound
from abathur_tui.domain.ids import QuestionId, TaskId, question_text, task_text
from abathur_tui.domain.leases import Lease
from abathur_tui.domain.questions import Answer, Asking, Given, OfMember, OfOption, OfValue, Possible, Question
from abathur_tui.storage.records import keep
from abathur_tui.storage.sql import named

_SQL = named("questions")


@dataclass(frozen=True, slots=True)
class Answered:
    """What became of an answer."""

    id: int
    question: Question | None
    """As it stands now; None where there is no such question."""
    error: AbathurError | None = None
    """Why it was refused."""


@dataclass(frozen=True, slots=True)
class Asked:
    """What a task has asked."""

    questions: tuple[Question, ...]
    """In the order in which it wanted to know."""
    new: int
    """How many of them it had not asked before."""


def ask(c: Connection, lease: Lease, wanted: Sequence[Asking], now: float) -> Asked:
    """What a task wants to know, each asked once: one that it had asked before, perhaps under an engine that died, comes with its answer.

    What else it had asked, and nobody has answered, is withdrawn.
    """
    (round,) = c.execute(_SQL["round"], (lease.task,)).fetchone()
    ids: list[int] = []
    new = 0
    for one in wanted:
        options = keep(c, canonical([{"value": each.value, "members": list(each.members)} for each in one.options]))
        values = {"task": lease.task, "round": round, "kind": one.kind, "place": one.where, "options": options, "now": now}
        found = c.execute(_SQL["same"], values).fetchone()
        if found is None:
            id = c.execute(_SQL["ask"], values | {"question": keep(c, one.text)}).lastrowid
            assert id is not None
            new += 1
            detail = {"question": question_text(QuestionId(id)), "kind": one.kind, "options": options}
            c.execute(
                _SQL["audit"],
                {"now": now, "actor": task_text(TaskId(lease.task)), "action": "question.asked", "task": lease.task, "detail": canonical(detail)},
            )
        else:
            id = found[0]
        ids.append(id)
    c.execute(_SQL["withdraw"], {"task": lease.task, "ids": json.dumps(ids)})
    by_id = {question.id: question for question, _ in _by_id(c, ids)}
    return Asked(tuple(by_id[id] for id in ids), new)


def answer(c: Connection, ids: Sequence[int], given: Given, actor: str, now: float) -> list[Answered]:
    """Answer questions, each on its own: an unknown one, one that was answered, and one that does not offer that are reported with it."""
    answers = []
    for id in dict.fromkeys(ids):
        try:
            answers.append(Answered(id, _answer(c, id, given, actor, now)))
        except (NotFound, ChangeRefused, ArgumentInvalid) as error:
            known = [question for question, _ in _by_id(c, [id])]
            answers.append(Answered(id, known[0] if known else None, error))
    return answers


def open_questions(c: Connection, *, tasks: Sequence[int] | None = None, execution: int | None = None) -> list[Question]:
    """What waits for an answer, oldest first: of some tasks, of an execution, or all."""
    if tasks is not None:
        rows = c.execute(_SQL["open_of"], {"tasks": json.dumps(list(tasks))})
    elif execution is not None:
        rows = c.execute(_SQL["open_of_execution"], {"execution": execution})
    else:
        rows = c.execute(_SQL["open"])
    return [question for question, _ in _by_id(c, [id for (id,) in rows.fetchall()])]


def question(c: Connection, id: int) -> Question:
    """A question, open or not. Raises NotFound."""
    found = _by_id(c, [id])
    if not found:
        raise NotFound(f"There is no question {question_text(QuestionId(id))}.", hint="`abathur task answer` lists the open ones.")
    return found[0][0]


def asking(c: Connection) -> tuple[int, int]:
    """How many tasks wait for an answer, and how many of them run (without a slot)."""
    tasks, running = c.execute(_SQL["asking"]).fetchone()
    return tasks, running


def any_ready(c: Connection) -> bool:
    """Whether a task that could be claimed does not only wait for an answer."""
    return c.execute(_SQL["ready"]).fetchone() is not None


def still_asks(c: Connection, tasks: Sequence[int]) -> None:
    """Tasks that went back to the queue before they had their answers say so."""
    c.execute(_SQL["asks"], {"tasks": json.dumps(list(tasks))})


def _answer(c: Connection, id: int, given: Given, actor: str, now: float) -> Question:
    found = _by_id(c, [id])
    name = question_text(QuestionId(id))
    if not found:
        raise NotFound(f"There is no question {name}.", hint="`abathur task answer` lists the open ones.")
    asked, waits = found[0]
    if asked.answer is not None:
        raise ChangeRefused(f"{name} was answered already, by {asked.answer.by}.")
    if not waits:
        raise ChangeRefused(f"Nobody waits for an answer to {name} any more: {task_text(TaskId(asked.task))} has ended.")
    value, members = _chosen(asked, given)
    detail: dict[str, JsonValue] = {"members": [task_text(TaskId(task)) for task in members]}
    hash = keep(c, canonical({"value": value, "members": list(members)}))
    c.execute(_SQL["answer"], {"id": id, "answer": hash, "by": actor, "now": now})
    detail |= {"question": name, "answer": hash}
    c.execute(_SQL["audit"], {"now": now, "actor": actor, "action": "question.answered", "task": asked.task, "detail": canonical(detail)})
    if not open_questions(c, tasks=[asked.task]):
        c.execute(_SQL["asks_no_more"], (asked.task,))
    return replace(asked, answer=Answer(value, members, actor, now))


def _chosen(asked: Question, given: Given) -> tuple[JsonValue, tuple[int, ...]]:
    """The value that was chosen, and whose it is. Raises ArgumentInvalid."""
    options = asked.asking.options
    name = question_text(QuestionId(asked.id))
    match given:
        case OfOption(number):
            if not 1 <= number <= len(options):
                raise ArgumentInvalid(f"{name} has no option {number}; it has {len(options)}.")
            chosen = options[number - 1]
        case OfMember(task):
            of_task = next((option for option in options if task in option.members), None)
            if of_task is None:
                who = ", ".join(task_text(TaskId(member)) for option in options for member in option.members)
                raise ArgumentInvalid(f"{task_text(TaskId(task))} states nothing for {name}.", hint=f"These do: {who}.")
            chosen = of_task
        case OfValue(value):
            if asked.asking.kind == "lines" and not isinstance(value, str):
                raise ArgumentInvalid(f"{name} is about lines of a file: its answer is a text.", hint="Give it with --text.")
            same = next((option for option in options if canonical(option.value) == canonical(value)), None)
            chosen = same or Possible(value, ())
        case _:
            assert_never(given)
    return chosen.value, chosen.members


def _by_id(c: Connection, ids: Sequence[int]) -> list[tuple[Question, bool]]:
    """These questions, and whether their tasks wait for them."""
    return [_from(row) for row in c.execute(_SQL["by_id"], {"ids": json.dumps(list(ids))}).fetchall()]


def _from(row: tuple[Any, ...]) -> tuple[Question, bool]:
    id, task, execution, name, kind, place, text, options, asked_at, answered, by, at, waits = row
    # A text that was purged leaves its question without it.
    offered = tuple(Possible(one["value"], tuple(one["members"])) for one in json.loads(options or "[]"))
    said = json.loads(answered) if answered else {"value": None, "members": []}
    given = None if at is None else Answer(said["value"], tuple(said["members"]), by, at)
    return Question(id, task, execution, name, Asking(kind, place, text or "", offered), asked_at, given), bool(waits)
