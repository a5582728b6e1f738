"""`abathur task answer`: what waits for a person, and what they say."""

import asyncio
import json
from collections.abc import Sequence
from typing import Annotated

import typer

from abathur_tui.cli import mistakes, output
from abathur_tui.cli.invocation import Command, Form, Invocation, invocation
from abathur_tui.cli.names import task_id
from abathur_tui.cli.opening import opened
from abathur_tui.cli.task.naming import commands
from abathur_tui.domain.data import JsonValue
from abathur_tui.domain.errors import AbathurError, ArgumentInvalid, Detail, Exit
from abathur_tui.domain.ids import parse_id
from abathur_tui.domain.questions import Given, OfMember, OfOption, OfValue, Question
from abathur_tui.domain.safe_text import safe, safe_line
from abathur_tui.project import Project
from abathur_tui.project.answers import task_name
from abathur_tui.project.questions import answered_data, question_data, question_name
from abathur_tui.storage import questions
from abathur_tui.storage.questions import Answered

_SHOWN_LINES = 12
"""Lines of an offered text that are listed; `--json` has all."""


@commands.command(
    "answer",
    cls=Command,
    epilog="""
    abathur task answer
    abathur task answer t12
    abathur task answer t12 --member t4
    abathur task answer q5 --option 2
    abathur task answer q5 q6 --value 8080
    abathur task answer q7 --text "$(cat lines.txt)"
    """,
)
def answer(
    context: typer.Context,
    ids: Annotated[
        list[str] | None, typer.Argument(metavar="[ID...]", help="Questions (q5), or tasks (t12) and executions (x3) for all that they ask.")
    ] = None,
    member: Annotated[str | None, typer.Option("--member", metavar="TASK", help="What this member states is right.")] = None,
    option: Annotated[int | None, typer.Option("--option", metavar="N", help="The listed value of this number is right.")] = None,
    value: Annotated[str | None, typer.Option("--value", metavar="V", help="This value is right: JSON where it parses as JSON, else text.")] = None,
    text: Annotated[str | None, typer.Option("--text", metavar="T", help="This text is right, as it stands.")] = None,
) -> int:
    """List what waits for a person's answer, or answer it.

    Without an answer it only lists; without ids, all of the project. A task goes on by itself once all that it asks is answered.
    """
    call = invocation(context)
    given = _given(member, option, value, text)
    if given is not None and not ids:
        raise ArgumentInvalid("An answer needs a question.", hint="Name it: `abathur task answer q5 --option 1`, or t12 for all that t12 asks.")
    with opened(call) as project:
        return asyncio.run(_list(project, ids or (), call) if given is None else _answer(project, ids or (), given, call))


def _given(member: str | None, option: int | None, value: str | None, text: str | None) -> Given | None:
    """The answer; None where there is none. Raises ArgumentInvalid."""
    if sum(one is not None for one in (member, option, value, text)) > 1:
        raise ArgumentInvalid("--member, --option, --value and --text exclude each other.")
    if member is not None:
        return OfMember(task_id(member))
    if option is not None:
        return OfOption(option)
    if value is not None:
        return OfValue(_value(value))
    return None if text is None else OfValue(text)


def _value(text: str) -> JsonValue:
    try:
        value: JsonValue = json.loads(text, parse_constant=_no_constant)
    except (ValueError, RecursionError):
        return text
    return value


def _no_constant(name: str) -> JsonValue:
    raise ValueError(name)  # NaN and Infinity are Python's, not JSON's


async def _named(project: Project, ids: Sequence[str]) -> list[Question]:
    """The questions that these ids name, each once: of tasks and executions, the open ones. Raises ArgumentInvalid, NotFound."""
    found: dict[int, Question] = {}
    for id in ids:
        number = parse_id(id, "q")
        if number is not None:
            asked = [await project.read(questions.question, number)]
        elif (execution := parse_id(id, "x")) is not None:
            await project.execution(execution)
            asked = await project.questions(execution=execution)
        elif (task := parse_id(id, "t")) is not None:
            await project.task(task)
            asked = await project.questions(tasks=[task])
        else:
            raise ArgumentInvalid(f"{id!r} is no id of a question, a task or an execution.", hint="They look like q5, t12 and x3.")
        found |= {one.id: one for one in asked}
    return list(found.values())


async def _list(project: Project, ids: Sequence[str], call: Invocation) -> int:
    asked = await _named(project, ids) if ids else await project.questions()
    if call.json:
        output.document([question_data(one) for one in asked])
    elif call.form is Form.TABLE:
        output.table(("ID", "TASK", "WHERE", "OPTIONS", "ANSWER"), [_row(one) for one in asked])
    elif asked:
        output.lines(*(line for one in asked for line in _lines(one)))
    if not call.quiet:
        output.note(_hint(asked, ids))
    return Exit.DONE


async def _answer(project: Project, ids: Sequence[str], given: Given, call: Invocation) -> int:
    asked = await _named(project, ids)
    answered = await project.answer([one.id for one in asked], given)
    refused = [one for one in answered if one.error is not None]
    if call.json:
        output.document([answered_data(one) for one in answered])
    else:
        output.lines(*(_told(one.question) for one in answered if one.error is None and one.question is not None))
        if not answered and not call.quiet:
            output.note(_hint(asked, ids))
    if not refused:
        return Exit.DONE
    worst = max((one.error for one in refused if one.error is not None), key=lambda error: error.exit)
    mistakes.tell(_together(refused, worst, others=len(refused) < len(answered)), call, None)
    return worst.exit


def _together(refused: Sequence[Answered], worst: AbathurError, *, others: bool) -> AbathurError:
    """One error for all that was refused; `others`: some were not."""
    if len(refused) == 1:
        return worst
    details = [Detail(f"{question_name(one.id)}: {one.error.message}", code=one.error.code) for one in refused if one.error]
    hint = "The others are answered." if others else "`abathur task answer` lists what is open."
    return type(worst)(f"{len(refused)} of the questions are not answered.", hint=hint, details=details)


def _lines(question: Question) -> list[str]:
    """The question, and what is offered."""
    lines = [f"{question_name(question.id)}  {task_name(question.task)} {safe_line(question.task_name)}: {safe_line(question.asking.text)}"]
    for number, one in enumerate(question.asking.options, 1):
        who = ", ".join(str(task_name(task)) for task in one.members)
        first, *more = _shown(one.value)
        if more:
            lines.append(f"  {number}  {who}:")
            lines += [f"       {line}" for line in (first, *more)]
        else:
            lines.append(f"  {number}  {first}   {who}")
    if question.answer is not None:
        lines.append(f"  {_told(question)}")
    return lines


def _shown(value: JsonValue) -> list[str]:
    """A value as lines; a long one's end is left out."""
    lines = safe(value).rstrip("\n").split("\n") if isinstance(value, str) else [json.dumps(value, ensure_ascii=False)]
    return lines if len(lines) <= _SHOWN_LINES else [*lines[: _SHOWN_LINES - 1], f"… {len(lines) - _SHOWN_LINES + 1} lines more"]


def _told(question: Question) -> str:
    """`q5 8080, by user`."""
    answer = question.answer
    if answer is None:
        return question_name(question.id)
    first, *more = _shown(answer.value)
    return f"{question_name(question.id)} {first}{' …' if more else ''}, by {safe_line(answer.by)}"


def _row(question: Question) -> tuple[str, ...]:
    answer = "" if question.answer is None else _told(question).partition(" ")[2]
    offered = "; ".join(_shown(one.value)[0] for one in question.asking.options)
    return (question_name(question.id), str(task_name(question.task)), question.asking.where, offered, answer)


def _hint(asked: Sequence[Question], ids: Sequence[str]) -> str:
    open_ones = [one for one in asked if one.answer is None]
    if not open_ones:
        return f"Nothing waits for an answer{' there' if ids else ''}."
    first = open_ones[0]
    members = [task for one in first.asking.options for task in one.members]
    by_member = f"; `abathur task answer {task_name(first.task)} --member {task_name(members[0])}` all that it asks" if members else ""
    return f"`abathur task answer {question_name(first.id)} --option 1` answers one{by_member}."
