"""Questions to an agent: each is a task inside that of whoever asks, with a slot, turns, retries and all; who asks only waits, without a slot.

What was asked and answered is in the database, so whoever goes on after a crash asks nothing twice.
"""

from collections.abc import Awaitable, Callable
from dataclasses import dataclass, replace
from sqlite3 import Connection
from typing import TypeVar

from abathur_tui.domain.data import JsonObject
from abathur_tui.domain.ids import TaskId, task_text
from abathur_tui.domain.leases import Claim, Work
from abathur_tui.domain.plan import Kind, PlanNode
from abathur_tui.domain.status import Status, Why
from abathur_tui.engine.workshop import Workshop
from abathur_tui.storage import queue, views

T = TypeVar("T")

_LONGEST_QUOTE = 1000
"""Characters of an answer of no use that are quoted to the agent that gave it."""


@dataclass(frozen=True, slots=True)
class Question:
    """What an agent is asked."""

    name: str
    """What lists show of the task."""
    agent: str
    prompt: str
    """A prompt template; `results` are those of `about`, fitted to what the runtime takes, `complaint` what was wrong with the first answer."""
    parameters: JsonObject
    about: tuple[int, ...]
    """The tasks whose results it is given."""


@dataclass(frozen=True, slots=True)
class Answered:
    """What the agent said."""

    task: int
    text: str


class Useless(ValueError):
    """An answer that is not what was asked for; the text says what is wrong with it."""


class NoAnswer(Exception):
    """There is no usable answer; the text says what became of the question: `(t5) is dead: no such model`."""


Numbering = Callable[[Question], Awaitable[int]]
"""The number of a question among the steps of the task that asks it, below zero, because passes of loops count upwards."""


class Questions:
    """Asks the questions of one task."""

    def __init__(self, shop: Workshop, claim: Claim, work: Work) -> None:
        """`claim` is the asking task's."""
        self._shop = shop
        self._claim = claim
        self._work = work

    async def ask(self, question: Question, number: int) -> Answered:
        """The answer to the question with this number, which an earlier engine may have asked already. Raises NoAnswer and LeaseLost."""
        shop = self._shop
        child = await shop.database.read(queue.child_of, self._claim.lease.task, number)
        child = await shop.database.write(self._begin, child, self._node(number, question), number, question.about)
        ended = await shop.endings.ended(child)
        if ended.status is not Status.COMPLETED:
            reason = f": {ended.error.message}" if ended.error is not None else ""
            raise NoAnswer(f"({_named(child)}) is {ended.status}{reason}")
        result: str | None = await shop.database.read(views.result, child)
        return Answered(child, result or "")

    async def ask_for(self, question: Question, read: Callable[[str], T], numbered: Numbering) -> T:
        """What `read` makes of the answer; one that it refuses with Useless is asked for once more. Raises as `ask`."""
        answer = await self.ask(question, await numbered(question))
        try:
            return read(answer.text)
        except Useless as useless:
            complaint = f"{useless}. It was:\n\n{answer.text[:_LONGEST_QUOTE]}"
        again = replace(question, parameters={**question.parameters, "complaint": complaint})
        answer = await self.ask(again, await numbered(again))
        try:
            return read(answer.text)
        except Useless as useless:
            raise NoAnswer(f"gave no usable answer, twice ({_named(answer.task)}): {useless}") from None

    def _begin(self, c: Connection, child: int | None, node: PlanNode, number: int, about: tuple[int, ...]) -> int:
        now = self._shop.clock.now()
        if child is None:
            child = queue.add_child(c, self._claim.lease, node, now, pass_number=number, built_on=about)
        queue.park(c, self._claim.lease, Why.CHILDREN, now)
        return child

    def _node(self, number: int, question: Question) -> PlanNode:
        work = self._work
        return PlanNode(
            id=f"question{number}",
            name=question.name,
            kind=Kind.AGENT,
            template=None,
            template_version=None,
            agent=question.agent,
            prompt=question.prompt,
            parameters=question.parameters,
            depth=work.depth + 1,
            priority=self._claim.priority,
            tags=work.task.tags,
            model=work.model,
            timeout_seconds=work.timeout_seconds,
        )


def _named(task: int) -> str:
    return task_text(TaskId(task))
