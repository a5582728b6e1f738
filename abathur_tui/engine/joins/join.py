"""A join's own work: who is there, what is made of their results, and the report of it."""

from sqlite3 import Connection
from typing import assert_never

from abathur_tui.domain.leases import Claim, Work
from abathur_tui.domain.plan import JoinSpec, JoinStrategy
from abathur_tui.domain.status import Status
from abathur_tui.engine.joins.asking import Asker
from abathur_tui.engine.joins.gathering import concatenate, lead
from abathur_tui.engine.joins.judging import best, vote
from abathur_tui.engine.joins.meeting import Joined, Meeting
from abathur_tui.engine.joins.members import gathered
from abathur_tui.engine.joins.merging import merge
from abathur_tui.engine.joins.person import Person
from abathur_tui.engine.joins.writing import reduce, synthesize
from abathur_tui.engine.workshop import Workshop
from abathur_tui.storage import journal


async def join(shop: Workshop, claim: Claim, work: Work, spec: JoinSpec) -> Joined:
    """One result of the task's members.

    Raises ForkFailed where too few of them, or not those that must, completed; JoinFailed where no result could be made of theirs; LeaseLost.
    """
    await shop.database.write(lambda c: _level_ended(c, shop, claim, work))
    meeting = Meeting(shop, work, spec, gathered(work, spec), Asker(shop, claim, work), Person(shop, claim))
    match spec.strategy:
        case JoinStrategy.CONCATENATE:
            return await concatenate(meeting)
        case JoinStrategy.LEAD:
            return await lead(meeting)
        case JoinStrategy.MERGE:
            return await merge(meeting)
        case JoinStrategy.REDUCE:
            return await reduce(meeting)
        case JoinStrategy.VOTE:
            return await vote(meeting)
        case JoinStrategy.BEST:
            return await best(meeting)
        case JoinStrategy.SYNTHESIZE:
            return await synthesize(meeting)
        case _:
            assert_never(spec.strategy)


def _level_ended(c: Connection, shop: Workshop, claim: Claim, work: Work) -> None:
    """The end of a level is an event."""
    completed = sum(member.status is Status.COMPLETED for member in work.inputs)
    text = f"its {len(work.inputs)} members have ended: {completed} completed"
    journal.log(c, claim.lease, "info", "notice", text, shop.clock.now())
