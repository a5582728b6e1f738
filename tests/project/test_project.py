"""The programming interface, as a program uses it."""

import asyncio
import json
import os
import re
import subprocess
import sys
from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from abathur_tui import ExecutionResult, Project, Wish
from abathur_tui.domain.clock import SystemClock
from abathur_tui.domain.errors import AccountRefused, NotFound, ProjectNotFound, UnknownTemplate
from abathur_tui.domain.filter_language import parse_filter
from abathur_tui.domain.status import Status
from abathur_tui.storage import views
from tests.cli.program import AGENT, PROGRAM
from tests.messages_server import MessagesServer, says


@pytest.fixture
async def project(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> AsyncIterator[Project]:
    """A project whose agents do what their prompt says; its engine is stopped at the end."""
    for name, value in environment(tmp_path).items():
        monkeypatch.setenv(name, value)
    monkeypatch.delenv("ANTHROPIC_API_KEY", raising=False)
    (tmp_path / "work").mkdir()
    with Project.open(tmp_path / "work", create=True) as opened:
        yield opened
        await opened.stop_engine()


def environment(tmp_path: Path) -> dict[str, str]:
    return {
        "HOME": str(tmp_path),
        "XDG_CONFIG_HOME": str(tmp_path / "config"),
        "ABATHUR_API__RUNTIME": "command",
        "ABATHUR_RUNTIMES__COMMAND__ARGV": json.dumps([sys.executable, AGENT]),
    }


async def test_run_gives_what_the_command_line_gives(project: Project) -> None:
    result = await project.run("SAY hello")

    assert isinstance(result, ExecutionResult)
    assert (result.status, result.output) == (Status.COMPLETED, "hello\n")
    assert result.data()["execution"] == "x1"
    assert (await project.result(result.execution)).output == result.output


class HourAgo(SystemClock):
    """A clock that was set back."""

    def now(self) -> float:
        """Unix time in seconds."""
        return super().now() - 3600


async def test_what_is_queued_where_no_engine_lives_comes_after_what_was_queued_before_the_clock_was_set_back(project: Project) -> None:
    with Project.open(project.folder) as before:
        await before.submit("SAY first")
    with Project.open(project.folder, clock=HourAgo()) as after:
        await after.submit("SAY second")

    entries, _ = await project.read(views.log_since, None, limit=2)

    assert [entry.text.partition(":")[0] for entry in entries] == ["SAY second pending", "the clock was set back"]


async def test_a_template_runs_with_its_parameters(project: Project) -> None:
    result = await project.run_template("RESEARCH", {"question": "SAY found"})

    assert result.output is not None
    assert "found" in result.output
    with pytest.raises(UnknownTemplate):
        await project.run_template("RESERCH", {"question": "x"})


async def test_watching_gives_all_that_happens_to_the_end(project: Project) -> None:
    submitted = await project.submit("SAY hello")
    await project.ensure_engine()

    entries = [entry async for entry in project.watch(submitted.execution)]
    again = [entry async for entry in project.watch(submitted.execution)]

    assert "".join(entry.text for entry in entries if entry.kind == "says").strip() == "hello"
    assert [entry.text for entry in entries if entry.kind == "status"] == [entry.text for entry in again if entry.kind == "status"]
    with pytest.raises(NotFound):
        await anext(project.watch(99))


async def test_two_watchers_see_the_same(project: Project) -> None:
    submitted = await project.submit("SAY one; SAY two")

    async def said() -> str:
        return "".join([entry.text async for entry in project.watch(submitted.execution) if entry.kind == "says"])

    first, second, _ = await asyncio.gather(said(), said(), project.ensure_engine())

    assert first == second == "one\ntwo\n"


async def test_what_was_submitted_is_triaged(project: Project) -> None:
    submitted = await project.submit("SAY hello", Wish(common={"priority": 9, "tags": ["later"]}))
    (task,) = await project.tasks(parse_filter("tag:later priority>8"))

    assert task.id == submitted.root
    assert [change.status for change in await project.pause([task.id])] == [Status.PAUSED]
    assert [change.status for change in await project.resume([task.id])] == [Status.PENDING]
    assert [change.status for change in await project.cancel([task.id])] == [Status.CANCELLED]
    assert [change.status for change in await project.retry([task.id])] == [Status.PENDING]
    assert (await project.reprioritize([999], 1))[0].error is not None
    status = await project.status()
    assert (status.counts[Status.PENDING], status.engine) == (1, None)
    assert status.data()["alerts"] == []


async def test_an_engine_that_is_needed_is_one(project: Project) -> None:
    first, second = await asyncio.gather(project.ensure_engine(), project.ensure_engine())

    assert first == second
    assert (await project.status()).engine == first
    assert await project.stop_engine()
    assert project.engine() is None


async def test_a_cancelled_run_leaves_its_execution_at_work(project: Project) -> None:
    running = asyncio.create_task(project.run("SAY begun; WAIT go; SAY gone"))
    async with asyncio.timeout(30):
        async for _ in project.changes():
            if await has_begun(project):
                break

    running.cancel()
    with pytest.raises(asyncio.CancelledError):
        await running
    (project.folder / "go").touch()
    async for _ in project.watch(1):
        pass

    assert (await project.result(1)).output == "begun\ngone\n"


async def has_begun(project: Project) -> bool:
    tasks = await project.tasks()
    return bool(tasks) and bool((await project.task(tasks[0].id)).partial)


async def test_a_refused_account_ends_the_run_and_keeps_the_task(project: Project, monkeypatch: pytest.MonkeyPatch) -> None:
    async with MessagesServer([says()], key="right") as server:
        monkeypatch.setenv("ANTHROPIC_BASE_URL", server.url)
        monkeypatch.setenv("ANTHROPIC_API_KEY", "wrong")
        with pytest.raises(AccountRefused):
            await project.run("hello", Wish(runtime="anthropic"))

    assert [task.status for task in await project.tasks()] == [Status.PENDING]


def test_reading_makes_no_project(tmp_path: Path) -> None:
    with pytest.raises(ProjectNotFound):
        Project.open(tmp_path)

    assert list(tmp_path.iterdir()) == []


def test_a_folder_with_settings_only_is_no_project_yet(tmp_path: Path) -> None:
    (tmp_path / ".abathur").mkdir()
    (tmp_path / ".abathur" / "config.toml").write_text("")

    with pytest.raises(ProjectNotFound, match="no queue yet"):
        Project.open(tmp_path)
    with Project.open(tmp_path, create=True) as project:
        assert project.made


def test_the_pages_example_works(tmp_path: Path) -> None:
    page = (Path(__file__).parents[2] / "docs" / "python.md").read_text(encoding="utf-8")
    (example,) = re.findall(r"```python\n(.*?)```", page, re.DOTALL)
    environ = {**os.environ, **environment(tmp_path)}

    done = subprocess.run([sys.executable, "-c", example], cwd=tmp_path, env=environ, capture_output=True, text=True, check=False)
    subprocess.run([PROGRAM, "engine", "stop"], cwd=tmp_path, env=environ, check=True, capture_output=True)

    assert done.returncode == 0, done.stderr
    assert done.stdout.startswith("done: ")


def test_importing_the_package_loads_nothing() -> None:
    code = "import sys, abathur_tui; print([name for name in sys.modules if name.startswith('abathur_tui.')]); print(abathur_tui.Project)"

    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)

    assert done.stdout.splitlines() == ["[]", "<class 'abathur_tui.project.project.Project'>"]
