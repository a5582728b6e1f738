"""Budgets of loops: a hard ceiling on what passes and judges cost together."""

from collections.abc import Callable
from dataclasses import replace

import pytest

from abathur_tui.domain.conversation import FailureKind, ToolResultBlock, TurnRequest
from abathur_tui.domain.criteria import Criterion, Direction, JudgeCriterion, ThresholdCriterion
from abathur_tui.domain.errors import ChangeRefused, CommandFailed
from abathur_tui.domain.journal import LoopSeries
from abathur_tui.domain.loops import EndedBecause, LoopSpec
from abathur_tui.domain.plan import Kind, PlanNode
from abathur_tui.domain.status import Status
from abathur_tui.storage import queue, views
from tests.engine.bench import Bench, node
from tests.scripted import Call, Say, Script, Step, say

Make = Callable[[Script], Bench]

NEVER = ThresholdCriterion("n", 1000, Direction.MAXIMIZE, 'echo "$ABATHUR_PASS"')


def looped(budget: float, criterion: Criterion = NEVER) -> PlanNode:
    return replace(node("n1"), kind=Kind.LOOP, loop=LoopSpec(criterion, 50, budget_usd=budget))


def series(project: Bench, task: int) -> LoopSeries:
    return project.database.read_now(views.loop, task)


async def test_no_pass_begins_that_would_cross_the_budget(bench: Make) -> None:
    project = bench(say("x"))  # a cent a turn
    [task] = project.submit(looped(0.035))

    await project.drain()

    loop = series(project, task)
    assert (loop.ended_because, len(loop.passes), loop.best) == (EndedBecause.BUDGET, 3, 3)
    assert "$0.03 of its budget of $0.035 is spent, and a pass has cost up to $0.01; the best is pass 3 with n 3" in loop.reason
    ended = project.task(task)
    assert ended.status is Status.FAILED
    assert ended.error is not None
    assert ended.error.code == "ABTH-ERR-085"
    assert project.result(task) == "x"


async def test_a_budget_that_is_met_exactly_is_spent_and_not_crossed(bench: Make) -> None:
    project = bench(say("x"))
    project.runtime.cost_usd = 0.25
    [task] = project.submit(looped(0.5))

    await project.drain()

    loop = series(project, task)
    assert (loop.ended_because, len(loop.passes)) == (EndedBecause.BUDGET, 2)
    assert "its budget of $0.5 is spent ($0.5)" in loop.reason


async def test_what_judges_cost_counts_and_they_are_not_asked_beyond_it(bench: Make) -> None:
    def agents(request: TurnRequest) -> list[Step]:
        return [Say('{"score": 0.5, "reason": "so so"}' if "Score the one result" in request.messages[0].text else "x")]

    project = bench(agents)
    [task] = project.submit(looped(0.03, JudgeCriterion("clear")))

    await project.drain()

    loop = series(project, task)
    assert [(done.cost_usd, done.scores) for done in loop.passes] == [(0.02, {"judge": 0.5})]
    assert loop.ended_because is EndedBecause.BUDGET
    assert len(project.runtime.requests) == 2


def spawning(sub_agent: Script) -> Script:
    """A pass asks for two sub-agents, and then says what came of them."""

    def agents(request: TurnRequest) -> list[Step]:
        if request.messages[0].text in ("one", "two", "inner"):
            return list(sub_agent(request))
        told = [block.text for block in request.messages[-1].blocks if isinstance(block, ToolResultBlock)]
        spawn: list[Step] = [Call("spawn_agent", {"prompt": prompt, "agent": "generalist"}, prompt) for prompt in ("one", "two")]
        return [Say("; ".join(told))] if told else spawn

    return agents


def turns_of(project: Bench, prompt: str) -> int:
    return sum(request.messages[0].text == prompt for request in project.runtime.requests)


async def test_what_is_left_is_split_among_sub_agents_and_the_one_that_asked_for_them(bench: Make) -> None:
    project = bench(spawning(lambda _: [Call("look")]))  # they would go on for ever
    [task] = project.submit(looped(0.105))

    await project.drain()

    # After the first turn 9.5 cents are left, for three: each begins no turn once it has spent 3.17 of them.
    assert (turns_of(project, "one"), turns_of(project, "two")) == (4, 4)
    [done] = series(project, task).passes
    assert done.cost_usd == pytest.approx(0.1)
    assert project.result(task) is not None
    assert str(project.result(task)).count("in its agent's budget is spent: $0.04, of which 3 have equal parts.") == 2
    sub_agents = [id for (id,) in project.database.read_now(lambda c: c.execute("SELECT task FROM subagents").fetchall())]
    errors = [project.task(id).error for id in sub_agents]
    assert [error and error.code for error in errors] == ["ABTH-ERR-085"] * 2


async def test_the_share_of_a_sub_agent_holds_for_all_inside_it_and_what_one_leaves_is_its_agents(bench: Make) -> None:
    def sub_agent(request: TurnRequest) -> list[Step]:
        match request.messages[0].text:
            case "one":
                told = isinstance(request.messages[-1].blocks[0], ToolResultBlock)
                return [Say("done")] if told else [Call("spawn_agent", {"prompt": "inner", "agent": "generalist"})]
            case "two":
                return [Say("cheap")]
            case _:
                return [Call("look")]

    project = bench(spawning(sub_agent))
    project.submit(looped(0.105))

    await project.drain()

    # Of the 3.17 cents of the one, its first turn has cost one: it has half of the rest, and the inner one the other half.
    assert turns_of(project, "inner") == 2
    assert turns_of(project, "two") == 1


async def test_a_pass_that_crosses_it_is_stopped_at_its_next_turn_and_the_best_one_is_the_result(bench: Make) -> None:
    def agents(request: TurnRequest) -> list[Step]:
        first = "# Pass" not in request.messages[0].text
        return [Say("first")] if first else [Say("endless"), Call("look")]

    project = bench(agents)
    [task] = project.submit(looped(0.05))

    await project.drain()

    loop = series(project, task)
    assert (loop.ended_because, len(loop.passes), project.result(task)) == (EndedBecause.BUDGET, 1, "first")
    assert len(project.runtime.requests) == 5
    second = project.database.read_now(queue.child_of, task, 2)
    assert second is not None
    stopped = project.detail(second)
    assert (stopped.task.status, stopped.task.error is not None and stopped.task.error.code) == (Status.FAILED, "ABTH-ERR-085")
    assert stopped.partial.count("endless") == 4


async def test_with_more_money_it_goes_on_after_the_last_finished_pass(bench: Make) -> None:
    spend = True

    def agents(request: TurnRequest) -> list[Step]:
        return [Say("x"), Call("look")] if spend and "# Pass 2" in request.messages[0].text else [Say("x")]

    project = bench(agents)
    [task] = project.submit(looped(0.03, ThresholdCriterion("n", 3, Direction.MAXIMIZE, 'echo "$ABATHUR_PASS"')))
    await project.drain()
    assert len(series(project, task).passes) == 1

    with pytest.raises(ChangeRefused, match=r"has cost \$0.03, and its budget is \$0.03"):
        project.database.write_now(queue.resume_loop, task, queue.LoopLimits(), 3600.0, "user", 0.0)
    spend = False
    project.write(lambda c, now: queue.resume_loop(c, task, queue.LoopLimits(budget_usd=1.0), 3600.0, "user", now))
    await project.drain()

    loop = series(project, task)
    assert (loop.ended_because, [done.number for done in loop.passes]) == (EndedBecause.CONVERGED, [1, 2, 3])
    assert loop.passes[1].cost_usd == pytest.approx(0.03)


async def test_what_is_left_must_be_enough_for_another_pass(bench: Make) -> None:
    project = bench(say("x"))
    [task] = project.submit(looped(0.025, ThresholdCriterion("n", 3, Direction.MAXIMIZE, 'echo "$ABATHUR_PASS"')))
    await project.drain()
    assert [done.cost_usd for done in series(project, task).passes] == [pytest.approx(0.01)] * 2

    with pytest.raises(ChangeRefused, match=r"has cost \$0.02 of its budget of \$0.025, and a pass has cost up to \$0.01"):
        project.database.write_now(queue.resume_loop, task, queue.LoopLimits(), 3600.0, "user", 0.0)


async def test_a_price_that_is_not_known_ends_the_loop_and_is_not_taken_for_nothing(bench: Make) -> None:
    project = bench(say("x"))
    project.runtime.cost_usd = None
    [task] = project.submit(looped(1.0))

    await project.drain()

    loop = series(project, task)
    assert (loop.ended_because, len(loop.passes)) == (EndedBecause.BUDGET, 1)
    assert "its budget of $1 cannot be held, for what 1 of its turns cost is not known" in loop.reason
    assert project.task(task).error is not None
    assert project.result(task) == "x"


async def test_what_costs_nothing_never_reaches_it(bench: Make) -> None:
    project = bench(say("x"))
    project.runtime.cost_usd = 0.0
    [task] = project.submit(looped(0.01, ThresholdCriterion("n", 5, Direction.MAXIMIZE, 'echo "$ABATHUR_PASS"')))

    await project.drain()

    assert series(project, task).ended_because is EndedBecause.CONVERGED


async def test_a_turn_that_broke_off_counts_as_the_dearest_one(bench: Make) -> None:
    broken = [True]

    def agents(request: TurnRequest) -> list[Step]:
        if broken and broken.pop():
            return [Say("half"), CommandFailed("broke off", kind=FailureKind.TRANSIENT)]
        return [Say("x")]

    project = bench(agents)
    [task] = project.submit(looped(0.035))

    await project.drain()

    loop = series(project, task)
    # A cent for the broken one, a cent for each of two passes; a third one would be the fourth cent.
    assert (loop.ended_because, len(loop.passes)) == (EndedBecause.BUDGET, 2)
    assert loop.passes[0].cost_usd is None
