"""Saved files take effect at once, with a notice; a broken one keeps what it last said."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import aclosing, asynccontextmanager

import pytest

from abathur_tui.domain.errors import TemplateInvalid
from abathur_tui.domain.notices import Notice, NoticeKind
from abathur_tui.library import FileRegistry
from abathur_tui.library.watching import watch
from tests.library.folders import Folders, template, write
from tests.waiting import eventually_async


def prompt(registry: FileRegistry, name: str = "A") -> str:
    one = registry.template(name)
    assert one is not None
    return one.prompt


def test_a_change_counts_after_reload_and_is_told(folders: Folders) -> None:
    path = folders.in_project("a.toml", template("A", prompt="old"))
    registry = folders.registry()
    assert prompt(registry) == "old"

    folders.in_project("a.toml", template("A", "1.1.0", prompt="new"))
    folders.in_project("b.toml", template("B"))

    assert prompt(registry) == "old"
    assert [notice.text for notice in registry.reload()] == [
        f"A 1.1.0 has changed, and counts from now on ({path}).",
        f"B 1.0.0 is there ({path.parent / 'b.toml'}).",
    ]
    assert prompt(registry) == "new"
    assert registry.reload() == ()


def test_a_broken_file_keeps_its_last_good_version_until_it_is_mended_or_gone(folders: Folders) -> None:
    path = folders.in_project("a.toml", template("A", prompt="good"))
    registry = folders.registry()
    registry.reload()

    folders.in_project("a.toml", template("A", prompt="better", more="retries = -1\n"))
    (broken,) = registry.reload()

    assert broken.kind is NoticeKind.BROKEN
    assert broken.text == f"{path}:4: retries: it must be greater than or equal to 0, not -1; A 1.0.0 stays as it was before."
    assert broken.line == 4
    assert list(registry.notices) == [broken]
    assert prompt(registry) == "good"

    folders.in_project("a.toml", template("A", prompt="better"))

    assert [notice.text for notice in registry.reload()] == [f"A 1.0.0 is mended, and counts again ({path})."]
    assert prompt(registry) == "better"
    assert not registry.notices

    path.unlink()

    assert [notice.text for notice in registry.reload()] == [f"A 1.0.0 is gone ({path})."]
    assert registry.template("A") is None


def test_a_file_that_is_broken_from_the_start_has_no_good_version(folders: Folders) -> None:
    folders.in_project("a.toml", "")
    folders.in_home("a.toml", template("A"))
    registry = folders.registry()

    assert prompt(registry) == "Do it."
    assert registry.reload() == ()

    folders.in_project("a.toml", template("A", more="x = 1\n"))

    assert [notice.kind for notice in registry.reload()] == [NoticeKind.BROKEN]
    with pytest.raises(TemplateInvalid):
        registry.template("A")


def test_agents_are_read_again_too(folders: Folders) -> None:
    path = folders.project / ".claude/agents/tester.md"
    write(path, "---\nname: tester\ndescription: Tests.\n---\nTest it.\n")
    registry = folders.registry()
    assert (agent := registry.agent("tester")) is not None
    assert agent.prompt == "Test it."

    write(path, "---\nname: tester\n---\nTest it better.\n")
    (notice,) = registry.reload()

    assert notice.text == f"{path}: its front matter has no description; the agent tester stays as it was before."
    assert (agent := registry.agent("tester")) is not None
    assert (agent.prompt, agent.file) == ("Test it.", str(path))

    path.unlink()

    assert [notice.text for notice in registry.reload()] == [f"The agent tester is gone ({path})."]
    assert (agent := registry.agent("tester")) is not None
    assert agent.origin == "builtin"


@asynccontextmanager
async def watched(registry: FileRegistry) -> AsyncIterator["asyncio.Queue[Notice]"]:
    """The notices of a registry that is watched, in a queue; when it is there, the watching has begun."""
    told: asyncio.Queue[Notice] = asyncio.Queue()
    begun = asyncio.Event()

    async def follow() -> None:
        begun.set()
        async with aclosing(watch(registry, look_seconds=0.2)) as changes:
            async for notices in changes:
                for notice in notices:
                    told.put_nowait(notice)

    async with asyncio.TaskGroup() as group:
        task = group.create_task(follow())
        await begun.wait()
        yield told
        task.cancel()


async def test_a_saved_file_takes_effect_at_once_wherever_it_lies(folders: Folders) -> None:
    path = folders.in_project("a.toml", template("A", prompt="old"))
    registry = folders.registry("team")
    registry.reload()

    async with asyncio.timeout(30), watched(registry) as told:
        write(path, template("A", prompt="new"))
        assert (await told.get()).text == f"A 1.0.0 has changed, and counts from now on ({path})."
        assert prompt(registry) == "new"

        added = write(folders.project / "team/t.toml", template("T"))
        assert (await told.get()).text == f"T 1.0.0 is there ({added})."

        write(added, template("T", "2.0.0"))
        assert (await told.get()).text == f"T 2.0.0 has changed, and counts from now on ({added})."

        agent = write(folders.home / ".claude/agents/deep/er.md", "---\nname: er\ndescription: x\n---\nx\n")
        assert (await told.get()).text == f"The agent er is there ({agent})."

        for file in (path, agent):
            file.unlink()
        gone = {(await told.get()).text for _ in range(2)}
        assert gone == {f"A 1.0.0 is gone ({path}).", f"The agent er is gone ({agent})."}

        for folder in (path.parent, added.parent):
            for file in folder.iterdir():
                file.unlink()
            folder.rmdir()
        assert (await told.get()).text == f"T 2.0.0 is gone ({added})."
        folders.in_project("a.toml", template("A", prompt="back"))
        assert (await told.get()).text == f"A 1.0.0 is there ({path})."


async def test_watching_ends_at_once_when_it_is_not_wanted_any_more(folders: Folders) -> None:
    registry = folders.registry()

    async def follow() -> None:
        async with aclosing(watch(registry, look_seconds=60)) as changes:
            async for _ in changes:
                pass

    async with asyncio.timeout(30):
        task = asyncio.create_task(follow())
        await eventually_async(lambda: registry._last)
        task.cancel()
        await asyncio.gather(task, return_exceptions=True)
    assert task.cancelled()
