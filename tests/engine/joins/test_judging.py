"""Votes, and the best by a judge's scores."""

import asyncio
from collections.abc import Callable, Iterable
from dataclasses import replace
from typing import Any

import pytest

from abathur_tui.domain.conversation import FailureKind, TurnRequest
from abathur_tui.domain.errors import ApiRefused
from abathur_tui.domain.execution import RuntimeChoice, RuntimeName
from abathur_tui.domain.plan import JoinStrategy
from abathur_tui.domain.status import Status, Why
from abathur_tui.engine.asking import Useless
from abathur_tui.engine.joins.questions import Score, read_choices, read_scores
from abathur_tui.settings.model import Swarm
from abathur_tui.storage import queue, views
from tests.engine.bench import QUICK, Bench, join_node, node, settles
from tests.engine.joins.team import answering, report, scores, spec, team
from tests.scripted import GENEROUS, Say, Script, Step, Wait


async def test_the_majority_wins_with_its_first_voters_own_words(bench: Callable[[Script], Bench]) -> None:
    project = bench(answering())
    one, two, three, join = team(project, JoinStrategy.VOTE, "I say no.\nVote: no", "First.\nVote: Yes", "Second.\nVote: yes.")
    await project.drain()

    assert project.result(join) == "First.\nVote: Yes"
    said: Any = report(project, join)
    assert said["account"] == 'of 3 votes 1 for "no" (t1); 2 for "Yes" (t2 and t3); 2 of 3 say so'
    assert [(entry["task"], entry["used"], entry["note"]) for entry in said["contributions"]] == [
        (one, False, 'voted for "no"'),
        (two, True, 'voted for "Yes"'),
        (three, True, 'voted for "Yes"'),
    ]
    assert said["conflicts"][0] | {"reason": ""} == {
        "kind": "answer",
        "where": "the answer",
        "values": [{"value": "no", "members": [one]}, {"value": "Yes", "members": [two, three]}],
        "rule": "vote",
        "settled": "Yes",
        "reason": "",
    }


async def test_a_tie_goes_to_the_highest_priority_then_to_the_first(bench: Callable[[Script], Bench]) -> None:
    project = bench(answering())
    *_, first = team(project, JoinStrategy.VOTE, "a", "b")
    *_, higher = team(project, JoinStrategy.VOTE, "a", "b", priorities=(5, 9))
    await project.drain()

    assert (project.result(first), project.result(higher)) == ("a", "b")
    said: Any = report(project, first)
    assert said["conflicts"][0]["reason"] == "1 of 2 for each of 2, and t1 comes first"


async def test_whom_a_join_asks_has_its_time_limit_and_retries(bench: Callable[[Script], Bench]) -> None:
    project = bench(answering(judge=scores(0.1, 0.9)))
    *_, join = project.submit(
        node("n1", "a"),
        node("n2", "b"),
        replace(join_node("all"), join=spec(JoinStrategy.BEST), timeout_seconds=7, retries=0),
        edges=settles("all", "n1", "n2"),
    )
    await project.drain()

    [asked] = [task for task in range(1, join + 2) if project.task(task).agent == "judge"]
    work = project.database.read_now(views.work, asked)
    assert (work.timeout_seconds, work.retries) == (7, 0)
    assert project.result(join) == "b"


async def test_who_agrees_has_no_conflict(bench: Callable[[Script], Bench]) -> None:
    project = bench(answering())
    *_, join = team(project, JoinStrategy.VOTE, "42", "42.0")
    await project.drain()

    assert report(project, join)["conflicts"] == []


async def test_an_empty_answer_is_no_vote(bench: Callable[[Script], Bench]) -> None:
    project = bench(lambda request: [Say("" if "silent" in request.messages[0].text else "yes")])
    *_, join = team(project, JoinStrategy.VOTE, "a", "silent", "b", share=0.6)
    await project.drain()

    assert report(project, join)["missing"] == ["n2 (2 of 3) (t2) gave an empty answer"]


async def test_the_best_is_the_one_with_the_highest_score(bench: Callable[[Script], Bench]) -> None:
    project = bench(answering(judge=scores(0.4, 0.9, 0.9)))
    one, two, three, join = team(project, JoinStrategy.BEST, "one", "two", "three", criteria=("short", "true"))
    await project.drain()

    assert project.result(join) == "two"
    said: Any = report(project, join)
    assert said["account"] == "the best of 3 is t2 with a score of 0.90: reason 2"
    assert said["quality"] == {"score": 0.9, "confidence": None, "criteria": [{"name": "short, true", "score": 0.9, "reason": "reason 2"}]}
    assert [(entry["task"], entry["used"], entry["note"]) for entry in said["contributions"]] == [
        (one, False, "score 0.40: reason 1"),
        (two, True, "chosen, score 0.90: reason 2"),
        (three, False, "score 0.90: reason 3"),
    ]


async def test_the_judge_is_an_agent_with_a_task_inside_the_join(bench: Callable[[Script], Bench]) -> None:
    project = bench(answering(judge=scores(0.4, 0.9)))
    one, two, join = team(project, JoinStrategy.BEST, "one", "two")
    await project.drain()

    judge = project.task(join + 1)
    assert (judge.parent, judge.agent, judge.status, judge.depends_on) == (join, "judge", Status.COMPLETED, (one, two))
    prompt = project.prompts()[-1]
    assert "## Result 1\n\none\n\n## Result 2\n\ntwo" in prompt
    assert "# The task\n\none" in prompt
    assert judge.tokens_input > 0


async def test_equal_results_need_no_judge(bench: Callable[[Script], Bench]) -> None:
    project = bench(answering())
    *_, join = team(project, JoinStrategy.BEST, "one", "One.")
    await project.drain()

    assert project.result(join) == "one"
    assert len(project.runtime.requests) == 2
    assert report(project, join)["quality"] is None


async def test_a_malformed_answer_of_the_judge_is_asked_for_once_more(bench: Callable[[Script], Bench]) -> None:
    said = iter(['{"scores": [{"result": 1, "score": 7, "reason": "great"}]}', scores(0.2, 0.3)])
    project = bench(answering(judge=lambda _: next(said)))
    *_, join = team(project, JoinStrategy.BEST, "one", "two")
    await project.drain()

    assert project.result(join) == "two"
    assert 'could not be used: "score" of result 1 is not a number from 0 to 1. It was:' in project.prompts()[-1]


async def test_a_judge_that_answers_rubbish_twice_fails_the_join_and_a_retry_asks_anew(bench: Callable[[Script], Bench]) -> None:
    answers = iter(["?", "??", scores(0.9, 0.1)])
    project = bench(answering(judge=lambda _: next(answers)))
    *_, join = team(project, JoinStrategy.BEST, "one", "two")
    await project.drain()

    task = project.task(join)
    assert task.error is not None
    assert (task.status, task.error.code) == (Status.FAILED, "ABTH-ERR-132")
    assert task.error.message == "Scores for all gave no usable answer, twice (t5): there is no JSON object in it."

    project.write(queue.retry, [join], "user")
    await project.drain()

    assert project.result(join) == "one"
    assert len(project.runtime.requests) == 5


async def test_a_judge_that_cannot_be_asked_fails_the_join_with_its_reason(bench: Callable[[Script], Bench]) -> None:
    def script(request: TurnRequest) -> Iterable[Step]:
        if "judge" in request.system:
            return [ApiRefused("no such model", kind=FailureKind.PERMANENT)]
        return [Say(request.messages[0].text)]

    project = bench(script)
    *_, join = team(project, JoinStrategy.BEST, "one", "two")
    await project.drain()

    error = project.task(join).error
    assert error is not None
    assert error.message == "Scores for all (t4) is dead: no such model."


async def test_with_one_slot_the_judge_works_while_the_join_waits_and_both_end_with_a_cancel(bench: Callable[[Script], Bench]) -> None:
    asked, never = asyncio.Event(), asyncio.Event()

    def script(request: TurnRequest) -> Iterable[Step]:
        if "judge" in request.system:
            asked.set()
            return [Say("I think"), Wait(never)]
        return [Say(request.messages[0].text)]

    project = bench(script)
    project.settings = QUICK.model_copy(update={"swarm": Swarm(max_agents=1)})
    *_, join = team(project, JoinStrategy.BEST, "one", "two")
    async with project.running():
        await asyncio.wait_for(asked.wait(), 30)
        assert project.task(join).why == Why.CHILDREN
        project.write(queue.cancel, [join], "user", "enough")
        await project.until(join, Status.CANCELLED)
        await project.until(join + 1, Status.CANCELLED)


async def test_an_engine_that_comes_after_a_crash_asks_nothing_twice(bench: Callable[[Script], Bench]) -> None:
    asked, never = asyncio.Event(), asyncio.Event()
    held = True

    def script(request: TurnRequest) -> Iterable[Step]:
        if "judge" in request.system:
            asked.set()
            return [Wait(never)] if held else [Say(scores(0.1, 0.2))]
        return plain(request)

    plain = answering()
    project = bench(script)
    *_, join = team(project, JoinStrategy.BEST, "one", "two")
    async with project.running():
        await asyncio.wait_for(asked.wait(), 30)
    held = False
    await project.drain()

    assert project.result(join) == "two"
    with pytest.raises(Exception, match="There is no task"):
        project.task(join + 2)


@pytest.mark.parametrize(
    ("text", "complaint"),
    [
        ("fine", "there is no JSON object in it"),
        ("{}", 'the object has no list "scores"'),
        ('{"scores": [1]}', '"scores" holds something that is no object'),
        ('{"scores": []}', "result 1 is missing"),
        ('{"scores": [{"result": 3, "score": 1, "reason": "x"}]}', '"result" is 3, not a number from 1 to 2'),
        ('{"scores": [{"result": 1, "score": true, "reason": "x"}]}', '"score" of result 1 is not a number from 0 to 1'),
        ('{"scores": [{"result": 1, "score": 0.5}]}', '"reason" of result 1 is missing'),
        (
            '{"scores": [{"result": 1, "score": 0, "reason": "x"}, {"result": 1, "score": 1, "reason": "x"}]}',
            "result 1 is scored twice",
        ),
        ('{"scores": [{"result": 1, "score": 0, "reason": "x"}]}', "result 2 is missing"),
    ],
)
def test_scores_are_checked(text: str, complaint: str) -> None:
    with pytest.raises(Useless) as caught:
        read_scores(text, 2)
    assert str(caught.value) == complaint


def test_scores_may_stand_in_any_order_and_in_a_fence() -> None:
    text = 'Here:\n```json\n{"scores": [{"result": 2, "score": 1, "reason": " b "}, {"result": 1, "score": 0.5, "reason": "a"}]}\n```\nscore: 0.75'
    assert read_scores(text, 2) == [Score(0.5, "a"), Score(1.0, "b")]


def test_choices_are_checked() -> None:
    with pytest.raises(Useless, match='"option" is 3, not a number from 1 to 2'):
        read_choices('{"choices": [{"contradiction": 1, "option": 3, "reason": "x"}]}', [2])


async def test_where_the_model_cannot_judge_all_results_are_kept_and_it_is_said(bench: Callable[[Script], Bench]) -> None:
    project = bench(answering(judge="I am too small for this."))
    project.choice, project.runtime.known_limits = RuntimeChoice(RuntimeName.LOCAL), replace(GENEROUS, judges=False)
    *_, join = team(project, JoinStrategy.BEST, "one", "two")
    *_, alone = team(project, JoinStrategy.BEST, "same", "same")
    await project.drain()

    assert project.result(join) == "## n1 (1 of 2)\n\none\n\n## n2 (2 of 2)\n\ntwo"
    said: Any = report(project, join)
    assert said["account"].startswith("the embedded model cannot judge, so all 2 results stand here, one after the other")
    assert said["quality"] is None
    assert project.result(alone) == "same"
    assert len(project.runtime.requests) == 4, "nobody was asked"
