"""Cancelling one agent, or all of them, while many are at work: programs with their children, and streams, end; what was said is kept."""

import time
from collections.abc import AsyncIterator, Callable, Mapping, Sequence
from contextlib import AbstractAsyncContextManager, asynccontextmanager
from dataclasses import dataclass

import pytest

from abathur_tui.domain.conversation import Runtime
from abathur_tui.domain.execution import RuntimeChoice, RuntimeName
from abathur_tui.domain.status import Status
from abathur_tui.processes import Children
from abathur_tui.runtimes import open_runtime
from abathur_tui.storage import queue, views
from tests.alive import alive
from tests.engine.bench import Bench, node
from tests.messages_server import Gate, MessagesServer, RecordedRequest, Reply, says
from tests.scripted import Script, say
from tests.waiting import eventually_async, slowness

Make = Callable[[Script], Bench]
MANY = 24
SECONDS = 5.0
"""How soon a cancelled agent is promised to be gone."""

# One child that does not listen to TERM, and the program itself; it says who they are, and never ends.
_NEVER_ENDS = "sh -c 'trap \"\" TERM; while :; do sleep 600; done' & echo $$ $! said; wait"


@dataclass
class Many:
    """So many agents at work, each of which has said something."""

    project: Bench
    tasks: Sequence[int]
    gone: Callable[[int], bool]
    """Whether what answered this task (by its place) has ended, with all that it had started."""

    def cancel(self, *places: int) -> None:
        """As a command does."""
        self.project.database.write_now(queue.cancel, [self.tasks[place] for place in places], "user", "", time.time())

    def partial(self, place: int) -> str:
        """What is kept of what a task's agent had said."""
        return self.project.detail(self.tasks[place]).turns[0].text


@asynccontextmanager
async def programs(project: Bench, many: int) -> AsyncIterator[Many]:
    """Programs of the command runtime."""
    project.opens = lambda choice, keys: open_runtime(choice, keys, project.children)
    project.choice = RuntimeChoice(
        RuntimeName.COMMAND, argv=("/bin/sh", "-c", _NEVER_ENDS), working_folder="/", environment=(("PATH", "/usr/bin:/bin"),)
    )
    tasks = project.submit(*(node(f"n{number}") for number in range(many)))
    async with project.running():
        await eventually_async(lambda: said(project) == many, 300)
        processes = [[int(word) for word in text.split()[:2]] for text in texts(project, tasks)]
        assert all(alive(pid) for pids in processes for pid in pids)
        yield Many(project, tasks, lambda place: not any(map(alive, processes[place])))


@asynccontextmanager
async def streams(project: Bench, many: int) -> AsyncIterator[Many]:
    """Streams of a server."""

    def opens(choice: RuntimeChoice, keys: Mapping[str, str]) -> Runtime:
        return open_runtime(choice, keys, Children())

    project.opens = opens
    project.keys.add("f00d", "sk-good")
    gate = Gate()

    def answer(_: RecordedRequest) -> Reply:
        return says("said and never ended", gate=gate)

    with MessagesServer(answer) as server:
        project.choice = RuntimeChoice(RuntimeName.ANTHROPIC, base_url=server.url, key_fingerprint="f00d")
        tasks = project.submit(*(node(f"n{number}", f"question {number}") for number in range(many)))
        async with project.running():
            await eventually_async(lambda: said(project) == many, 300)
            asked = {request.prompt: request for request in server.messages}
            yield Many(project, tasks, lambda place: asked[f"question {place}"].disconnected)


def said(project: Bench) -> int:
    """How many turns have something of what was said on the disk."""
    (number,) = project.database.read_now(lambda c: c.execute("SELECT count(DISTINCT turn) FROM output").fetchone())
    return int(number)


def texts(project: Bench, tasks: Sequence[int]) -> list[str]:
    """What each task's agent has said so far."""
    rows = project.database.read_now(lambda c: c.execute("SELECT task, text FROM output ORDER BY id").fetchall())
    return ["".join(text for task, text in rows if task == one) for one in tasks]


@pytest.mark.parametrize("answering", [programs, streams])
async def test_one_of_many_is_cancelled_and_then_the_others(
    bench: Make, answering: Callable[[Bench, int], AbstractAsyncContextManager[Many]]
) -> None:
    project = bench(say(""))
    project.swarm = {"max_agents": MANY}
    patience = SECONDS * slowness()
    async with answering(project, MANY) as many:
        [waiting] = project.submit(node("waits for a slot"))
        # When one of them is cancelled,
        asked = time.monotonic()
        many.cancel(7)
        # then it ends, with all that it had started, in time,
        await project.until(many.tasks[7], Status.CANCELLED)
        await eventually_async(lambda: many.gone(7))
        assert time.monotonic() - asked < patience
        # what it has said is kept, its slot is the next one's, and the others go on.
        assert "said" in many.partial(7)
        await project.until(waiting, Status.RUNNING)
        others = [place for place in range(MANY) if place != 7]
        assert {project.task(many.tasks[place]).status for place in others} == {Status.RUNNING}
        # When all others are cancelled, they end in time too.
        asked = time.monotonic()
        many.cancel(*others)
        project.database.write_now(queue.cancel, [waiting], "user", "", time.time())
        await eventually_async(lambda: project.database.read_now(views.counts)[Status.CANCELLED] == MANY + 1)
        await eventually_async(lambda: all(many.gone(place) for place in others))
        assert time.monotonic() - asked < patience
        assert all("said" in many.partial(place) for place in others)
