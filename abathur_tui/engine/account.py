"""What an account's refusal does to a lane: it waits, so that its tasks are not burnt one by one."""

from sqlite3 import Connection

from abathur_tui.domain.errors import RuntimeFailure
from abathur_tui.domain.status import Why
from abathur_tui.engine.patient import PatientDatabase
from abathur_tui.storage import queue


async def free_accounts(database: PatientDatabase, now: float) -> None:
    """Let the lanes go on that wait for a key or for billing: a person has done something."""
    for state in await database.read(queue.lanes):
        if state.held_why == Why.KEY:
            await database.write(queue.free_lane, state.lane, "engine", now)


def hold_for_account(c: Connection, lane: str, error: RuntimeFailure, now: float) -> None:
    """Hold the lane: until the time that the server named (a quota), else until a person has done something (key, billing)."""
    if error.retry_after is None:
        queue.hold_lane(c, lane, Why.KEY, None, error.message, "engine", now)
    else:
        queue.hold_lane(c, lane, Why.QUOTA, now + error.retry_after, error.message, "engine", now)
