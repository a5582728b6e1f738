"""A result that does not meet its success criteria is a failed attempt, whose reason the next one is told."""

import json
from collections.abc import Callable, Iterable
from dataclasses import replace

import pytest

from abathur_tui.domain.conversation import FailureKind, TurnRequest
from abathur_tui.domain.criteria import JudgeCriterion
from abathur_tui.domain.errors import ApiUnavailable
from abathur_tui.domain.loops import LoopSpec
from abathur_tui.domain.plan import Edge, Fallback, Kind, OnFailure
from abathur_tui.domain.status import Status
from abathur_tui.domain.success import Success
from abathur_tui.engine.asking import Useless
from abathur_tui.engine.judging import read_verdict
from abathur_tui.storage import views
from tests.engine.bench import Bench, join_node, node, settles
from tests.scripted import Say, Script, Step
from tests.waiting import eventually_async

Make = Callable[[Script], Bench]
SOURCES = "names its sources"


def verdict(score: float = 0.9, *scores: float, confidence: float = 0.95) -> str:
    """A judge's answer."""
    requirements = [{"number": number, "score": one, "reason": "so it is."} for number, one in enumerate(scores, 1)]
    return json.dumps({"requirements": requirements, "score": score, "confidence": confidence, "reason": "as far as it goes"})


def answering(answers: list[str | Exception], *verdicts: str) -> Script:
    """The agents' answers and the judges', each in order."""
    left, judged = list(answers), list(verdicts)

    def script(request: TurnRequest) -> Iterable[Step]:
        answer = judged.pop(0) if request.system == "You are judge." else left.pop(0)
        return [answer if isinstance(answer, Exception) else Say(answer)]

    return script


async def test_a_result_that_meets_them_counts_and_keeps_what_was_said_of_it(bench: Make) -> None:
    project = bench(answering(["a draft"], verdict(0.85, 0.9)))
    [task] = project.submit(node(success=Success(commands=("grep draft",), sentences=(SOURCES,), quality=0.8, confidence=0.9)))
    await project.drain()

    shown = project.detail(task)
    assert (shown.task.status, shown.result) == (Status.COMPLETED, "a draft")
    assert shown.quality is not None
    assert (shown.quality.score, shown.quality.confidence) == (0.85, 0.95)
    assert [(one.name, one.score, one.reason) for one in shown.quality.criteria] == [("$ grep draft", 1.0, "exits 0"), (SOURCES, 0.9, "so it is.")]
    judge = project.task(task + 1)
    assert (judge.parent, judge.agent, judge.name) == (task, "judge", "Judge of n1")


async def test_the_agent_is_told_what_its_result_is_checked_for(bench: Make) -> None:
    project = bench(answering(["a draft"], verdict(0.9, 0.9)))
    project.submit(node(prompt="do it", success=Success(commands=("true",), sentences=(SOURCES,), quality=0.8)))
    await project.drain()

    told = project.prompts()[0]
    assert told.startswith("do it\n\nYour result is checked")
    assert f"- {SOURCES}\n- `true` exits 0; it is given the result on standard input\n- a judge's score of at least 0.8" in told


@pytest.mark.parametrize(
    ("wanted", "answer", "reason"),
    [
        (Success(quality=0.8), verdict(0.79), "quality 0.79 is below 0.8: as far as it goes"),
        (Success(sentences=(SOURCES,)), verdict(0.9, 0.5), "names its sources: so it is"),
        (Success(confidence=0.8), verdict(0.9, confidence=0.5), "confidence 0.50 is below 0.8: as far as it goes"),
        (Success(commands=("echo too long >&2; exit 3",)), "", "`$ echo too long >&2; exit 3` ended with exit code 3: too long"),
        (Success(commands=("no-such-program",)), "", "`$ no-such-program` cannot run"),
    ],
)
async def test_one_that_does_not_has_failed_with_the_reason_and_is_kept(bench: Make, wanted: Success, answer: str, reason: str) -> None:
    project = bench(answering(["a draft"], answer))
    [task] = project.submit(node(success=wanted))
    await project.drain()

    shown = project.detail(task)
    assert shown.task.error is not None
    assert (shown.task.status, shown.task.error.code, shown.result) == (Status.FAILED, "ABTH-ERR-143", "a draft")
    assert shown.task.error.message.startswith(f"The result does not meet its criteria: {reason}")
    assert [attempt.outcome for attempt in shown.attempts] == ["failed"]


async def test_nobody_is_asked_where_a_command_has_said_no(bench: Make) -> None:
    project = bench(answering(["a draft"]))
    [task] = project.submit(node(success=Success(commands=("false", "true"), quality=0.5)))
    await project.drain()

    assert len(project.runtime.requests) == 1
    shown = project.detail(task)
    assert shown.quality is not None
    assert (shown.quality.score, [one.score for one in shown.quality.criteria]) == (None, [0.0, 1.0])


async def test_the_next_attempt_is_told_why_and_goes_on_in_the_same_conversation(bench: Make) -> None:
    project = bench(answering(["a draft", "a better one"], verdict(0.5, 0.4), verdict(0.9, 0.9)))
    [task] = project.submit(node(success=Success(sentences=(SOURCES,), quality=0.7, attempts=2)))
    await project.drain()

    second = next(request for request in project.runtime.requests[1:] if request.system != "You are judge.")
    assert [message.role for message in second.messages] == ["user", "assistant", "user"]
    assert second.messages[1].text == "a draft"
    assert second.messages[2].text.startswith(
        "Your result 1 was checked, and does not do yet: names its sources: so it is.; quality 0.50 is below 0.7: as far as it goes"
    )
    shown = project.detail(task)
    assert (shown.task.status, shown.result, [attempt.outcome for attempt in shown.attempts]) == (
        Status.COMPLETED,
        "a better one",
        ["retrying", "completed"],
    )


async def test_attempts_are_used_up(bench: Make) -> None:
    project = bench(answering(["one", "two", "three"], verdict(0.1), verdict(0.1), verdict(0.1)))
    [task] = project.submit(node(success=Success(quality=0.7, attempts=2)))
    await project.drain()

    assert (project.task(task).status, project.task(task).attempt, project.result(task)) == (Status.FAILED, 3, "three")


async def test_a_transient_failure_in_between_does_not_make_it_forget_what_was_wrong(bench: Make) -> None:
    busy = ApiUnavailable("busy", kind=FailureKind.TRANSIENT)
    project = bench(answering(["one", busy, "two"], verdict(0.1), verdict(0.9)))
    [task] = project.submit(node(success=Success(quality=0.7, attempts=1)))
    await project.drain()

    assert (project.task(task).status, project.result(task)) == (Status.COMPLETED, "two")
    assert "does not do yet" in project.runtime.requests[-2].messages[-1].text


async def test_a_judge_that_gives_no_verdict_twice_fails_it(bench: Make) -> None:
    project = bench(answering(["a draft"], "it is fine", "really"))
    [task] = project.submit(node(success=Success(quality=0.7)))
    await project.drain()

    error = project.task(task).error
    assert error is not None
    assert "the judge gave no verdict: it gave no usable answer, twice (t3): there is no JSON object in it" in error.message


async def test_dependents_of_one_that_may_be_skipped_go_on_without_it(bench: Make) -> None:
    project = bench(answering(["rubbish", "done"]))
    _, after = project.submit(
        node("n1", success=Success(commands=("false",)), on_failure=OnFailure.SKIP), node("n2", "go on"), edges=[Edge("n2", "n1")]
    )
    await project.drain()

    assert project.result(after) == "done"
    assert "rubbish" not in project.prompts()[-1]
    assert "[no result: it is failed: The result does not meet its criteria" in project.prompts()[-1]


async def test_a_fallback_is_done_instead_and_is_checked_too(bench: Make) -> None:
    plain = Fallback("PLAIN", "1.0.0", "tester", "Plainly", {}, {})
    project = bench(answering(["rubbish", "gold"]))
    [task] = project.submit(node(success=Success(commands=("grep gold",)), fallback=plain))
    await project.drain()

    shown = project.detail(task)
    assert (shown.task.status, shown.result) == (Status.COMPLETED, "gold")
    assert shown.fell_back is not None
    assert "`$ grep gold` ended with exit code 1" in shown.fell_back.because

    [other] = project.submit(node(success=Success(commands=("grep silver",)), fallback=plain))
    project.runtime.script = answering(["rubbish", "gold"])
    await project.drain()
    assert project.task(other).status is Status.FAILED


async def test_a_join_and_a_loop_are_checked_at_their_end(bench: Make) -> None:
    wanted = Success(commands=("grep -q gold",))
    looping = replace(node(), kind=Kind.LOOP, loop=LoopSpec(JudgeCriterion("good"), 1), success=wanted)
    project = bench(answering(["rubbish", "iron"], '{"score": 0.95, "reason": "fine"}'))
    [loop] = project.submit(looping)
    _, join = project.submit(node("n1"), replace(join_node("n2"), success=wanted), edges=settles("n2", "n1"))
    await project.drain()

    for task in (loop, join):
        shown = project.detail(task)
        assert (shown.task.status, shown.task.error and shown.task.error.code) == (Status.FAILED, "ABTH-ERR-143")
        assert shown.result
    assert project.detail(join).join is not None


async def test_what_was_asked_before_an_engine_died_is_not_asked_again(bench: Make) -> None:
    project = bench(answering(["a draft"], verdict(0.9)))
    [task] = project.submit(node(success=Success(quality=0.7)))
    async with project.running():
        await eventually_async(lambda: project.database.read_now(views.counts)[Status.COMPLETED] > 0)
    await project.drain()

    assert (project.task(task).status, len(project.runtime.requests)) == (Status.COMPLETED, 2)


async def test_commands_see_whose_result_it_is(bench: Make) -> None:
    project = bench(answering(["a draft"]))
    project.submit(node(success=Success(commands=('echo "$ABATHUR_TASK $ABATHUR_ATTEMPT ${ABATHUR_PASS-none}" > seen; cat >> seen',))))
    await project.drain()

    assert (project.folder / "seen").read_text() == "t1 1 none\na draft"


@pytest.mark.parametrize(
    ("text", "requirements", "scores"),
    [
        ('{"score": 0.5, "reason": "r"}', [], []),
        ('```json\n{"score": "9/10", "reason": "r"}\n```', ["a"], [0.9]),
        (
            '{"requirements": [{"number": 1, "met": true, "reason": "r"}, {"number": 2, "met": false, "reason": "r"}], "score": 1}',
            ["a", "b"],
            [1.0, 0.0],
        ),
    ],
)
def test_verdicts_are_read_as_judges_write_them(text: str, requirements: list[str], scores: list[float]) -> None:
    assert [one.score for one in read_verdict(text, requirements, need_confidence=False).requirements] == scores


@pytest.mark.parametrize(
    "text",
    [
        "good",
        '{"score": 2, "reason": "r"}',
        '{"score": 0.5}',
        '{"score": 0.5, "reason": "r", "confidence": 7}',
        '{"score": 0.5, "reason": "r", "confidence": null}',
        '{"score": 0.5, "confidence": 1, "reason": "r", "requirements": [{"number": 1, "score": 1, "reason": "r"}]}',
        '{"score": 0.5, "confidence": 1, "reason": "r", "requirements": ["a", "b"]}',
    ],
)
def test_a_verdict_that_leaves_something_out_is_of_no_use(text: str) -> None:
    with pytest.raises(Useless):
        read_verdict(text, ["a", "b"], need_confidence=True)
