"""The whole engine with the real SDK against a real server, and the real tools on real files."""

import asyncio
from collections.abc import Callable, Mapping
from pathlib import Path

import pytest

from abathur_tui.domain.conversation import Runtime
from abathur_tui.domain.execution import RuntimeChoice, RuntimeName
from abathur_tui.domain.status import Status, Why
from abathur_tui.engine.keys import hand_over
from abathur_tui.processes import Children
from abathur_tui.runtimes import open_runtime
from abathur_tui.storage import views
from abathur_tui.tools import for_project
from tests.engine.bench import Bench, node
from tests.messages_server import MessagesServer, Reply, cut, overloaded, rate_limited, refuses, says, uses_tool
from tests.scripted import Script, say
from tests.waiting import eventually_async

Make = Callable[[Script], Bench]


@pytest.fixture
def project(bench: Make) -> Bench:
    """A project whose agents are asked through the SDK."""

    def opens(choice: RuntimeChoice, keys: Mapping[str, str]) -> Runtime:
        return open_runtime(choice, keys, Children())

    made = bench(say(""))
    made.opens = opens
    made.keys.add("f00d", "sk-good")
    return made


def at(server: MessagesServer) -> RuntimeChoice:
    """The server as an execution's runtime."""
    return RuntimeChoice(RuntimeName.ANTHROPIC, base_url=server.url, key_fingerprint="f00d")


async def test_an_agent_reads_a_file_and_answers(project: Bench) -> None:
    await asyncio.to_thread((project.folder / "gateway.py").write_text, "PORT = 8084\n")
    async with MessagesServer([uses_tool("read_file", {"path": "gateway.py"}), says("It listens on 8084.")]) as server:
        project.choice = at(server)
        project.tools = for_project(project.folder)
        [task] = project.submit(node(prompt="which port?"))

        await project.drain()

    assert project.result(task) == "It listens on 8084."
    assert "PORT = 8084" in str(server.requests[1].body["messages"][-1])
    [call] = project.detail(task).turns[0].tool_calls
    assert (call.tool, call.status) == ("read_file", "done")


@pytest.mark.parametrize("failure", [rate_limited("0"), overloaded(), refuses(500), cut()])
async def test_what_passes_is_tried_again(project: Bench, failure: Reply) -> None:
    async with MessagesServer([failure, says("there it is")]) as server:
        project.choice = at(server)
        [task] = project.submit(node())

        await project.drain()

    assert project.result(task) == "there it is"
    assert [attempt.outcome for attempt in project.detail(task).attempts] == ["retrying", "completed"]


async def test_a_wrong_key_holds_its_tasks_until_a_good_one_arrives(project: Bench) -> None:
    async with MessagesServer([says("paid")], key="sk-better") as server:
        project.choice = at(server)
        tasks = project.submit(node("n1"), node("n2"))
        async with project.running():
            await eventually_async(lambda: {project.task(task).why for task in tasks} == {Why.KEY})

            assert await asyncio.to_thread(hand_over, project.data, {"bee5": "sk-better"})

            for task in tasks:
                await project.until(task, Status.COMPLETED)
    texts = [str(entry) for entry in project.log(tasks[0])] + [str(event) for event in project.database.read_now(views.audit)]
    assert not any("sk-" in text for text in texts)
    assert not any(b"sk-better" in file.read_bytes() for file in files_of(project.data))


def files_of(folder: Path) -> list[Path]:
    """All files in it."""
    return [path for path in folder.rglob("*") if path.is_file()]
