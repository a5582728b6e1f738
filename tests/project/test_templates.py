"""Templates through the façade: kept, planned with, watched, removed; their use counts, and what is queued keeps its text."""

import asyncio
import sqlite3
from collections.abc import Iterator
from contextlib import aclosing
from pathlib import Path

import pytest

from abathur_tui import Project
from abathur_tui.domain.errors import NotFound, VersionTaken
from abathur_tui.domain.notices import NoticeKind
from abathur_tui.storage import journal, queue, views
from tests.library.folders import write
from tests.storage.building import said

STORY = 'name = "STORY"\nprompt = "Tell of {{ hero }}."\n\n[parameters.hero]\nrequired = true\n'
LANE = "command:default"


@pytest.fixture
def project(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Project]:
    monkeypatch.setenv("HOME", str(tmp_path / "home"))
    monkeypatch.setenv("XDG_CONFIG_HOME", str(tmp_path / "home/.config"))
    (tmp_path / "project").mkdir()
    environ = {"PATH": "/bin:/usr/bin", "ABATHUR_API__RUNTIME": "command", "ABATHUR_RUNTIMES__COMMAND__ARGV": '["cat"]'}
    with Project.open(tmp_path / "project", create=True, environ=environ) as opened:
        yield opened


async def done(project: Project, seconds: float) -> None:
    """A task of STORY from its submission to its end."""
    submitted = await project.submit('ABYSSAL[STORY]("a snail")')
    (claimed,) = await project.database.write(queue.claim, "11111111-1111-4111-8111-111111111111", {LANE: 9}, 1, 1_800_000_000.0)
    turn = await project.database.write(journal.begin_turn, claimed.lease, 1, None, [], 1_800_000_000.0)
    await project.database.write(journal.finish_turn, claimed.lease, turn, said("x"), 1_800_000_000.0)
    await project.database.write(queue.complete, claimed.lease, "x", 1_800_000_000.0 + seconds)
    assert submitted.root == claimed.lease.task


async def test_a_template_is_kept_and_planned_with_at_once(project: Project) -> None:
    kept = await project.register_template(STORY)

    assert kept.new
    assert [node.template for node in (await project.plan('ABYSSAL[STORY]("a snail")')).nodes] == ["STORY"]
    with pytest.raises(VersionTaken):
        await project.register_template(STORY.replace("Tell", "Sing"), for_user=True)


async def test_what_is_queued_keeps_the_text_that_it_was_planned_with(project: Project) -> None:
    # given
    await project.register_template(STORY)
    submitted = await project.submit('ABYSSAL[STORY]("a snail")')

    # when
    removed = await project.remove_template("STORY")

    # then
    assert removed.file.endswith("STORY@1.0.0.toml")
    with pytest.raises(NotFound):
        await project.remove_template("STORY")
    work = await project.read(views.work, submitted.root)
    assert (work.prompt, work.parameters) == ("Tell of {{ hero }}.", {"hero": "a snail"})

    def kept(c: sqlite3.Connection) -> list[tuple[str, str]]:
        return c.execute("SELECT t.template, c.body FROM execution_templates AS t JOIN content AS c ON c.hash = t.body").fetchall()

    assert await project.read(kept) == [("STORY@1.0.0", STORY)]


async def test_plans_say_whether_they_are_measured_after_five_runs(project: Project) -> None:
    await project.register_template(STORY)
    for _ in range(4):
        await done(project, 12)
    guess = (await project.plan('ABYSSAL[STORY]("x")')).estimate
    await done(project, 12)
    measured = (await project.plan('ABYSSAL[STORY]("x")')).estimate

    assert (guess.seconds, guess.measured) == (30, False)
    assert (measured.seconds, measured.tokens, measured.cost_usd, measured.measured) == (12, 120, 0.01, True)
    records = {template.name: use for template, use in await project.templates()}
    assert (records["STORY"].uses, records["STORY"].success_rate) == (5, 1)
    assert records["CODE"].uses == 0


async def test_a_saved_file_is_told_to_who_watches_the_project(project: Project) -> None:
    kept = await project.register_template(STORY)

    async with asyncio.timeout(30), aclosing(project.library_changes()) as changes:
        waiting = asyncio.ensure_future(anext(changes))
        await asyncio.sleep(0)
        write(Path(kept.template.file), STORY.replace('"STORY"', '"STORY"\nretries = -1'))
        broken = await waiting

        assert (broken.kind, broken.line) == (NoticeKind.BROKEN, 2)
        assert "STORY 1.0.0 stays as it was before" in broken.text
        assert (await project.plan('ABYSSAL[STORY]("x")')).nodes
