"""Loops: passes, measures, ends, and going on after a crash."""

import asyncio
import time
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import pytest

from abathur_tui.domain.conversation import TurnRequest
from abathur_tui.domain.errors import ApiRefused
from abathur_tui.domain.journal import LoopSeries
from abathur_tui.domain.loops import Direction, EndedBecause, Verdict
from abathur_tui.domain.plan import Edge
from abathur_tui.domain.status import Status, Why
from abathur_tui.settings.model import Loop, Swarm
from abathur_tui.storage import journal, queue, views
from tests.engine.bench import Bench, loop_node, node
from tests.engine.clocks import let_pass
from tests.scripted import Say, Script, Step, Wait, say
from tests.storage.test_checking import lawless
from tests.waiting import eventually_async

Make = Callable[[Script], Bench]


class Counting:
    """Answers `pass 1`, `pass 2`…"""

    def __init__(self) -> None:
        self.count = 0

    def __call__(self, _: TurnRequest) -> list[Step]:
        self.count += 1
        return [Say(f"pass {self.count}")]


def series(project: Bench) -> LoopSeries:
    """The one loop of the project."""
    [loop] = project.database.read_now(views.loops)
    return loop


LENGTH_OF_A_LOG = "echo x >> passes.log; wc -l < passes.log"
"""A measure that gives 1, 2, 3… and tells how often it was run."""


async def test_a_loop_goes_on_until_its_measure_reaches_the_target(bench: Make) -> None:
    project = bench(Counting())
    [task] = project.submit(loop_node(LENGTH_OF_A_LOG, target=3))

    await project.drain()

    loop = series(project)
    assert project.task(task).status is Status.COMPLETED
    assert project.result(task) == "pass 3"
    assert [done.metrics for done in loop.passes] == [{"score": 1}, {"score": 2}, {"score": 3}]
    assert [done.verdict for done in loop.passes] == [Verdict.CONTINUE, Verdict.CONTINUE, Verdict.CONVERGED]
    assert (loop.ended_because, loop.best) == (EndedBecause.CONVERGED, 3)
    assert loop.reason == "score 3 >= 3"


async def test_each_pass_is_told_what_the_others_reached(bench: Make) -> None:
    project = bench(Counting())
    project.submit(loop_node(LENGTH_OF_A_LOG, target=2))

    await project.drain()

    first, second = project.prompts()
    assert first == "do it"
    assert second.startswith("do it\n\n# Pass 2: improve on what there is")
    assert "- pass 1: score 1 (the best)" in second
    assert "The last verdict: continue. score 1 is not yet >= 2" in second
    assert "## The best output so far (pass 1)\n\npass 1" in second


async def test_a_loop_works_with_one_slot(bench: Make) -> None:
    project = bench(Counting())
    project.settings = project.settings.model_copy(update={"swarm": Swarm(max_agents=1)})
    loops = [project.submit(loop_node("wc -c", target=6))[0] for _ in range(3)]

    await project.drain()

    assert {project.task(loop).status for loop in loops} == {Status.COMPLETED}


async def test_while_its_pass_runs_it_holds_no_slot_and_says_what_it_waits_for(bench: Make) -> None:
    go = asyncio.Event()
    project = bench(lambda _: [Wait(go), Say("x")])
    [task] = project.submit(loop_node("echo 3"))
    async with project.running() as engine:
        await eventually_async(lambda: project.runtime.active == 1)

        assert (project.task(task).status, project.task(task).why) == (Status.RUNNING, Why.CHILDREN)
        assert engine._shop.slots.busy == 1

        go.set()
        await project.until(task, Status.COMPLETED)


async def test_a_loop_that_does_not_reach_its_target_fails_with_the_best_pass_as_its_result(bench: Make) -> None:
    project = bench(Counting())
    (project.folder / "values").write_text("5\n2\n4\n")
    measure = "head -n $ABATHUR_PASS values | tail -n 1"
    [task] = project.submit(loop_node(measure, target=1, direction=Direction.MINIMIZE, most=3))

    await project.drain()

    ended, loop = project.task(task), series(project)
    assert ended.status is Status.FAILED
    assert ended.error is not None
    assert ended.error.code == "ABTH-ERR-082"
    assert project.result(task) == "pass 2"
    assert (loop.ended_because, loop.best, len(loop.passes)) == (EndedBecause.ITERATIONS, 2, 3)


async def test_the_measure_gets_the_output_and_knows_the_pass(bench: Make) -> None:
    project = bench(say("twelve chars"))
    [task] = project.submit(loop_node('printf \'{"score": %s, "pass": %s}\' "$(wc -c)" "$ABATHUR_PASS"; test "$PWD" = "$ABATHUR_PROJECT"', target=12))

    await project.drain()

    assert project.task(task).status is Status.COMPLETED
    assert series(project).passes[0].metrics == {"score": 12, "pass": 1}


async def test_no_key_reaches_the_measure(bench: Make, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("ANTHROPIC_API_KEY", "sk-secret")
    project = bench(say("x"))
    [task] = project.submit(loop_node('echo "${#ANTHROPIC_API_KEY}"', target=0, direction=Direction.MINIMIZE))

    await project.drain()

    assert project.task(task).status is Status.COMPLETED


@pytest.mark.parametrize(
    ("measure", "reason"),
    [
        ("echo rubbish", "it printed no number: rubbish"),
        ("echo oops >&2; exit 3", "the measure ended with exit code 3: oops"),
        ("echo nan", "it printed a number that is not finite"),
        ("echo 2e300", "it printed a number that is too large"),
        ("kill -9 $$", "the measure was killed by SIGKILL"),
        ("head -c 2000000 /dev/zero", "the measure was of no use: The command wrote more than 1,048,576 bytes"),
        ("echo '{\"other\": 1}'", "it printed an object without 'score'"),
        ("true", "it printed nothing"),
        ("yes | head -c 3000000", "more than"),
    ],
)
async def test_three_measures_in_a_row_without_a_number_end_the_loop(bench: Make, measure: str, reason: str) -> None:
    project = bench(Counting())
    [task] = project.submit(loop_node(measure))

    await project.drain()

    ended, loop = project.task(task), series(project)
    assert ended.status is Status.FAILED
    assert ended.error is not None
    assert ended.error.code == "ABTH-ERR-081"
    assert [done.verdict for done in loop.passes] == [Verdict.INCONCLUSIVE] * 3
    assert reason in loop.passes[0].reason
    assert project.result(task) == "pass 3"
    assert loop.reason.endswith("nothing was measured, so its result is the last output, of pass 3.")


async def test_a_measure_that_gives_a_number_again_begins_the_count_anew(bench: Make) -> None:
    project = bench(Counting())
    [task] = project.submit(loop_node("n=$ABATHUR_PASS; if [ $n = 3 ]; then echo 1; elif [ $n = 6 ]; then echo 3; fi", target=3))

    await project.drain()

    assert project.task(task).status is Status.COMPLETED


async def test_a_pass_that_fails_ends_the_loop_with_the_best_one_so_far(bench: Make) -> None:
    project = bench(lambda request: [ApiRefused("no such model")] if "Pass 2" in request.messages[0].text else [Say("first")])
    [task] = project.submit(loop_node("echo 1"))

    await project.drain()

    ended, loop = project.task(task), series(project)
    assert ended.status is Status.FAILED
    assert ended.error is not None
    assert ended.error.code == "ABTH-ERR-042"
    assert "pass 2" in ended.error.message
    assert "no such model" in ended.error.message
    assert project.result(task) == "first"
    assert loop.ended_because is EndedBecause.FAILED


async def test_a_loop_ends_when_its_time_is_over_and_with_it_its_pass(bench: Make) -> None:
    project = bench(lambda _: [Wait(asyncio.Event())])
    project.settings = project.settings.model_copy(update={"loop": Loop(timeout_seconds=60)})
    [task] = project.submit(loop_node("echo 1"))
    async with project.running():
        await eventually_async(lambda: project.runtime.active == 1)
        let_pass(61)
        await project.until(task, Status.FAILED)

    ended, loop = project.task(task), series(project)
    assert ended.error is not None
    assert ended.error.code == "ABTH-ERR-083"
    assert loop.ended_because is EndedBecause.TIMEOUT
    assert project.runtime.cancelled == 1
    assert project.database.read_now(views.counts)[Status.RUNNING] == 0


async def test_a_pass_that_a_person_cancels_ends_the_loop(bench: Make) -> None:
    project = bench(lambda _: [Wait(asyncio.Event())])
    [task] = project.submit(loop_node("echo 1"))
    async with project.running():
        await eventually_async(lambda: project.runtime.active == 1)
        child = project.database.read_now(queue.child_of, task, 1)
        assert child is not None

        project.database.write_now(queue.cancel, [child], "user", "", time.time())
        await project.until(task, Status.FAILED)

    assert series(project).ended_because is EndedBecause.CANCELLED


async def test_what_the_loop_depends_on_reaches_its_passes(bench: Make) -> None:
    project = bench(lambda request: [Say("the brief")] if request.messages[0].text == "brief" else [Say("x")])
    loop = replace(loop_node("echo 3"), id="n2")
    project.submit(node("n1", "brief"), loop, edges=[Edge("n2", "n1")])

    await project.drain()

    assert "## n1\n\nthe brief" in project.prompts()[1]


async def test_after_an_ordered_stop_no_pass_is_made_twice(bench: Make) -> None:
    counting = Counting()
    never = asyncio.Event()
    project = bench(lambda request: [Say("half"), Wait(never)] if counting.count == 2 else counting(request))
    [task] = project.submit(loop_node(LENGTH_OF_A_LOG, target=3))
    async with project.running():
        await eventually_async(lambda: project.runtime.active == 1 and len(project.runtime.requests) == 3)
    assert project.task(task).status is Status.PENDING

    project.runtime.script = counting
    await project.drain()

    loop = series(project)
    assert [done.output for done in loop.passes] == ["pass 1", "pass 2", "pass 3"]
    assert len(project.database.read_now(views.members, 1)) == 4
    assert (project.folder / "passes.log").read_text() == "x\n" * 3


async def test_a_crash_between_a_passs_end_and_its_measure_repeats_the_measure_only(bench: Make) -> None:
    project = bench(Counting())
    [task] = project.submit(loop_node(LENGTH_OF_A_LOG, target=2))
    [claim] = project.claim("dead")
    spec = project.database.read_now(views.work, task)
    child = project.database.write_now(queue.add_child, claim.lease, node("pass-1", spec.prompt), time.time(), pass_number=1)
    [of_pass] = project.database.write_now(queue.claim, "dead", {project.choice.lane: 1}, 1, time.time())
    assert of_pass.lease.task == child
    project.database.write_now(queue.complete, of_pass.lease, "made before the crash", time.time())
    project.write(queue.recover, "dead")

    await project.drain()

    assert [done.output for done in series(project).passes] == ["made before the crash", "pass 1"]


async def test_a_damaged_checkpoint_falls_back_to_the_one_before_and_says_so(bench: Make) -> None:
    never = asyncio.Event()
    counting = Counting()
    project = bench(lambda request: [Wait(never)] if counting.count == 2 else counting(request))
    [task] = project.submit(loop_node(LENGTH_OF_A_LOG, target=4))
    async with project.running():
        await eventually_async(lambda: len(series(project).passes) == 2)
    damage(project.data / "abathur.db")
    assert project.database.read_now(journal.damaged_pass, task) == 2

    project.runtime.script = counting
    await project.drain()

    assert project.task(task).status is Status.COMPLETED
    assert any("pass 2 is damaged: going on from pass 1" in entry.text for entry in project.log(task))
    assert [done.output for done in series(project).passes][:2] == ["pass 1", "pass 2"]


@pytest.mark.parametrize("change", ["metrics = 'garbage'", "verdict = 'splendid'", "scores = '[]'", "tokens_input = -1", "number = 5"])
async def test_lists_and_charts_show_no_pass_from_a_damaged_one_on(bench: Make, change: str) -> None:
    project = bench(Counting())
    [task] = project.submit(loop_node(LENGTH_OF_A_LOG, target=3))
    await project.drain()

    damage(project.data / "abathur.db", change)

    assert [done.number for done in series(project).passes] == [1]
    [listed] = project.database.read_now(views.loops_seen)
    assert [done.number for done in listed.passes] == [1]
    assert project.database.read_now(journal.damaged_pass, task) == 2
    assert project.database.read_now(views.loop, task).lost_pass == 2


async def test_a_pass_whose_record_is_gone_is_told_also_where_it_was_the_last(bench: Make) -> None:
    project = bench(Counting())
    [task] = project.submit(loop_node(LENGTH_OF_A_LOG, target=3))
    await project.drain()
    assert project.database.read_now(views.loop, task).lost_pass is None

    lawless(project.data, "DELETE FROM passes WHERE number = 3")

    assert [done.number for done in series(project).passes] == [1, 2]
    assert project.database.read_now(views.loop, task).lost_pass == 3


def damage(path: Path, change: str = "metrics = '{\"score\": 99}'") -> None:
    """Change what is kept of pass 2 behind the program's back."""
    lawless(path.parent, f"UPDATE passes SET {change} WHERE number = 2")
