"""Loops by each criterion, alone and combined, with real commands and a scripted agent."""

import json
from collections.abc import Callable
from dataclasses import replace

import pytest

from abathur_tui.domain.conversation import TurnRequest
from abathur_tui.domain.criteria import (
    AllOf,
    AnyOf,
    Criterion,
    CustomCriterion,
    Direction,
    JudgeCriterion,
    PassingTestsCriterion,
    StabilityCriterion,
    ThresholdCriterion,
)
from abathur_tui.domain.data import JsonObject
from abathur_tui.domain.journal import LoopSeries
from abathur_tui.domain.loops import Course, EndedBecause, LoopSpec, Verdict
from abathur_tui.domain.plan import Kind, PlanNode
from abathur_tui.domain.status import Status
from abathur_tui.settings.model import Swarm
from abathur_tui.storage import views
from tests.engine.bench import Bench, node
from tests.engine.clocks import HandClock, let_pass
from tests.scripted import Call, Say, Script, Step, say
from tests.waiting import eventually_async

Make = Callable[[Script], Bench]


def looped(criterion: Criterion, *, most: int | None = 10, **rule: object) -> PlanNode:
    """A loop by this criterion."""
    return replace(node("n1"), kind=Kind.LOOP, loop=LoopSpec(criterion, most, **rule))  # type: ignore[arg-type]


def is_judge(request: TurnRequest) -> bool:
    return "Score the one result" in request.messages[0].text


class Agents:
    """Passes and judges who answer one after the other; the last answer is given again and again."""

    def __init__(self, passes: list[str], judges: list[str] | None = None) -> None:
        self.passes = passes
        self.judges = judges or []
        self.judged: list[str] = []

    def __call__(self, request: TurnRequest) -> list[Step]:
        answers = self.judges if is_judge(request) else self.passes
        if is_judge(request):
            self.judged.append(request.messages[0].text)
        return [Say(answers.pop(0) if len(answers) > 1 else answers[0])]


def series(project: Bench) -> LoopSeries:
    [loop] = project.database.read_now(views.loops)
    return loop


def score(value: float) -> str:
    return json.dumps({"score": value, "reason": f"it is worth {value}"})


# Judges


async def test_a_loop_goes_on_until_a_judge_is_content(bench: Make) -> None:
    agents = Agents(["poor", "better", "good"], [score(0.4), score(0.7), score(0.93)])
    project = bench(agents)
    [task] = project.submit(looped(JudgeCriterion("clear", 0.9)))

    await project.drain()

    loop = series(project)
    assert project.task(task).status is Status.COMPLETED
    assert project.result(task) == "good"
    assert [done.scores for done in loop.passes] == [{"judge": 0.4}, {"judge": 0.7}, {"judge": 0.93}]
    assert loop.passes[0].reason == "judge 0.40 is not yet >= 0.9: it is worth 0.4"
    assert "# The rubric\n\nclear" in agents.judged[0]
    assert "# The task\n\ndo it" in agents.judged[0]
    assert "# The result\n\npoor" in agents.judged[0]
    assert "it is worth 0.4" in project.prompts()[2]
    quality = project.detail(task).quality
    assert quality is not None
    assert [(one.name, one.score) for one in quality.criteria] == [("clear", quality.score)]
    assert (quality.score or 0.0) >= 0.9


async def test_a_malformed_judgement_is_asked_for_once_more(bench: Make) -> None:
    agents = Agents(["good"], ["It is splendid.", score(1)])
    project = bench(agents)
    project.submit(looped(JudgeCriterion("clear")))

    await project.drain()

    assert series(project).ended_because is EndedBecause.CONVERGED
    assert "Your last answer could not be used: there is no JSON object in it" in agents.judged[1]
    assert "It is splendid." in agents.judged[1]


async def test_a_judge_who_never_says_anything_of_use_ends_the_loop_after_three_passes(bench: Make) -> None:
    agents = Agents(["good"], ["It is splendid."])
    project = bench(agents)
    [task] = project.submit(looped(JudgeCriterion("clear")))

    await project.drain()

    loop = series(project)
    assert [done.verdict for done in loop.passes] == [Verdict.INCONCLUSIVE] * 3
    assert "the judge gave no score: it gave no usable answer, twice" in loop.reason
    assert len(agents.judged) == 6
    assert project.result(task) == "good"


async def test_a_judge_with_a_scale_of_its_own_can_be_content(bench: Make) -> None:
    project = bench(Agents(["good"], ['{"score": 10, "of": 10, "reason": "flawless"}']))
    project.submit(looped(JudgeCriterion("from 1 to 10", 1.0)))

    await project.drain()

    assert series(project).ended_because is EndedBecause.CONVERGED


async def test_a_judge_who_never_says_what_his_scale_is_can_be_content(bench: Make) -> None:
    agents = Agents(["good"], ['{"score": 9, "reason": "nearly flawless"}'])
    project = bench(agents)
    project.submit(looped(JudgeCriterion("from 0 to 10")))

    await project.drain()

    assert series(project).ended_because is EndedBecause.CONVERGED
    assert series(project).reason == "judge 0.90 >= 0.9: nearly flawless (taken as 9 of 10)"
    assert 'and "of" does not say what it is of' in agents.judged[1]


async def test_with_one_slot_judges_and_passes_take_turns(bench: Make) -> None:
    project = bench(Agents(["a", "b"], [score(0.1), score(1)]))
    project.settings = project.settings.model_copy(update={"swarm": Swarm(max_agents=1)})
    project.submit(looped(JudgeCriterion("clear")))

    await project.drain()

    assert series(project).ended_because is EndedBecause.CONVERGED
    assert project.runtime.most_active == 1


# Tests that must pass

SUITE = """import unittest
from answer import value

class Answer(unittest.TestCase):
    def test_a(self): self.assertGreaterEqual(value, 1)
    def test_b(self): self.assertGreaterEqual(value, 2)
    def test_c(self): self.assertGreaterEqual(value, 3)
"""


async def test_a_loop_goes_on_until_its_tests_pass(bench: Make) -> None:
    project = bench(Agents(["value = 1", "value = 2", "value = 3"]))
    (project.folder / "test_answer.py").write_text(SUITE)
    project.submit(looped(PassingTestsCriterion("cat > answer.py; rm -rf __pycache__; python3 -m unittest 2>&1")))

    await project.drain()

    loop = series(project)
    assert loop.ended_because is EndedBecause.CONVERGED
    assert [done.metrics["tests_passed"] for done in loop.passes] == [1, 2, 3]
    assert [done.reason for done in loop.passes] == ["1 of 3 tests pass", "2 of 3 tests pass", "3 of 3 tests pass"]
    assert loop.passes[1].scores["tests"] == pytest.approx(2 / 3)


@pytest.mark.parametrize(
    ("command", "verdict", "reason"),
    [
        ("echo '1 failed, 2 passed in 0.1s'", Verdict.CONTINUE, "2 of 3 tests pass, though the exit code is 0"),
        (
            "echo '3 passed in 0.1s'; echo coverage >&2; exit 2",
            Verdict.CONTINUE,
            "3 of 3 tests pass, yet the command ended with exit code 2: coverage",
        ),
        ("echo 'no tests ran in 0.0s'", Verdict.CONTINUE, "no test ran"),
        ("exit 1", Verdict.CONTINUE, "the tests' command ended with exit code 1"),
        ("true", Verdict.CONVERGED, "the tests' command exits 0"),
        ("no-such-runner", Verdict.INCONCLUSIVE, "cannot run"),
    ],
)
async def test_a_runner_that_lies_or_breaks_is_not_believed(bench: Make, command: str, verdict: Verdict, reason: str) -> None:
    project = bench(say("x"))
    project.submit(looped(PassingTestsCriterion(command), most=1))

    await project.drain()

    [done] = series(project).passes
    assert (done.verdict, reason in done.reason) == (verdict, True), done.reason


# Custom

CUSTOM = """
import json, sys
told = json.load(sys.stdin)
print(f"{told['pass']['output']} after {[one['output'] for one in told['history']]}")
sys.exit(0 if len(told["history"]) == 2 else 1)
"""


async def test_a_custom_criterion_gets_the_pass_and_the_history(bench: Make) -> None:
    project = bench(Agents(["a", "b", "c"]))
    (project.folder / "check.py").write_text(CUSTOM)
    project.submit(looped(CustomCriterion("python3 check.py")))

    await project.drain()

    loop = series(project)
    assert loop.ended_because is EndedBecause.CONVERGED
    assert [done.reason for done in loop.passes] == ["a after []", "b after ['a']", "c after ['a', 'b']"]


async def test_a_custom_criterion_that_breaks_three_times_in_a_row_ends_the_loop(bench: Make) -> None:
    project = bench(say("x"))
    project.submit(looped(CustomCriterion("echo broken >&2; exit 2"), most=None))

    await project.drain()

    loop = series(project)
    assert (loop.ended_because, len(loop.passes)) == (EndedBecause.FAILED, 3)
    assert "exit code 2: broken" in loop.reason


# Stability


async def test_a_loop_ends_when_its_outputs_are_alike(bench: Make) -> None:
    project = bench(Agents(["one draft", "another way altogether", "The Answer", "the  answer", "the answer"]))
    [task] = project.submit(looped(StabilityCriterion()))

    await project.drain()

    loop = series(project)
    assert (loop.ended_because, len(loop.passes), loop.best) == (EndedBecause.CONVERGED, 5, 5)
    assert project.result(task) == "the answer"


async def test_a_metric_that_does_not_move_any_more_is_stable(bench: Make) -> None:
    project = bench(say("x"))
    (project.folder / "values").write_text("5\n9\n3\n3.1\n3.05\n")
    measure = "head -n $ABATHUR_PASS values | tail -n 1"
    project.submit(looped(StabilityCriterion(3, metric="loss", tolerance=0.1, measure=measure)))

    await project.drain()

    assert (series(project).ended_because, len(series(project).passes)) == (EndedBecause.CONVERGED, 5)


# Reported metrics


async def test_a_metric_that_the_agent_reports_counts(bench: Make) -> None:
    values = [300.0, 250.0, 90.0]

    def reports(request: TurnRequest) -> list[Step]:
        if len(request.messages) > 1:
            return [Say("measured")]
        return [Call("report_metric", {"name": "ms", "value": 999}), Call("report_metric", {"name": "ms", "value": values.pop(0)})]

    project = bench(reports)
    project.submit(looped(ThresholdCriterion("ms", 100, Direction.MINIMIZE)))

    await project.drain()

    loop = series(project)
    assert [done.metrics for done in loop.passes] == [{"ms": 300}, {"ms": 250}, {"ms": 90}]
    assert loop.ended_because is EndedBecause.CONVERGED


async def test_only_passes_have_the_tool(bench: Make) -> None:
    project = bench(say("x"))
    project.submit(node("n1"))

    await project.drain()

    assert "report_metric" not in [tool.name for tool in project.runtime.requests[0].tools]


@pytest.mark.parametrize("arguments", [{}, {"name": "ms"}, {"name": " ", "value": 1}, {"name": "ms", "value": "fast"}, {"name": "ms", "value": True}])
async def test_what_is_no_metric_is_told_to_the_agent(bench: Make, arguments: JsonObject) -> None:
    project = bench(lambda request: [Say("x")] if len(request.messages) > 1 else [Call("report_metric", arguments)])
    project.submit(looped(ThresholdCriterion("ms", 100, Direction.MINIMIZE), most=1))

    await project.drain()

    assert series(project).passes[0].metrics == {}
    assert "must be a" in str(project.runtime.requests[1].messages[-1])


async def test_a_metric_that_nobody_reports_is_inconclusive(bench: Make) -> None:
    project = bench(say("x"))
    project.submit(looped(ThresholdCriterion("ms", 100, Direction.MINIMIZE)))

    await project.drain()

    assert "nobody reported ms" in series(project).reason


# Combined


async def test_all_of_two_criteria_must_hold_at_once(bench: Make) -> None:
    project = bench(Agents(["a", "b", "c"], [score(0.95), score(0.5), score(0.95)]))
    (project.folder / "values").write_text("300\n90\n80\n")
    fast = ThresholdCriterion("ms", 100, Direction.MINIMIZE, "head -n $ABATHUR_PASS values | tail -n 1")
    [task] = project.submit(looped(AllOf((fast, JudgeCriterion("clear")))))

    await project.drain()

    loop = series(project)
    assert (loop.ended_because, loop.best, len(loop.passes)) == (EndedBecause.CONVERGED, 3, 3)
    assert loop.passes[0].reason.startswith("ms 300 is not yet <= 100; judge 0.95 >= 0.9")
    assert project.result(task) == "c"


async def test_one_of_several_nested_criteria_is_enough(bench: Make) -> None:
    project = bench(say("x"))
    either = AnyOf((CustomCriterion("exit 7"), AllOf((CustomCriterion("test $ABATHUR_PASS -ge 2"), PassingTestsCriterion("true")))))
    project.submit(looped(either))

    await project.drain()

    loop = series(project)
    assert (loop.ended_because, len(loop.passes)) == (EndedBecause.CONVERGED, 2)
    assert loop.passes[1].scores == {"custom 2": 1.0, "tests": 1.0}
    assert loop.passes[1].reason.startswith("the criterion's command is content; "), "what made it converge is told first"
    assert loop.passes[1].reason.endswith("the criterion's command ended with exit code 7")


async def test_one_command_that_two_thresholds_share_is_run_once_a_pass(bench: Make) -> None:
    project = bench(say("x"))
    measure = """echo x >> runs; echo '{"ms": 5, "mb": 7}'"""
    thresholds = AllOf((ThresholdCriterion("ms", 9, Direction.MINIMIZE, measure), ThresholdCriterion("mb", 9, Direction.MINIMIZE, measure)))
    project.submit(looped(thresholds))

    await project.drain()

    assert series(project).passes[0].metrics == {"ms": 5, "mb": 7}
    assert (project.folder / "runs").read_text() == "x\n"


# Ends


async def test_a_loop_without_limit_ends_when_it_makes_no_progress(bench: Make) -> None:
    project = bench(Agents(["a"]))
    [task] = project.submit(looped(ThresholdCriterion("ms", 1, Direction.MINIMIZE, "echo 5"), most=None, patience=4))

    await project.drain()

    loop, ended = series(project), project.task(task)
    assert (loop.ended_because, len(loop.passes), loop.best, loop.course) == (EndedBecause.NO_PROGRESS, 5, 1, Course.PLATEAU)
    assert ended.error is not None
    assert ended.error.code == "ABTH-ERR-084"
    assert loop.reason == "The loop ended: 4 passes in a row brought no better one; the best is pass 1 with ms 5."
    assert project.result(task) == "a"


async def test_halfway_to_giving_up_a_pass_starts_afresh(bench: Make) -> None:
    project = bench(Agents(["the plan"]))
    project.submit(looped(ThresholdCriterion("ms", 1, Direction.MINIMIZE, "echo 5"), most=None, patience=4))

    await project.drain()

    prompts = project.prompts()
    assert "# Pass 4: start afresh" in prompts[3]
    assert "- pass 1: ms 5 (the best): the plan" in prompts[3]
    assert "The best output so far" not in prompts[3]
    assert "The best output so far" in prompts[4]


async def test_a_loop_that_goes_up_and_down_starts_afresh_too_and_its_course_says_so(bench: Make) -> None:
    project = bench(say("the plan"))
    measure = "test $((ABATHUR_PASS % 2)) = 0 && echo 3 || echo 5"
    [task] = project.submit(looped(ThresholdCriterion("ms", 1, Direction.MINIMIZE, measure), most=None, patience=4))

    await project.drain()

    assert series(project).course is Course.OSCILLATING
    assert "# Pass 5: start afresh" in project.prompts()[4]
    assert "So far (oscillating):" in project.prompts()[4]
    assert "oscillating: pass 5 starts afresh, with what was learned" in [entry.text for entry in project.log(task)]


@pytest.mark.parametrize("values", [[5, 4, 3], [3, 4, 5], [5, 3, 5, 3]])
async def test_worsening_and_oscillating_loops_give_their_best_pass(bench: Make, values: list[int]) -> None:
    project = bench(Agents([f"output {number}" for number in range(1, len(values) + 1)]))
    (project.folder / "values").write_text("".join(f"{value}\n" for value in values))
    measure = "head -n $ABATHUR_PASS values | tail -n 1"
    [task] = project.submit(looped(ThresholdCriterion("ms", 1, Direction.MINIMIZE, measure), most=len(values)))

    await project.drain()

    best = values.index(min(values)) + 1
    assert (series(project).best, project.result(task)) == (best, f"output {best}")


async def test_a_target_reached_at_the_very_last_pass_counts(bench: Make) -> None:
    project = bench(say("x"))
    [task] = project.submit(looped(ThresholdCriterion("n", 10, Direction.MAXIMIZE, 'test "$ABATHUR_PASS" = 10 && echo 10 || echo 1'), most=10))

    await project.drain()

    assert project.task(task).status is Status.COMPLETED
    assert series(project).best == 10


async def test_a_measure_that_hangs_is_ended_with_the_loops_time(bench: Make) -> None:
    project = bench(say("x"))
    project.clock = clock = HandClock()
    hanging = ThresholdCriterion("n", 1, Direction.MAXIMIZE, "touch begun; sleep 600")
    [task] = project.submit(looped(hanging, timeout_seconds=60))
    async with project.running():
        await eventually_async((project.folder / "begun").exists)
        clock.forward(61)
        let_pass(61)
        await project.until(task, Status.FAILED)

    loop = series(project)
    assert (loop.ended_because, project.result(task)) == (EndedBecause.TIMEOUT, "x")
    assert "the measure took longer than " in loop.passes[0].reason
