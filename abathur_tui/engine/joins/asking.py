"""Questions of a join to an agent: each is a task inside the join's own, with a slot, turns, retries and all; the join only waits.

What was asked and answered is in the database, so a join that goes on after a crash asks nothing twice.
"""

from collections.abc import Callable
from dataclasses import dataclass, replace
from sqlite3 import Connection
from typing import TypeVar

from abathur_tui.domain.data import JsonObject
from abathur_tui.domain.errors import JoinFailed
from abathur_tui.domain.leases import Claim, Work
from abathur_tui.domain.plan import Kind, PlanNode
from abathur_tui.domain.status import Status, Why
from abathur_tui.engine.joins.members import named
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
    """A prompt template; `results` are those of `about`, fitted to what the runtime takes."""
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


class Asker:
    """Asks the questions of one join."""

    def __init__(self, shop: Workshop, claim: Claim, work: Work) -> None:
        """Nothing has been asked yet."""
        self._shop = shop
        self._claim = claim
        self._work = work
        self._number = 0

    async def ask(self, question: Question) -> Answered:
        """The agent's answer. Raises JoinFailed where its task did not complete, and LeaseLost."""
        child = await self._child(question)
        ended = await self._shop.endings.ended(child)
        if ended.status is not Status.COMPLETED:
            reason = f": {ended.error.message}" if ended.error is not None else ""
            raise JoinFailed(f"{ended.name} ({named(child)}) is {ended.status}{reason}")
        result: str | None = await self._shop.database.read(views.result, child)
        return Answered(child, result or "")

    async def ask_for(self, question: Question, read: Callable[[str], T]) -> T:
        """What `read` makes of the answer; one that it refuses with Useless is asked for once more. Raises as `ask`, and JoinFailed."""
        answer = await self.ask(question)
        try:
            return read(answer.text)
        except Useless as useless:
            complaint = f"{useless}. It was:\n\n{answer.text[:_LONGEST_QUOTE]}"
            again = replace(question, parameters={**question.parameters, "complaint": complaint})
        answer = await self.ask(again)
        try:
            return read(answer.text)
        except Useless as useless:
            raise JoinFailed(f"{question.name} gave no usable answer, twice ({named(answer.task)}): {useless}.") from None

    async def _child(self, question: Question) -> int:
        """The task that asks the question: that of an earlier engine where there is one, else a new one."""
        while True:
            # Below zero: passes of loops count upwards.
            self._number -= 1
            number = self._number
            child = await self._shop.database.read(queue.child_of, self._claim.lease.task, number)
            if child is None:
                return await self._shop.database.write(self._add, number, self._node(number, question), question.about)
            asked = await self._shop.database.read(views.work, child)
            # A member that was retried in between has changed what there is to ask.
            same = (asked.prompt, asked.parameters) == (question.prompt, question.parameters)
            if same and tuple(one.task for one in asked.inputs) == question.about:
                await self._shop.database.write(self._park)
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
        )

    def _add(self, c: Connection, number: int, node: PlanNode, about: tuple[int, ...]) -> int:
        child = queue.add_child(c, self._claim.lease, node, self._shop.clock.now(), pass_number=number, built_on=about)
        self._park(c)
        return child

    def _park(self, c: Connection) -> None:
        queue.park(c, self._claim.lease, Why.CHILDREN, self._shop.clock.now())
