"""What is left in the queue: whether anything could run, now or by itself later, or only after a person has done something."""

from dataclasses import dataclass, replace
from sqlite3 import Connection

from abathur_tui.domain.errors import Exit
from abathur_tui.domain.status import Status, Why
from abathur_tui.storage import questions, queue, status_commands, views


@dataclass(frozen=True, slots=True)
class Left:
    """What has not ended, by what it waits for."""

    running: bool
    """Some engine has a task that does not only wait for a person, or for tasks inside it."""
    ready: bool
    """A free slot would take one."""
    retrying: bool
    """One waits for its next attempt; looked for only where none is running or ready, because it walks through all that is due later."""
    later: bool
    """One goes on by itself at some time: its own, that of its account's quota, or a schedule's."""
    account: bool
    """One waits for a key or for billing."""
    untold: bool
    """A command on changes of status is still to be run, or it is not known yet that none is."""

    @property
    def drained(self) -> Exit | None:
        """How a drain ends now; None while there is something to wait for."""
        if self.running or self.ready or self.retrying or self.untold:
            return None
        return Exit.REFUSED if self.account else Exit.DONE


def left_behind(c: Connection) -> Left:
    """What is left where no engine is at work: those that have asked a person are ready to be claimed, and would only ask again."""
    found = left(c)
    return replace(found, ready=found.ready and questions.any_ready(c))


def left(c: Connection) -> Left:
    """What is left."""
    lanes = queue.lanes(c)
    running = views.counts(c)[Status.RUNNING]
    if running:
        _, asking = questions.asking(c)
        running -= asking + queue.parked(c)
    goes_on = running > 0, any(lane.ready for lane in lanes)
    return Left(
        *goes_on,
        retrying=not any(goes_on) and queue.retrying(c),
        later=any(lane.held_why != Why.KEY for lane in lanes) or queue.next_schedule(c) is not None,
        account=any(lane.held_why == Why.KEY for lane in lanes),
        untold=status_commands.behind(c),
    )
