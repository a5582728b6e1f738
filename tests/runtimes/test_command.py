"""Any program answers a turn: prompt in, result out, and its exit code decides."""

import asyncio
import os
import signal
import sys
from collections.abc import AsyncIterator
from contextlib import aclosing
from pathlib import Path

import pytest

from abathur_tui.domain.conversation import (
    Caller,
    Event,
    FailureKind,
    LogLine,
    Message,
    TextBlock,
    TextDelta,
    ToolResultBlock,
    ToolUseBlock,
    TurnDone,
    TurnRequest,
    Usage,
)
from abathur_tui.domain.errors import CommandFailed
from abathur_tui.domain.execution import RuntimeChoice, RuntimeName
from abathur_tui.engine.prompting import room_for_prompt
from abathur_tui.guard import MARK
from abathur_tui.processes import Children
from abathur_tui.runtimes.command import CommandRuntime
from tests.alive import alive
from tests.waiting import eventually, eventually_async


@pytest.fixture
async def children() -> AsyncIterator[Children]:
    children = Children()
    yield children
    await children.aclose()


class Program:
    """The command runtime for one command line in a folder."""

    def __init__(self, children: Children, folder: Path, *argv: str) -> None:
        environment = (("PATH", os.environ["PATH"]), ("FLAVOUR", "vanilla"))
        choice = RuntimeChoice(RuntimeName.COMMAND, argv=argv, working_folder=str(folder), environment=environment)
        self.runtime = CommandRuntime(choice, children)

    def turn(self, *messages: Message, system: str = "Be brief.") -> AsyncIterator[Event]:
        """Answer these messages; without any, a plain question."""
        caller = Caller("/projects/a b", "x3", "t12", "a5", attempt=2, instance=4, instances=9)
        return self.runtime.turn(TurnRequest(system, messages or (said("What is it?"),), (), 1000, caller))

    async def events(self, *messages: Message, system: str = "Be brief.") -> list[Event]:
        """All that happens in the turn."""
        return [event async for event in self.turn(*messages, system=system)]

    async def answer(self, *messages: Message, system: str = "Be brief.") -> str:
        """What it says."""
        *_, last = await self.events(*messages, system=system)
        assert isinstance(last, TurnDone)
        return last.message.text


def said(text: str) -> Message:
    return Message("user", (TextBlock(text),))


def shell(children: Children, folder: Path, script: str) -> Program:
    return Program(children, folder, "sh", "-c", script)


async def test_an_exit_code_of_0_is_a_finished_turn(children: Children, tmp_path: Path) -> None:
    *deltas, done = await shell(children, tmp_path, "printf 'It is good.'").events()
    assert "".join(event.text for event in deltas if isinstance(event, TextDelta)) == "It is good."
    assert done == TurnDone(Message("assistant", (TextBlock("It is good."),)), "end_turn", Usage(0, 0), "sh", None)


async def test_the_whole_prompt_is_on_standard_input(children: Children, tmp_path: Path) -> None:
    program = Program(children, tmp_path, "cat")
    assert await program.answer() == "Be brief.\n\nWhat is it?\n"
    assert await program.answer(said("alone"), system="") == "alone\n"
    assert len(await program.answer(said("ä" * 1_000_000))) == 1_000_012


async def test_a_conversation_says_who_said_what(children: Children, tmp_path: Path) -> None:
    messages = (
        said("Read it."),
        Message("assistant", (TextBlock("I read."), ToolUseBlock("1", "read_file", {"path": "a"}))),
        Message("user", (ToolResultBlock("1", "its text"),)),
    )
    expected = "Be brief.\n\n## User\n\nRead it.\n\n## Assistant\n\nI read.\n\n## User\n\nits text\n"
    assert await Program(children, tmp_path, "cat").answer(*messages) == expected


async def test_text_that_is_no_unicode_does_not_break_the_prompt(children: Children, tmp_path: Path) -> None:
    assert await Program(children, tmp_path, "cat").answer(said("a\udc80b")) == "Be brief.\n\na?b\n"


async def test_the_program_sees_whose_turn_it_is_and_nothing_that_it_should_not(
    children: Children, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("ANTHROPIC_API_KEY", "sk-secret")
    lines = (await Program(children, tmp_path, "env").answer()).splitlines()
    seen = dict(line.split("=", 1) for line in lines)
    assert seen.pop(MARK)  # by which it is found, should it leave its group
    expected = {
        "PATH": os.environ["PATH"],
        "TERM": "dumb",
        "FLAVOUR": "vanilla",
        "ABATHUR_PROJECT": "/projects/a b",
        "ABATHUR_EXECUTION": "x3",
        "ABATHUR_TASK": "t12",
        "ABATHUR_AGENT": "a5",
        "ABATHUR_ATTEMPT": "2",
        "ABATHUR_INSTANCE": "4",
        "ABATHUR_INSTANCES": "9",
    }
    # A shell may add its own about the folder and itself.
    assert {name: value for name, value in seen.items() if name not in {"PWD", "OLDPWD", "SHLVL", "_"}} == expected


async def test_it_runs_in_the_working_folder_and_its_own_group(children: Children, tmp_path: Path) -> None:
    program = Program(children, tmp_path, sys.executable, "-c", "import os; print(os.getcwd(), os.getpgrp() == os.getpid())")
    assert await program.answer() == f"{tmp_path} True\n"


async def test_text_streams_as_it_comes(children: Children, tmp_path: Path) -> None:
    os.mkfifo(tmp_path / "gate")
    turn = shell(children, tmp_path, "echo one; read line <gate; echo two").turn()
    assert await anext(turn) == TextDelta("one\n")
    (tmp_path / "gate").write_text("go\n")
    assert await anext(turn) == TextDelta("two\n")
    assert isinstance(await anext(turn), TurnDone)


async def test_standard_error_is_the_log(children: Children, tmp_path: Path) -> None:
    *lines, done = await shell(children, tmp_path, "cat >/dev/null; echo first >&2; printf 'second' >&2").events()
    assert lines == [LogLine("first"), LogLine("second")]
    assert isinstance(done, TurnDone)
    assert done.message.text == ""


@pytest.mark.parametrize(
    ("script", "kind", "message"),
    [
        ("exit 75", FailureKind.TRANSIENT, r"sh ended with exit code 75\."),
        ("exit 1", FailureKind.PERMANENT, r"sh ended with exit code 1\."),
        ("exit 126", FailureKind.PERMANENT, r"sh ended with exit code 126\."),
        ("echo text; echo why >&2; exit 3", FailureKind.PERMANENT, r"sh ended with exit code 3:\nwhy$"),
        ("seq 9 >&2; exit 75", FailureKind.TRANSIENT, r"sh ended with exit code 75:\n5\n6\n7\n8\n9$"),
        ("kill -KILL $$", FailureKind.PERMANENT, r"sh was killed by signal 9\."),
    ],
)
async def test_any_other_exit_code_is_a_failure(children: Children, tmp_path: Path, script: str, kind: FailureKind, message: str) -> None:
    with pytest.raises(CommandFailed, match=message) as failure:
        await shell(children, tmp_path, script).events()
    assert failure.value.kind is kind


async def test_a_missing_program_fails_for_good(children: Children, tmp_path: Path) -> None:
    with pytest.raises(CommandFailed, match="no program") as failure:
        await Program(children, tmp_path, "/no/such/program").events()
    assert failure.value.kind is FailureKind.PERMANENT


def family(folder: Path) -> list[int]:
    """The process ids that the script below writes."""
    return [int(word) for word in (folder / "family").read_text().split()]


FAMILY = "sleep 60 & echo $$ $! >draft; mv draft family; echo begun; wait"


async def test_closing_the_turn_ends_the_program_and_its_children(children: Children, tmp_path: Path) -> None:
    async with aclosing(shell(children, tmp_path, FAMILY).turn()) as turn:  # type: ignore[type-var]
        assert await anext(turn) == TextDelta("begun\n")
    await eventually_async(lambda: not any(map(alive, family(tmp_path))))


async def test_cancelling_the_turn_ends_the_program_and_its_children(children: Children, tmp_path: Path) -> None:
    turn = asyncio.create_task(shell(children, tmp_path, FAMILY).events())
    await asyncio.to_thread(eventually, (tmp_path / "family").exists)
    turn.cancel()
    with pytest.raises(asyncio.CancelledError):
        await turn
    await eventually_async(lambda: not any(map(alive, family(tmp_path))))


async def test_a_program_that_is_killed_from_outside_is_a_failure(children: Children, tmp_path: Path) -> None:
    turn = shell(children, tmp_path, FAMILY).turn()
    assert await anext(turn) == TextDelta("begun\n")
    os.kill(family(tmp_path)[0], signal.SIGTERM)
    with pytest.raises(CommandFailed, match="killed by signal 15"):
        await anext(turn)


async def test_its_limits_do_not_cut_a_prompt_and_name_no_tools(children: Children, tmp_path: Path) -> None:
    limits = await Program(children, tmp_path, "cat").runtime.limits()
    assert room_for_prompt(limits, "") >= 10_000_000
    assert not limits.tools
