"""Contradictions that a person decides: the join waits, holds nothing, and goes on with what was answered."""

import asyncio
import json
import time
from collections.abc import Callable, Iterator
from dataclasses import replace
from pathlib import Path

import pytest

from abathur_tui.domain.errors import Exit
from abathur_tui.domain.plan import ConflictRule, JoinStrategy
from abathur_tui.domain.questions import OfMember, OfOption, OfValue, Question
from abathur_tui.domain.status import Status, Why
from abathur_tui.storage import questions, queue
from tests.engine.bench import QUICK, Bench, join_node, node, settles
from tests.engine.joins.team import answering, report, spec, team
from tests.engine.joins.test_merging import file
from tests.engine.test_killed import Processes, kill
from tests.scripted import Script
from tests.waiting import eventually, eventually_async

MakeBench = Callable[[Script], Bench]


def asked(project: Bench) -> list[Question]:
    """What waits for an answer."""
    return project.database.read_now(questions.open_questions)


def say(project: Bench, question: Question, given: OfMember | OfOption | OfValue, who: str = "ada") -> None:
    """Answer it."""
    (answered,) = project.database.write_now(questions.answer, [question.id], given, who, time.time())
    assert answered.error is None


async def asking(project: Bench, join: int, count: int) -> list[Question]:
    """The questions, once the join has asked so many."""
    await eventually_async(lambda: len(asked(project)) == count and project.task(join).why == Why.ASKS)
    return asked(project)


async def test_the_join_waits_until_all_is_answered_and_keeps_who_answered_what(bench: MakeBench) -> None:
    project = bench(answering())
    *members, join = team(project, JoinStrategy.MERGE, '{"port": 1, "host": "a"}', '{"port": 2, "host": "b"}', conflicts=ConflictRule.ASK)

    async with project.running():
        port, host = await asking(project, join, 2)
        assert project.task(join).state.word == "asks you"
        assert (port.asking.where, [one.value for one in port.asking.options]) == ("port", [1, 2])
        say(project, port, OfMember(members[1]))
        assert project.task(join).why == Why.ASKS
        say(project, host, OfValue("c"), "bob")
        await project.until(join, Status.COMPLETED)

    assert json.loads(project.result(join) or "") == {"port": 2, "host": "c"}
    kept = report(project, join)["conflicts"]
    assert [(one["rule"], one["settled"], one["reason"]) for one in kept] == [  # type: ignore[attr-defined]
        ("ask", 2, f"ada decided for t{members[1]}"),
        ("ask", "c", "bob wrote it"),
    ]
    actions = [(event.action, event.actor) for event in project.detail(join).events if event.action.startswith("question.")]
    assert actions == [("question.asked", f"t{join}")] * 2 + [("question.answered", "ada"), ("question.answered", "bob")]


async def test_a_join_that_asks_holds_no_slot(bench: MakeBench) -> None:
    project = bench(answering())
    project.settings = QUICK.model_copy(update={"swarm": QUICK.swarm.model_copy(update={"max_agents": 1})})
    *_, join = team(project, JoinStrategy.MERGE, '{"port": 1}', '{"port": 2}', conflicts=ConflictRule.ASK)

    async with project.running():
        await asking(project, join, 1)
        (other,) = project.submit(node("other"))
        await project.until(other, Status.COMPLETED)


async def test_lines_of_a_file_are_asked_about_and_may_be_written_anew(bench: MakeBench) -> None:
    project = bench(answering())
    *_, join = team(project, JoinStrategy.MERGE, file("a\nx\nc\n"), file("a\ny\nc\n"), conflicts=ConflictRule.ASK)

    async with project.running():
        (question,) = await asking(project, join, 1)
        assert question.asking.kind == "lines"
        assert [one.value for one in question.asking.options] == ["x\n", "y\n"]
        say(project, question, OfValue("z"))
        await project.until(join, Status.COMPLETED)

    assert "a\nz\nc\n" in (project.result(join) or "")


async def test_a_drain_leaves_what_waits_for_a_person_and_a_later_engine_goes_on_with_the_answer(bench: MakeBench) -> None:
    project = bench(answering())
    *_, join = team(project, JoinStrategy.MERGE, '{"port": 1}', '{"port": 2}', conflicts=ConflictRule.ASK)

    assert await project.drain() is Exit.DONE
    left = project.task(join)
    assert (left.status, left.why, left.state.word) == (Status.PENDING, Why.ASKS, "asks you")
    assert await project.drain() is Exit.DONE
    (question,) = asked(project)
    say(project, question, OfOption(2))
    assert project.task(join).why == Why.NONE
    assert await project.drain() is Exit.DONE

    assert json.loads(project.result(join) or "") == {"port": 2}
    assert len([event for event in project.detail(join).events if event.action == "question.asked"]) == 1


async def test_an_engine_that_only_waits_for_a_person_ends_when_it_has_been_idle_for_long_enough(bench: MakeBench) -> None:
    project = bench(answering())
    project.settings = QUICK.model_copy(update={"system": QUICK.system.model_copy(update={"idle_seconds": 0.3})})
    *_, join = team(project, JoinStrategy.MERGE, '{"port": 1}', '{"port": 2}', conflicts=ConflictRule.ASK)

    async with asyncio.timeout(30):
        assert await project.engine().run() is Exit.DONE

    assert (project.task(join).status, project.task(join).why) == (Status.PENDING, Why.ASKS)


async def test_a_cancelled_join_asks_nobody_any_more_and_one_that_comes_back_asks_the_same(bench: MakeBench) -> None:
    project = bench(answering())
    *_, join = team(project, JoinStrategy.MERGE, '{"port": 1}', '{"port": 2}', conflicts=ConflictRule.ASK)

    async with project.running():
        (question,) = await asking(project, join, 1)
        project.database.write_now(queue.cancel, [join], "ada", "", time.time())
        await project.until(join, Status.CANCELLED)
        assert asked(project) == []
        (refused,) = project.database.write_now(questions.answer, [question.id], OfOption(1), "ada", time.time())
        assert refused.error is not None
        project.database.write_now(queue.retry, [join], "ada", time.time())
        (again,) = await asking(project, join, 1)
        assert again.id == question.id


@pytest.fixture
def processes(tmp_path: Path) -> Iterator[Processes]:
    """A project whose engines are processes; nothing of them survives the test."""
    made = Processes(tmp_path / "project")
    yield made
    made.end()


def test_a_join_survives_kills_while_it_asks_and_finds_the_answer_that_came_meanwhile(processes: Processes) -> None:
    project = processes.project
    meeting = replace(join_node("all"), join=spec(JoinStrategy.MERGE, conflicts=ConflictRule.ASK))
    *members, join = project.submit(node("n1"), node("n2"), meeting, edges=settles("all", "n1", "n2"))
    for number, claim in enumerate(project.claim("00000000-0000-4000-8000-000000000000"), 1):
        project.write(queue.complete, claim.lease, json.dumps({"port": number, "host": number}))
    engine = processes.start("--stay")
    row = processes.await_active()
    eventually(lambda: project.task(join).why == Why.ASKS and asked(project))

    kill(row.pid)
    say(project, asked(project)[0], OfMember(members[1]))
    row = processes.await_active(row)
    eventually(lambda: project.task(join).why == Why.ASKS and project.task(join).status is Status.RUNNING)
    kill(row.pid)
    processes.await_active(row)
    say(project, asked(project)[0], OfMember(members[0]))
    eventually(lambda: project.task(join).finished_at)
    engine.terminate()

    assert json.loads(project.result(join) or "") == {"port": 2, "host": 1}
    assert len([event for event in project.detail(join).events if event.action == "question.asked"]) == 2
