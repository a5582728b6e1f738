"""Ids: a letter and a number, never used again (`t1234` a task, `x12` an execution, `a57` an agent, `l3` a loop, `q5` a question, `s2` a
schedule)."""

import re
from typing import NewType

TaskId = NewType("TaskId", int)
ExecutionId = NewType("ExecutionId", int)
AgentId = NewType("AgentId", int)
LoopId = NewType("LoopId", int)
QuestionId = NewType("QuestionId", int)
ScheduleId = NewType("ScheduleId", int)

_FORM = re.compile(r"([txalqs])([1-9][0-9]{0,17})", re.ASCII)


def task_text(task: TaskId) -> str:
    """`t12`."""
    return f"t{task}"


def execution_text(execution: ExecutionId) -> str:
    """`x12`."""
    return f"x{execution}"


def agent_text(agent: AgentId) -> str:
    """`a12`."""
    return f"a{agent}"


def loop_text(loop: LoopId) -> str:
    """`l12`."""
    return f"l{loop}"


def question_text(question: QuestionId) -> str:
    """`q12`."""
    return f"q{question}"


def schedule_text(schedule: ScheduleId) -> str:
    """`s12`."""
    return f"s{schedule}"


def parse_id(text: str, letter: str) -> int | None:
    """The number of an id that starts with `letter` (`"t12"`, `"t"` gives 12); None where the text is no such id."""
    match = _FORM.fullmatch(text)
    return int(match[2]) if match and match[1] == letter else None
