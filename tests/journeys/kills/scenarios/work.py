"""What an engine does with tasks: turns, tool calls, joins, loops, sub-agents, retries, and what it takes over from one that has died."""

import asyncio
import os
import re
import signal
from collections import Counter
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

from abathur_tui.domain.conversation import ToolResultBlock, TurnRequest
from abathur_tui.domain.criteria import AllOf, Direction, JudgeCriterion, ThresholdCriterion
from abathur_tui.domain.errors import ApiRefused, ApiUnavailable
from abathur_tui.domain.loops import EndedBecause, LoopSpec
from abathur_tui.domain.plan import JoinSpec, JoinStrategy, Kind
from abathur_tui.domain.status import Status
from abathur_tui.engine.equipment import Manner
from abathur_tui.storage import Database, queue, views
from tests.engine.bench import Bench, join_node, node, settles
from tests.journeys.kills.scenario import Scenario, acknowledge, acknowledged, drain
from tests.scripted import Affect, Call, Say, Step

_PART = re.compile(r"part-\d+")


def statuses(project: Bench) -> dict[int, Status]:
    """Of all tasks."""
    return {id: Status(status) for id, status in rows(project, "SELECT id, status FROM tasks ORDER BY id")}


def rows(project: Bench, statement: str) -> list[tuple[int, str]]:
    """What a statement finds."""
    return project.database.read_now(lambda c: c.execute(statement).fetchall())


def all_completed(project: Bench) -> None:
    """Every task that there is."""
    assert set(statuses(project).values()) == {Status.COMPLETED}, statuses(project)


# Plain tasks, which begin and end many at a time


def submit_plain(project: Bench) -> None:
    project.submit(*(node(f"n{number}", f"part-{number}") for number in range(12)))
    chain = [node(f"n{number}", f"part-{number}") for number in range(4)]
    project.submit(*chain, edges=[replace(settles(f"n{number}", f"n{number - 1}")[0]) for number in range(1, 4)])


def repeat_parts(request: TurnRequest) -> list[Step]:
    """Each part that it was given, once."""
    return [Say(" ".join(sorted(set(_PART.findall(request.messages[0].text)))))]


def check_plain(project: Bench) -> None:
    all_completed(project)
    for task in statuses(project):
        assert f"part-{(task - 1) % 12}" in (project.result(task) or ""), task
        assert [(turn.number, turn.stop_reason) for turn in project.detail(task).turns if turn.stop_reason] == [(1, "end_turn")]


# Joins


def submit_joins(project: Bench) -> None:
    for strategy in (JoinStrategy.CONCATENATE, JoinStrategy.REDUCE):
        members = [node(f"n{number}", f"part-{number}") for number in range(4)]
        join = replace(join_node("all"), join=JoinSpec(strategy, 0.8))
        after = node("after", "part-9")
        edges = (*settles("all", *(one.id for one in members)), *settles("after", "all"))
        project.submit(*members, join, after, edges=edges, root="after")


def check_joins(project: Bench) -> None:
    all_completed(project)
    joins = [id for id, _ in rows(project, "SELECT id, name FROM tasks WHERE kind = 'join' AND name = 'all' ORDER BY id")]
    assert len(joins) == 2
    for join in joins:
        assert Counter(_PART.findall(project.result(join) or "")) == {f"part-{number}": 1 for number in range(4)}, project.result(join)
    # Two at a time: three questions, each asked of one task.
    assert [len(rows(project, f"SELECT id, name FROM tasks WHERE parent = {join}")) for join in joins] == [0, 3]
    assert (
        project.result(max(id for id, _ in rows(project, "SELECT id, name FROM tasks WHERE name = 'after'"))) == "part-0 part-1 part-2 part-3 part-9"
    )


# Loops


def submit_loop(project: Bench) -> None:
    criterion = AllOf((ThresholdCriterion("n", 3, Direction.MAXIMIZE, 'echo "$ABATHUR_PASS"'), JudgeCriterion("clear")))
    project.submit(replace(node("n1"), kind=Kind.LOOP, loop=LoopSpec(criterion, 5)))


def refine(request: TurnRequest) -> list[Step]:
    """Passes that say which one they are, and a judge who is content."""
    text = request.messages[0].text
    if "Score the one result" in text:
        return [Say('{"score": 1, "reason": "fine"}')]
    found = re.search(r"# Pass (\d+)", text)
    return [Say(f"pass {found.group(1) if found else 1}")]


def check_loop(project: Bench) -> None:
    all_completed(project)
    [course] = project.database.read_now(views.loops)
    loop = project.database.read_now(views.loop, course.task)
    assert [(one.number, one.output) for one in loop.passes] == [(number, f"pass {number}") for number in (1, 2, 3)]
    assert [one.metrics for one in loop.passes] == [{"n": number} for number in (1, 2, 3)]
    assert (loop.ended_because, project.result(course.task)) == (EndedBecause.CONVERGED, "pass 3")
    # Three passes and their three judges.
    assert len(statuses(project)) == 7


# Tool calls, what agents share, and sub-agents


def give_tool(project: Bench) -> None:
    project.tools = {"affect": Affect(project.folder)}


def submit_tools(project: Bench) -> None:
    project.submit(node("n1", "affect"), node("n2", "affect"), node("n3", "lead"), join_node("all"), edges=settles("all", "n1", "n2", "n3"))


def use_tools(request: TurnRequest) -> list[Step]:
    """One effect, then one value that is shared, then what is known of both; or two sub-agents, then what they said."""
    told = [block for message in request.messages for block in message.blocks if isinstance(block, ToolResultBlock)]
    task, prompt = request.caller.task, request.messages[0].text
    if prompt.startswith("lead"):
        calls = [Call("spawn_agent", {"prompt": f"affect {part}", "agent": "generalist"}, f"{task}-{part}") for part in range(2)]
        return [*calls] if not told else [Say(" and ".join(block.text for block in told))]
    if not told:
        return [Say("I begin."), Call("affect", {"task": task}, f"{task}-affect")]
    if len(told) == 1:
        return [Call("write_state", {"key": task, "value": 1, "version": 0}, f"{task}-state")]
    return [Say(" ".join("unknown" if block.is_error else "known" for block in told))]


def check_tools(project: Bench) -> None:
    all_completed(project)
    file = project.folder / "effects"
    effects = Counter(file.read_text().split()) if file.exists() else Counter()
    shared = dict(project.database.read_now(lambda c: c.execute("SELECT key, version FROM state").fetchall()))
    agents = [id for id, kind in rows(project, "SELECT id, kind FROM tasks WHERE kind = 'agent' AND name <> 'n3'")]
    assert len(agents) == 4
    for task in agents:
        effect, state = (project.result(task) or "").split()
        assert effects[f"t{task}"] == 1 or (effect == "unknown" and effects[f"t{task}"] == 0), (task, effect, effects)
        assert shared.get(f"t{task}") == 1 or (state == "unknown" and f"t{task}" not in shared), (task, state, shared)
        finished = [turn.number for turn in project.detail(task).turns if turn.stop_reason is not None]
        assert finished == [1, 2, 3], (task, finished)
    [lead] = [id for id, _ in rows(project, "SELECT id, name FROM tasks WHERE name = 'n3'")]
    assert (project.result(lead) or "").count("known") == 4, project.result(lead)


# What an engine that has died has left


def submit_and_die(project: Bench) -> None:
    """An engine that is killed with -9 in the middle of its work."""
    submit_tools(project)
    child = os.fork()
    if child == 0:
        _die_in(project.folder, 30)
    assert os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]) == -signal.SIGKILL


def _die_in(folder: Path, writes: int) -> None:
    project = SCENARIO_TOOLS.bench(folder)
    database = Dying.open(project.data)
    assert isinstance(database, Dying)
    database.left = writes
    asyncio.run(project.engine(Manner(drain=True), database).run())
    os._exit(0)


class Dying(Database):
    """Takes so many writes; at the next one its process is killed."""

    left: int = 0

    async def write(self, operation: Any, *args: Any, **kwargs: Any) -> Any:
        """The write, or the end."""
        self.left -= 1
        if self.left < 0:
            os.kill(os.getpid(), signal.SIGKILL)
        return await super().write(operation, *args, **kwargs)


# Retries


def submit_retries(project: Bench) -> None:
    project.submit(node("flaky", "flaky"))
    broken, after = node("broken", "broken"), node("after", "after it")
    project.submit(broken, after, edges=[replace(settles("after", "broken")[0])], root="after")
    needs = [replace(edge) for edge in settles("all", "n1", "n2")]
    project.submit(node("n1", "broken"), node("n2", "broken"), join_node("all"), edges=needs)


def fail_at_first(request: TurnRequest) -> list[Step]:
    """A server that is busy twice, and one that refuses until somebody has mended it."""
    prompt, mended = request.messages[0].text, Path(request.caller.project, "mended")
    if prompt.startswith("flaky") and request.caller.attempt < 3:
        return [ApiUnavailable("busy")]
    if prompt.startswith("broken") and not mended.exists():
        return [ApiRefused("no")]
    return [Say("done")]


def submit_broken(project: Bench) -> None:
    submit_retries(project)
    drain(project)
    assert Status.DEAD in statuses(project).values()
    (project.folder / "mended").touch()


def retry_all(project: Bench) -> None:
    """As a person does who has mended it."""
    for task, status in statuses(project).items():
        if status is Status.DEAD:
            project.write(queue.retry, [task], "me")
            acknowledge(project, f"{task}")
    drain(project)


def retries_are_there(project: Bench) -> None:
    found = statuses(project)
    assert all(found[int(task)] is not Status.DEAD for task in acknowledged(project)), found


SCENARIO_TOOLS = Scenario(
    "tools",
    "tool calls intended and finished, shared state, sub-agents asked for and answered",
    submit_tools,
    script=use_tools,
    equip=give_tool,
    check=check_tools,
)

SCENARIOS: Sequence[Scenario] = (
    Scenario("plain", "plain tasks, many at once, and a chain", submit_plain, script=repeat_parts, check=check_plain),
    Scenario(
        "joins", "a join of results, one that asks an agent two by two, and what builds on them", submit_joins, script=repeat_parts, check=check_joins
    ),
    Scenario("loop", "passes, their measure and their judge, and the loop's end", submit_loop, script=refine, check=check_loop),
    SCENARIO_TOOLS,
    replace(
        SCENARIO_TOOLS,
        name="rescue",
        what="taking over what a killed engine has left in the middle of turns and tool calls",
        prepare=submit_and_die,
    ),
    Scenario("backoff", "attempts that fail, wait and are made again, dead letters, and a join that fails", submit_retries, script=fail_at_first),
    Scenario(
        "retry",
        "dead letters that somebody retries, with all that failed because of them",
        submit_broken,
        act=retry_all,
        lost=retries_are_there,
        again=retry_all,
        check=all_completed,
        script=fail_at_first,
    ),
)
