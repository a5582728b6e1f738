"""Conversations: tools, limits, ends, and going on after a stop."""

import asyncio
from collections.abc import Callable

from abathur_tui.domain.conversation import Message, TextBlock, ToolOutcome, ToolResultBlock, TurnDone, TurnRequest, Usage, message_data
from abathur_tui.domain.data import JsonObject
from abathur_tui.domain.status import Status
from abathur_tui.engine.conversation import MAX_TURNS
from abathur_tui.storage import journal, queue, views
from tests.engine.bench import Bench, node
from tests.scripted import Call, Note, Say, Script, ScriptedTool, Stop, Wait, in_order, say, tools_by_name
from tests.waiting import eventually_async

Make = Callable[[Script], Bench]


def told(request: TurnRequest) -> list[ToolResultBlock]:
    """The tool results in the last message."""
    return [block for block in request.messages[-1].blocks if isinstance(block, ToolResultBlock)]


async def test_the_model_is_told_what_its_tool_calls_gave_and_then_answers(bench: Make) -> None:
    project = bench(in_order([Say("let me look"), Call("look", {"path": "a.py"}, "c1")], [Say("it is fine")]))
    [task] = project.submit(node())

    await project.drain()

    assert project.result(task) == "it is fine"
    assert told(project.runtime.requests[1]) == [ToolResultBlock("c1", '{"path": "a.py"}')]
    [call] = project.detail(task).turns[0].tool_calls
    assert (call.tool, call.status, call.summary) == ("look", "done", "looked")
    assert [event.action for event in project.database.read_now(views.audit, task=task) if event.action.startswith("tool")]


async def test_several_calls_of_one_turn_are_answered_together_in_order(bench: Make) -> None:
    project = bench(in_order([Call("look", {"path": "a"}, "c1"), Call("look", {"path": "b"}, "c2")], [Say("done")]))
    project.submit(node())

    await project.drain()

    assert [block.tool_use_id for block in told(project.runtime.requests[1])] == ["c1", "c2"]


async def test_a_tool_that_there_is_not_and_one_that_breaks_are_told_as_errors(bench: Make) -> None:
    def breaks(_: JsonObject) -> ToolOutcome:
        raise RuntimeError("bug")

    project = bench(in_order([Call("write", {}, "c1"), Call("look", {}, "c2")], [Say("never mind")]))
    project.tools = tools_by_name(ScriptedTool(answer=breaks))
    [task] = project.submit(node())

    await project.drain()

    first, second = told(project.runtime.requests[1])
    assert first.is_error
    assert first.text == "There is no tool 'write'. There are: look, spawn_agent, read_state, write_state, report_progress."
    assert second.is_error
    assert project.result(task) == "never mind"


async def test_a_runtime_without_tools_is_offered_none(bench: Make) -> None:
    project = bench(say("x"))
    project.runtime.known_limits = type(project.runtime.known_limits)(1000, 100, tools=False)
    project.submit(node())

    await project.drain()

    assert project.runtime.requests[0].tools == ()


async def test_an_answer_that_was_cut_off_is_continued_once(bench: Make) -> None:
    project = bench(in_order([Say("one, two, "), Stop("max_tokens")], [Say("three")]))
    [task] = project.submit(node())

    await project.drain()

    assert project.result(task) == "one, two, three"
    assert [message.role for message in project.runtime.requests[1].messages] == ["user", "assistant", "user"]


async def test_an_answer_that_is_cut_off_again_is_kept_with_a_notice(bench: Make) -> None:
    project = bench(in_order([Say("one, "), Stop("max_tokens")], [Say("two, "), Stop("max_tokens")]))
    [task] = project.submit(node())

    await project.drain()

    assert project.task(task).status is Status.COMPLETED
    assert project.result(task) == "one, two, "
    assert sum("cut off" in entry.text for entry in project.log(task)) == 2


async def test_a_tool_call_that_was_cut_off_is_not_run(bench: Make) -> None:
    project = bench(in_order([Call("look", {}, "c1"), Stop("max_tokens")], [Say("done")]))
    tool = ScriptedTool()
    project.tools = tools_by_name(tool)
    project.submit(node())

    await project.drain()

    assert tool.calls == []
    assert told(project.runtime.requests[1])[0].text.startswith("Not run")


async def test_a_model_that_declines_fails_the_task_and_is_asked_again_by_a_retry(bench: Make) -> None:
    project = bench(in_order([Say("I would rather not."), Stop("refusal")], [Say("Well then.")]))
    [task] = project.submit(node())

    await project.drain()

    ended = project.task(task)
    assert ended.status is Status.FAILED
    assert ended.error is not None
    assert (ended.error.code, ended.error.message) == ("ABTH-ERR-141", "The model declined to answer. I would rather not.")

    project.write(queue.retry, [task], "user")
    await project.drain()

    assert project.result(task) == "Well then."
    assert project.prompts() == ["do it", "do it"]


async def test_an_agent_that_finds_no_end_is_stopped(bench: Make) -> None:
    project = bench(lambda _: [Call("look")])
    [task] = project.submit(node())

    await project.drain()

    assert len(project.runtime.requests) == MAX_TURNS
    error = project.task(task).error
    assert error is not None
    assert error.code == "ABTH-ERR-142"


async def test_lines_for_the_log_are_kept_beside_the_answer(bench: Make) -> None:
    project = bench(in_order([Note("loading"), Say("answer")]))
    [task] = project.submit(node())

    await project.drain()

    assert [entry.text for entry in project.log(task) if entry.kind == "stderr"] == ["loading"]
    assert project.result(task) == "answer"


async def test_what_is_said_can_be_read_while_it_is_said(bench: Make) -> None:
    more = asyncio.Event()
    project = bench(lambda _: [Say("so far"), Wait(more), Say(" so good")])
    [task] = project.submit(node())

    async with project.running():
        await eventually_async(lambda: project.detail(task).partial == "so far")
        more.set()
        await project.until(task, Status.COMPLETED)


async def test_after_an_ordered_stop_it_goes_on_from_the_last_finished_turn(bench: Make) -> None:
    never = asyncio.Event()
    project = bench(in_order([Call("look", {"path": "a"}, "c1")], [Say("half an ans"), Wait(never)], [Say("the answer")]))
    tool = ScriptedTool()
    project.tools = tools_by_name(tool)
    [task] = project.submit(node())
    async with project.running():
        await eventually_async(lambda: project.detail(task).partial == "half an ans")
    stopped = project.detail(task)
    assert (stopped.task.status, stopped.task.attempt) == (Status.PENDING, 0)

    await project.drain()

    assert project.result(task) == "the answer"
    assert len(tool.calls) == 1
    assert project.runtime.requests[2].messages == project.runtime.requests[1].messages


async def test_a_tool_call_that_was_begun_and_not_finished_is_told_as_unknown_and_not_repeated(bench: Make) -> None:
    never = asyncio.Event()
    project = bench(in_order([Call("look", {"path": "a"}, "c1"), Call("look", {"path": "b"}, "c2")], [Say("careful then")]))
    tool = ScriptedTool(before=never)
    project.tools = tools_by_name(tool)
    [task] = project.submit(node())
    async with project.running():
        await eventually_async(lambda: len(tool.calls) == 1)

    tool.before = None
    await project.drain()

    first, second = told(project.runtime.requests[1])
    assert first.is_error
    assert first.text.startswith("Unknown outcome")
    assert second.text == '{"path": "b"}'
    assert [call["path"] for call in tool.calls] == ["a", "b"]
    assert project.result(task) == "careful then"


async def test_a_finished_answer_is_not_asked_for_again(bench: Make) -> None:
    project = bench(say("asked again"))
    [task] = project.submit(node())
    # An engine that was killed between the end of the turn and the end of the task.
    [claim] = project.claim("dead")
    turn = project.write(journal.begin_turn, claim.lease, 1, None, [message_data(Message("user", (TextBlock("do it"),)))])
    answer = TurnDone(Message("assistant", (TextBlock("expensive"),)), "end_turn", Usage(1, 1), "scripted", 1.0)
    project.write(journal.finish_turn, claim.lease, turn, answer)
    project.write(queue.recover, "dead")

    await project.drain()

    assert project.result(task) == "expensive"
    assert project.runtime.requests == []
