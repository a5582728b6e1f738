"""What an engine that drains has to wait for."""

import time
from collections.abc import Callable

import pytest

from abathur_tui.domain.status import Why
from abathur_tui.domain.tasks import TaskError
from abathur_tui.engine.left import left
from abathur_tui.storage import queue
from tests.engine.bench import Bench, node
from tests.scripted import Script, say

BUSY = TaskError("ABTH-ERR-041", "529")


@pytest.mark.parametrize("held", [False, True])
def test_a_task_that_is_tried_again_is_found_however_many_wait_before_it(bench: Callable[[Script], Bench], held: bool) -> None:
    project = bench(say("x"))
    project.submit(node())
    [claim] = project.claim("engine")
    project.write(lambda c, now: queue.retry_later(c, claim.lease, BUSY, now + 1, now))
    project.submit(*(node(f"n{number}", priority=9) for number in range(1001)), not_before=time.time() + 3600)
    if held:
        project.write(lambda c, now: queue.hold_lane(c, claim.lane, Why.KEY, None, "no key", "engine", now))

    assert project.database.read_now(left).retrying is not held
