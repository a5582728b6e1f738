"""A loop whose engine dies at any write of any step of its passes: no finished pass is made again, none is lost, no judge is asked twice."""

import asyncio
import contextlib
from collections.abc import Callable
from dataclasses import replace
from typing import Any

import pytest

from abathur_tui.domain.conversation import TurnRequest
from abathur_tui.domain.criteria import AllOf, Direction, JudgeCriterion, ThresholdCriterion
from abathur_tui.domain.errors import AbathurError, ProjectGone
from abathur_tui.domain.loops import EndedBecause, LoopSpec
from abathur_tui.domain.plan import Kind
from abathur_tui.domain.status import Status
from abathur_tui.engine.equipment import Manner
from abathur_tui.storage import Database, views
from tests.engine.bench import Bench, node
from tests.scripted import Say, Script, Step

Make = Callable[[Script], Bench]

CRITERION = AllOf((ThresholdCriterion("n", 2, Direction.MAXIMIZE, 'echo "$ABATHUR_PASS"'), JudgeCriterion("clear")))
MOST_WRITES = 120


class Dying(Database):
    """Takes so many writes, and then behaves as for a process that is dead: nothing is written any more."""

    left: int | None = None

    async def write(self, operation: Any, *args: Any, **kwargs: Any) -> Any:
        """The write, or its refusal."""
        if self.left is not None:
            if self.left <= 0:
                raise ProjectGone("The process is dead.")
            self.left -= 1
        return await super().write(operation, *args, **kwargs)


def agents(request: TurnRequest) -> list[Step]:
    """Passes that say which one they are, and a judge who is content."""
    text = request.messages[0].text
    if "Score the one result" in text:
        return [Say('{"score": 1, "reason": "fine"}')]
    return [Say("pass 2" if "# Pass 2" in text else "pass 1")]


@pytest.mark.parametrize("offset", range(2))
async def test_wherever_the_engine_dies_the_next_one_goes_on_from_there(bench: Make, offset: int) -> None:
    project = bench(agents)
    project.gone_seconds = 0.05
    deaths = 0
    for writes in range(offset, MOST_WRITES, 2):
        [task] = project.submit(replace(node("n1"), kind=Kind.LOOP, loop=LoopSpec(CRITERION, 5)))
        execution = project.task(task).execution
        asked = len(project.runtime.requests)
        database = Dying.open(project.data)
        assert isinstance(database, Dying)
        database.left = writes
        with contextlib.suppress(AbathurError):
            async with asyncio.timeout(30):
                await project.engine(Manner(drain=True), database).run()
        database.close()
        died = project.task(task).status is not Status.COMPLETED
        deaths += died

        await project.drain()

        loop = project.database.read_now(views.loop, task)
        assert project.task(task).status is Status.COMPLETED, writes
        assert (loop.ended_because, [done.output for done in loop.passes]) == (EndedBecause.CONVERGED, ["pass 1", "pass 2"]), writes
        assert len(project.database.read_now(views.members, execution)) == 5, writes
        # Four questions, and at most the one that was being answered at that moment once more.
        assert len(project.runtime.requests) - asked <= 5, writes
        if not died:
            break
    assert deaths > 4
