"""Contradictions that a person decides: the join waits without a slot, and what was answered is kept whatever happens to the engine."""

from collections.abc import Sequence
from sqlite3 import Connection

from abathur_tui.domain.data import JsonValue
from abathur_tui.domain.ids import TaskId, task_text
from abathur_tui.domain.leases import Claim
from abathur_tui.domain.questions import Answer, Asking, Possible, Question
from abathur_tui.domain.status import Why
from abathur_tui.engine.joins.members import listed
from abathur_tui.engine.joins.settling import Decision, OpenConflict
from abathur_tui.engine.workshop import Workshop
from abathur_tui.storage import journal, questions, queue


class Person:
    """Whoever answers the questions of one join."""

    def __init__(self, shop: Workshop, claim: Claim) -> None:
        """Nothing has been asked yet."""
        self._shop = shop
        self._claim = claim

    async def decide(self, conflicts: Sequence[OpenConflict]) -> list[Decision]:
        """What was answered to each of them, once all are answered. Raises LeaseLost."""
        wanted = [_asking(conflict) for conflict in conflicts]
        while True:
            asked = await self._shop.database.write(self._ask, wanted)
            answers = [question.answer for question in asked]
            if all(answers):
                return [_decision(conflict, answer) for conflict, answer in zip(conflicts, answers, strict=True) if answer is not None]
            await self._shop.answers.given(self._claim.lease.task)

    def _ask(self, c: Connection, wanted: Sequence[Asking]) -> tuple[Question, ...]:
        now, lease = self._shop.clock.now(), self._claim.lease
        asked = questions.ask(c, lease, wanted, now)
        left = sum(question.answer is None for question in asked.questions)
        if not left:
            queue.unpark(c, lease, now)
            return asked.questions
        queue.park(c, lease, Why.ASKS, now)
        if asked.new:
            what = "a contradiction is" if left == 1 else f"{left} contradictions are"
            text = f"asks you: {what} yours to decide: on the screen, or with `abathur task answer {task_text(TaskId(lease.task))}`"
            journal.log(c, lease, "warning", "notice", text, now)
        return asked.questions


def _asking(conflict: OpenConflict) -> Asking:
    options = tuple(Possible(option.value, tuple(member.task for member in option.members)) for option in conflict.options)
    text = f"Which lines are right at {conflict.where}?" if conflict.kind == "lines" else f"Which value is right for {conflict.where}?"
    return Asking(conflict.kind, conflict.where, text, options)


def _decision(conflict: OpenConflict, answer: Answer) -> Decision:
    if answer.members:
        return Decision(answer.value, f"{answer.by} decided for {listed(answer.members)}")
    return Decision(_whole_lines(conflict, answer.value), f"{answer.by} wrote it")


def _whole_lines(conflict: OpenConflict, value: JsonValue) -> JsonValue:
    """Lines that somebody wrote end as lines do."""
    if conflict.kind != "lines" or not isinstance(value, str) or not value or value.endswith("\n"):
        return value
    return f"{value}\n"
