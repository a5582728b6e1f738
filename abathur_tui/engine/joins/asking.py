"""The questions of a join, numbered in the order in which it asks them."""

from collections.abc import Callable
from typing import TypeVar

from abathur_tui.domain.errors import JoinFailed
from abathur_tui.domain.leases import Claim, Work
from abathur_tui.engine.asking import Answered, NoAnswer, Question, Questions
from abathur_tui.engine.workshop import Workshop
from abathur_tui.storage import queue, views

T = TypeVar("T")


class Asker:
    """Asks the questions of one join."""

    def __init__(self, shop: Workshop, claim: Claim, work: Work) -> None:
        """Nothing has been asked yet."""
        self._database = shop.database
        self._task = claim.lease.task
        self._questions = Questions(shop, claim, work)
        self._number = 0

    async def ask(self, question: Question) -> Answered:
        """The agent's answer. Raises JoinFailed where its task did not complete, and LeaseLost."""
        try:
            return await self._questions.ask(question, await self._numbered(question))
        except NoAnswer as none:
            raise JoinFailed(f"{question.name} {str(none).rstrip('.')}.") from None

    async def ask_for(self, question: Question, read: Callable[[str], T]) -> T:
        """What `read` makes of the answer; one that it refuses with Useless is asked for once more. Raises as `ask`, and JoinFailed."""
        try:
            return await self._questions.ask_for(question, read, self._numbered)
        except NoAnswer as none:
            raise JoinFailed(f"{question.name} {str(none).rstrip('.')}.") from None

    async def _numbered(self, question: Question) -> int:
        """The next number that is free, or under which an earlier engine has asked just this."""
        while True:
            self._number -= 1
            number = self._number
            child = await self._database.read(queue.child_of, self._task, number)
            if child is None:
                return number
            asked = await self._database.read(views.work, child)
            # A member that was retried in between has changed what there is to ask.
            same = (asked.prompt, asked.parameters) == (question.prompt, question.parameters)
            if same and tuple(one.task for one in asked.inputs) == question.about:
                return number
